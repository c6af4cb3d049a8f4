"""Policies as a folder that GPMC imports: one backup per policy, and the manifest over all of them.

The shape is that of backups which Microsoft publishes with its security baselines. What names a domain, a controller or
an account stays empty: an import does not need it, and nobody's domain is known here.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from praxisschild.gpo import files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from praxisschild.gpo.model import Gpo

COMMENT = "Praxisschild"
MANIFEST = "manifest.xml"
NAMESPACE = uuid.UUID("c0e2f1c4-6f0f-5d0a-9a3e-6d1f2b7a9c55")
MACHINE = "DomainSysvol/GPO/Machine"
USER = "DomainSysvol/GPO/User"
REGISTRY_POL = "Registry.pol"
TEMPLATE = "microsoft/windows nt/SecEdit/GptTmpl.inf"
AUDIT = "microsoft/windows nt/Audit/audit.csv"
GPT_INI = "DomainSysvol/GPO/gpt.ini"

# who applies a file on the client, and where the editor shows it: MS-GPREG 1.9, MS-GPSB 1.9, MS-GPAC 1.9
REGISTRY_EXTENSION = "{35378EAC-683F-11D2-A89A-00C04FBBCFA2}"
SECURITY_EXTENSION = "{827D319E-6EAC-11D2-A4EA-00C04F79F83A}"
AUDIT_EXTENSION = "{F3CCC681-B74C-4060-9F26-CD84525DCA2A}"
MACHINE_TEMPLATES = "{D02B1F72-3407-48AE-BA88-E8213C6761F1}"
USER_TEMPLATES = "{D02B1F73-3407-48AE-BA88-E8213C6761F1}"
SECURITY_SETTINGS = "{803E14A0-B4FB-11D0-A0D0-00A0C90F574B}"
AUDIT_SETTINGS = "{0F3F3735-573D-9804-99E4-AB2A69BA5FD4}"
OTHER_FILES = "{F15C46CD-82A0-4C2D-A210-5D0D3182A418}"  # GPMC's word for what it copies without knowing it


@dataclass(frozen=True)
class Backup:
    """One policy's backup: `files` by their path below the folder `id`."""

    id: str
    gpo_id: str
    name: str
    gpo: Gpo
    files: dict[str, bytes]


def write(gpo: Gpo, practice: str, slug: str, day: date) -> Backup:
    """The backup of a policy of the practice; the same rows give the same bytes.

    ``slug`` identifies the practice, also when its name changes. ``day`` is shown as the day of the backup.
    """
    found = Backup(
        _guid(slug, gpo, "backup"), _guid(slug, gpo, "gpo"), f"Praxisschild {practice} - {gpo.label}", gpo, {}
    )
    for path, content in _contents(gpo):
        found.files[path] = content
    found.files["Backup.xml"] = _backup_xml(found)
    found.files["bkupInfo.xml"] = _render("manifest.xml.j2", single=_instance(found, day))
    return found


def manifest(backups: Iterable[Backup], day: date) -> bytes:
    """What GPMC reads to list the backups of a folder."""
    return _render("manifest.xml.j2", single=None, instances=[_instance(one, day) for one in backups])


def extensions(gpo: Gpo, scope: str) -> str:
    """Who has to look at a policy's files, as Active Directory keeps it (MS-GPOL 2.2.4), sorted by GUID."""
    pairs = []
    if scope == "machine":
        pairs += [(REGISTRY_EXTENSION, MACHINE_TEMPLATES)] if gpo.registry("machine") else []
        pairs += [(SECURITY_EXTENSION, SECURITY_SETTINGS)] if gpo.template else []
        pairs += [(AUDIT_EXTENSION, AUDIT_SETTINGS)] if gpo.audit else []
    elif gpo.registry("user"):
        pairs.append((REGISTRY_EXTENSION, USER_TEMPLATES))
    return "".join(f"[{client}{tool}]" for client, tool in pairs)


def _guid(slug: str, gpo: Gpo, what: str) -> str:
    return f"{{{str(uuid.uuid5(NAMESPACE, f'{slug}/{gpo.subject}/{what}')).upper()}}}"


def _contents(gpo: Gpo) -> Iterable[tuple[str, bytes]]:
    if gpo.registry("machine"):
        yield f"{MACHINE}/{REGISTRY_POL}", files.registry_pol(gpo.registry("machine"))
    if gpo.template:
        yield f"{MACHINE}/{TEMPLATE}", files.template(gpo.template)
    if gpo.audit:
        yield f"{MACHINE}/{AUDIT}", files.audit_csv(gpo.audit)
    if gpo.registry("user"):
        yield f"{USER}/{REGISTRY_POL}", files.registry_pol(gpo.registry("user"))
    yield GPT_INI, files.gpt_ini(gpo)


def _backup_xml(backup: Backup) -> bytes:
    gpo = backup.gpo
    machine, user = files.version(gpo)
    machine_part = (MACHINE, "MACH")
    scopes = [machine_part] if gpo.registry("machine") else []
    scopes += [(USER, "USER")] if gpo.registry("user") else []
    known = [
        {"id": REGISTRY_EXTENSION, "name": "Registry", "files": [_place(one, REGISTRY_POL) for one in scopes]},
        {
            "id": SECURITY_EXTENSION,
            "name": "Security",
            "files": [_place((MACHINE, "MACH"), TEMPLATE)] if gpo.template else [],
        },
        {
            "id": OTHER_FILES,
            "name": "Unknown Extension",
            "files": [_place((MACHINE, "MACH"), AUDIT)] if gpo.audit else [],
        },
    ]
    parts = AUDIT.split("/")[:-1] if gpo.audit else []
    folders = [_place(machine_part, "/".join(parts[: count + 1])) for count in range(len(parts))]
    return _render(
        "backup.xml.j2",
        gpo_id=backup.gpo_id,
        name=backup.name,
        options=0 if machine and user else 1 if machine else 2,  # 1: no user part to look at, 2: no machine part
        machine_version=machine,
        user_version=user,
        machine_extensions=extensions(gpo, "machine"),
        user_extensions=extensions(gpo, "user"),
        extensions=[{**one, "folders": folders if one["id"] == OTHER_FILES else []} for one in known if one["files"]],
    )


def _place(scope: tuple[str, str], path: str) -> dict[str, str]:
    folder, word = scope
    return {
        "variable": f"%GPO_{word}_FSPATH%\\{path}".replace("/", "\\"),
        "location": f"{folder}/{path}".replace("/", "\\"),
    }


def _instance(backup: Backup, day: date) -> dict[str, Any]:
    return {
        "gpo_id": backup.gpo_id,
        "backup_id": backup.id,
        "name": backup.name,
        "comment": COMMENT,
        "time": f"{day.isoformat()}T00:00:00",
    }


def _render(template: str, **values: Any) -> bytes:
    return _environment().get_template(template).render(**values).encode("utf-8")


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
