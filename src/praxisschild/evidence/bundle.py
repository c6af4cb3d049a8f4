"""What a run leaves behind: `<root>/<practice>/<UTC time>/` with results, reports, JUnit file and snapshots.

A bundle appears whole or not at all, readable by its owner only, and never holds a password hash or a private key. Its
manifest names every file's SHA-256 and the bundle before it, so that a practice's bundles form a chain.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import json
import re
import shutil
import tempfile
import unicodedata
import zlib
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisschild.errors import InputError, RunError
from praxisschild.evidence import keys
from praxisschild.evidence.durable import sync_folder, write_new
from praxisschild.evidence.manifest import HEAD, MANIFEST, Link, Manifest, digest, head_of, link_to, seals_of
from praxisschild.evidence.seal import Seal
from praxisschild.formats import json as results_json
from praxisschild.formats import pdf, registry
from praxisschild.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from praxisschild.results import HostState, Run

RESULTS = "results.json"
PDF = "report.pdf"
LATEST = "latest"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(?:-\d+)?")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SECRETS = (
    # crypt(5) and its relatives: $y$..., $6$..., $2b$..., $argon2id$...
    (N_("a password hash"), re.compile(r"\$(?:2[abxy]|y|gy|sha1|sm3|argon2(?:id?|d)|scrypt)\$[./0-9A-Za-z]")),
    # a digit alone would find the $5$6 of an awk line
    (N_("a password hash"), re.compile(r"\$(?:[1567]|apr1|md5)\$[./0-9A-Za-z=]{2}")),
    (N_("a password hash"), re.compile(r"\{(?:S?SHA\d*|S?MD5|CRYPT|PBKDF2[^}]*)\}[./+=$0-9A-Za-z]{8}")),
    (N_("a private key"), re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|AGE-SECRET-KEY-1")),
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def slug(name: str) -> str:
    """A practice's folder name: lower case, German letters spelled out, everything else a hyphen."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", name).lower().translate(_UMLAUTS))
    ascii_only = plain.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-") or "praxis"


def write_bundle(
    root: Path,
    run: Run,
    snapshots: Mapping[str, Any],
    seal: Seal | None = None,
    no_pdf: Callable[[str], None] | None = None,
) -> Path:
    """Write a run's bundle as the next of the practice's chain, and point `latest` beside it there.

    Args:
        root: the folder of all practices' evidence; made if missing.
        run: what was found.
        snapshots: per host, its state as plain JSON values.
        seal: who signs and stamps it; without one it is chained only.
        no_pdf: is told in German why the bundle has no PDF, if none can be drawn; without it none is asked for.

    Raises:
        InputError: a host's name cannot be a file name.
        RunError: something looks like a password hash or a private key (the message names where, never the value), or
            the folder cannot be written.
    """
    for where, document in (
        ("results", run.to_record()),
        *((f"snapshots/{name}", snapshots[name]) for name in snapshots),
    ):
        _refuse_secrets(document, where)
    for name in snapshots:
        if not _HOST.fullmatch(name):
            raise InputError(
                "inventory", name, _("the host's name cannot be a file name"), _("use letters, digits, - and .")
            )
    content = {**registry.bundled(run), **_states(run, snapshots)}
    folder = root / slug(run.practice.name)
    seal = seal or Seal()
    if no_pdf:
        try:
            content[PDF] = pdf.render(run, results=content[RESULTS], fingerprint=seal.fingerprint)
        except RunError as error:
            no_pdf(str(error))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder):
            return _place(folder, run, content, seal)
    except OSError as error:
        raise RunError(
            _("the evidence cannot be written: {error}", error=error),
            _("check space and permissions of {root}", root=root),
        ) from error


def _states(run: Run, snapshots: Mapping[str, Any]) -> dict[str, bytes]:
    """The hosts' states under the names by which the run knows them; one that ends in .gz is compressed."""
    names = {host.name: host.snapshot for host in run.hosts if host.snapshot}
    found = {}
    for host, document in snapshots.items():
        name = names.get(host, f"snapshots/{host}.json")
        data = (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
        found[name] = gzip.compress(data, mtime=0) if name.endswith(".gz") else data
    return found


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time: two runs that end together must not both follow the same bundle."""
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for left in [*folder.glob(".new-*"), *folder.glob(".fresh-*")]:
            # of a writer that was killed: the lock is ours, so nobody works on it
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        yield


def _place(folder: Path, run: Run, content: Mapping[str, bytes], seal: Seal) -> Path:
    name = _free_name(folder, run.ended)
    digests = {path: digest(data) for path, data in content.items()}
    manifest, seals = seal.apply(run, folder.name, name, digests, _end_of_chain(folder), RESULTS)
    hidden = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))  # mode 0700
    try:
        (hidden / "snapshots").mkdir(mode=0o700)
        for path, data in {**content, **seals}.items():
            (hidden / path).parent.mkdir(mode=0o700, exist_ok=True)
            write_new(hidden / path, data)
        for below in (path for path in hidden.iterdir() if path.is_dir()):
            sync_folder(below)
        sync_folder(hidden)
        bundle = hidden.rename(folder / name)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    sync_folder(folder)
    _finish(folder, manifest, seals, seal)
    return bundle


def _finish(folder: Path, manifest: Manifest, seals: Mapping[str, bytes], seal: Seal) -> None:
    """What follows from a bundle that is there; a writer killed before this leaves it to the next one."""
    head = folder / ".fresh-head"
    write_new(head, link_to(manifest, seals).render())
    head.replace(folder / HEAD)
    pointer = folder / ".fresh-latest"
    pointer.symlink_to(manifest.bundle)
    pointer.replace(folder / LATEST)
    if seal.ring:
        keys.publish(seal.ring, folder / "keys")
    sync_folder(folder)


def _free_name(folder: Path, ended: datetime) -> str:
    """The bundle's name; a second run in the same second gets a number."""
    time = f"{ended.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}"
    names = (time if number == 1 else f"{time}-{number}" for number in range(1, 100))
    found = next((name for name in names if not (folder / name).exists()), None)
    if found is None:
        raise FileExistsError(f"{folder / time} exists already")
    return found


def _end_of_chain(folder: Path) -> Link | None:
    """The bundle that the next one follows: the newest there is, or the one that the last writer left as the end.

    The two differ where a writer was killed in between (the bundle is newer), and where somebody took bundles away (the
    end is newer; the next bundle follows it, so that the gap stays visible).

    Raises:
        RunError: what should tell the end was changed.
    """
    try:
        head = head_of(folder)
    except ValueError:
        head = None  # verifying tells; the bundles themselves know the chain, too
    found = [head] if head else []
    for bundle in bundles_in(folder):
        if seals := seals_of(bundle):
            try:
                found.append(link_to(Manifest.parse(seals[MANIFEST]), seals))
            except (KeyError, ValueError) as error:
                if head is None:
                    raise RunError(
                        _(
                            "the chain of evidence in {folder} is damaged: {name}: {error}",
                            folder=folder,
                            name=bundle.name,
                            error=error,
                        ),
                        _("look with `praxisschild evidence verify`; to begin a new chain, move this folder away"),
                    ) from None
    # by their place in the chain, not by name: a clock that was set back must not fork it
    return max(found, key=lambda link: link.sequence, default=None)


def _refuse_secrets(document: Any, where: str) -> None:
    for path, text in _texts(document, where):
        for what, pattern in _SECRETS:
            if pattern.search(text):
                raise RunError(
                    _("{path} looks like {what}; no evidence was written", path=path, what=_(what)),
                    _("correct the collector or the check that read it: evidence holds no secrets"),
                )


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text in a JSON document, keys included, and where it stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}: a key", str(key)
            yield from _texts(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{path}.{number}")


def load_bundle(bundle: Path) -> Run:
    """The run that a bundle tells of, once the bundle has been found whole.

    Raises:
        InputError: names the file and field that is missing or wrong, and the way out.
    """
    file = bundle / RESULTS
    way_out = _("name a folder evidence/<practice>/<time> as a verification run wrote it")
    if not file.is_file():
        raise InputError(bundle, "", _("there is no {name} in this folder", name=RESULTS), way_out)
    try:
        run = results_json.parse(file.read_bytes(), file)
    except OSError as error:
        raise InputError(file, "", _("the file cannot be read ({error})", error=error), way_out) from None
    for host in run.hosts:
        if host.snapshot is not None and not (bundle / host.snapshot).is_file():
            raise InputError(
                file,
                f"hosts.{host.name}.snapshot",
                _("{snapshot} is missing from the bundle", snapshot=host.snapshot),
                _("restore the bundle from its backup: evidence is kept whole"),
            )
    return run


def load_snapshot(bundle: Path, host: HostState) -> Any:
    """A host's state as plain JSON values; None for a host that was not reached.

    Raises:
        InputError: the file cannot be read.
    """
    if host.snapshot is None:
        return None
    file = bundle / host.snapshot
    try:
        data = file.read_bytes()
        return json.loads(gzip.decompress(data) if file.suffix == ".gz" else data)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        reason = _("the file cannot be read ({error})", error=error)
        raise InputError(file, "", reason, _("restore the bundle from its backup")) from None


def bundles(root: Path, practice: str) -> list[Path]:
    """A practice's bundles, oldest first."""
    return bundles_in(root / slug(practice))


def is_bundle(path: Path) -> bool:
    """Whether a folder bears a bundle's name."""
    return _TIME.fullmatch(path.absolute().name) is not None


def bundles_in(folder: Path) -> list[Path]:
    """The bundles in a practice's folder, oldest first."""
    if not folder.is_dir():
        return []
    found = [
        path for path in folder.iterdir() if path.is_dir() and not path.is_symlink() and _TIME.fullmatch(path.name)
    ]
    return sorted(found, key=lambda path: (path.name.partition("Z")[0], int(path.name.partition("Z-")[2] or 1)))


def latest_bundle(root: Path, practice: str) -> Path | None:
    """A practice's newest bundle."""
    return next(reversed(bundles(root, practice)), None)


def previous_bundle(bundle: Path) -> Path | None:
    """The bundle of the same practice before this one."""
    same = bundles(bundle.parent.parent, bundle.parent.name)
    place = same.index(bundle) if bundle in same else 0
    return same[place - 1] if place else None


def latest_bundles(root: Path) -> list[Path]:
    """The newest bundle of every practice, by the practices' folder names."""
    if not root.is_dir():
        return []
    newest = (latest_bundle(root, folder.name) for folder in sorted(root.iterdir()) if folder.is_dir())
    return [bundle for bundle in newest if bundle is not None]
