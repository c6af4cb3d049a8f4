"""A requirement's whole story: what is demanded, which settings serve it, which checks prove it, how it stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from praxisschild import traceability
from praxisschild.bound_words import bound_in_words
from praxisschild.catalogue import load_catalogue
from praxisschild.coverage import CONCERN_LABELS, KIND_LABELS
from praxisschild.dokumente.texts import texts
from praxisschild.evidence import latest_bundles, load_bundle
from praxisschild.i18n import _

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from praxisschild.catalogue import Concern, Kind


@dataclass(frozen=True)
class Story:
    """Everything the project knows of one requirement, ready to print."""

    id: str
    title: str
    group: str
    demand: str
    purpose: str
    sizes: tuple[str, ...]
    valid_from: str
    kinds: tuple[Kind, ...]
    concerns: tuple[Concern, ...]
    source: str
    confidence: str
    note: str
    bounds: tuple[str, ...]
    numbers: dict[str, str]
    settings: tuple[str, ...]
    checks: tuple[str, ...]
    documents: tuple[str, ...]
    results: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def print(self, console: Console) -> None:
        console.print(f"[bold]{self.id}[/]  {self.title}", soft_wrap=True)
        kinds = ", ".join(_(KIND_LABELS[kind]) for kind in self.kinds)
        valid = _("valid from {day}", day=self.valid_from)
        console.print(f"{self.group} · {kinds} · {', '.join(self.sizes)} · {valid}", soft_wrap=True)
        concerns = ", ".join(_(CONCERN_LABELS[concern]) for concern in self.concerns)
        console.print(_("Concerns: {concerns}", concerns=concerns), soft_wrap=True)
        for text in (self.demand, self.purpose, self.note):
            if text:
                console.print(f"\n{text}")
        source = _("\nSource: {source} ({confidence})", source=self.source, confidence=self.confidence)
        console.print(source, markup=False, soft_wrap=True)
        numbers = [f"{edition}: {text}" for edition, text in self.numbers.items()]
        for heading, lines in (
            (_("Numbers"), numbers),
            (_("Bounds"), self.bounds),
            (_("Settings"), self.settings),
            (_("Checks"), self.checks),
            (_("Documents"), self.documents),
            (_("Last result"), self.results),
        ):
            console.print(f"\n[bold]{heading}[/]")
            for line in lines or (_("none"),):
                console.print(f"  {line}", markup=False, soft_wrap=True)


def story_of(identifier: str, project: Path) -> Story:
    """The story of a requirement in any edition's numbering.

    Raises:
        InputError: no such requirement; the message names the nearest ids.
    """
    catalogue = load_catalogue()
    requirement = catalogue.requirement(identifier)
    same = {
        other
        for other in catalogue.ids
        if other == identifier
        or any(identifier in catalogue.carried_forward(other, edition) for edition in catalogue.editions)
        or any(other in catalogue.carried_forward(identifier, edition) for edition in catalogue.editions)
    }
    numbers = {
        edition: ", ".join(sorted(one for one in same if one.startswith(f"{edition}-"))) or _("not demanded")
        for edition in catalogue.editions
    }
    probe = _(" (probe)")
    return Story(
        id=requirement.id,
        title=requirement.title,
        group=requirement.group,
        demand=requirement.demand,
        purpose=requirement.purpose,
        sizes=requirement.sizes,
        valid_from=f"{requirement.valid_from:%d.%m.%Y}",
        kinds=requirement.kinds,
        concerns=requirement.concerns,
        source=requirement.source,
        confidence=requirement.confidence,
        note=requirement.note or "",
        bounds=tuple(bound_in_words(name, bound) for name, bound in requirement.bounds.items()),
        numbers=numbers,
        settings=tuple(
            f"{setting.file.relative_to(project)}:{setting.line}  {setting.what}"
            for setting in (*traceability.settings(project / "roles"), *traceability.mobile_settings(project))
            if same & set(setting.requirements)
        ),
        checks=tuple(
            f"{check.file.relative_to(project)}:{check.line}  {check.name}{probe if check.probe else ''}"
            for check in traceability.checks(project / "tests/compliance")
            if same & set(check.requirements)
        ),
        documents=tuple(
            f"{words.title} (praxisschild dokumente … --only {name})"
            for name, words in texts().items()
            if same & {*words.requirements, *words.figures_for}
        ),
        results=tuple(_results(project / "evidence", same)),
    )


def _results(evidence: Path, same: set[str]) -> list[str]:
    lines = []
    for bundle in latest_bundles(evidence):
        run = load_bundle(bundle)
        lines += [
            f"{run.practice.name}, {run.ended:%d.%m.%Y %H:%M} UTC: {row.id} {row.label}"
            + (f" ({row.reason})" if row.reason else "")
            for row in run.requirements
            if row.id in same
        ]
    return lines
