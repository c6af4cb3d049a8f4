"""The command line of OSCAL: a run and the catalogue as documents that other tools for audits read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from praxisschild.cli_report import bundle_of
from praxisschild.errors import InputError
from praxisschild.i18n import _

if TYPE_CHECKING:
    from praxisschild.formats.oscal import Files

output = Console(highlight=False, soft_wrap=True)
_PROJECT = Path(__file__).resolve().parents[2]


def oscal(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="PRACTICE|BUNDLE", help="a practice's inventory folder (its newest evidence), or a bundle"
        ),
    ],
    folder: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="where the documents go")],
    evidence: Annotated[Path, typer.Option(help="folder of the evidence")] = _PROJECT / "evidence",
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable output")] = False,
) -> None:
    """Write a run as OSCAL: catalogue, roles, plan, results, and what is open.

    The documents refer to each other and, relatively, to the bundle's files. The same bundle gives the same bytes.
    docs/oscal.md explains the fields.
    """
    from praxisschild.catalogue import load_catalogue
    from praxisschild.evidence import load_bundle
    from praxisschild.formats.oscal import Parts, documents, write

    bundle = bundle_of(source, evidence)
    run = load_bundle(bundle)
    found = documents(run, load_catalogue(), Parts.read(_PROJECT), _files(bundle, folder))
    written = write(folder, found)
    if as_json:
        output.print_json(data={"bundle": str(bundle), "documents": [str(path) for path in written]})
        return
    for path in written:
        output.print(f"{path.stat().st_size / 1000:9.0f} kB  {path}", markup=False)


def _files(bundle: Path, folder: Path) -> Files:
    """Where the bundle lies, seen from the documents, and the digests that its manifest names."""
    from praxisschild.evidence.manifest import MANIFEST, Manifest
    from praxisschild.formats.oscal import Files

    base = Path(os.path.relpath(bundle, folder.resolve())).as_posix()
    try:
        manifest = Manifest.parse((bundle / MANIFEST).read_bytes())
    except FileNotFoundError:
        return Files(base)
    except (OSError, ValueError) as error:
        reason = _("the manifest was changed ({error})", error=error)
        raise InputError(bundle / MANIFEST, "", reason, _("look with `praxisschild evidence verify`")) from None
    return Files(base, manifest.files)
