"""The backup program for Windows as it is, with the configuration that the role makes, on mono and with real restic."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import defusedxml.ElementTree
import pytest

from lab.windows.programs.scheduled import carry_out
from tests import windows_policies

if TYPE_CHECKING:
    from pathlib import Path

    from tests.windows.conftest import Host

HOME = r"C:\ProgramData\Praxisschild\backup"
KEY = "ein Passwort mit Ü und 'Zeichen'"


class Practice:
    """A stand-in that has what the role declares, and somebody's documents."""

    def __init__(self, host: Host) -> None:
        self.host = host
        (host.path(r"C:\Users\mfa-1\Documents")).mkdir(parents=True)
        self.document = host.path(r"C:\Users\mfa-1\Documents\Befund ä [1].txt")
        self.document.write_text("Befund", encoding="utf-8")
        self.tasks = {}
        for _, row in windows_policies.rows("backup_schedule"):
            if row["name"] == r"backup\config.json":
                config = json.loads(row["content"])
                if config["host"] == "pc-1" and config["target"] == "local":
                    self.write(row["name"], row["content"])
            elif row["name"].endswith(".cs"):
                self.write(row["name"], row["content"])
            elif "xml" in row:
                self.tasks[row["name"].rpartition(" ")[2]] = row["xml"]
        self.write(r"backup\password", KEY)

    def write(self, name: str, text: str) -> None:
        path = self.host.path(rf"C:\ProgramData\Praxisschild\{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def configure(self, **changes) -> None:
        path = self.host.path(rf"{HOME}\config.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")

    def run(self, job: str) -> dict:
        code = carry_out(self.host.folder, defusedxml.ElementTree.fromstring(self.tasks[job]))
        status = json.loads(self.host.path(rf"{HOME}\state\{job}.json").read_text(encoding="utf-8"))
        assert code == (status["result"] != "success")
        return status

    @property
    def repository(self) -> Path:
        return self.host.path(r"C:\ProgramData\Praxisschild\repository\pc-1")


@pytest.fixture
def practice(pc) -> Practice:
    if not shutil.which("restic"):
        pytest.fail("restic missing: `lab/setup windows` installs it")
    return Practice(pc)


def test_what_was_backed_up_comes_back_and_what_was_damaged_is_noticed(practice):
    first = practice.run("daily")
    assert first["result"] == "success", first
    assert first["files"] >= 1
    assert first["keep"] == {"daily": 7, "weekly": 5, "monthly": 12}
    compared = practice.run("restore-test")
    assert compared["result"] == "success", compared
    assert compared["compared"] >= 1
    assert practice.run("check")["result"] == "success"
    samples = practice.host.path(rf"{HOME}\private\samples.json")
    recorded = json.loads(samples.read_text())
    assert any("Befund ä [1].txt" in path for path in recorded["files"])
    recorded["files"] = dict.fromkeys(recorded["files"], "0" * 64)
    samples.write_text(json.dumps(recorded))
    damaged = practice.run("restore-test")
    assert "fehlen oder sind verändert" in damaged["message"]
    assert damaged["last_success"] == compared["last_success"]
    events = (practice.host.folder / "tmp" / "events.log").read_text(encoding="utf-8")
    assert 'what="Rücksicherungstest fehlgeschlagen' in events
    assert not list(samples.parent.glob("*/")), "what was restored for a test is gone"


def test_a_repository_that_has_gone_is_a_failure_and_no_new_beginning(practice):
    practice.run("daily")
    shutil.rmtree(practice.repository)
    assert "nicht lesbar" in practice.run("daily")["message"]
    assert not practice.repository.exists()


def test_what_is_excluded_is_neither_stored_nor_compared(practice):
    for name in ("a.tmp", "cache/b.txt"):
        path = practice.document.parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    before = practice.run("daily")["files"]
    practice.configure(exclude=["*.tmp", r"C:\Users\*\Documents\cache"])
    assert practice.run("daily")["files"] == before - 2
    for _ in range(3):
        recorded = json.loads(practice.host.path(rf"{HOME}\private\samples.json").read_text())["files"]
        assert not any(path.endswith(("a.tmp", "b.txt")) for path in recorded)
        practice.run("daily")


def test_the_medium_is_found_by_its_name(practice):
    done = practice.run("medium")
    assert (done["result"], done["target"]) == ("success", "medium"), done
    assert (practice.host.folder / "drives" / "f" / "praxisschild-pc-1" / "config").exists()
    (practice.host.folder / "drives" / "f" / ".name").write_text("ANDERES")
    assert "„SICHERUNG“ ist nicht angeschlossen" in practice.run("medium")["message"]


def test_without_restic_the_task_says_what_to_do(practice):
    practice.host.path(r"C:\Program Files\restic\restic.exe").unlink()
    assert practice.run("daily")["message"] == (
        r"C:\Program Files\restic\restic.exe fehlt: restic dort ablegen, https://restic.net"
    )


def test_no_secret_is_in_what_a_job_leaves(practice):
    practice.run("daily")
    left = [path for path in practice.host.path(HOME).rglob("*") if path.is_file() and path.name != "password"]
    assert len(left) > 3
    assert not [path for path in left if KEY.encode() in path.read_bytes()]


def test_an_image_is_made_by_windows_server_backup(practice):
    practice.configure(image={"target": "E:", "volumes": ["D:"]})
    assert "nicht installiert" in practice.run("image")["message"]
    with practice.host.editing() as state:
        state["features"]["WindowsServerBackup"] = "enabled"
        volume = state["bitlocker"]["C:"] | {"type": "fixed"}
        state["bitlocker"] |= {"D:": volume, "E:": volume}
    done = practice.run("image")
    assert done["result"] == "success", done
    assert practice.host.state["images"] == {done["snapshot"]: {"target": "E:", "items": ["C:", "D:"]}}
