"""Microsoft Intune: the CSV that "Devices > All devices > Export" writes in the admin center, in English.

Its headings, among them `Device name`, `Last check-in`, `Compliance`, `Encrypted`, `Jailbroken` and
`Security patch level`, are not part of Microsoft's reference; they are those of the exports that public tools read
(2026), and each stands for a property of Microsoft Graph's `managedDevice`
(learn.microsoft.com/graph/api/resources/intune-devices-manageddevice).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.i18n import _
from praxisschild.mdm.exports import compliance
from praxisschild.mdm.exports.model import Answer, Device, apart, mark_of
from praxisschild.mdm.topics import Topic

if TYPE_CHECKING:
    from datetime import datetime

    from praxisschild.mdm.declared import MobileDevices, Owner, Platform
    from praxisschild.mdm.exports.sources import Cell, CsvSource, Record

REQUIRED = ("Device name", "Last check-in", "OS", "Compliance")
OWNERS: dict[str, Owner] = {"corporate": "company", "company": "company", "personal": "personal"}


def recognises(source: CsvSource) -> bool:
    """By the two headings that no other list has."""
    return {"Device name", "Last check-in"} <= set(source.columns)


def devices(source: CsvSource, declared: MobileDevices, product: str) -> tuple[datetime | None, list[Device]]:
    """When any device reported last (the list itself tells no time, and cannot be older), and the mobile devices.

    Raises:
        InputError: a heading is missing or a value cannot be used; names line and column.
    """
    del product
    source.demand(*REQUIRED)
    times, found = [], []
    for record in source.records():
        reported = record.cell("Last check-in").moment()
        times += [reported] if reported else []
        platform = platform_of(record.cell("OS"))
        if platform:
            found.append(_device(record, platform, reported, declared))
    return max(times, default=None), apart(found)


def platform_of(cell: Cell) -> Platform | None:
    """iOS or Android; None for a computer, which is not looked at here."""
    word = cell.text.lower()
    if word.startswith(("ios", "ipados")):
        return "ios"
    return "android" if word.startswith(("android", "aosp")) else None


def managed(state: Cell) -> Answer:
    """From `Device state` or `managementState`; retire and wipe pending is no longer managed."""
    word = state.text
    if not word:
        return Answer(None, "keine Angabe in der Geräteliste")
    return Answer(word.lower() == "managed", f"Zustand in Intune: {word[:40]}")


def intact(cell: Cell) -> Answer:
    """From `Jailbroken`: what Intune found of a jailbreak or root."""
    found = cell.truth()
    if found is None:
        return Answer(None, "Intune hat Jailbreak und Root nicht bestimmt")
    return Answer(not found, "Intune meldet Jailbreak oder Root" if found else "kein Jailbreak oder Root erkannt")


def encrypted(cell: Cell) -> Answer:
    """From `Encrypted` or `isEncrypted`."""
    found = cell.truth()
    words = {True: "verschlüsselt", False: "nicht verschlüsselt", None: "keine Angabe in der Geräteliste"}
    return Answer(found, words[found])


def _device(record: Record, platform: Platform, reported: datetime | None, declared: MobileDevices) -> Device:
    name = record.cell("Device name")
    if not name.text:
        raise name.fail(_("the name of the device is missing"), _("give the device a name in Intune"))
    version = record.cell("OS version").text
    return Device(
        name=name.text[:80],
        platform=platform,
        owner=OWNERS.get(record.cell("Ownership").text.lower()),
        mark=mark_of(record.cell("Serial number").text),
        reported=reported,
        system=f"{record.cell('OS').text} {version}".strip(),
        answers={
            **compliance.answers(record.cell("Compliance").text, declared),
            Topic.MANAGED: managed(record.cell("Device state")),
            Topic.ENCRYPTED: encrypted(record.cell("Encrypted")),
            Topic.INTACT: intact(record.cell("Jailbroken")),
        },
        patch_level=record.cell("Security patch level").day() if platform == "android" else None,
        version=version,
        certificate_until=record.cell("Management certificate expiration date").moment(),
    )
