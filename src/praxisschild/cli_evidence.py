"""The command line of the evidence: make the key that signs it, and verify bundles."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from praxisschild.errors import InputError
from praxisschild.i18n import _, n_

if TYPE_CHECKING:
    from collections.abc import Iterator

    from praxisschild.evidence.verify import Verified, Verifier

app = typer.Typer(
    help="Evidence: sign and verify it.\n\n"
    "Every run of `verify` leaves evidence that refers to the one before. With a key (keygen) it is signed, with a "
    "time stamp authority (praxis.evidence) it is stamped.",
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
        raise InputError(
            ring,
            "current",
            _("there is a key already ({existing})", existing=existing[:16]),
            _("replace it with --rotate"),
        )
    if rotate and not existing:
        raise InputError(ring, "current", _("there is no key to replace"), _("create one without --rotate"))
    if existing:
        secret = keys.passphrase() or typer.prompt(_("Passphrase of the present key"), hide_input=True, err=True)
    else:
        secret = keys.passphrase() or typer.prompt(
            _("Passphrase, at least {count} characters", count=keys.SHORTEST_PASSPHRASE),
            hide_input=True,
            confirmation_prompt=_("The same passphrase again"),
            err=True,
        )
    key = keys.create_key(ring, secret)
    output.print(_("Key {key} in {ring}", key=key.keyid, ring=ring))
    output.print(_("Fingerprint: {fingerprint}", fingerprint=keys.fingerprint(key)))
    notes.print(
        _(
            "\n[bold]Please keep a copy now:[/] of the folder {ring} and of the passphrase, apart from each other. "
            "Without them nobody can sign under this name any more; old evidence stays verifiable.\n"
            "For auditors: hand out {key}.pub, and compare the fingerprint in a second way.",
            ring=ring,
            key=key.keyid,
        ),
        soft_wrap=True,
    )


@app.command()
def verify(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR", help="a practice's folder below evidence/, all of evidence/, or bundles"),
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
        said = _("Not in order: {where}: {reason}", where=broken.where, reason=broken.reason)
        output.print(said, style="red", markup=False)
    else:
        signed = sum(one.signer is not None for one in found)
        output.print(
            n_(
                "{count} piece of evidence unchanged, {signed} of it signed.",
                "{count} pieces of evidence unchanged, {signed} of them signed.",
                len(found),
                signed=signed,
            )
        )
        if verifier.older:
            output.print(_("{count} older ones have no manifest and cannot be verified.", count=verifier.older))
    raise typer.Exit(1 if broken or not found else 0)


def _each(verifier: Verifier, folders: list[Path]) -> Iterator[Verified]:
    from praxisschild.evidence.bundle import bundles_in, is_bundle

    single = [folder for folder in folders if is_bundle(folder)]
    yield from verifier.bundles(single)
    for folder in folders:
        if folder in single:
            continue
        if not folder.is_dir():
            raise InputError(folder, "", _("there is no such folder"), _("name a practice's folder below evidence/"))
        practices = [path for path in sorted(folder.iterdir()) if path.is_dir() and bundles_in(path)]
        for practice in practices if practices and not bundles_in(folder) else [folder]:
            yield from verifier.folder(practice)


def _print(one: Verified) -> None:
    facts = [_("signed ({key})", key=one.signer[:16])] if one.signer else []
    if one.stamped:
        facts.append(_("time stamp {time:%d.%m.%Y %H:%M} UTC", time=one.stamped.astimezone(UTC)))
    said = "; ".join([*facts, *one.notes]) or _("unchanged")
    output.print(f"{one.bundle.parent.name}/{one.bundle.name}: {said}", markup=False)


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
