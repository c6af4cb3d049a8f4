"""Google's Android Management API: the answer to `enterprises.devices.list`, as JSON.

Fields: discovery document `androidmanagement.v1`, schemas `Device`, `DeviceSettings`, `SecurityPosture`,
`NonComplianceDetail` and `SoftwareInfo`
(developers.google.com/android/management/reference/rest/v1/enterprises.devices). A device has no name of its own there:
what the practice wrote into the enrolment token (`enrollmentTokenData`) is taken, or else the last part of the
resource's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.i18n import _
from praxisschild.mdm.android import POLICY_IDS
from praxisschild.mdm.exports import settled
from praxisschild.mdm.exports.model import Answer, Device, apart, mark_of
from praxisschild.mdm.rows import apps_of, fields_of
from praxisschild.mdm.topics import Topic

if TYPE_CHECKING:
    from datetime import datetime

    from praxisschild.mdm.declared import MobileDevices, Owner
    from praxisschild.mdm.exports.sources import JsonSource, Record

LIST = "devices"
_OWNERS: dict[str, Owner] = {"COMPANY_OWNED": "company", "PERSONALLY_OWNED": "personal"}
_ENCRYPTED = {"ACTIVE", "ACTIVE_PER_USER"}
# what this device's Android cannot do is no fault of the device; the rest of the topic's settings still count
_BEYOND_THE_DEVICE = {"API_LEVEL", "UNSUPPORTED", "DEVICE_INCOMPATIBLE"}
_POSTURES = {
    "SECURE": (True, "Android meldet einen sicheren Zustand"),
    "AT_RISK": (False, "Android meldet ein Risiko"),
    "POTENTIALLY_COMPROMISED": (False, "Android hält das Gerät für möglicherweise übernommen"),
}
_SECTION = "fehlt in der Geräteliste (statusReportingSettings.deviceSettingsEnabled)"


def recognises(source: JsonSource) -> bool:
    """By the resource's name."""
    return str(source.first(LIST).get("name", "")).startswith("enterprises/")


def devices(source: JsonSource, declared: MobileDevices, product: str) -> tuple[datetime | None, list[Device]]:
    """When any device reported last, and the devices.

    Raises:
        InputError: a value cannot be used; names entry and field.
    """
    del product
    found = [_device(record, declared) for record in source.records(LIST)]
    return max((one.reported for one in found if one.reported), default=None), apart(found)


def _device(record: Record, declared: MobileDevices) -> Device:
    name = record.cell("enrollmentTokenData").text or record.cell("name").text.rpartition("/")[2]
    if not name:
        raise record.cell("name").fail(_("the name of the device is missing"), _("keep the list as it was exported"))
    version = record.cell("softwareInfo.androidVersion").text
    state = record.cell("appliedState").text or record.cell("state").text
    return Device(
        name=name[:80],
        platform="android",
        owner=_OWNERS.get(record.cell("ownership").text),
        mark=mark_of(record.cell("hardwareInfo.serialNumber").text),
        reported=record.cell("lastStatusReportTime").moment(),
        system=f"Android {version}".strip(),
        answers={
            **{topic: _by_policy(topic, record, declared) for topic in settled.BY_POLICY},
            Topic.MANAGED: Answer(state == "ACTIVE", f"Zustand {state[:40] or 'unbekannt'}"),
            Topic.COMPLIANT: _compliant(record),
            Topic.ENCRYPTED: _encrypted(record),
            Topic.LOCKED: _flag(record, "isDeviceSecure", "Code gesetzt", "kein Code gesetzt"),
            Topic.INTACT: _intact(record),
            **_foreign_sources(record),
        },
        wipe_after=_wipe_after(record),
        patch_level=record.cell("softwareInfo.securityPatchLevel").day(),
        version=version,
    )


def _flag(record: Record, field: str, yes: str, no: str) -> Answer:
    value = record.cell(f"deviceSettings.{field}").truth()
    if value is None:
        # the API leaves out what is false, but not the object around it
        return Answer(False, no) if record.has("deviceSettings") else Answer(None, f"deviceSettings {_SECTION}")
    return Answer(value, yes if value else no)


def _encrypted(record: Record) -> Answer:
    status = record.cell("deviceSettings.encryptionStatus").text
    if status and status != "ENCRYPTION_STATUS_UNSPECIFIED":
        return Answer(status in _ENCRYPTED, f"Verschlüsselung {status[:40]}")
    return _flag(record, "isEncrypted", "verschlüsselt", "nicht verschlüsselt")


def _foreign_sources(record: Record) -> dict[Topic, Answer]:
    """An allowed foreign source is a fault whatever the policy says; a forbidden one is what the policy settles."""
    if record.cell("deviceSettings.unknownSourcesEnabled").truth():
        return {Topic.STORE_ONLY: Answer(False, "Installation aus unbekannten Quellen ist erlaubt")}
    return {}


def _intact(record: Record) -> Answer:
    posture = record.cell("securityPosture.devicePosture").text
    value, text = _POSTURES.get(posture, (None, "Android hat den Zustand nicht bewertet (securityPosture)"))
    return Answer(value, text)


def _compliant(record: Record) -> Answer:
    names = sorted({one.cell("settingName").text[:60] for one in record.elements("nonComplianceDetails")} - {""})
    value = record.cell("policyCompliant").truth()
    # the API leaves out what is false
    if not value and not record.has("appliedPolicyName"):
        return Answer(None, "auf das Gerät ist noch keine Richtlinie angewandt")
    said = f"nicht erfüllt: {', '.join(names)}" if names else "Richtlinie nicht erfüllt"
    return Answer(True, "Richtlinie erfüllt") if value else Answer(False, said)


def _wipe_after(record: Record) -> int | None:
    """The strictest figure that the device applies; 0, no limit, where it applies requirements without one."""
    limits = [
        one.cell("maximumFailedPasswordsForWipe").number() or 0 for one in record.elements("appliedPasswordPolicies")
    ]
    return min((limit for limit in limits if limit), default=0) if limits else None


def _concerns(fault: Record, topic: Topic, wanted: set[str]) -> bool:
    """Whether a setting that was not applied is one of the topic's; of the apps, each topic has its own."""
    setting, package = fault.cell("settingName").text, fault.cell("packageName").text
    if setting != "applications":
        return setting in wanted
    if topic is Topic.APPROVED_APPS:
        return package not in apps_of(Topic.ASSISTANT) | apps_of(Topic.BROWSER)
    return package in apps_of(topic)


def _by_policy(topic: Topic, record: Record, declared: MobileDevices) -> Answer:
    applied = record.cell("appliedPolicyName").text.rpartition("/")[2]
    if applied not in POLICY_IDS.values():
        return Answer(None, f"die angewandte Richtlinie „{applied[:40]}“ ist nicht die von Praxisschild")
    wanted = fields_of(topic, "android")
    faults = [one for one in record.elements("nonComplianceDetails") if _concerns(one, topic, wanted)]
    reasons = {one.cell("nonComplianceReason").text for one in faults}
    if "PENDING" in reasons:
        return Answer(None, "die Richtlinie wird noch angewandt")
    names = {one.cell("settingName").text for one in faults}
    if reasons - _BEYOND_THE_DEVICE or (names and names >= wanted):
        return Answer(False, f"Richtlinie {applied}: nicht umgesetzt ist {', '.join(sorted(names))}")
    return settled.needs_a_choice(topic, "android", declared) or Answer(True, f"Richtlinie {applied} angewandt")
