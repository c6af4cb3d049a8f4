"""Device lists that a mobile device management exports: one module per format, `read_list` finds the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.errors import InputError
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
        InputError: the file cannot be read or is of no known format; names line and column (German).
    """
    source = open_source(file)
    products = _CSV if isinstance(source, CsvSource) else _JSON
    product = next((name for name, module in products.items() if module.recognises(source)), None)
    if product is None:
        raise _unknown(source, file)
    taken, devices = products[product].devices(source, declared, product)
    if taken is None:
        way_out = "die Liste vollständig neu exportieren"
        raise InputError(file, "", "die Liste nennt keinen Zeitpunkt, zu dem sich ein Gerät gemeldet hat", way_out)
    if taken > now:
        reason = f"die Liste ist von {taken:%d.%m.%Y %H:%M} UTC, also aus der Zukunft"
        raise InputError(file, "", reason, "Datum und Uhrzeit in der Verwaltung und hier prüfen")
    return DeviceList(file.name, product, taken, source.sha256, tuple(devices))


def _unknown(source: CsvSource | JsonSource, file: Path) -> InputError:
    way_out = (
        f"eine Liste von {', '.join(PRODUCTS[:-1])} oder {PRODUCTS[-1]} angeben; docs/mobilgeraete.md beschreibt sie"
    )
    if isinstance(source, CsvSource):
        names = ", ".join(f"„{name}“" for name in source.columns[:4])
        if {"Gerätename", "Compliance"} & set(source.columns) or "Konformität" in source.columns:
            reason = f"die Spalten ({names} …) sind übersetzt"
            return InputError(
                file, "Zeile 1", reason, "die Oberfläche von Intune auf Englisch stellen und neu exportieren"
            )
        return InputError(file, "Zeile 1", f"die Spalten ({names} …) gehören zu keinem bekannten Format", way_out)
    return InputError(file, "", "dieses JSON gehört zu keinem bekannten Format", way_out)
