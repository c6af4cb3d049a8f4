"""What Samba makes of a group policy's files, for the system's Python, which has Samba's modules.

samba_gpo.py read FOLDER            values of every file as JSON
samba_gpo.py xml FOLDER TARGET      the files in the form that `samba-tool gpo restore` takes
samba_gpo.py put FOLDER GUID VERSION MACHINE-EXTENSIONS USER-EXTENSIONS CONFIGURATION USER%PASSWORD
                                    the files into SYSVOL as they are, as an import would
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import ldb
from samba import param
from samba.auth import system_session
from samba.credentials import MUST_USE_KERBEROS, Credentials
from samba.netcmd.gpo import copy_directory_local_to_remote, find_parser, get_gpo_dn, smb_connection
from samba.samdb import SamDB

HOST = "dc1.praxis.test"


def parsed(file: Path) -> Any:
    parser = find_parser(file.name)
    parser.parse(file.read_bytes())
    return parser


def registry(file: Path) -> list[list[Any]]:
    """Key, name, type and data as Samba tells them: a number, a text, or bytes (as base64 in a list)."""
    parser = parsed(file)  # its entries' texts live as long as it does
    return [[one.keyname, one.valuename, one.type, _plain(one.data)] for one in parser.pol_file.entries]


def _plain(data: Any) -> Any:
    if data is None or isinstance(data, int | str):
        return data
    return [base64.b64encode(bytes(data)).decode()]


def template(file: Path) -> dict[str, Any]:
    sections = parsed(file).sections
    return {name: section.param_list for name, section in sections.items() if getattr(section, "param_list", None)}


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"machine": [], "user": [], "template": {}, "audit": []}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        match file.name.lower():
            case "registry.pol":
                found["user" if "user" in str(file.relative_to(folder)).lower() else "machine"] = registry(file)
            case "gpttmpl.inf":
                found["template"] = template(file)
            case "audit.csv":
                found["audit"] = parsed(file).lines
    return found


def as_xml(folder: Path, target: Path) -> None:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        written = target / file.relative_to(folder).parent / f"{file.name}.xml"
        written.parent.mkdir(parents=True, exist_ok=True)
        parsed(file).write_xml(str(written))


def put(folder: str, guid: str, version: str, machine: str, user: str, configuration: str, account: str) -> None:
    loaded = param.LoadParm()
    loaded.load(configuration)
    credentials = Credentials()
    credentials.guess(loaded)
    credentials.parse_string(account)
    credentials.set_kerberos_state(MUST_USE_KERBEROS)
    connection = smb_connection(HOST, "sysvol", lp=loaded, creds=credentials)
    realm = loaded.get("realm").lower()
    copy_directory_local_to_remote(connection, folder, f"{realm}\\Policies\\{guid}", ignore_existing_dir=True)
    directory = SamDB(f"ldap://{HOST}", session_info=system_session(), credentials=credentials, lp=loaded)
    change = ldb.Message(get_gpo_dn(directory, guid))
    values = {"versionNumber": version, "gPCMachineExtensionNames": machine, "gPCUserExtensionNames": user}
    for name, value in values.items():
        if value:
            change[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    directory.modify(change)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["read", folder]:
            json.dump(read(Path(folder)), sys.stdout)
        case ["xml", folder, target]:
            as_xml(Path(folder), Path(target))
        case ["put", *arguments]:
            put(*arguments)
        case _:
            sys.exit(__doc__)
