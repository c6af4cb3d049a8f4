from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from praxisschild import collector
from praxisschild.collector import linux
from praxisschild.collector.linux import access, desktop, reading, storage, system


@pytest.fixture(autouse=True)
def no_errors(monkeypatch):
    monkeypatch.setattr(reading, "errors", [])


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


# -- the script as it travels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(Path(linux.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_the_script_stands_alone_and_runs_on_old_pythons(path):
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    outside = {name for name in imported if not name.startswith("praxisschild.collector.linux.")}
    assert {name.partition(".")[0] for name in outside} <= sys.stdlib_module_names


@pytest.mark.slow
def test_the_script_prints_one_document_wherever_it_runs():
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-"], input=collector.linux_script(), capture_output=True, text=True, check=True
    )
    assert {"host", "units", "errors"} <= json.loads(done.stdout).keys()


def test_a_fault_costs_its_own_section_only():
    def broken():
        raise PermissionError("denied")

    assert reading.guarded("section", broken) is None
    assert reading.errors == [{"section": "section", "message": "PermissionError: denied"}]


def test_a_missing_tool_is_null():
    assert reading.run("praxisschild-no-such-tool") is None


def test_a_failing_tool_is_null_with_its_words():
    assert reading.run("ls", "/praxisschild-no-such-folder", strict=True) is None
    assert "No such file" in reading.errors[0]["message"]


def failing(*command, **options):
    reading.errors.append({"section": " ".join(command), "message": "Failed to connect to bus"})


def hanging(*command, **options):
    raise subprocess.TimeoutExpired(command, reading.COMMAND_TIMEOUT)


@pytest.mark.parametrize("run", [failing, hanging, lambda *command, **options: None], ids=["fails", "hangs", "missing"])
@pytest.mark.parametrize("collect", [system.units, system.timers])
def test_a_systemd_that_does_not_answer_is_no_systemd_without_units(monkeypatch, collect, run):
    monkeypatch.setattr(reading, "run", run)
    assert reading.guarded("units", collect) is None
    assert "systemctl" in reading.errors[-1]["message"]


def test_timers_whose_last_run_cannot_be_asked_for_are_unknown(monkeypatch):
    listed = [{"unit": "a.timer", "activates": "a.service", "next": None, "last": None}]
    monkeypatch.setattr(system, "needed", lambda *command: json.dumps(listed))
    monkeypatch.setattr(reading, "run", failing)
    assert reading.guarded("timers", system.timers) is None


def test_unknown_timers_are_not_the_lack_of_a_backup():
    assert reading.guarded("backup", storage.backup, None) is None
    assert reading.errors == [{"section": "backup", "message": "RuntimeError: the timers could not be read"}]


# -- secrets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("sftp://backup:geheim@server-1/srv", "sftp://backup:***@server-1/srv"),
        ("RESTIC_PASSWORD=geheim restic backup", "RESTIC_PASSWORD=*** restic backup"),
        ("--password=geheim", "--password=***"),
        ("tool --passphrase geheim -v", "tool --passphrase *** -v"),
        ('token: "geheim"', "token: ***"),
        ("RESTIC_PASSWORD_FILE=/etc/restic/key", "RESTIC_PASSWORD_FILE=/etc/restic/key"),
        ({"password": "geheim", "path": "/srv"}, {"password": "***", "path": "/srv"}),
        (["secret=geheim"], ["secret=***"]),
        (7, 7),
    ],
)
def test_secrets_stay_on_the_host(value, kept):
    assert reading.masked(value) == kept


def test_a_password_is_set_locked_or_empty(monkeypatch):
    shadow = "a:$y$j9T$x:20000:0:99999:7:::\nb:!:20000:0:99999:7::20500:\nc::20000:0:99999:7:::\nd:*:20000:0:::::\n"
    monkeypatch.setattr(access, "read", lambda path: shadow)
    found = access.password_states()
    assert [found[name]["password"] for name in "abcd"] == ["set", "locked", "empty", "locked"]
    assert found["b"]["expires"] == 20500
    assert "j9T" not in json.dumps(found)


# -- what programs would read ------------------------------------------------------------------------------------------


def test_pam_stacks_are_resolved_in_order(monkeypatch, tmp_path):
    write(
        tmp_path,
        sshd="@include common-auth\nauth include extra # why\n-session optional pam_systemd.so\n",
        extra="auth required pam_env.so\nsession required pam_limits.so\n",
    )
    write(
        tmp_path, **{"common-auth": "# no\nauth [success=1 default=ignore] /lib/security/pam_unix.so nullok \\\n try\n"}
    )
    monkeypatch.setattr(access, "pam_file", lambda name: tmp_path / name)
    found = [(entry["type"], entry["control"], entry["module"]) for entry in access.pam_entries("sshd")]
    assert found == [
        ("auth", "[success=1 default=ignore]", "pam_unix"),
        ("auth", "required", "pam_env"),
        ("session", "optional", "pam_systemd"),
    ]
    assert access.pam_entries("sshd")[0]["arguments"] == ["nullok", "try"]


def test_pam_files_that_include_each_other_end(monkeypatch, tmp_path):
    write(tmp_path, a="@include b\n", b="@include a\nauth required pam_unix.so\n")
    monkeypatch.setattr(access, "pam_file", lambda name: tmp_path / name)
    assert access.pam_entries("a")


@pytest.mark.parametrize(
    ("session", "defaults", "mask"),
    [
        ("", "UMASK 077", 0o022),
        ("session optional pam_umask.so\n", "UMASK 077", 0o077),
        ("session optional pam_umask.so\n", "USERGROUPS_ENAB yes", 0o002),
        ("session optional pam_umask.so umask=0027\n", "USERGROUPS_ENAB yes", 0o007),
        ("session optional pam_umask.so umask=0027 nousergroups\n", "USERGROUPS_ENAB yes", 0o027),
        ("session optional pam_umask.so\nsession optional pam_umask.so umask=027 nousergroups\n", "UMASK 022", 0o027),
    ],
)
def test_the_last_umask_counts(monkeypatch, tmp_path, session, defaults, mask):
    write(tmp_path, sshd=session)
    monkeypatch.setattr(access, "pam_file", lambda name: tmp_path / name)
    monkeypatch.setattr(access, "login_defs", lambda: dict([defaults.split()]))
    assert access.session_umask() == mask


def test_chromium_takes_the_last_file_for_each_policy(tmp_path):
    write(tmp_path / "managed", **{"10-a.json": '{"A": 1, "B": 1}', "20-b.json": '{"A": 2}', "30-c.json": "{"})
    found = desktop.chromium_policies([str(tmp_path / "none"), str(tmp_path / "managed")])
    assert found["policies"] == {"A": 2, "B": 1}
    assert len(reading.errors) == 1


def test_firefox_takes_the_first_file_alone(monkeypatch, tmp_path):
    first, second = write(tmp_path / "etc"), write(tmp_path / "share", **{"policies.json": '{"policies": {"B": 1}}'})
    monkeypatch.setattr(desktop, "FIREFOX_POLICIES", [f"{first}/policies.json", f"{second}/policies.json"])
    assert desktop.firefox_policies("firefox")["policies"] == {"B": 1}
    write(first, **{"policies.json": '{"policies": {"A": 1}}'})
    assert desktop.firefox_policies("firefox")["policies"] == {"A": 1}


def test_policies_that_only_root_may_read_are_told_apart(tmp_path):
    folder = write(tmp_path, **{"a.json": "{}"})
    (folder / "a.json").chmod(0o600)
    assert not desktop.chromium_policies([str(folder)])["readable"]


def test_ini_files_keep_case_and_immutable_marks(tmp_path):
    folder = write(tmp_path, rc="[Daemon][$i]\nAutolock=true\nTimeout=10\n")
    assert reading.ini(folder / "rc") == {"Daemon][$i": {"Autolock": "true", "Timeout": "10"}}


def test_key_values_end_at_comments_and_the_last_one_wins():
    text = "deny = 3 # x\n# deny = 1\neven_deny_root\ndeny=5\n"
    assert reading.key_values(text) == {"deny": "5", "even_deny_root": ""}


def test_a_backup_is_known_by_the_program_that_its_script_runs(tmp_path):
    script = write(tmp_path, run="#!/bin/sh\nexport RESTIC_PASSWORD_FILE=/etc/x/key\nrestic backup /srv\n") / "run"
    assert storage.backup_tool({"command": f"{script} --daily"})[0] == "restic"
    assert storage.backup_tool({"command": "/usr/bin/borg create"})[0] == "borg"
    assert storage.backup_tool({"command": "/usr/bin/apt-get update"})[0] == ""
    assert storage.PASSWORD_FILES.findall(script.read_text()) == ["/etc/x/key"]
