"""Group policies, read by programs that nobody here wrote: Samba's parsers, and a real domain that carries them."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from praxisschild import windows_rows
from praxisschild.gpo import backup, files
from praxisschild.gpo.translate import security_options
from tests import gpo
from tests.lab.domain import URL, Domain

PROJECT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"  # the system's: Samba's modules are no package of an environment
READER = str(PROJECT / "tests/lab/samba_gpo.py")
# what Samba calls by number, as the registry does
STRING, EXPAND, DWORD, QWORD = 1, 2, 4, 11

pytestmark = pytest.mark.xdist_group("domain")


@pytest.fixture(scope="module", autouse=True)
def _samba():
    """Installed as `lab/setup samba` does; a machine that has no Samba, and no way to it, skips these tests."""
    done = subprocess.run(["lab/setup", "samba"], cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Samba lässt sich hier nicht installieren: {(done.stdout + done.stderr).strip()[-300:]}")


@pytest.fixture(scope="module")
def domain():
    """A domain on its first day; nothing of it is left when it ends."""
    if os.getuid():
        pytest.skip("ein Samba-Domänencontroller braucht root")
    marks = [Path("/etc/praxisschild-domain"), Path("/var/praxisschild-domain")]
    # not below pytest's folder: what Samba does for a member of the domain it does as an ordinary user
    place = Path(tempfile.mkdtemp(prefix="praxisschild-domain-"))
    place.chmod(0o755)
    with Domain(place) as found:
        found.run("touch", *map(str, marks))
        yield found
        assert len(found.run("ps", "-eo", "pid=").split()) > 3
    running = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    assert str(place) not in running
    assert not [mark for mark in marks if mark.exists()]
    shutil.rmtree(place)  # nothing is mounted there any more


def put(folder: Path, contents: dict[str, bytes]) -> Path:
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """The policy's part of a backup of all rows in tests/data/gpo."""
    return put(tmp_path_factory.mktemp("backup"), gpo.written().files) / "DomainSysvol/GPO"


def read(folder: Path) -> dict[str, Any]:
    done = subprocess.run([PYTHON, READER, "read", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def values(found: dict[str, Any]) -> Counter[gpo.Value]:
    """Samba's reading of every Registry.pol, in the bytes of the registry."""
    return Counter(
        gpo.Value(scope, key, name, kind, _bytes(kind, data))
        for scope in ("machine", "user")
        for key, name, kind, data in found[scope]
    )


def _bytes(kind: int, data: Any) -> bytes:
    if kind in {STRING, EXPAND}:
        return f"{data}\0".encode("utf-16-le")
    if kind in {DWORD, QWORD}:
        return struct.pack("<I" if kind == DWORD else "<Q", data)
    return b"" if data is None else base64.b64decode(data[0])


def lines(found: dict[str, Any]) -> Counter[tuple[str, str]]:
    """Samba's reading of GptTmpl.inf, in the words of the file."""
    shown = []
    for section, several in found["template"].items():
        for one in several:
            match section:
                case "Registry Values":
                    line = one
                case "Service General Setting":
                    line = '"{}",{},"{}"'.format(*one)
                case "Privilege Rights":
                    line = f"{one[0]} = {','.join(one[1])}".rstrip()
                case _:
                    line = f"{one[0]} = {one[1]}"
            shown.append((section, line))
    return Counter(shown)


def audits(found: dict[str, Any]) -> list[tuple[str, int]]:
    assert all(one["Policy Target"] == "System" for one in found["audit"])
    return [(one["Subcategory GUID"], int(one["Setting Value"])) for one in found["audit"]]


def assert_everything_is_there(found: dict[str, Any]) -> None:
    assert values(found) == Counter(gpo.values())
    assert lines(found) == Counter(gpo.lines())
    assert audits(found) == gpo.audits()


def test_samba_s_parsers_read_every_value(written):
    assert_everything_is_there(read(written))


def test_a_practice_s_own_rows_arrive_whole(tmp_path):
    """Every row that a role declares is in the files as Samba reads them, with its value, or is named as left out."""
    declared, target = tmp_path / "rows", tmp_path / "gpo"
    declared.mkdir()
    variables = json.dumps(
        {"praxisschild_rows_to": str(declared), "ansible_password": "", "ansible_become_password": ""}
    )
    command = ["ansible-playbook", "-i", "inventories/windowspraxis", "playbooks/site.yml", "--extra-vars", variables]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:]
    command = ["praxisschild", "gpo", "inventories/windowspraxis", "-o", str(target), "--json"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    left_out = {(host, one["kind"], one["name"]) for one in said["left_out"] for host in one["hosts"]}
    hosts = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in declared.glob("*.json")}
    assert sorted(hosts) == ["pc-1", "pc-2", "winserver-1"]
    for host, kinds in hosts.items():
        own = [one["backup"] for one in said["gpos"] if host in one["hosts"]]
        found = [read(target / folder / "DomainSysvol/GPO") for folder in own]
        there = said_by(found)
        missing = [
            (host, kind, windows_rows.name_of(kind, row))
            for kind, rows in kinds.items()
            for row in rows
            if wish(kind, row) not in there
        ]
        assert sorted(set(missing) - left_out) == []
        assert len(there) > sum(map(len, kinds.values())) / 2


def said_by(found: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """What policies say, in small letters, so that it can be compared with rows."""
    said: set[tuple[Any, ...]] = set()
    for one in found:
        for scope, key, name, kind, data in values(one):
            said.add(
                ("registry", f"{'hklm' if scope == 'machine' else 'hkcu'}\\{key}".lower(), name.lower(), kind, data)
            )
        said |= {("line", section, line.lower()) for section, line in lines(one)}
        said |= {("audit", guid.strip("{}").lower(), setting) for guid, setting in audits(one)}
    return said


def wish(kind: str, row: dict[str, Any]) -> tuple[Any, ...]:
    """What a policy has to say for a row, worked out here once more; an impossible answer for what it cannot."""
    match kind:
        case "audit":
            setting = int(row["success"]) + 2 * int(row["failure"])
            return ("audit", row["subcategory"].strip("{}").lower(), setting or 4)
        case "components":
            starts = {"auto": 2, "delayed": 2, "manual": 3, "disabled": 4}
            start = starts.get(row.get("start"), 0)
            return ("line", "Service General Setting", f'"{row["name"]}",{start},""'.lower())
        case "security":
            if isinstance(row["value"], list):
                accounts = ",".join(f"*{one}" if one.startswith("S-1-") else one for one in row["value"])
                exact = row["name"] if row.get("mode", "exact") == "exact" else "?"
                return ("line", "Privilege Rights", f"{exact} = {accounts}".strip().lower())
            return ("line", "System Access", f"{row['name']} = {row['value']}".lower())
    return _wanted_of_registry(row)


def _wanted_of_registry(row: dict[str, Any]) -> tuple[Any, ...]:
    key, name = row["key"].replace(":\\", "\\").lower(), row.get("name")
    removed = '" "'
    if name is None and "only" in row:
        return ("registry", key, "**delvals.", STRING, gpo.data_of(removed))
    if name is None and row.get("state") == "absent":
        parent, _separator, last = row["key"].rpartition("\\")
        return ("registry", parent.lower(), "**deletekeys", STRING, gpo.data_of(f'"{last}"'))
    if row.get("state") == "absent":
        return ("registry", key, f"**del.{name}".lower(), STRING, gpo.data_of(removed))
    return _wanted_value(key, str(name), row)


def _wanted_value(key: str, name: str, row: dict[str, Any]) -> tuple[Any, ...]:
    value, kind = (
        row.get("value"),
        {"string": 1, "expand_string": 2, "binary": 3, "dword": 4, "multi_string": 7}[row["type"]],
    )
    if (key.removeprefix("hklm\\"), name.lower()) in security_options():
        shown = f'"{value}"' if kind in {STRING, EXPAND} else ",".join(value) if kind == 7 else value
        machine = key.replace("hklm", "machine", 1)
        return ("line", "Registry Values", f"{machine}\\{name}={kind},{shown}".lower())
    match kind:
        case 4:
            data = int(str(value), 0).to_bytes(4, "little")
        case 7:
            data = b"".join(f"{one}\0".encode("utf-16-le") for one in [*value, ""])
        case 3:
            data = bytes(value) if isinstance(value, list) else bytes.fromhex(value)
        case _:
            data = f"{value}\0".encode("utf-16-le")
    return ("registry", key, name.lower(), kind, data)


def policy(domain: Domain, name: str) -> str:
    """The GUID of the policy of this name, as the domain lists it."""
    blocks = domain.tool("gpo", "listall", "-H", URL).split("\n\n")
    (block,) = [one for one in blocks if re.search(rf"display name : {re.escape(name)}$", one, re.MULTILINE)]
    found = re.search(r"GPO +: (\{.*\})", block)
    assert found
    return found[1]


def fetched(domain: Domain, guid: str, folder: Path) -> Path:
    folder.mkdir()
    domain.tool("gpo", "fetch", guid, "--tmpdir", str(folder), "-H", URL)
    return folder / "policy" / guid


def test_a_domain_takes_the_backup_with_its_own_tool(domain, tmp_path):
    """`samba-tool gpo restore` takes files as Samba's parsers wrote them; it knows no GPMC manifest.

    Its XML cannot say that a list of texts is empty.
    """
    empty = "None here"
    written = put(tmp_path / "backup", gpo.written(empty).files) / "DomainSysvol/GPO"
    place = tmp_path / "xml"
    subprocess.run([PYTHON, READER, "xml", str(written), str(place)], check=True)
    (plan,) = gpo.planned(empty).gpos
    for scope, name in (("machine", "Machine"), ("user", "User")):
        (place / f"gPC{name}ExtensionNames.SAMBAEXT").write_text(backup.extensions(plan, scope), encoding="ascii")
    (tmp_path / "work").mkdir()  # with a folder of its own, it removes it too early
    domain.tool("gpo", "restore", "Wiederhergestellt", str(place), "-H", URL, "--tmpdir", str(tmp_path / "work"))
    guid = policy(domain, "Wiederhergestellt")
    found = read(fetched(domain, guid, tmp_path / "fetched"))
    assert values(found) == Counter(one for one in gpo.values() if one.name != empty)
    assert lines(found) == Counter(gpo.lines())
    assert audits(found) == gpo.audits()


def carry(domain: Domain, name: str, folder: Path, plan: Any) -> str:
    """A new policy with the files as they are, and version and extensions in the directory, as an import makes it."""
    domain.tool("gpo", "create", name, "-H", URL)
    guid = policy(domain, name)
    machine, user = files.version(plan)
    arguments = [str(folder), guid, str(user << 16 | machine)]
    arguments += [backup.extensions(plan, "machine"), backup.extensions(plan, "user")]
    domain.put(*arguments)
    return guid


def test_a_domain_carries_the_files_as_they_are(domain, written, tmp_path):
    (plan,) = gpo.planned().gpos
    guid = carry(domain, "Praxisschild", written, plan)
    there = fetched(domain, guid, tmp_path / "fetched")
    assert_everything_is_there(read(there))
    for path in (path for path in written.rglob("*") if path.is_file()):
        (same,) = [
            one for one in there.rglob("*") if one.name.lower() == path.name.lower() and _scope(one) == _scope(path)
        ]
        assert same.read_bytes() == path.read_bytes()
    shown = domain.tool("gpo", "show", guid, "-H", URL)
    assert re.search(r"^version +: 65537$", shown, re.MULTILINE)
    domain.tool("gpo", "setlink", "DC=praxis,DC=test", guid, "-H", URL)
    assert guid in domain.tool("gpo", "list", "Administrator", "-H", URL)
    domain.tool("gpo", "dellink", "DC=praxis,DC=test", guid, "-H", URL)


def _scope(path: Path) -> str:
    return "user" if path.parent.name.lower() == "user" else "machine"


# a version of the browser calls the same by another name
ASK_CHROMIUM = """
import json, shutil
from praxisschild.probes.chromium_policies import ASK_FOR_POLICIES, start
from praxisschild.probes.host import TemporaryUser
with TemporaryUser() as user:
    browser, _ = start(shutil.which("chromium"), user)
    with browser:
        groups = browser.evaluate(browser.open("chrome://policy/"), ASK_FOR_POLICIES)
print(json.dumps((groups.get("policyGroups") or groups["policyValues"])["chrome"]["policies"]))
"""
CHROME = r"Software\Policies\Google\Chrome"


def chrome_values(content: bytes) -> dict[str, Any]:
    """What a Registry.pol wants of Chrome; lists are keys with a value for each place."""
    found: dict[str, Any] = {}
    for key, name, kind, data in gpo.read_pol(content):
        below = key.removeprefix(CHROME).strip("\\")
        if not key.startswith(CHROME) or name.startswith("**") or not name:
            continue
        value = int.from_bytes(data, "little") if kind == DWORD else data.decode("utf-16-le").rstrip("\0")
        if below:
            found.setdefault(below, []).append(value)
        else:
            found[name] = value
    return found


def plain(said: Any) -> Any:
    """A value as Chromium shows it. Samba 4.17 enters the members of a list twice."""
    return list(dict.fromkeys(said)) if isinstance(said, list) else int(said) if isinstance(said, bool) else said


def test_a_linux_client_of_the_domain_gives_chromium_the_same_policies(domain, tmp_path):
    """The way from a row: policy, domain, Samba's client extension, the browser that is asked what it obeys.

    Samba 4.17 keeps the browser's policies of the last linked policy only, so this one is alone.
    """
    if not shutil.which("chromium"):
        pytest.skip("auf dieser Maschine ist kein Chromium")
    target = tmp_path / "gpo"
    command = ["praxisschild", "gpo", "inventories/windowspraxis", "-o", str(target), "--role", "browser_policy"]
    done = subprocess.run([*command, "--json"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["gpos"]
    folder = target / one["backup"] / "DomainSysvol/GPO"
    domain.tool("gpo", "create", "Browser", "-H", URL)
    guid = policy(domain, "Browser")
    domain.put(str(folder), guid, "1", f"[{backup.REGISTRY_EXTENSION}{backup.MACHINE_TEMPLATES}]", "")
    domain.tool("gpo", "setlink", "DC=praxis,DC=test", guid, "-H", URL)
    configuration = domain.join()
    domain.run("samba-gpupdate", "--configfile", str(configuration), "--target=Computer", "--force")
    wanted = chrome_values((folder / "Machine/Registry.pol").read_bytes())
    said = json.loads(domain.run(sys.executable, "-c", ASK_CHROMIUM))
    obeyed = {name: plain(one["value"]) for name, one in said.items() if name in wanted and "error" not in one}
    assert obeyed == wanted
    assert len(wanted) > 15
    assert obeyed["PasswordManagerEnabled"] == 0
