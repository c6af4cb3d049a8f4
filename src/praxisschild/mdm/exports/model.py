"""A device list as checks see it, whichever product wrote it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from praxisschild.mdm.declared import Owner, Platform
    from praxisschild.mdm.topics import Topic


@dataclass(frozen=True)
class Answer:
    """What a list says about one topic: `value` None where it says nothing; `text` is how it says so (German).

    `applies` is False where the question has no object: a tablet without a SIM has no PIN.
    """

    value: bool | None
    text: str
    applies: bool = True


@dataclass(frozen=True)
class Device:
    """One smartphone or tablet of a list. Times are UTC; `mark` stands for the serial number, which is not kept.

    `wipe_after` is a number of wrong codes, `patch_level` the day of the system's security state, `version` the
    system's version; each None where the list does not tell.
    """

    name: str
    platform: Platform
    mark: str
    reported: datetime | None
    system: str = ""
    owner: Owner | None = None
    answers: Mapping[Topic, Answer] = field(default_factory=dict)
    wipe_after: int | None = None
    patch_level: date | None = None
    version: str = ""
    certificate_until: datetime | None = None


@dataclass(frozen=True)
class DeviceList:
    """What one file says: its name without folders, the product, when it was taken, its SHA-256, the devices."""

    file: str
    product: str
    taken: datetime
    sha256: str
    devices: tuple[Device, ...]


def mark_of(serial: str) -> str:
    """A short stand-in for a serial number: equal for equal ones, and too short to be traced back to a single one."""
    return hashlib.sha256(serial.strip().upper().encode()).hexdigest()[:8] if serial.strip() else ""


def apart(devices: Iterable[Device]) -> list[Device]:
    """The devices, those of the same name told apart by their mark or number."""
    found: list[Device] = []
    names: set[str] = set()
    for device in devices:
        name, number = device.name, 2
        if name in names and device.mark:
            name = f"{device.name} ({device.mark})"
        while name in names:
            name = f"{device.name} ({number})"
            number += 1
        names.add(name)
        found.append(device if name == device.name else replace(device, name=name))
    return found
