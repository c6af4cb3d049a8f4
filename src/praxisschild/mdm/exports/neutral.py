"""The neutral table for every management that has no reader of its own, kept by hand if need be.

German headings, one row per device, `;`, `,` or tab between the values, UTF-8; docs/mobilgeraete.md describes it. A yes
or no may stay empty: the list then says nothing, and the check is reported as not tested.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from praxisschild.errors import InputError
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
            way_out = f"gemeint ist wohl „{near[0]}“" if near else f"möglich sind {', '.join(COLUMNS)}"
            raise InputError(source.file, "Zeile 1", f"die Spalte „{name[:60]}“ ist unbekannt", way_out)
    found, days = [], []
    for record in source.records():
        stand = record.cell("Stand").moment()
        if stand is None:
            raise record.cell("Stand").fail("hier fehlt ein Datum", "den Tag schreiben, an dem die Angaben galten")
        days.append(stand)
        found.append(_device(record, stand))
    return max(days, default=None), apart(found)


def _device(record: Record, stand: datetime) -> Device:
    name = record.cell("Gerät")
    if not name.text:
        raise name.fail("hier fehlt der Name des Geräts", "den Namen aus praxis.mobile_devices schreiben")
    platform = record.cell("Plattform")
    if platform.text.lower() not in _PLATFORMS:
        raise platform.fail(f"„{platform.text[:40]}“ ist unbekannt", "iOS, iPadOS oder Android schreiben")
    owner = record.cell("Besitz")
    if owner.text and owner.text.lower() not in _OWNERS:
        raise owner.fail(f"„{owner.text[:40]}“ ist unbekannt", "dienstlich oder privat schreiben")
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
