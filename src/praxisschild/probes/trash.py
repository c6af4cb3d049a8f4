"""Fill a temporary person's trash, lay traps in it, let the host's own clean-up run, and see what is left.

Prints ``{"job": null}`` where no timer empties trashes, else ``{"job": unit, "result": systemd's word, "old": bool,
"fresh": bool, "outside": bool, "behind_link": bool}``: whether what was thrown away long ago, what was thrown away just
now, the folder that a link in the trash pointed to, and what lay behind a trash that was itself a link still exist.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from praxisschild.probes.host import TemporaryUser, probe, run

PATIENCE = 60
LONG_AGO = 400 * 86400
WORDS = re.compile(r"aufraeum|papierkorb|trash", re.IGNORECASE)


def job() -> str:
    """The service that an enabled timer starts and that by its name empties trashes."""
    listed = run(["systemctl", "list-unit-files", "--type=timer", "--state=enabled", "--no-legend", "--plain"]).stdout
    for line in listed.splitlines():
        unit = run(["systemctl", "show", "--property=Unit", "--value", line.split()[0]]).stdout.strip()
        if WORDS.search(unit):
            return unit
    return ""


def throw_away(trash: Path, name: str, when: float) -> None:
    """Note in the trash when something was thrown away (freedesktop.org, Trash specification 1.0)."""
    date = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(when))
    info = trash / "info" / f"{name}.trashinfo"
    info.write_text(f"[Trash Info]\nPath=/home/{name}\nDeletionDate={date}\n", encoding="utf-8")


def trash_of(home: Path) -> Path:
    """An empty trash in this home."""
    trash = home / ".local/share/Trash"
    for part in ("files", "info"):
        (trash / part).mkdir(parents=True)
    return trash


def experiment() -> dict[str, Any]:
    """The whole probe."""
    unit = job()
    if not unit:
        return {"job": None}
    past = time.time() - LONG_AGO
    elsewhere = Path(tempfile.mkdtemp(prefix="praxisschild-probe-"))
    try:
        with TemporaryUser() as careless, TemporaryUser() as hostile:
            trash = trash_of(Path(careless.home))
            old = trash / "files" / "Befund"
            (old / "Anlage").mkdir(parents=True)
            (old / "Anlage" / "Bild.bin").write_bytes(b"x")
            fresh = trash / "files" / "Brief.txt"
            fresh.write_text("x", encoding="utf-8")
            throw_away(trash, old.name, past)
            throw_away(trash, fresh.name, time.time())
            # root's folder and a colleague's: a link must lead nobody there
            outside = elsewhere / "Patienten"
            outside.mkdir()
            (outside / "Akte.txt").write_text("x", encoding="utf-8")
            (trash / "files" / "Verweis").symlink_to(outside)
            throw_away(trash, "Verweis", past)
            careless.own(careless.home)
            behind = trash_of(elsewhere / "Heim")
            (behind / "files" / "Fremdes.txt").write_text("x", encoding="utf-8")
            throw_away(behind, "Fremdes.txt", past)
            (Path(hostile.home) / ".local/share").mkdir(parents=True)
            hostile.own(hostile.home)
            (Path(hostile.home) / ".local/share/Trash").symlink_to(behind)
            run(["systemctl", "reset-failed", unit])
            run(["systemctl", "start", unit], timeout=PATIENCE)
            result = run(["systemctl", "show", "--property=Result", "--value", unit]).stdout.strip()
            return {
                "job": unit,
                "result": result,
                "old": old.exists() or (trash / "info" / f"{old.name}.trashinfo").exists(),
                "fresh": fresh.exists(),
                "outside": (outside / "Akte.txt").exists(),
                "behind_link": (behind / "files" / "Fremdes.txt").exists(),
            }
    finally:
        shutil.rmtree(elsewhere, ignore_errors=True)


if __name__ == "__main__":
    probe(experiment, 90)
