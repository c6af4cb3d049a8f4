"""Jamf Pro: the answer to `GET /api/v2/mobile-devices/detail`, as JSON.

Sections wanted: GENERAL, HARDWARE, SECURITY, PROFILES, CERTIFICATES. Fields: Jamf Pro API, schemas
`MobileDeviceGeneral`, `MobileDeviceSecurity`, `MobileDeviceProfile` and `MobileDeviceCertificate`
(developer.jamf.com/jamf-pro/reference/get_v2-mobile-devices-detail). `hardwareEncryption` is Apple's
`HardwareEncryptionCaps`: 1 block level, 2 file level, 3 both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.i18n import _
from praxisschild.mdm.apple import PREFIX
from praxisschild.mdm.exports import settled
from praxisschild.mdm.exports.model import Answer, Device, apart, mark_of
from praxisschild.mdm.topics import Topic

if TYPE_CHECKING:
    from datetime import datetime

    from praxisschild.mdm.declared import MobileDevices, Owner
    from praxisschild.mdm.exports.sources import JsonSource, Record

LIST = "results"
FULL_ENCRYPTION = 3
_UNREACHED = {
    Topic.APP_UPDATES: "bei Apple nicht auszulesen; in der Gerätetabelle von Hand festhalten",
    Topic.PERMISSIONS: "vergibt bei Apple die Person am Gerät; in der Gerätetabelle von Hand festhalten",
}


def recognises(source: JsonSource) -> bool:
    """By the number that Jamf counts mobile devices with."""
    return "mobileDeviceId" in source.first(LIST)


def devices(source: JsonSource, declared: MobileDevices, product: str) -> tuple[datetime | None, list[Device]]:
    """When any device was inventoried last, and the devices; an Apple TV is none.

    Raises:
        InputError: a value cannot be used; names entry and field.
    """
    del product
    found = [
        _device(record, declared)
        for record in source.records(LIST)
        if record.cell("deviceType").text.lower() in {"", "ios", "ipados"}
    ]
    return max((one.reported for one in found if one.reported), default=None), apart(found)


def _device(record: Record, declared: MobileDevices) -> Device:
    name = record.cell("general.displayName")
    if not name.text:
        raise name.fail(_("the name of the device is missing"), _("export the section GENERAL, too"))
    version = record.cell("general.osVersion").text
    installed = any(one.cell("identifier").text.startswith(f"{PREFIX}.") for one in record.elements("profiles"))
    ends = [record.cell("general.mdmProfileExpirationDate").moment()]
    ends += [
        one.cell("expirationDate").moment() for one in record.elements("certificates") if one.cell("identity").truth()
    ]
    return Device(
        name=name.text[:80],
        platform="ios",
        owner=_owner(record),
        mark=mark_of(record.cell("hardware.serialNumber").text),
        reported=record.cell("general.lastInventoryUpdateDate").moment(),
        system=f"iOS {version}".strip(),
        answers={
            **{topic: _by_profile(topic, record, declared, installed=installed) for topic in settled.BY_POLICY},
            Topic.MANAGED: _said(record, "general.managed", "verwaltet", "nicht verwaltet"),
            Topic.ENCRYPTED: _encrypted(record),
            Topic.LOCKED: _locked(record),
            Topic.INTACT: _intact(record),
        },
        wipe_after=settled.wipe_after("ios") if installed else None,
        version=version,
        certificate_until=min((one for one in ends if one), default=None),
    )


def _owner(record: Record) -> Owner | None:
    word = record.cell("general.deviceOwnershipType").text.lower()
    if not word:
        return None
    return "personal" if "personal" in word or "user" in word else "company"


def _said(record: Record, field: str, yes: str, no: str) -> Answer:
    value = record.cell(field).truth()
    if value is None:
        return Answer(None, f"das Feld {field} fehlt in der Geräteliste")
    return Answer(value, yes if value else no)


def _encrypted(record: Record) -> Answer:
    if record.has("security.dataProtected"):
        return _said(
            record, "security.dataProtected", "Datenschutz (Data Protection) aktiv", "Data Protection nicht aktiv"
        )
    level, code = record.cell("security.hardwareEncryption").number(), record.cell("security.passcodePresent").truth()
    if level is None or code is None:
        return Answer(None, "der Abschnitt SECURITY fehlt in der Geräteliste")
    return Answer(
        level == FULL_ENCRYPTION and code, f"Verschlüsselungsstufe {level}, Code {'gesetzt' if code else 'fehlt'}"
    )


def _locked(record: Record) -> Answer:
    present = _said(record, "security.passcodePresent", "Code gesetzt", "kein Code gesetzt")
    if not present.value:
        return present
    suits = record.cell("security.passcodeCompliantWithProfile").truth()
    if suits is None:
        suits = record.cell("security.passcodeCompliant").truth()
    if suits is None:
        return Answer(None, "Code gesetzt; ob er den Vorgaben genügt, steht nicht in der Geräteliste")
    return Answer(suits, "Code gesetzt und den Vorgaben genügend" if suits else "Code gesetzt, aber zu schwach")


def _intact(record: Record) -> Answer:
    broken = record.cell("security.jailBreakDetected").truth()
    if broken is None:
        return Answer(None, "das Feld security.jailBreakDetected fehlt in der Geräteliste")
    return Answer(not broken, "Jailbreak erkannt" if broken else "kein Jailbreak erkannt")


def _by_profile(topic: Topic, record: Record, declared: MobileDevices, *, installed: bool) -> Answer:
    if topic in _UNREACHED:
        return Answer(None, _UNREACHED[topic])
    if not record.has("profiles"):
        return Answer(None, "der Abschnitt PROFILES fehlt in der Geräteliste")
    if not installed:
        return Answer(None, "das Profil von Praxisschild ist nicht installiert")
    if topic in {Topic.STORE_ONLY, Topic.APPROVED_APPS} and not record.cell("general.supervised").truth():
        return Answer(None, "das Gerät ist nicht betreut (supervised) und folgt dem Profil darin nicht")
    return settled.needs_a_choice(topic, "ios", declared) or Answer(True, "Profil von Praxisschild installiert")
