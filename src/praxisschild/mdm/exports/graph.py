"""Microsoft Intune through Microsoft Graph: the answer to `GET /deviceManagement/managedDevices` (v1.0), as JSON.

Properties: learn.microsoft.com/graph/api/resources/intune-devices-manageddevice. Pages put together by hand keep the
name of the list, `value`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.i18n import _
from praxisschild.mdm.exports import compliance, intune
from praxisschild.mdm.exports.model import Device, apart, mark_of
from praxisschild.mdm.topics import Topic

if TYPE_CHECKING:
    from datetime import datetime

    from praxisschild.mdm.declared import MobileDevices, Platform
    from praxisschild.mdm.exports.sources import JsonSource, Record

LIST = "value"


def recognises(source: JsonSource) -> bool:
    """By the context that Graph writes, or the properties of the first device."""
    context = str(source.document.get("@odata.context", ""))
    return "managedDevices" in context or {"deviceName", "complianceState"} <= source.first(LIST).keys()


def devices(source: JsonSource, declared: MobileDevices, product: str) -> tuple[datetime | None, list[Device]]:
    """When any device reported last, and the mobile devices.

    Raises:
        InputError: a value cannot be used; names entry and field.
    """
    del product
    times, found = [], []
    for record in source.records(LIST):
        reported = record.cell("lastSyncDateTime").moment()
        times += [reported] if reported else []
        platform = intune.platform_of(record.cell("operatingSystem"))
        if platform:
            found.append(_device(record, platform, reported, declared))
    return max(times, default=None), apart(found)


def _device(record: Record, platform: Platform, reported: datetime | None, declared: MobileDevices) -> Device:
    name = record.cell("deviceName")
    if not name.text:
        raise name.fail(_("the name of the device is missing"), _("give the device a name in Intune"))
    version = record.cell("osVersion").text
    return Device(
        name=name.text[:80],
        platform=platform,
        owner=intune.OWNERS.get(record.cell("managedDeviceOwnerType").text.lower()),
        mark=mark_of(record.cell("serialNumber").text),
        reported=reported,
        system=f"{record.cell('operatingSystem').text} {version}".strip(),
        answers={
            **compliance.answers(record.cell("complianceState").text, declared),
            Topic.MANAGED: intune.managed(record.cell("managementState")),
            Topic.ENCRYPTED: intune.encrypted(record.cell("isEncrypted")),
            Topic.INTACT: intune.intact(record.cell("jailBroken")),
        },
        patch_level=record.cell("androidSecurityPatchLevel").day() if platform == "android" else None,
        version=version,
        certificate_until=record.cell("managementCertificateExpirationDate").moment(),
    )
