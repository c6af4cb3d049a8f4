"""Run the scheduled backup for real, destroy a file, restore it with restic and compare; then the restore test.

The jobs are the enabled timers whose service runs restic. Only a folder of the probe's own is destroyed; one ordinary
snapshot more stays. Prints ``{"jobs": [unit]}`` where no backup is scheduled, else also ``"backup": run``, ``"file":
"identical" | "different" | "missing" | "not backed up"``, ``"says": str``, ``"restore_test": run | null`` and
``"medium": {**run, "mounts": [unit], "mounted_before", "mounted_during", "mounted_after": bool} | null``;
``run`` is ``{"unit": str, "result": str}`` with systemd's word for it, ``success`` if all went well. A job whose
medium is not connected is left alone; its result is ``medium absent``.
"""

from __future__ import annotations

import json
import re
import secrets
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from praxisschild.probes.host import ProbeError, probe, run

PATIENCE = 60
FOLDER = "praxisschild-probe-"
ABANDONED = 900
KINDS = (("restore", "restore_test"), ("medium", "medium"), ("check", "check"))


def properties(unit: str, *names: str) -> dict[str, str]:
    """What systemd knows about the unit."""
    shown = run(["systemctl", "show", *(f"--property={name}" for name in names), unit]).stdout
    return dict(line.partition("=")[::2] for line in shown.splitlines())


def jobs() -> dict[str, str]:
    """The services that enabled timers start and that run restic, with what each is for."""
    listed = run(["systemctl", "list-unit-files", "--type=timer", "--state=enabled", "--no-legend", "--plain"]).stdout
    found = {}
    for line in listed.splitlines():
        unit = properties(line.split()[0], "Unit").get("Unit", "")
        command = properties(unit, "ExecStart").get("ExecStart", "") if unit else ""
        if runs_restic(command):
            found[unit] = next((kind for word, kind in KINDS if word in unit), "backup")
    return found


def runs_restic(command: str) -> bool:
    """Whether the command, or the script that it starts, is restic."""
    program = re.search(r"path=(\S+)", command)
    if not program:
        return False
    path = Path(program[1])
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return path.name == "restic" or (file.read(2) == b"#!" and b"restic" in file.read(1 << 20))


def start(unit: str) -> dict[str, str]:
    """Run the job once and wait for its end.

    Raises:
        ProbeError: it takes longer than a probe can wait; it goes on by itself.
    """
    run(["systemctl", "reset-failed", unit])
    try:
        started = run(["systemctl", "start", unit], timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise ProbeError(f"{unit} still runs after {PATIENCE} s") from None
    result = properties(unit, "Result").get("Result", "")
    # what could not even be started keeps the result of an earlier run
    return {"unit": unit, "result": "not started" if started.returncode and result == "success" else result}


class Repository:
    """The job's repository, reached as the operations manual says: restic with the job's own environment."""

    def __init__(self, unit: str) -> None:
        shown = properties(unit, "Environment", "EnvironmentFiles")
        self._environment = dict(word.partition("=")[::2] for word in shlex.split(shown.get("Environment", "")))
        for name in re.findall(r"(\S+) \(ignore_errors", shown.get("EnvironmentFiles", "")):
            lines = Path(name).read_text(encoding="utf-8").splitlines()
            words = [word for line in lines if not line.startswith("#") for word in shlex.split(line)]
            self._environment.update(dict(word.partition("=")[::2] for word in words))

    def restic(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The finished restic; its password reaches no process list."""
        return run(["restic", *arguments], environment=self._environment)

    def latest(self) -> dict[str, Any]:
        """The newest snapshot; empty if there is none."""
        listed = self.restic("snapshots", "--json", "--no-lock")
        snapshots: list[dict[str, Any]] = json.loads(listed.stdout or "null") or []
        return max(snapshots, key=lambda snapshot: str(snapshot["time"]), default={})


def lose_and_restore(unit: str) -> dict[str, Any]:
    """Back up a new file, destroy it, and get it back."""
    repository = Repository(unit)
    backup = {"unit": unit, "result": "success"}
    if not repository.latest():
        backup = start(unit)
    paths = [path for path in repository.latest().get("paths", []) if Path(path).is_dir()]
    paths.sort(key=lambda path: path == "/etc")  # others watch what appears there
    if not paths:
        return {"backup": backup, "file": "not backed up", "says": "no snapshot of any folder"}
    for left_behind in Path(paths[0]).glob(f"{FOLDER}*"):
        if time.time() - left_behind.stat().st_mtime > ABANDONED:
            shutil.rmtree(left_behind)
    folder = Path(paths[0], FOLDER + secrets.token_hex(4))
    content = secrets.token_bytes(1 << 16)
    try:
        folder.mkdir(mode=0o700)
        lost = folder / "Befund Größe.bin"
        lost.write_bytes(content)
        before = repository.latest().get("id")
        backup = start(unit)
        snapshot = repository.latest()
        if backup["result"] != "success" or snapshot.get("id") == before:
            return {"backup": backup, "file": "not backed up", "says": "no new snapshot"}
        shutil.rmtree(folder)
        restored = repository.restic("restore", snapshot["id"], "--target", "/", "--include", str(folder))
        said = restored.stderr.strip()[-300:]
        if not lost.exists():
            return {"backup": backup, "file": "missing", "says": said}
        same = lost.read_bytes() == content
        return {"backup": backup, "file": "identical" if same else "different", "says": said}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_to_medium(unit: str) -> dict[str, Any]:
    """Run the copy to the removable medium, and see when the medium was mounted."""
    mounts = [name for name in properties(unit, "Requires").get("Requires", "").split() if name.endswith(".mount")]
    mounts = [name for name in mounts if name != "-.mount"]

    def state() -> dict[str, dict[str, str]]:
        return {name: properties(name, "ActiveState", "ActiveEnterTimestampMonotonic") for name in mounts}

    devices = [properties(name, "What").get("What", "") for name in mounts]
    before = state()
    present = all(Path(device).exists() for device in devices if device.startswith("/"))
    # a medium in the safe is as it should be; the job would only raise the alarm
    job = start(unit) if present else {"unit": unit, "result": "medium absent"}
    after = state()
    entered = "ActiveEnterTimestampMonotonic"
    return {
        **job,
        "mounts": mounts,
        "mounted_before": any(mount["ActiveState"] == "active" for mount in before.values()),
        "mounted_during": bool(mounts) and all(after[name][entered] != before[name][entered] for name in mounts),
        "mounted_after": any(mount["ActiveState"] == "active" for mount in after.values()),
    }


def experiment() -> dict[str, Any]:
    """The whole probe."""
    found = jobs()
    units = {kind: unit for unit, kind in sorted(found.items(), reverse=True)}
    if "backup" not in units or not shutil.which("restic"):
        return {"jobs": sorted(found)}
    return {
        "jobs": sorted(found),
        **lose_and_restore(units["backup"]),
        "restore_test": start(units["restore_test"]) if "restore_test" in units else None,
        "medium": copy_to_medium(units["medium"]) if "medium" in units else None,
    }


if __name__ == "__main__":
    probe(experiment, 200)
