"""The command line of the evidence: make the key that signs it, and verify bundles."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from praxisschild.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from praxisschild.evidence.verify import Verified, Verifier

app = typer.Typer(
    help="Nachweise: unterschreiben und prüfen.\n\n"
    "Jeder Lauf von `verify` hinterlässt einen Nachweis, der auf den vorigen verweist. Mit einem Schlüssel (keygen) "
    "wird er unterschrieben, mit einer Zeitstempelstelle (praxis.evidence) gestempelt.",
    no_args_is_help=True,
)
notes = Console(stderr=True, highlight=False)
output = Console(highlight=False, soft_wrap=True)


@app.command()
def keygen(
    rotate: Annotated[
        bool,
        typer.Option(
            "--rotate", help="replace the key: the old one endorses the new one and stays valid for old bundles"
        ),
    ] = False,
) -> None:
    """Create the key that signs evidence on this control node (Ed25519, encrypted with a passphrase).

    The passphrase is asked for, or taken from PRAXISSCHILD_EVIDENCE_PASSPHRASE or the file that
    PRAXISSCHILD_EVIDENCE_PASSPHRASE_FILE names. Keys lie in ~/.config/praxisschild/evidence-keys, or in
    $PRAXISSCHILD_KEYS.
    """
    from praxisschild.evidence import keys

    ring = keys.key_ring()
    existing = keys.current_id(ring)
    if existing and not rotate:
        raise InputError(ring, "current", f"there is a key already ({existing[:16]})", "replace it with --rotate")
    if rotate and not existing:
        raise InputError(ring, "current", "there is no key to replace", "create one without --rotate")
    if existing:
        secret = keys.passphrase() or typer.prompt("Passphrase des bisherigen Schlüssels", hide_input=True, err=True)
    else:
        secret = keys.passphrase() or typer.prompt(
            f"Passphrase, mindestens {keys.SHORTEST_PASSPHRASE} Zeichen",
            hide_input=True,
            confirmation_prompt=True,
            err=True,
        )
    key = keys.create_key(ring, secret)
    output.print(f"Schlüssel {key.keyid} in {ring}")
    output.print(f"Fingerabdruck: {keys.fingerprint(key)}")
    notes.print(
        f"\n[bold]Bitte jetzt sichern:[/] den Ordner {ring} und die Passphrase, getrennt voneinander. Ohne sie kann "
        "niemand mehr unter diesem Namen unterschreiben; alte Nachweise bleiben prüfbar.\n"
        f"Für Prüfende: {key.keyid}.pub weitergeben und den Fingerabdruck auf einem zweiten Weg vergleichen.",
        soft_wrap=True,
    )


@app.command()
def verify(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR…", help="a practice's folder below evidence/, all of evidence/, or bundles"),
    ],
    key: Annotated[
        list[Path] | None,
        typer.Option(help="public key that is trusted (repeatable); default: this control node's own"),
    ] = None,
    tsa_ca: Annotated[Path | None, typer.Option(help="PEM file with the time stamp authority's certificate")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable output")] = False,
) -> None:
    """Verify files, signatures, time stamps and the chain; name the first thing that is wrong.

    Exit codes: 0 everything is as it was written, 1 something was changed, 2 misuse.
    """
    from praxisschild.evidence import keys
    from praxisschild.evidence.timestamp import load_roots
    from praxisschild.evidence.verify import Broken, Verifier

    anchors = key if key is not None else sorted(keys.key_ring().glob("*.pub"))
    verifier = Verifier(anchors, load_roots(tsa_ca) if tsa_ca else ())
    found: list[Verified] = []
    broken: Broken | None = None
    try:
        for each in _each(verifier, folders):
            found.append(each)
            if not as_json:
                _print(each)
    except Broken as error:
        broken = error
    if as_json:
        output.print_json(data=_document(found, broken))
    elif broken:
        output.print(f"[red]Nicht in Ordnung:[/] {broken.where}: {broken.reason}")
    else:
        signed = sum(one.signer is not None for one in found)
        output.print(f"{len(found)} Nachweise unverändert, davon {signed} unterschrieben.")
        if verifier.older:
            output.print(f"{verifier.older} ältere Nachweise haben kein Manifest und sind nicht prüfbar.")
    raise typer.Exit(1 if broken or not found else 0)


def _each(verifier: Verifier, folders: list[Path]) -> Iterator[Verified]:
    from praxisschild.evidence.bundle import bundles_in, is_bundle

    single = [folder for folder in folders if is_bundle(folder)]
    yield from verifier.bundles(single)
    for folder in folders:
        if folder in single:
            continue
        if not folder.is_dir():
            raise InputError(folder, "", "there is no such folder", "name a practice's folder below evidence/")
        practices = [path for path in sorted(folder.iterdir()) if path.is_dir() and bundles_in(path)]
        for practice in practices if practices and not bundles_in(folder) else [folder]:
            yield from verifier.folder(practice)


def _print(one: Verified) -> None:
    facts = [f"unterschrieben ({one.signer[:16]})"] if one.signer else []
    if one.stamped:
        facts.append(f"Zeitstempel {one.stamped.astimezone(UTC):%d.%m.%Y %H:%M} UTC")
    output.print(f"{one.bundle.parent.name}/{one.bundle.name}: {'; '.join([*facts, *one.notes]) or 'unverändert'}")


def _document(found: list[Verified], broken: Any) -> dict[str, Any]:
    return {
        "bundles": [
            {
                "bundle": str(one.bundle),
                "sequence": one.link.sequence,
                "manifest": one.link.manifest,
                "signer": one.signer,
                "stamped": one.stamped.isoformat() if one.stamped else None,
                "notes": list(one.notes),
            }
            for one in found
        ],
        "broken": {"where": str(broken.where), "reason": broken.reason} if broken else None,
    }
