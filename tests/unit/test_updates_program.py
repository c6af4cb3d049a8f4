"""The program that keeps account of a host's updates, without a host."""

from __future__ import annotations

import importlib.util
import os
import time

import pytest

from praxisschild.inventory import PROJECT

NOW = 1_795_000_000


@pytest.fixture
def updates(tmp_path, monkeypatch):
    """The program, with all its files below a folder of the test."""
    path = PROJECT / "roles/patch_management/files/praxisschild_updates.py"
    spec = importlib.util.spec_from_file_location("praxisschild_updates", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("LISTS", "PERIODIC"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.setattr(module, name, folder)
    monkeypatch.setattr(module, "LOG", tmp_path / "unattended-upgrades.log")
    monkeypatch.setattr(module, "STATUS", tmp_path / "status.json")
    return module


@pytest.fixture
def says(updates, monkeypatch):
    """A function that sets what commands print, by the first word."""

    def say(**texts):
        monkeypatch.setattr(updates, "output", lambda *command, refused="", **_: texts.get(command[0], refused))

    return say


def stamp(updates, moment):
    path = updates.PERIODIC / "upgrade-stamp"
    path.touch()
    os.utime(path, (moment, moment))


def shown(moment, result="success"):
    return f"ExecMainStartTimestamp=@{moment}\nExecMainExitTimestamp=@{moment + 60}\nResult={result}\n"


@pytest.mark.parametrize(
    ("stamped", "ran", "result"),
    [
        (None, "", "none"),
        (NOW, shown(NOW), "success"),
        (NOW - 86400, shown(NOW), "failed"),
        (None, shown(NOW), "failed"),
        (NOW, shown(NOW, "exit-code"), "failed"),
        (NOW - 86400, "", "success"),
    ],
    ids=["nothing yet", "good", "no stamp of the day", "never a stamp", "the job itself fails", "since the start none"],
)
def test_a_run_without_a_stamp_of_its_day_has_failed(updates, says, stamped, ran, result):
    says(systemctl=ran)
    if stamped:
        stamp(updates, stamped)
    assert updates.last_run({})["result"] == result


def test_a_failure_outlasts_a_restart_of_the_host(updates, says):
    updates.LOG.write_text("2026-11-24 06:00:00,1 INFO Starting\n2026-11-24 06:00:01,1 ERROR no space left\n")
    stamp(updates, NOW - 86400)
    says(systemctl=shown(NOW))
    failed = updates.last_run({})
    assert failed["message"].endswith("ERROR no space left")
    says(systemctl="")
    assert updates.last_run(failed) == failed


def test_an_update_keeps_the_day_on_which_it_was_first_seen(updates, says):
    head = "Label: Debian-Security\nDate: Tue, 24 Nov 2026 11:22:37 UTC\n"
    (updates.LISTS / "security_InRelease").write_text(head)
    offered = "Inst openssl [3.0.1] (3.0.2 Debian-Security:12/oldstable-security [amd64])\nInst vim (2 Debian:12)\n"
    says(**{"apt-get": offered})
    now = time.mktime((2026, 11, 26, 0, 0, 0, 0, 0, 0))
    new = updates.pending({}, now)
    assert new == {"openssl": {"version": "3.0.2", "available": "2026-11-24T11:22:37Z"}}
    earlier = {"openssl": {"version": "3.0.2", "available": "2026-11-01T00:00:00Z"}}
    assert updates.pending(earlier, now) == earlier
    superseded = {"openssl": {"version": "3.0.1.9", "available": "2026-11-01T00:00:00Z"}}
    assert updates.pending(superseded, now) == new


def test_kernel_and_services_are_told_apart(updates, says):
    told = {"KCUR": "6.1.0-56", "KEXP": "6.1.0-57", "KSTA": "3", "SVC": "cron.service"}
    says(needrestart="".join(f"NEEDRESTART-{key}: {value}\n" for key, value in told.items()))
    kernel, services = updates.running()
    assert kernel == {"running": "6.1.0-56", "newest": "6.1.0-57", "state": 3}
    assert services == {"cron.service"}
    says(needrestart="NEEDRESTART-VER: 3.6\n")
    assert updates.running() == (None, set())


def test_a_missing_list_is_not_an_empty_one(updates, says):
    says()
    assert updates.unsupported() is None
    says(**{"check-support-status": "* Source:nodejs, ended on 2026-01-01 at version 18\n* Source:binutils\n"})
    assert updates.unsupported()["ended"] == ["binutils", "nodejs"]


def test_only_what_is_overdue_is_an_alarm(updates):
    stamp(updates, NOW)
    (updates.PERIODIC / "update-success-stamp").touch()
    os.utime(updates.PERIODIC / "update-success-stamp", (NOW, NOW))
    recent, old = updates.written(NOW - 86400), updates.written(NOW - 8 * 86400)
    fine = {
        "watched_since": old,
        "pending": {"openssl": {"version": "3", "available": recent}},
        "outdated": {"cron.service": recent},
        "run": {"result": "success", "last_success": recent, "message": ""},
    }
    assert updates.troubles(fine, NOW, 7) == []
    late = {
        **fine,
        "pending": {"openssl": {"version": "3", "available": old}},
        "outdated": {"Kernel": old},
        "run": {"result": "failed", "last_success": old, "message": "no space left"},
    }
    found = updates.troubles(late, NOW + 8 * 86400, 7)
    for word in ("gescheitert: no space left", "keine erfolgreiche", "openssl", "Paketlisten", "Kernel"):
        assert any(word in trouble for trouble in found), word
    assert len(found) == 5


def test_misuse_is_told(updates, capsys):
    assert updates.main([]) == 2
    assert "Usage" in capsys.readouterr().err
