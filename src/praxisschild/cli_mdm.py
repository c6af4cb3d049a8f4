"""The command line of mobile devices: write what a management loads, check what its device lists say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from praxisschild.errors import InputError, RunError
from praxisschild.i18n import N_, _, n_
from praxisschild.mdm.topics import Topic

if TYPE_CHECKING:
    from praxisschild.inventory import PracticeFolder
    from praxisschild.mdm.exports.model import DeviceList
    from praxisschild.mdm.overview import Written
    from praxisschild.mdm.rows import Selection

app = typer.Typer(
    help="Smartphones and tablets: write settings for a mobile device management, check device lists.",
    no_args_is_help=True,
)
notes = Console(stderr=True, highlight=False)
output = Console(highlight=False, soft_wrap=True)
PROJECT = Path(__file__).resolve().parents[2]
KEY_VARIABLE = "PRAXISSCHILD_MDM_KEY_PASSPHRASE"
STATUS_WORDS = {
    "failed": N_("not met"),
    "not_tested": N_("not tested"),
    "expired": N_("expired"),
    "deviation": N_("deviation"),
    "attested": N_("attested"),
    "passed": N_("met"),
    "not_applicable": N_("not applicable"),
}
OWNER_WORDS = {"company": "dienstlich", "personal": "privat"}

PracticeArgument = Annotated[
    Path, typer.Argument(help="the practice's inventory folder, e.g. inventories/musterpraxis")
]
JsonOption = Annotated[bool, typer.Option("--json", help="machine-readable output")]


@app.command()
def write(
    practice: PracticeArgument,
    folder: Annotated[Path, typer.Option("--output", "-o", help="folder for the files")],
    apple: Annotated[bool, typer.Option("--apple", help="only for iPhone and iPad")] = False,
    android: Annotated[bool, typer.Option("--android", help="only for Android")] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM certificate (and its chain) that signs the Apple profile")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help=f"PEM key of that certificate; its passphrase comes from {KEY_VARIABLE}")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write an Apple configuration profile and an Android Management API policy from the same setting rows.

    One file per platform and owner, and `einstellungen.md`: which setting serves which requirement, what was left out
    and why, and what no management can enforce. docs/mobilgeraete.md says how to load them.
    """
    from praxisschild.applicability import edition_of
    from praxisschild.inventory import open_practice
    from praxisschild.mdm import overview

    if (certificate is None) != (key is None):
        reason = _("a signature needs both")
        raise InputError("--certificate/--key", "", reason, _("name the certificate and its key"))
    opened = open_practice(practice)
    today = datetime.now(UTC).date()
    edition = edition_of(opened.catalogue, opened.practice, today)
    platforms = [name for name, asked in (("ios", apple), ("android", android)) if asked or not (apple or android)]
    files: dict[str, bytes] = {}
    groups: list[Written] = []
    for selection in _selections(opened, platforms, today):
        fresh = (
            _apple(selection, opened, certificate, key) if selection.platform == "ios" else _android(selection, opened)
        )
        files |= fresh
        groups.append(overview.Written(selection, tuple(fresh)))
    text = overview.render(opened.practice.name, edition, opened.catalogue, groups)
    files["einstellungen.md"] = text.encode()
    _keep(folder, files)
    if as_json:
        output.print_json(data={"folder": str(folder), "groups": [_record(one) for one in groups]})
        return
    for one in groups:
        selection = one.selection
        said = _(
            "{files}: {settings} settings for {requirements} requirements",
            files=", ".join(one.files),
            settings=len(selection.rows),
            requirements=len(selection.requirements),
        )
        output.print(said, markup=False)
        for gone in selection.left_out:
            said = _("  left out: {name} – {reason}", name=gone.name, reason=gone.reason)
            notes.print(said, markup=False, soft_wrap=True)
    if not groups:
        notes.print(_("praxis.mobile_devices names no device of this kind; there is nothing to write."))
    output.print(_("Overview: {file}", file=folder / "einstellungen.md"), markup=False)


def _selections(opened: PracticeFolder, platforms: list[str], today: Any) -> list[Selection]:
    from praxisschild.mdm.declared import MobileDevices
    from praxisschild.mdm.rows import select

    devices = opened.practice.mobile_devices or MobileDevices()
    return [
        select(opened.practice, opened.catalogue, platform, owner, today)
        for platform in ("ios", "android")
        if platform in platforms
        for owner in devices.owners(platform)
    ]


def _apple(
    selection: Selection, opened: PracticeFolder, certificate: Path | None, key: Path | None
) -> dict[str, bytes]:
    from praxisschild.mdm import apple

    slug = _slug(opened)
    name = f"{slug}-apple-{OWNER_WORDS[selection.owner]}"
    document = apple.write(apple.profile(selection, opened.practice.name, slug))
    if certificate and key:
        secret = os.environ.get(KEY_VARIABLE)
        document = apple.sign(document, certificate, key, secret.encode() if secret else None)
    files = {f"{name}.mobileconfig": document}
    for declaration in apple.declarations(selection, slug):
        files[f"{name}-{declaration['Identifier'].rpartition('.')[0].rpartition('.')[2]}.json"] = _json(declaration)
    return files


def _android(selection: Selection, opened: PracticeFolder) -> dict[str, bytes]:
    from praxisschild.mdm import android

    file = opened.inventory.file_of("praxis")
    document = android.policy(selection, opened.practice.name, file)
    return {f"{_slug(opened)}-android-{OWNER_WORDS[selection.owner]}.json": _json(document)}


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _slug(opened: PracticeFolder) -> str:
    """The folder's name as a part of identifiers and file names; it stays when the practice is renamed."""
    return re.sub(r"[^a-z0-9-]+", "-", opened.inventory.directory.name.lower()).strip("-") or "praxis"


def _keep(folder: Path, files: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        reason = _("cannot be written ({error})", error=error.strerror)
        raise InputError(folder, "", reason, _("name another folder")) from None


def _record(one: Written) -> dict[str, Any]:
    selection = one.selection
    return {
        "platform": selection.platform,
        "owner": selection.owner,
        "supervised": selection.supervised,
        "files": list(one.files),
        "requirements": selection.requirements,
        "left_out": [
            {"name": gone.name, "requirements": list(gone.requirements), "reason": gone.reason}
            for gone in selection.left_out
        ],
        "unenforceable": [item.model_dump(mode="json") for item in selection.unenforceable],
    }


@app.command()
def check(
    practice: PracticeArgument,
    exports: Annotated[
        list[Path] | None,
        typer.Argument(metavar="EXPORT", help="device lists; default: those that praxis.mobile_devices.exports names"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Settle every smartphone and tablet of a device list: encrypted, locked, updated, store only, erasable.

    Reads Microsoft Intune (CSV of "All devices", Graph JSON), Jamf Pro (API JSON), Android Management API (JSON) and a
    table with German headings; contacts no host and keeps no evidence. `praxisschild verify` runs the same checks.

    Exit codes: 0 everything is met, 1 something is not or was not told, 2 misuse.
    """
    from praxisschild.inventory import open_practice
    from praxisschild.mdm.declared import MobileDevices
    from praxisschild.mdm.exports import read_list
    from praxisschild.mdm.subject import list_files

    opened = open_practice(practice, strict=False)
    declared = opened.practice.mobile_devices or MobileDevices()
    files = exports or list_files(declared, opened.inventory.directory)
    if not files:
        folder = opened.inventory.directory / declared.exports[0]
        raise InputError(folder, "", _("there is no device list here"), _("export one and put it here, or name it"))
    now = datetime.now(UTC)
    lists = [read_list(file, declared, now) for file in files]
    with notes.status(_("device lists are being checked …")):
        results = [_considering_deviations(one, opened) for one in _results(practice, files)]
    if as_json:
        output.print_json(
            json.dumps({"lists": [_of_list(one) for one in lists], "checks": results}, ensure_ascii=False)
        )
    else:
        _print(results, lists, opened)
    raise typer.Exit(1 if any(one["status"] in {"failed", "not_tested"} for one in results) else 0)


def _results(practice: Path, files: list[Path]) -> list[dict[str, Any]]:
    """The checks' results, from the same tests that a verification runs."""
    with tempfile.TemporaryDirectory(prefix="praxisschild-mdm-") as folder:
        kept = Path(folder) / "results.json"
        command = [sys.executable, "-m", "pytest", "tests/compliance/test_mobile_devices.py", "-q", "--tb=no"]
        command += ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:xdist"]
        command += [f"--practice={practice.resolve()}", f"--check-results={kept}"]
        command += [f"--mobile-list={file.resolve()}" for file in files]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        if not kept.exists():
            raise RunError(_("the checks could not run: {said}", said=(done.stderr or done.stdout).strip()[-500:]))
        found: list[dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _considering_deviations(record: dict[str, Any], opened: PracticeFolder) -> dict[str, Any]:
    """The record as it counts: what a valid deviation covers on this device is no finding."""
    if record["status"] != "failed":
        return record
    today, catalogue = datetime.now(UTC).date(), opened.catalogue
    covered = {
        code
        for one in opened.practice.deviations
        if one.expires >= today and one.covers(record["host"])
        for code in (one.requirement, catalogue.oldest(one.requirement))
    }
    left = [code for code in record["requirements"] if code not in covered]
    return {**record, "requirements": left} if left else {**record, "status": "deviation"}


def _of_list(one: DeviceList) -> dict[str, Any]:
    return {
        "file": one.file,
        "product": one.product,
        "taken": one.taken.isoformat(),
        "sha256": one.sha256,
        "devices": len(one.devices),
    }


def _without_topic(reason: str) -> str:
    """A reason without the question in front of it, so that questions with the same reason stand together."""
    label, _, rest = reason.partition(": ")
    return rest if rest and label in {topic.label for topic in Topic} else reason


def _print(results: list[dict[str, Any]], lists: list[DeviceList], opened: PracticeFolder) -> None:
    from praxisschild.applicability import edition_of
    from praxisschild.mdm.overview import numbers
    from praxisschild.results import Status

    edition = edition_of(opened.catalogue, opened.practice, datetime.now(UTC).date())
    failed, not_tested = _(STATUS_WORDS[Status.FAILED]), _(STATUS_WORDS[Status.NOT_TESTED])
    for source in lists:
        said = n_(
            "{file}: {product}, as of {taken:%d.%m.%Y %H:%M} UTC, {count} mobile device",
            "{file}: {product}, as of {taken:%d.%m.%Y %H:%M} UTC, {count} mobile devices",
            len(source.devices),
            file=source.file,
            product=source.product,
            taken=source.taken,
        )
        output.print(said, markup=False)
    for name in dict.fromkeys(one["host"] for one in results):
        own = sorted((one for one in results if one["host"] == name), key=lambda one: Status(one["status"]).severity)
        counts = Counter(_(STATUS_WORDS[one["status"]]) for one in own)
        heading = escape(name or _("practice"))
        output.print(f"\n[bold]{heading}[/]: {', '.join(f'{n} {word}' for word, n in counts.items())}")
        untold: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in own:
            if one["status"] == Status.FAILED:
                which = numbers(one["requirements"], opened.catalogue, edition)
                output.print(f"  {failed}  {which}: {'; '.join(one['measured'])}", markup=False, style="red")
            elif one["status"] == Status.NOT_TESTED:
                untold[_without_topic(one["reason"])].append(one)
        for reason, members in untold.items():
            which = numbers((code for one in members for code in one["requirements"]), opened.catalogue, edition)
            topics = [one["reason"].removesuffix(f": {reason}") for one in members if one["reason"] != reason]
            which = _("everything") if len(members) == len(own) else which
            output.print(f"  {not_tested}  {which}", markup=False, style="yellow")
            for line in filter(None, ("; ".join(topics), reason)):
                output.print(f"{' ' * (len(not_tested) + 4)}{line}", markup=False)
