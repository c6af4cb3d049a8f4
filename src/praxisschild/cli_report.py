"""The command line of reports: any format and either edition's numbering, from evidence that is there already."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from praxisschild.errors import InputError, RunError
from praxisschild.formats.registry import FORMATS
from praxisschild.i18n import _

if TYPE_CHECKING:
    from praxisschild.formats.registry import Format
    from praxisschild.results import Run

PROJECT = Path(__file__).resolve().parents[2]
notes = Console(stderr=True, highlight=False)
output = Console(highlight=False, soft_wrap=True)


def report(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="PRACTICE|BUNDLE", help="a practice's inventory folder (its newest evidence), or a bundle"
        ),
    ],
    edition: Annotated[
        str | None, typer.Option(help="2021 or 2025", show_default="the one by which the run was reported")
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar=f"[{'|'.join(FORMATS)}]",
            autocompletion=lambda: list(FORMATS),
            help="; ".join(f"{one.name}: {one.label}" for one in FORMATS.values()),
            show_default="by PATH, else html",
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="PATH",
            help="file or folder to write; - is standard output",
            show_default="standard output, or a file here if that is a terminal",
        ),
    ] = None,
    evidence: Annotated[Path, typer.Option(help="folder of all practices' evidence")] = PROJECT / "evidence",
) -> None:
    """Tell a kept run again: in another format, or by another edition's numbering.

    Contacts no host and changes no evidence: everything comes from the bundle. By another edition's numbering the
    kept results are assessed anew; what no kept check speaks of is reported as not tested.

    [bold]Examples[/]

    praxisschild report inventories/musterpraxis --output bericht.html

    praxisschild report inventories/musterpraxis --edition 2021 --output bericht-2021.html

    praxisschild report evidence/musterpraxis/2026-11-23T20-52-10Z --format csv --output -
    """
    bundle = bundle_of(source, evidence)
    chosen = _format(format_name) if format_name else _by_suffix(target)
    _refuse_evidence(target)
    run = _run(bundle, edition)
    files = chosen.render(run)
    if target is None and sys.stdout.isatty():
        target = Path(f"{bundle.parent.name}-{bundle.name}-{run.practice.edition}{chosen.suffix or '-' + chosen.name}")
    if target is None or str(target) == "-":
        _to_stdout(chosen, files)
    else:
        _write(target, chosen, files)


def bundle_of(source: Path, evidence: Path) -> Path:
    """The bundle that a path means: itself, the latest in a folder of evidence, or the latest of a practice.

    Raises:
        InputError: there is none, or the path means several practices.
    """
    from praxisschild.evidence import latest_bundle
    from praxisschild.evidence.bundle import RESULTS, bundles_in

    if (source / RESULTS).is_file():
        return source.resolve()
    if kept := bundles_in(source):
        return kept[-1].resolve()
    if not source.is_dir():
        way_out = _("name a practice's inventory folder, or a folder evidence/<practice>/<time>")
        raise InputError(source, "", _("there is no such folder"), way_out)
    if any(bundles_in(folder) for folder in source.iterdir() if folder.is_dir()):
        raise InputError(source, "", _("this is the evidence of several practices"), _("name one of its folders"))
    from praxisschild.inventory import open_practice

    practice = open_practice(source, strict=False).practice
    found = latest_bundle(evidence, practice.name)
    if found is None:
        reason = _("there is no evidence of {practice}", practice=practice.name)
        way_out = _("verify it first (praxisschild verify {folder}), or name the folder with --evidence", folder=source)
        raise InputError(evidence, "", reason, way_out)
    return found.resolve()


def _run(bundle: Path, edition: str | None) -> Run:
    """The run of an unchanged bundle, by the edition's numbering."""
    from praxisschild.catalogue import load_catalogue
    from praxisschild.evidence import load_bundle
    from praxisschild.evidence.bundle import bundles_in
    from praxisschild.reassessment import in_edition
    from praxisschild.trend import earlier_runs, trend_of

    _refuse_changed(bundle)
    run = load_bundle(bundle)
    catalogue = load_catalogue()
    wanted = edition or run.practice.edition
    told = run if wanted == run.practice.edition else in_edition(run, catalogue, wanted)
    if told.trend is None:
        same = bundles_in(bundle.parent)
        before = reversed(same[: same.index(bundle)] if bundle in same else [])
        told = told.model_copy(update={"trend": trend_of(told, earlier_runs(before, catalogue, wanted))})
    return told


def _refuse_changed(bundle: Path) -> None:
    """A report must not tell as evidence what somebody wrote into a bundle later."""
    from praxisschild.evidence.bundle import RESULTS
    from praxisschild.evidence.manifest import MANIFEST, Manifest, file_digest

    try:
        known = Manifest.parse((bundle / MANIFEST).read_bytes()).files
    except FileNotFoundError:
        return  # from before there were manifests, or of no bundle: nothing says how it was written
    except ValueError:
        known = {}
    if known.get(RESULTS) != file_digest(bundle / RESULTS):
        raise RunError(
            _("{bundle}: {file} is not as it was written", bundle=bundle, file=RESULTS),
            _(
                "look with `praxisschild evidence verify {bundle}`, and restore the bundle from its backup",
                bundle=bundle,
            ),
        )


def _refuse_evidence(target: Path | None) -> None:
    from praxisschild.evidence.bundle import RESULTS, is_bundle

    if target is None:
        return
    for folder in (target.resolve(), *target.resolve().parents):
        if is_bundle(folder) or (folder / RESULTS).is_file():
            reason = _("this is inside a bundle of evidence")
            raise InputError("--output", str(target), reason, _("name a path elsewhere"))


def _format(name: str) -> Format:
    if name not in FORMATS:
        way_out = _("choose one of: {words}", words=", ".join(FORMATS))
        raise InputError("--format", name, _("there is no such format"), way_out)
    return FORMATS[name]


def _by_suffix(target: Path | None) -> Format:
    if target is None or not target.suffix:
        return FORMATS["html"]
    found = [one for one in FORMATS.values() if one.suffix == target.suffix]
    if not found:
        endings = ", ".join(dict.fromkeys(one.suffix for one in FORMATS.values() if one.suffix))
        reason = _("there is no format with the ending {ending}", ending=target.suffix)
        way_out = _("say --format, or end the name in one of: {endings}", endings=endings)
        raise InputError("--output", str(target), reason, way_out)
    return found[0]


def _to_stdout(chosen: Format, files: dict[str, bytes]) -> None:
    if not chosen.suffix:
        reason = _("{format} consists of several files", format=chosen.name)
        raise InputError("--output", "-", reason, _("name a folder"))
    for data in files.values():
        sys.stdout.buffer.write(data)
    sys.stdout.flush()


def _write(target: Path, chosen: Format, files: dict[str, bytes]) -> None:
    """Write the files; each is the old or the new one, never half of it."""
    if not chosen.suffix:
        paths = {target / name: data for name, data in files.items()}
    else:
        (data,) = files.values()
        paths = {target / chosen.file if target.is_dir() else target: data}
    for path, data in paths.items():
        fresh = path.with_name(f".{path.name}-{os.getpid()}")
        try:
            if not chosen.suffix:
                path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(data)
            fresh.replace(path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            reason = _("cannot be written ({error})", error=error.strerror)
            way_out = _("name a file in a folder that exists and is writable")
            raise InputError(path, "", reason, way_out) from None
    output.print(str(target if not chosen.suffix else next(iter(paths))), markup=False)
