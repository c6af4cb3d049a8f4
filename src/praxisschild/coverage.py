"""How much of each edition the project sets and proves: counted from roles and checks, split by what is concerned."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ConfigDict, Field

from praxisschild import traceability
from praxisschild.catalogue import Concern, Kind
from praxisschild.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from praxisschild.catalogue import Catalogue, Requirement
    from praxisschild.traceability import Check, Platform, Setting

KINDS: tuple[Kind, ...] = get_args(Kind)
CONCERNS: tuple[Concern, ...] = get_args(Concern)
# what a host with the system can be, and what can run on it
ON_PLATFORM: dict[Platform, frozenset[Concern]] = {
    "linux": frozenset({"host", "server_service"}),
    "windows": frozenset({"host", "windows", "server_service"}),
}
PLATFORM_LABELS: dict[Platform, str] = {"linux": "Linux", "windows": "Windows"}
KIND_LABELS: dict[Kind, str] = {
    "technical": N_("technical"),
    "probe": N_("by probes"),
    "mdm": N_("mobile devices"),
    "organisational": N_("organisational"),
}
CONCERN_LABELS: dict[Concern, str] = {
    "host": N_("computers and servers"),
    "server_service": N_("the practice's server services"),
    "windows": N_("Windows"),
    "network_device": N_("network devices and zones"),
    "office_device": N_("printers and fax"),
    "mobile_device": N_("mobile devices"),
    "medical_device": N_("large medical devices"),
    "ti_component": N_("TI components"),
    "external_service": N_("services elsewhere"),
    "people": N_("people"),
}
_WHY: dict[Concern, str] = {
    "host": N_("not done on these hosts yet"),
    "server_service": N_("there is no role for these services yet"),
    "windows": N_("not done on Windows hosts yet"),
    "network_device": N_("routers, switches and WLAN are not read yet"),
    "office_device": N_("printers and fax machines are not read"),
    "mobile_device": N_("no mobile device management can set this; the practice attests it"),
    "medical_device": N_("their makers manage large devices; probes from the network are missing yet"),
    "ti_component": N_("the connector is not read yet"),
    "external_service": N_("the service does not stand in the practice"),
    "people": N_("no technical means can measure this; the practice attests it"),
}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CoverageRow(_Model):
    """One annex (None: the recommendations) and one primary kind: how many requirements have what.

    `open` are those that could be set or measured by technical means and lack a setting, or both check and probe.
    """

    annex: int | None
    kind: Kind
    requirements: int
    settings: int
    checks: int
    probes: int
    open: tuple[str, ...] = ()


class OpenPart(_Model):
    """What is technically open, told apart by what it concerns; each requirement stands once, see `main_concern`."""

    concern: Concern
    requirements: tuple[str, ...]


class Coverage(_Model):
    """What this version of the product covers of an edition; it says nothing about a practice."""

    edition: str
    rows: tuple[CoverageRow, ...]
    open: tuple[OpenPart, ...] = Field(default=())


@dataclass(frozen=True)
class Covered:
    """A requirement and what serves and proves it, under any of its older ids."""

    requirement: Requirement
    settings: tuple[Setting, ...]
    checks: tuple[Check, ...]
    probes: tuple[Check, ...]

    @property
    def lacks(self) -> tuple[str, ...]:
        """What is missing, `setting` or `check`; a probe proves as much as a check does."""
        missing = [] if self.settings else [N_("setting")]
        return tuple(missing if self.checks or self.probes else [*missing, N_("check")])

    @property
    def is_open(self) -> bool:
        """Whether technical means could do more than they do."""
        return self.requirement.measurable and bool(self.lacks)

    @property
    def main_concern(self) -> Concern:
        """What counts when each requirement is told once: the computer first, people last."""
        return min(self.requirement.concerns, key=CONCERNS.index)

    @property
    def why(self) -> str:
        """Why it is open, or why technical means do not reach it."""
        return _(_WHY[self.main_concern if self.requirement.measurable or self._is_managed else "people"])

    @property
    def _is_managed(self) -> bool:
        return "mdm" in self.requirement.kinds

    def as_dict(self) -> dict[str, Any]:
        """What a program may want to read."""
        return {
            "id": self.requirement.id,
            "title": self.requirement.title,
            "annex": self.requirement.annex,
            "kinds": self.requirement.kinds,
            "concerns": self.requirement.concerns,
            "settings": len(self.settings),
            "checks": len(self.checks),
            "probes": len(self.probes),
            "open": self.is_open,
            "lacks": self.lacks,
        }


class Project:
    """The settings and checks of a checkout, read once."""

    def __init__(self, catalogue: Catalogue, folder: Path) -> None:
        self._catalogue = catalogue
        self._settings: dict[str, list[Setting]] = defaultdict(list)
        self._checks: dict[str, list[Check]] = defaultdict(list)
        for setting in (*traceability.settings(folder / "roles"), *traceability.mobile_settings(folder)):
            for identifier in setting.requirements:
                self._settings[identifier].append(setting)
        for check in traceability.checks(folder / "tests/compliance"):
            for identifier in check.requirements:
                self._checks[identifier].append(check)

    def covered(self, edition: str, platform: Platform | None = None) -> list[Covered]:
        """Every requirement of the edition and every recommendation, with what serves and proves it on any system.

        With a platform: those that can concern a host with it, and what serves and proves them there.

        Raises:
            InputError: there is no such edition.
        """
        entries = [*self._catalogue.edition(edition), *self._catalogue.recommendations]
        return [
            self._look_up(entry, platform)
            for entry in entries
            if platform is None or not ON_PLATFORM[platform].isdisjoint(entry.concerns)
        ]

    def _look_up(self, entry: Requirement, platform: Platform | None) -> Covered:
        there = {None, platform} if platform else {None, *PLATFORM_LABELS}
        ids = [one for one in self._catalogue.ids if one in self._catalogue.ancestry(entry.id)]
        settings = tuple(
            dict.fromkeys(setting for one in ids for setting in self._settings[one] if setting.platform in there)
        )
        checks = tuple(dict.fromkeys(check for one in ids for check in self._checks[one] if check.platform in there))
        return Covered(
            entry,
            settings,
            tuple(check for check in checks if not check.probe),
            tuple(check for check in checks if check.probe),
        )


def summarise(edition: str, found: Sequence[Covered]) -> Coverage:
    """The table of an edition: annexes in order, the recommendations last, kinds in the catalogue's order."""
    groups: dict[tuple[int | None, Kind], list[Covered]] = defaultdict(list)
    for one in found:
        groups[one.requirement.annex, one.requirement.kind].append(one)
    order = sorted(groups, key=lambda key: (key[0] is None, key[0] or 0, KINDS.index(key[1])))
    rows = tuple(
        CoverageRow(
            annex=annex,
            kind=kind,
            requirements=len(groups[annex, kind]),
            settings=sum(bool(one.settings) for one in groups[annex, kind]),
            checks=sum(bool(one.checks) for one in groups[annex, kind]),
            probes=sum(bool(one.probes) for one in groups[annex, kind]),
            open=tuple(one.requirement.id for one in groups[annex, kind] if one.is_open),
        )
        for annex, kind in order
    )
    return Coverage(edition=edition, rows=rows, open=_split(found))


def _split(found: Iterable[Covered]) -> tuple[OpenPart, ...]:
    parts: dict[Concern, list[str]] = defaultdict(list)
    for one in found:
        if one.is_open:
            parts[one.main_concern].append(one.requirement.id)
    return tuple(
        OpenPart(concern=concern, requirements=tuple(parts[concern])) for concern in CONCERNS if concern in parts
    )


def verdict(found: Sequence[Covered], platform: Platform) -> str:
    """What is technically left for hosts with this system, as a sentence; `found` is what `covered` says of it."""
    system = PLATFORM_LABELS[platform]
    parts = {part.concern: part.requirements for part in _split(found)}
    hosts, services = (*parts.get("host", ()), *parts.get("windows", ())), parts.get("server_service", ())
    if hosts:
        rest = _("; and server services: {ids}", ids=", ".join(services)) if services else ""
        return _("Technically open for {system} hosts: {ids}{rest}.", system=system, ids=", ".join(hosts), rest=rest)
    if services:
        return _(
            "Nothing is technically open for {system} hosts but server services: {ids}.",
            system=system,
            ids=", ".join(services),
        )
    return _("Nothing is technically open for {system} hosts.", system=system)
