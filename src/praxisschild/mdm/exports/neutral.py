"""The neutral table for every management that has no reader of its own, kept by hand if need be.

German headings, one row per device, `;`, `,` or tab between the values, UTF-8; docs/mobilgeraete.md describes it. A yes
or no may stay empty: the list then says nothing, and the check is reported as not tested.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from praxisschild.errors import InputError
from praxisschild.i18n import _
from praxisschild.mdm.exports.model import Answer, Device, apart, mark_of
from praxisschild.mdm.topics import Topic

if TYPE_CHECKING:
    from datetime import datetime

    from praxisschild.mdm.declared import MobileDevices, Owner, Platform
    from praxisschild.mdm.exports.sources import Cell, CsvSource, Record

REQUIRED = ("Stand", "Gerät", "Plattform", "Letzte Meldung")
ANSWERS = {
    "Verwaltet": Topic.MANAGED,
    "Richtlinie erfüllt": Topic.COMPLIANT,
    "Verschlüsselt": Topic.ENCRYPTED,
    "Sperrcode": Topic.LOCKED,
    "Mitteilungen verborgen": Topic.LOCK_SCREEN,
    "Apps aktualisieren sich": Topic.APP_UPDATES,
    "Nur Store": Topic.STORE_ONLY,
    "Berechtigungen beschränkt": Topic.PERMISSIONS,
    "Nicht manipuliert": Topic.INTACT,
    "Weitergabe gesperrt": Topic.SHARING,
    "Cloud gesperrt": Topic.CLOUD,
    "Sprachassistent aus": Topic.ASSISTANT,
    "Browser warnt": Topic.BROWSER,
    "Nur freigegebene Apps": Topic.APPROVED_APPS,
    "SIM-PIN": Topic.SIM_PIN,
}
FURTHER = (
    "Besitz",
    "Seriennummer",
    "Systemversion",
    "Sicherheitsstand",
    "Löscht nach Fehlversuchen",
    "Zertifikat bis",
    "Bemerkung",
)
COLUMNS = (*REQUIRED, *ANSWERS, *FURTHER)
NO_SIM = "keine sim"
_PLATFORMS: dict[str, Platform] = {"ios": "ios", "ipados": "ios", "iphone": "ios", "ipad": "ios", "android": "android"}
_OWNERS: dict[str, Owner] = {"dienstlich": "company", "privat": "personal"}


def recognises(source: CsvSource) -> bool:
    """Whether a heading says so; what else is wrong with the headings, `devices` will tell."""
    return "Gerät" in source.columns


def devices(source: CsvSource, declared: MobileDevices, product: str) -> tuple[datetime | None, list[Device]]:
    """When the newest row was written, and the devices.

    Raises:
        InputError: a heading or a value cannot be used; names line and column.
    """
    del declared, product
    source.demand(*REQUIRED)
    for name in source.columns:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.5)
            words = ", ".join(near or COLUMNS)
            way_out = _("did you mean {words}?", words=words) if near else _("choose one of: {words}", words=words)
            raise InputError(
                source.file, _("line {number}", number=1), _("the column {name!r} is unknown", name=name[:60]), way_out
            )
    found, days = [], []
    for record in source.records():
        stand = record.cell("Stand").moment()
        if stand is None:
            raise record.cell("Stand").fail(_("a date is missing"), _("write the day for which the row holds"))
        days.append(stand)
        found.append(_device(record, stand))
    return max(days, default=None), apart(found)


def _device(record: Record, stand: datetime) -> Device:
    name = record.cell("Gerät")
    if not name.text:
        raise name.fail(
            _("the name of the device is missing"), _("write the name that stands in praxis.mobile_devices")
        )
    platform = record.cell("Plattform")
    if platform.text.lower() not in _PLATFORMS:
        reason = _("{word!r} does not exist", word=platform.text[:40])
        raise platform.fail(reason, _("write iOS, iPadOS or Android"))
    owner = record.cell("Besitz")
    if owner.text and owner.text.lower() not in _OWNERS:
        reason = _("{word!r} does not exist", word=owner.text[:40])
        raise owner.fail(reason, _("write dienstlich or privat"))
    reported = record.cell("Letzte Meldung").moment()
    version = record.cell("Systemversion").text
    return Device(
        name=name.text[:80],
        platform=_PLATFORMS[platform.text.lower()],
        owner=_OWNERS.get(owner.text.lower()),
        mark=mark_of(record.cell("Seriennummer").text),
        # what a row says holds for the day on which it was written, however often the device reports
        reported=min(reported, stand) if reported else None,
        system=f"{platform.text} {version}".strip(),
        answers={topic: _answer(record.cell(column), topic) for column, topic in ANSWERS.items()},
        wipe_after=record.cell("Löscht nach Fehlversuchen").number(),
        patch_level=record.cell("Sicherheitsstand").day(),
        version=version,
        certificate_until=record.cell("Zertifikat bis").moment(),
    )


def _answer(cell: Cell, topic: Topic) -> Answer:
    if topic is Topic.SIM_PIN and cell.text.lower() == NO_SIM:
        return Answer(None, "das Gerät hat keine SIM-Karte", applies=False)
    value = cell.truth()
    return Answer(value, "ja" if value else "nein" if value is False else "keine Angabe in der Geräteliste")
