"""The commands a person types: hosts up, broken by hand, down, fresh. Neither podman nor root is asked for."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab.windows import control, edit
from tests.lab.windows.conftest import PROJECT

pytestmark = pytest.mark.xdist_group("windows")


class Lab:
    """An instance that nobody else has: its addresses are this process's own."""

    def __init__(self, instance: int) -> None:
        self.instance = instance
        self.state = PROJECT / ".lab" / str(instance)

    def __call__(self, *words: str, code: int = 0) -> str:
        environment = {**os.environ, "LAB_INSTANCE": str(self.instance), "PATH": str(Path(sys.executable).parent)}
        done = subprocess.run(
            [sys.executable, "lab/lab.py", *words],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def answers(self, host: str, port: int) -> bool:
        with socket.socket() as connection:
            connection.settimeout(2)
            return connection.connect_ex((control.HOSTS[host].address(self.instance), port)) == 0


@pytest.fixture(scope="module")
def lab():
    found = Lab(50 + os.getpid() % 200)
    yield found
    control.stop(found.state, list(control.HOSTS))
    shutil.rmtree(found.state, ignore_errors=True)


@pytest.fixture(scope="module")
def running(lab):
    """All three, up; PATH has no podman in it."""
    lab("up", "pc-1", "pc-2", "winserver-1")
    return lab


def test_three_kinds_come_up_side_by_side_on_the_ports_of_a_real_windows(running):
    assert all(running.answers(host, port) for host in control.HOSTS for port in (5985, 5986))
    computers = [json.loads(running("windows", host, "show", "computer")) for host in control.HOSTS]
    assert [one["product"] for one in computers] == ["Windows 11 Pro", "Windows 11 Pro", "Windows Server 2022 Standard"]
    assert [one["role"] for one in computers] == ["workstation", "member_workstation", "server"]
    assert len({one["sid"] for one in computers}) == 3
    assert {one["language"] for one in computers} == {"de-DE"}


def test_a_domain_has_its_say_on_its_member(running):
    assert json.loads(running("windows", "pc-2", "show", "domain.security.MinimumPasswordLength")) == 14
    assert json.loads(running("windows", "pc-1", "show", "domain.name")) == ""


def test_a_second_up_starts_nothing(running):
    before = {host: control.pid(running.state / host) for host in control.HOSTS}
    running("up", "pc-1", "pc-2", "winserver-1")
    assert {host: control.pid(running.state / host) for host in control.HOSTS} == before


def test_a_host_is_broken_by_hand_and_stays_so_until_it_is_fresh(running):
    broken = {
        "security.MinimumPasswordLength": ("3", 3),
        "groups.Administratoren.members": ('["S-1-5-11"]', ["S-1-5-11"]),
        'users."mfa-1".enabled': ("false", False),
        r"HKLM\SOFTWARE\Policies\Probe\Wert": ("dword:7", "dword:7"),
        r"HKLM\SOFTWARE\Policies\Probe\Liste": ("multi_string:ä|b", "multi_string:ä|b"),
        r"HKLM\SOFTWARE\Policies\Probe\Nichts": ("none:", "none:"),
    }
    host = running.state / "pc-2"
    for path, (value, _) in broken.items():
        edit.put(host, path, value)
    running("windows", "pc-2", "set", "security.MaximumPasswordAge", "0")
    running("down", "pc-2")
    running("up", "pc-2")
    assert {path: edit.show(host, path) for path in broken} == {path: shown for path, (_, shown) in broken.items()}
    assert json.loads(running("windows", "pc-2", "show", "security.MaximumPasswordAge")) == 0
    running("windows", "pc-2", "unset", r"HKLM\SOFTWARE\Policies\Probe\Wert")
    assert "there is no such" in running("windows", "pc-2", "show", r"HKLM\SOFTWARE\Policies\Probe\Wert", code=2)
    running("fresh", "pc-2")
    assert json.loads(running("windows", "pc-2", "show", "security.MinimumPasswordLength")) == 14
    assert "there is no such" in running("windows", "pc-2", "show", r"HKLM\SOFTWARE\Policies\Probe", code=2)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("set", "security.MinimumPasswordLength", "lang"), "'lang' is no int"),
        (("set", "security.Passwortlaenge", "3"), "unknown Passwortlaenge"),
        (("set", "services.Spooler.start", "automatisch"), "is none of auto"),
        (("set", "audit.Anmelden", "3"), "no name here"),
        (("show", "dienste"), "no dienste; there is audit"),
        (("set", r"HKLM\SOFTWARE\X\Y", "1"), "write the kind before the data"),
        (("unset", "users.Niemand"), "nothing to remove"),
    ],
)
def test_what_the_model_does_not_know_is_refused_in_one_line(running, words, complaint):
    said = running("windows", "pc-1", *words, code=2)
    assert complaint in said
    assert "Traceback" not in said


def test_another_checkouts_addresses_are_not_taken_over(running):
    other = running.state.parent / f"{running.instance}-other"
    try:
        with pytest.raises(control.WindowsError, match=r"Address already in use.*LAB_INSTANCE"):
            control.start(other, running.instance, ["winserver-1"])
    finally:
        shutil.rmtree(other, ignore_errors=True)


def test_down_leaves_no_process_and_keeps_the_hosts(running):
    processes = [control.pid(running.state / host) for host in control.HOSTS]
    assert all(processes)
    control.stop(running.state, list(control.HOSTS))
    assert not any(Path("/proc", str(one)).exists() for one in processes)
    assert not any(running.answers(host, 5986) for host in control.HOSTS)
    assert all((running.state / host / "state.json").exists() for host in control.HOSTS)


def test_a_host_whose_folder_is_removed_ends_by_itself(lab):
    lab("up", "pc-1")
    process = control.pid(lab.state / "pc-1")
    shutil.rmtree(lab.state / "pc-1")
    for _ in range(50):
        if not Path("/proc", str(process)).exists():
            return
        subprocess.run(["sleep", "0.1"], check=True)
    pytest.fail("it goes on serving")
