"""The formats in which a run can be told: one line each; everything that offers or writes formats reads this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from praxisschild.results import Run


@dataclass(frozen=True)
class Format:
    """One format: `render` of the module `praxisschild.formats.<name>`.

    `label` is what the help of `report` says. `file` is what it is called inside a bundle and where nobody says
    otherwise. `bundled`: every bundle holds it; the others can be rendered from a bundle at any time.
    """

    name: str
    label: str
    file: str
    bundled: bool = False

    @property
    def suffix(self) -> str:
        """With its dot; empty for a format of several files, which is a folder."""
        return PurePath(self.file).suffix

    def render(self, run: Run) -> dict[str, bytes]:
        """The format's files: name (inside its folder, if it is one) and content."""
        # imported when it is wanted: some of the libraries behind formats take longer to load than a run to render
        rendered = import_module(f"praxisschild.formats.{self.name}").render(run)
        files = rendered if isinstance(rendered, Mapping) else {self.file: rendered}
        return {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("html", "report for screen and printer", "report.html", bundled=True),
        Format("pdf", "report to print and sign (PDF/A-3)", "report.pdf"),
        Format("json", "all results, for programs", "results.json", bundled=True),
        Format("junit", "JUnit XML, for CI systems", "junit.xml"),
        Format("csv", "requirements as a table", "anforderungen.csv", bundled=True),
        Format("xlsx", "workbook: requirements, measurements, hosts, deviations", "ergebnisse.xlsx", bundled=True),
    )
}


def bundled(run: Run) -> dict[str, bytes]:
    """What a bundle holds of a run, besides the hosts' states: path inside the bundle and content."""
    found: dict[str, bytes] = {}
    for one in FORMATS.values():
        if one.bundled:
            files = one.render(run)
            found |= files if one.suffix else {f"{one.file}/{name}": data for name, data in files.items()}
    return found
