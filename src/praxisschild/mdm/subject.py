"""A mobile device as a check sees it: an answer of its device list, or a verdict why there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from praxisschild.checks import bound, not_applicable, not_tested
from praxisschild.errors import InputError
from praxisschild.i18n import german
from praxisschild.mdm.exports import read_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from praxisschild.mdm.declared import CurrentSystem, MobileDevices
    from praxisschild.mdm.exports.model import Answer, Device, DeviceList
    from praxisschild.mdm.topics import Topic


@dataclass(frozen=True, repr=False)
class MobileSubject:
    """One device of the practice on the day of `now`; `missing` is the German reason if no list knows it."""

    name: str
    now: datetime
    device: Device | None = None
    source: DeviceList | None = None
    missing: str = ""
    current: CurrentSystem | None = None

    def __repr__(self) -> str:
        # what a failed check shows; the rest is in what it measured
        return f"<{self.name}>"

    @property
    def known(self) -> Device:
        """The device as its list tells; ends the check as not tested if there is none, or if it is out of date."""
        if self.device is None or self.source is None:
            not_tested(self.missing)
        limit = _freshness()
        if self.now - self.source.taken > limit:
            age = (self.now - self.source.taken).days
            not_tested(
                f"die Geräteliste {self.source.file} vom {self.source.taken:%d.%m.%Y} ist {age} Tage alt, höchstens "
                f"{limit.days} sind erlaubt; neu exportieren"
            )
        if self.device.reported is None:
            not_tested("das Gerät hat sich laut Geräteliste noch nie bei der Verwaltung gemeldet")
        if self.now - self.device.reported > limit:
            age = (self.now - self.device.reported).days
            not_tested(
                f"das Gerät hat sich seit {age} Tagen nicht bei der Verwaltung gemeldet; was sie weiß, ist überholt"
            )
        return self.device

    @property
    def origin(self) -> str:
        """Where the answers come from, for `measured`: product, file, time, and the device's mark."""
        if self.device is None or self.source is None:
            return "in keiner Geräteliste"
        mark = f", Kennung {self.device.mark}" if self.device.mark else ""
        return f"{self.source.product}, {self.source.file} vom {self.source.taken:%d.%m.%Y %H:%M} UTC{mark}"

    @property
    def fingerprint(self) -> str:
        """The list itself, so that a file that somebody kept can be recognised as the one that was read."""
        return f"Geräteliste {self.source.file}, SHA-256 {self.source.sha256}" if self.source else "keine Geräteliste"

    def answer(self, topic: Topic) -> Answer:
        """What the list says; ends the check as not applicable where the question has no object."""
        found = self.known.answers.get(topic)
        if found is None:
            not_tested(f"{topic.label}: die Geräteliste ({self.source and self.source.product}) sagt dazu nichts")
        if not found.applies:
            not_applicable(found.text)
        return found

    def holds(self, topic: Topic) -> bool:
        """Yes or no; ends the check as not tested, with the reason, if the list does not tell."""
        found = self.answer(topic)
        if found.value is None:
            not_tested(f"{topic.label}: {found.text}")
        return found.value

    def has_answer(self, topic: Topic) -> bool:
        """Whether the list knows the topic at all."""
        found = self.known.answers.get(topic)
        return found is not None and (found.value is not None or not found.applies)

    def says(self, topic: Topic) -> str:
        """The answer in German, for `measured`."""
        found = self.known.answers.get(topic)
        return f"{topic.label}: {found.text if found else 'keine Angabe'} ({self.origin})"

    @property
    def is_current(self) -> bool:
        """Whether the system's version is not below the one that the practice names as current."""
        return self.current is not None and _version(self.known.version) >= _version(self.current.version)

    @property
    def silence(self) -> timedelta:
        """For how long the device had not reported when the list was taken."""
        device, source = self.known, self.source
        return source.taken - device.reported if source and device.reported else timedelta.max


def _version(text: str) -> tuple[int, ...]:
    """The numbers of a version, trailing zeros left out: 26.0 is 26."""
    numbers = [int(one) for one in re.findall(r"\d{1,9}", text)[:4]]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _freshness() -> timedelta:
    """For how long a list proves anything."""
    return timedelta(days=bound("2021-A1-21", "device_list_age").at_most or 0)


def _completed(device: Device, older: Device, source: DeviceList) -> Device:
    """The device with what only an older list says of it; each such answer names that list."""
    answers = dict(device.answers)
    for topic, answer in older.answers.items():
        known = answers.get(topic)
        silent = known is None or (known.value is None and known.applies)
        if silent and (answer.value is not None or not answer.applies):
            answers[topic] = replace(answer, text=f"{answer.text}, laut {source.file} vom {source.taken:%d.%m.%Y}")
    return replace(
        device,
        answers=answers,
        wipe_after=older.wipe_after if device.wipe_after is None else device.wipe_after,
        patch_level=device.patch_level or older.patch_level,
        version=device.version or older.version,
        certificate_until=device.certificate_until or older.certificate_until,
    )


def list_files(declared: MobileDevices, practice: Path) -> list[Path]:
    """The device lists that the practice declares, those of a folder by name; a missing one is named, too."""
    found: list[Path] = []
    for name in declared.exports:
        path = practice / name
        inside = path.iterdir() if path.is_dir() else [path]
        found += sorted(one for one in inside if one == path or one.suffix.lower() in {".csv", ".json"})
    return found


def subjects(declared: MobileDevices, files: Sequence[Path], now: datetime) -> list[MobileSubject]:
    """The practice's devices, those it names first, then those that only a list knows.

    The newest list speaks; what it does not tell, an older one may add for as long as it is fresh: a management knows
    nothing of a SIM's PIN, and the person who handed the device out does.

    A list that cannot be read does not stop anything: it is the reason of every device that no other list knows.
    Without any device there is one subject without a device, so that the reason reaches the report.
    """
    lists, errors = [], []
    for file in files:
        try:
            with german():  # why a list cannot be read goes into the evidence
                lists.append(read_list(file, declared, now))
        except InputError as error:
            errors.append(error)
    missing = _why_missing(files, errors)
    platforms = {one.name: one.platform for one in declared.devices}
    found: dict[str, tuple[Device, DeviceList]] = {}
    for one in sorted(lists, key=lambda each: each.taken, reverse=True):
        for told in one.devices:
            if told.name not in found:
                found[told.name] = told, one
            elif now - one.taken <= _freshness():
                newest, origin = found[told.name]
                found[told.name] = _completed(newest, told, one), origin
    names = dict.fromkeys([*platforms, *found])
    known = []
    for name in names:
        device, source = found.get(name, (None, None))
        platform = device.platform if device else platforms[name]
        current = declared.current_os.get(platform)
        known.append(MobileSubject(name, now, device, source, missing, current))
    return known or [MobileSubject("", now, missing=missing)]


def _why_missing(files: Iterable[Path], errors: Sequence[InputError]) -> str:
    if errors:
        place = f"{errors[0].field}: " if errors[0].field else ""
        return f"die Geräteliste {errors[0].file.rpartition('/')[2]} ist nicht lesbar ({place}{errors[0].reason})"
    names = ", ".join(file.name for file in files)
    if not names:
        return "keine Geräteliste der Mobilgeräteverwaltung hinterlegt (praxis.mobile_devices.exports)"
    way_out = "in der Verwaltung anmelden oder aus praxis.mobile_devices nehmen"
    return f"in keiner Geräteliste ({names}); {way_out}"
