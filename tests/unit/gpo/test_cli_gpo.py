"""The command as a technician types it: rows out of the roles themselves, nobody contacted, nothing of others lost."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from praxisschild import cli_gpo
from praxisschild.cli import app
from praxisschild.errors import InputError
from praxisschild.gpo import backup
from tests import gpo

PROJECT = Path(__file__).resolve().parents[3]
PRACTICE = PROJECT / "inventories/windowspraxis"
LOCK = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System\InactivityTimeoutSecs"


@pytest.fixture
def practice(tmp_path):
    """A copy whose hosts are one address that only listens, and whose password nobody has."""
    folder = tmp_path / "praxis-am-markt"
    shutil.copytree(PRACTICE, folder)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        for host in ("pc-1", "pc-2", "winserver-1"):
            (folder / "host_vars").mkdir(exist_ok=True)
            address = {"ansible_host": "127.0.0.1", "ansible_port": server.getsockname()[1]}
            (folder / f"host_vars/{host}.yml").write_text(yaml.safe_dump(address), encoding="utf-8")
        callers: list[object] = []
        ended = threading.Event()
        listener = threading.Thread(target=_listen, args=(server, callers, ended))
        listener.start()
        yield folder, callers
        ended.set()
        listener.join()


def _listen(server, callers, ended):
    while not ended.is_set():
        try:
            connection, caller = server.accept()
        except TimeoutError:
            continue
        callers.append(caller)
        connection.close()


def run(*arguments):
    return CliRunner().invoke(app, ["gpo", *map(str, arguments)])


@pytest.mark.slow
def test_roles_rows_become_policies_and_no_host_is_contacted(practice, tmp_path):
    folder, callers = practice
    target = tmp_path / "gpo"
    done = run(folder, "-o", target, "--role", "endpoint_hardening", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert callers == []
    everybody = found["gpos"][0]
    assert everybody["hosts"] == ["pc-1", "pc-2", "winserver-1"]
    table = (target / "einstellungen.csv").read_text(encoding="utf-8-sig")
    assert LOCK in table
    assert "2025-A1-19" in table
    assert all((target / path).is_file() for one in found["gpos"] for path in one["files"])
    text = "".join(path.read_bytes().decode("utf-16") for path in target.rglob("GptTmpl.inf"))
    assert LOCK.replace(r"HKLM\SOFTWARE", r"MACHINE\Software") + "=4,600" in text
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert run(folder, "-o", target, "--host", "pc-1", "--role", "endpoint_hardening").exit_code == 0
    assert run(folder, "-o", target, "--role", "endpoint_hardening").exit_code == 0
    assert {path: path.read_bytes() for path in target.rglob("*") if path.is_file()} == before
    assert callers == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--role", "endpoint"), "endpoint"),
        (("--host", "praxis-1"), "pc-1, pc-2, winserver-1"),
    ],
)
def test_a_wrong_name_is_told_with_the_way_out(tmp_path, arguments, complaint):
    with pytest.raises(InputError, match=complaint):
        app(["gpo", str(PRACTICE), "-o", str(tmp_path / "x"), *arguments], standalone_mode=False)


def test_a_practice_without_windows_is_told_so(tmp_path):
    with pytest.raises(InputError, match="Windows"):
        app(["gpo", str(PROJECT / "inventories/vorlage"), "-o", str(tmp_path / "x")], standalone_mode=False)


@pytest.mark.parametrize("manifest", ["<Backups/>", "no XML", "<a>&b;</a>"])
def test_somebody_else_s_list_of_backups_is_not_overwritten(tmp_path, manifest):
    (tmp_path / "manifest.xml").write_text(manifest, encoding="utf-8")
    with pytest.raises(InputError, match=r"manifest\.xml"):
        app(["gpo", str(PRACTICE), "-o", str(tmp_path)], standalone_mode=False)


def test_what_an_earlier_run_left_goes_and_other_files_stay(tmp_path):
    written = gpo.written()
    files = {f"{written.id}/{path}": content for path, content in written.files.items()}
    manifest = backup.manifest([written], gpo.DAY)
    cli_gpo._keep(tmp_path, {**files, "manifest.xml": manifest})
    (tmp_path / "Notizen.txt").write_text("x", encoding="utf-8")
    cli_gpo._keep(tmp_path, {"manifest.xml": manifest})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Notizen.txt", "manifest.xml"]
