"""How a run's bundle is sealed: which key signs, which authority stamps, and why not where neither does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from praxisschild.evidence import keys
from praxisschild.evidence.manifest import MANIFEST, STATEMENT, TIMESTAMP, Link, Manifest
from praxisschild.evidence.statement import sign, statement_of
from praxisschild.evidence.timestamp import Authority, StampError, request_stamp
from praxisschild.i18n import N_, german

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner

    from praxisschild.results import Run

NO_KEY = "kein Schlüssel eingerichtet (praxisschild evidence keygen)"
NO_PASSPHRASE = f"Passphrase des Schlüssels nicht hinterlegt ({keys.PASSPHRASE} oder {keys.PASSPHRASE_FILE})"
NO_AUTHORITY = "keine Zeitstempelstelle eingerichtet (praxis.evidence.timestamp_authority)"
# as `evidence verify` tells them; the manifest keeps them in German
IN_WORDS = {
    NO_KEY: N_("no key is set up (praxisschild evidence keygen)"),
    NO_PASSPHRASE: N_(
        "the key's passphrase is not at hand "
        "(PRAXISSCHILD_EVIDENCE_PASSPHRASE or PRAXISSCHILD_EVIDENCE_PASSPHRASE_FILE)"
    ),
    NO_AUTHORITY: N_("no time stamp authority is set up (praxis.evidence.timestamp_authority)"),
}


@dataclass(frozen=True)
class Seal:
    """What seals a bundle; without a key or an authority the reason (German) stands in the manifest instead."""

    signer: CryptoSigner | None = None
    unsigned: str = NO_KEY
    authority: Authority | None = None
    ring: Path | None = None

    @classmethod
    def of_this_machine(cls, authority: Authority | None = None) -> Seal:
        """The seal with this control node's key, if there is one and its passphrase is at hand.

        Raises:
            InputError: a key is there and cannot be used although a passphrase is given.
        """
        ring = keys.key_ring()
        if not keys.current_id(ring):
            return cls(authority=authority)
        secret = keys.passphrase()
        if not secret:
            return cls(unsigned=NO_PASSPHRASE, authority=authority)
        return cls(signer=keys.load_signer(ring, secret), authority=authority, ring=ring)

    @property
    def fingerprint(self) -> str | None:
        """Of the key that signs, as people compare it; None if nobody signs."""
        return keys.fingerprint(self.signer.public_key) if self.signer else None

    def apply(
        self, run: Run, practice: str, bundle: str, digests: Mapping[str, str], previous: Link | None, results: str
    ) -> tuple[Manifest, dict[str, bytes]]:
        """The manifest of a bundle, and what seals it, by file name.

        Args:
            run: what was found.
            practice: name of the practice's folder.
            bundle: name of the bundle's folder.
            digests: SHA-256 by path inside the bundle.
            previous: the bundle before it.
            results: path of the results file inside the bundle.
        """
        manifest = Manifest(
            practice=practice,
            bundle=bundle,
            ended=run.ended,
            sequence=previous.sequence + 1 if previous else 1,
            previous=previous,
            files=dict(sorted(digests.items())),
            signer=self.signer.public_key.keyid if self.signer else None,
            unsigned=None if self.signer else self.unsigned,
            stamped_by=self.authority.url if self.authority else None,
            unstamped=None if self.authority else NO_AUTHORITY,
        )
        seals = {MANIFEST: manifest.render()}
        if self.authority:
            try:
                with german():  # why there is none goes into the manifest
                    seals[TIMESTAMP] = request_stamp(seals[MANIFEST], self.authority)
            except StampError as error:
                # an authority that is down costs the time stamp, not the evidence
                manifest = manifest.model_copy(update={"stamped_by": None, "unstamped": str(error)})
                seals[MANIFEST] = manifest.render()
        if self.signer:
            seals[STATEMENT] = sign(statement_of(run, seals, digests[results]), self.signer)
        return manifest, seals
