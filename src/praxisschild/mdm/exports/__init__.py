"""Device lists that a mobile device management exports: one module per format, `read_list` finds the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.errors import InputError
from praxisschild.i18n import _
from praxisschild.mdm.exports import amapi, graph, intune, jamf, neutral
from praxisschild.mdm.exports.model import DeviceList
from praxisschild.mdm.exports.sources import CsvSource, open_source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path
    from types import ModuleType

    from praxisschild.mdm.declared import MobileDevices
    from praxisschild.mdm.exports.sources import JsonSource

_CSV: Mapping[str, ModuleType] = {"Microsoft Intune (CSV)": intune, "Gerätetabelle (CSV)": neutral}
_JSON: Mapping[str, ModuleType] = {
    "Microsoft Intune (Graph)": graph,
    "Jamf Pro": jamf,
    "Android Management API": amapi,
}
PRODUCTS = (*_CSV, *_JSON)


def read_list(file: Path, declared: MobileDevices, now: datetime) -> DeviceList:
    """The smartphones and tablets of a device list, whichever management wrote it.

    Args:
        file: what the management exported.
        declared: what the practice says of its devices; names what "compliant" means.
        now: a list of later than this is refused.

    Raises:
        InputError: the file cannot be read or is of no known format; names line and column.
    """
    source = open_source(file)
    products = _CSV if isinstance(source, CsvSource) else _JSON
    product = next((name for name, module in products.items() if module.recognises(source)), None)
    if product is None:
        raise _unknown(source, file)
    taken, devices = products[product].devices(source, declared, product)
    if taken is None:
        reason = _("the list does not tell when any device has reported")
        raise InputError(file, "", reason, _("export the whole list anew"))
    if taken > now:
        reason = _("the list is of {taken:%d.%m.%Y %H:%M} UTC, which is in the future", taken=taken)
        raise InputError(file, "", reason, _("check date and time in the management and here"))
    return DeviceList(file.name, product, taken, source.sha256, tuple(devices))


def _unknown(source: CsvSource | JsonSource, file: Path) -> InputError:
    products = ", ".join(PRODUCTS)
    way_out = _("name a list of one of these: {products}; docs/mobilgeraete.md describes them", products=products)
    if isinstance(source, CsvSource):
        names, place = ", ".join(source.columns[:4]), _("line {number}", number=1)
        if {"Gerätename", "Compliance"} & set(source.columns) or "Konformität" in source.columns:
            reason = _("the columns ({names} …) are translated", names=names)
            return InputError(file, place, reason, _("set Intune's own language to English and export anew"))
        reason = _("the columns ({names} …) are of no known format", names=names)
        return InputError(file, place, reason, way_out)
    return InputError(file, "", _("this JSON is of no known format"), way_out)
