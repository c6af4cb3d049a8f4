"""The files of a policy, as Windows reads them: Registry.pol, GptTmpl.inf, audit.csv, gpt.ini."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from praxisschild.gpo.model import AuditEntry, Gpo, RegistryEntry, TemplateLine

# in the order in which Windows' own editor writes them
SECTIONS = ("System Access", "Registry Values", "Privilege Rights", "Service General Setting")
CLEARING = ("**DeleteKeys", "**delvals.")
AUDIT_WORDS = {1: "Success", 2: "Failure", 3: "Success and Failure", 4: "No Auditing"}
AUDIT_HEADER = (
    "Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting,Setting Value"
)


def registry_pol(entries: Iterable[RegistryEntry]) -> bytes:
    """Entries as MS-GPREG 2.2.1 writes them; what clears a key comes first, lest it takes new values along."""
    ordered = sorted(entries, key=lambda one: not one.name.startswith(CLEARING))
    return b"PReg" + struct.pack("<I", 1) + b"".join(_instruction(one) for one in ordered)


def _instruction(entry: RegistryEntry) -> bytes:
    fields = (
        f"{entry.key}\0".encode("utf-16-le"),
        f"{entry.name}\0".encode("utf-16-le"),
        struct.pack("<I", entry.kind),
        struct.pack("<I", len(entry.data)),
        entry.data,
    )
    return "[".encode("utf-16-le") + ";".encode("utf-16-le").join(fields) + "]".encode("utf-16-le")


def template(lines: Sequence[TemplateLine]) -> bytes:
    """GptTmpl.inf, MS-GPSB 2.2: UTF-16 with its mark."""
    text = ["[Unicode]", "Unicode=yes", "[Version]", 'signature="$CHICAGO$"', "Revision=1"]
    for section in SECTIONS:
        own = [one.text for one in lines if one.section == section]
        text += [f"[{section}]", *own] if own else []
    return b"\xff\xfe" + "".join(f"{line}\r\n" for line in text).encode("utf-16-le")


def audit_csv(entries: Iterable[AuditEntry]) -> bytes:
    """audit.csv, MS-GPAC 2.2: only GUID and number count; a name that the format's alphabet lacks is left out."""
    lines = [AUDIT_HEADER]
    for one in entries:
        name = (
            f"Audit {one.name}" if one.name.isascii() and one.name.replace(" ", "").replace("-", "").isalnum() else ""
        )
        lines.append(f",System,{name},{one.subcategory},{AUDIT_WORDS[one.setting]},,{one.setting}")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def version(gpo: Gpo) -> tuple[int, int]:
    """Machine and user version of a policy on its first day: 1 where it sets anything."""
    machine = bool(gpo.registry("machine") or gpo.template or gpo.audit)
    return int(machine), int(bool(gpo.registry("user")))


def gpt_ini(gpo: Gpo) -> bytes:
    """For who copies the policy into a SYSVOL by hand; GPMC writes its own (MS-GPOL 2.2.4)."""
    machine, user = version(gpo)
    return f"[General]\r\nVersion={user << 16 | machine}\r\n".encode("ascii")
