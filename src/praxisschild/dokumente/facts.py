"""What a practice's documents are filled from: its inventory, its own words, and the latest measurements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from praxisschild import german
from praxisschild.applicability import edition_of, why_not_applicable
from praxisschild.attestations import Standing, load_attestations, standing_of
from praxisschild.dokumente.model import Gap, Inline, Line, Served, Text, line
from praxisschild.errors import InputError
from praxisschild.evidence import latest_bundle, load_bundle, load_snapshot
from praxisschild.formats.stand_ins import MARK
from praxisschild.inventory import PROJECT
from praxisschild.snapshot import Snapshot, SnapshotError, Unreadable, WindowsSnapshot, read_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime
    from pathlib import Path

    from praxisschild.catalogue import Catalogue, Requirement
    from praxisschild.inventory import PracticeFolder
    from praxisschild.particulars import Device
    from praxisschild.practice import Practice
    from praxisschild.results import HostState

T = TypeVar("T")
DOCUMENTS_FIELD = "praxis.documents"


@dataclass(frozen=True)
class HostFacts:
    """A host of the inventory and its last snapshot; without one, `reason` says in German why."""

    name: str
    address: str
    groups: tuple[str, ...] = ()
    snapshot: Snapshot | WindowsSnapshot | None = None
    taken: datetime | None = None
    reason: str = ""

    def ask(self, question: Callable[[Snapshot], T], windows: Callable[[WindowsSnapshot], T] | None = None) -> T:
        """What the snapshot says; `windows` is the question to a host with Windows.

        Raises:
            Unreadable: there is none, or it does not say; the reason is German.
        """
        if self.snapshot is None:
            raise Unreadable(self.reason)
        if isinstance(self.snapshot, Snapshot):
            return question(self.snapshot)
        if windows is None:
            raise Unreadable("unter Windows nicht erhoben")
        return windows(self.snapshot)

    @property
    def label(self) -> str:
        """The name, with a mark if the figures are those of a stand-in."""
        is_stand_in = isinstance(self.snapshot, WindowsSnapshot) and self.snapshot.is_stand_in
        return f"{self.name} ({MARK})" if is_stand_in else self.name

    @property
    def measured_address(self) -> str | None:
        """The address that the host itself told; None if it did not."""
        try:
            return self.ask(lambda snapshot: snapshot.address, lambda snapshot: snapshot.address)
        except Unreadable:
            return None

    @property
    def measured_on(self) -> Line:
        """When the figures of this host were taken."""
        return line(german.moment(self.taken)) if self.taken else line("nicht gemessen")


@dataclass(frozen=True)
class Facts:
    """Everything about one practice on one day.

    `file` is where `praxis` stands, relative to the practice's folder, and `setting` the value of a role's variable on
    a host, the role's own default if the inventory is silent.
    """

    practice: Practice
    catalogue: Catalogue
    edition: str
    today: date
    file: str
    folder: str
    hosts: tuple[HostFacts, ...]
    setting: Callable[[str, str], Any]
    standings: tuple[Standing, ...] = ()
    bundle: str | None = None

    @cached_property
    def measured(self) -> datetime | None:
        """When the oldest of the figures was taken."""
        return min((host.taken for host in self.hosts if host.taken), default=None)

    def has(self, feature: str) -> bool:
        """Whether the practice has it, by its own word or by the catalogue's default."""
        return self.practice.features.get(feature, self.catalogue.features[feature].default)

    def said(self, path: str) -> Inline:
        """What the practice tells of itself in this field, or the gap.

        Raises:
            KeyError: there is no such field.
        """
        value, description = self.practice.documents.said(path)
        return Text(value) if value else self.gap(description, f"{DOCUMENTS_FIELD}.{path}")

    def gap(self, what: str, field: str) -> Gap:
        """Something that a field of the practice's own file would fill."""
        return Gap(what, self.file, field, "")

    def unmeasured(self, host: HostFacts, reason: str = "") -> Gap:
        """The place of figures that nobody has measured."""
        why = f" ({reason or host.reason})" if reason or host.reason else ""
        return Gap(f"Messwerte von {host.name}{why}", way_out=f"praxisschild verify {self.folder}")

    def devices(self, *kinds: str) -> list[tuple[int, Device]]:
        """The devices of these kinds, or all, each with its place in the practice's list."""
        return [
            (number, one)
            for number, one in enumerate(self.practice.documents.devices)
            if not kinds or one.kind in kinds
        ]

    def served(self, identifiers: tuple[str, ...]) -> tuple[Served, ...]:
        """The demands behind these ids in the numbering of the practice's edition, each once."""
        found: dict[str, Served] = {}
        for identifier in identifiers:
            for same in self.catalogue.carried_forward(identifier, self.edition):
                entry = self.catalogue.requirement(same)
                note = self._why_not(entry)
                found.setdefault(same, Served(same, entry.title, note, entry.edition is None))
        order = {identifier: place for place, identifier in enumerate(self.catalogue.ids)}
        return tuple(sorted(found.values(), key=lambda one: order[one.id]))

    def is_organisational(self, identifier: str) -> bool:
        """Whether people state a part of this requirement, and a document can support them."""
        return "organisational" in self.catalogue.requirement(identifier).kinds

    def _why_not(self, entry: Requirement) -> str:
        if entry.edition is None:
            return "Empfehlung der KVWL"
        return why_not_applicable(self.catalogue, self.practice, entry, self.today) or ""

    def standing(self, identifier: str) -> Standing | None:
        """The attestation that speaks for a requirement of the edition."""
        codes = [one for one in self.catalogue.ids if identifier in self.catalogue.carried_forward(one, self.edition)]
        return standing_of(self.standings, codes)


def gather(opened: PracticeFolder, evidence: Path, today: date) -> Facts:
    """The facts of a practice; its latest bundle of evidence below `evidence`, if there is one.

    Raises:
        InputError: the bundle or an attestation is broken.
    """
    inventory, practice = opened.inventory, opened.practice
    bundle = latest_bundle(evidence, practice.name)
    states = {state.name: state for state in load_bundle(bundle).hosts} if bundle else {}
    return Facts(
        practice=practice,
        catalogue=opened.catalogue,
        edition=edition_of(opened.catalogue, practice, today),
        today=today,
        file=inventory.file_of("praxis").relative_to(inventory.directory).as_posix(),
        folder=f"inventories/{inventory.directory.name}",
        hosts=tuple(
            _host(
                name,
                str(inventory.value(name, "ansible_host") or name),  # without the secrets of a connection
                tuple(str(group) for group in inventory.value(name, "group_names") or ()),
                bundle,
                states.get(name),
            )
            for name in inventory.hosts
        ),
        setting=lambda host, name: (
            value if (value := inventory.value(host, name)) is not None else _role_defaults().get(name)
        ),
        standings=tuple(load_attestations(inventory.directory / practice.attestations, opened.catalogue, today)),
        bundle=bundle.name if bundle else None,
    )


def _host(name: str, address: str, groups: tuple[str, ...], bundle: Path | None, state: HostState | None) -> HostFacts:
    if bundle is None or state is None:
        return HostFacts(name, address, groups, reason="noch nicht gemessen")
    if state.snapshot is None:
        return HostFacts(name, address, groups, reason=state.reason or "nicht erreicht")
    try:
        snapshot = read_snapshot(load_snapshot(bundle, state))
    except (InputError, SnapshotError):
        return HostFacts(name, address, groups, reason="Zustandsaufnahme nicht lesbar")
    return HostFacts(name, address, groups, snapshot, snapshot.collected_at)


@cache
def _role_defaults() -> dict[str, Any]:
    """What the roles set where the inventory is silent, as far as it is no template."""
    found: dict[str, Any] = {}
    for path in sorted((PROJECT / "roles").glob("*/defaults/main.yml")):
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        found |= {name: value for name, value in values.items() if "{{" not in str(value)}
    return found
