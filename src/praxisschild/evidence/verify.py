"""Whether bundles are as they were written: files, signatures, time stamps, and the chain from one to the next."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from praxisschild.errors import InputError
from praxisschild.evidence.bundle import bundles_in
from praxisschild.evidence.keys import trusted_keys
from praxisschild.evidence.manifest import (
    HEAD,
    MANIFEST,
    STATEMENT,
    TIMESTAMP,
    Link,
    Manifest,
    digest,
    file_digest,
    head_of,
    link_to,
    seals_of,
)
from praxisschild.evidence.seal import IN_WORDS
from praxisschild.evidence.statement import UnknownKeyError, verified
from praxisschild.evidence.timestamp import StampError, stamped_at
from praxisschild.i18n import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509
    from securesystemslib.signer import SSlibKey

SEALS = {MANIFEST, STATEMENT, TIMESTAMP}


class Broken(Exception):  # noqa: N818 - a finding about evidence, not a fault of the program
    """The first thing that is wrong: `where` is a path, the text a reason."""

    def __init__(self, where: Path, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


@dataclass(frozen=True)
class Verified:
    """A bundle that is as it was written; `notes` say what it lacks or what could not be judged."""

    bundle: Path
    link: Link
    previous: Link | None
    signer: str | None
    stamped: datetime | None
    notes: tuple[str, ...] = ()


@dataclass
class Verifier:
    """What a verification trusts, and what it has seen so far.

    `anchors` are files with public keys; keys that these have endorsed count, too. Without any, nobody's signature can
    count. `roots` are certificates of time stamp authorities.
    """

    anchors: Sequence[Path]
    roots: tuple[x509.Certificate, ...] = ()
    older: int = 0  # bundles from before there were manifests, of which nothing can be said
    _keys: dict[Path, dict[str, SSlibKey]] = field(default_factory=dict)

    def folder(self, folder: Path) -> Iterator[Verified]:
        """Every bundle of a practice in its order, and the chain from the first to the last.

        Raises:
            Broken: the first thing that is wrong.
            InputError: there is nothing to verify in this folder.
        """
        found = bundles_in(folder)
        if not found:
            way_out = _("name a practice's folder below evidence/, or bundles in it")
            raise InputError(folder, "", _("there is no bundle in this folder"), way_out)
        chained = [bundle for bundle in found if seals_of(bundle)]
        self.older += len(found) - len(chained)
        last: Verified | None = None
        for bundle in sorted(chained, key=self._sequence):
            last = self._next(bundle, last)
            yield last
        self._end(folder, last)

    def _sequence(self, bundle: Path) -> int:
        """A bundle's place in the chain; its name tells the time of a clock that may have been set back."""
        path = bundle / MANIFEST
        if not path.is_file():
            raise Broken(path, _("is missing"))
        return self._manifest(bundle, path.read_bytes()).sequence

    def bundles(self, bundles: Iterable[Path]) -> Iterator[Verified]:
        """Single bundles; where two follow each other, the link between them.

        Raises:
            Broken: the first thing that is wrong.
        """
        last: Verified | None = None
        for bundle in bundles:
            found = self.bundle(bundle)
            if last and found.link.sequence == last.link.sequence + 1:
                self._follows(found, last)
            yield found
            last = found

    def _next(self, bundle: Path, last: Verified | None) -> Verified:
        found = self.bundle(bundle)
        if last is None:
            if found.previous is not None:
                raise Broken(bundle, _("its predecessor {bundle} is missing", bundle=found.previous.bundle))
        else:
            self._follows(found, last)
            if last.signer and not found.signer:
                raise Broken(bundle, _("not signed, although its predecessor is"))
        return found

    @staticmethod
    def _follows(found: Verified, last: Verified) -> None:
        if found.previous == last.link:
            return
        if found.previous is None or found.previous.sequence <= last.link.sequence:
            reason = _("does not follow {bundle}: the predecessor was changed or exchanged", bundle=last.bundle.name)
            raise Broken(found.bundle, reason)
        raise Broken(found.bundle, _("its predecessor {bundle} is missing", bundle=found.previous.bundle))

    @staticmethod
    def _end(folder: Path, last: Verified | None) -> None:
        try:
            head = head_of(folder)
        except ValueError as error:
            raise Broken(folder / HEAD, _("changed ({error})", error=error)) from None
        if last is None:
            if head is not None:
                raise Broken(folder, _("{bundle} is missing, the last link of the chain", bundle=head.bundle))
            return
        # a writer killed right after its bundle appeared could not move the end
        if head is None and last.link.sequence > 1:
            raise Broken(folder / HEAD, _("is missing: nothing proves the end of the chain"))
        if head is not None and head not in {last.link, last.previous}:
            gone = head.sequence > last.link.sequence
            raise Broken(
                folder / HEAD,
                _("{bundle} is missing, the last link of the chain", bundle=head.bundle)
                if gone
                else _("does not fit the chain"),
            )

    # -- one bundle --------------------------------------------------------------------------------------------------

    def bundle(self, bundle: Path) -> Verified:
        """One bundle on its own.

        Raises:
            Broken: the first thing that is wrong.
        """
        try:
            seals = seals_of(bundle)
            if MANIFEST not in seals:
                raise Broken(bundle / MANIFEST, _("is missing"))
            manifest = self._manifest(bundle, seals[MANIFEST])
            # the signature first: it tells a changed manifest from a changed file
            signer = self._signature(bundle, manifest, seals)
            if manifest.bundle != bundle.absolute().name:
                raise Broken(bundle, _("renamed: the manifest belongs to {bundle}", bundle=manifest.bundle))
            self._files(bundle, manifest)
            stamped, unjudged = self._stamp(bundle, manifest, seals)
        except OSError as error:
            raise Broken(bundle, _("cannot be read ({error})", error=error)) from None
        notes = [_("not signed: {why}", why=_kept(manifest.unsigned))] if manifest.unsigned else []
        notes += [_("without a time stamp: {why}", why=_kept(manifest.unstamped))] if manifest.unstamped else []
        return Verified(bundle, link_to(manifest, seals), manifest.previous, signer, stamped, (*notes, *unjudged))

    @staticmethod
    def _manifest(bundle: Path, data: bytes) -> Manifest:
        try:
            return Manifest.parse(data)
        except ValueError as error:
            raise Broken(bundle / MANIFEST, _("changed ({error})", error=error)) from None

    @staticmethod
    def _files(bundle: Path, manifest: Manifest) -> None:
        there = {}
        for path in bundle.rglob("*"):
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode):
                there[path.relative_to(bundle).as_posix()] = mode
        for name, mode in sorted(there.items()):
            if not stat.S_ISREG(mode):
                raise Broken(bundle / name, _("is no regular file"))
        for name, expected in manifest.files.items():
            path = bundle / name
            if name not in there:
                raise Broken(path, _("is missing"))
            if file_digest(path) != expected:
                raise Broken(path, _("changed (its SHA-256 is not that of the manifest)"))
        for name in sorted(there.keys() - manifest.files.keys() - SEALS):
            raise Broken(bundle / name, _("does not belong to the evidence"))

    def _signature(self, bundle: Path, manifest: Manifest, seals: Mapping[str, bytes]) -> str | None:
        path = bundle / STATEMENT
        if STATEMENT not in seals:
            if manifest.signer is not None:
                raise Broken(path, _("is missing"))
            return None
        try:
            statement, signer = verified(seals[STATEMENT], self._trusted(bundle))
            subjects = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
        except UnknownKeyError as error:
            reason = _("signed with a key that is not trusted here ({key})", key=error)
            raise Broken(path, reason) from None
        except (KeyError, TypeError, ValueError) as error:
            raise Broken(path, _("changed ({error})", error=error)) from None
        signed = {name: digest(seals[name]) for name in (MANIFEST, TIMESTAMP) if name in seals}
        for name in sorted(subjects.keys() | signed.keys()):
            if subjects.get(name) != signed.get(name):
                raise Broken(bundle / name, _("changed (the signature is about another content)"))
        if manifest.signer != signer:
            raise Broken(path, _("is not of the key that the manifest names"))
        return signer

    def _trusted(self, bundle: Path) -> dict[str, SSlibKey]:
        known = bundle.absolute().parent / "keys"
        if known not in self._keys:
            self._keys[known] = trusted_keys(self.anchors, known)
        return self._keys[known]

    def _stamp(
        self, bundle: Path, manifest: Manifest, seals: Mapping[str, bytes]
    ) -> tuple[datetime | None, tuple[str, ...]]:
        path = bundle / TIMESTAMP
        if manifest.stamped_by is None:
            if TIMESTAMP in seals:
                raise Broken(path, _("does not belong to the evidence: the manifest names no time stamp"))
            return None, ()
        if TIMESTAMP not in seals:
            raise Broken(path, _("is missing"))
        try:
            stamped = stamped_at(seals[TIMESTAMP], seals[MANIFEST], self.roots)
        except StampError as error:
            raise Broken(path, str(error)) from None
        unjudged = () if self.roots else (_("certificate of the time stamp authority not checked (--tsa-ca)"),)
        return stamped, unjudged


def _kept(reason: str) -> str:
    """A reason that a manifest keeps in German, in the language of the program if it is one of the usual ones."""
    return _(IN_WORDS[reason]) if reason in IN_WORDS else reason
