"""Keys that sign evidence: an encrypted Ed25519 key on the control node, and the public keys that are trusted.

A key ring is a folder. `current` names the key that signs; `<id>.key` is the encrypted private half, `<id>.pub` the
public one. A successor is endorsed by its predecessor's signature (`<id>.endorsed`), so that whoever trusts the first
key can follow; old public keys stay, so that old bundles stay verifiable.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from praxisschild.errors import InputError, RunError
from praxisschild.evidence.durable import write_new
from praxisschild.evidence.manifest import digest
from praxisschild.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PASSPHRASE = "PRAXISSCHILD_EVIDENCE_PASSPHRASE"  # noqa: S105 - the variable's name
PASSPHRASE_FILE = f"{PASSPHRASE}_FILE"
SHORTEST_PASSPHRASE = 12  # characters
_ENDORSEMENT = "application/vnd.praxisschild.key-endorsement+json"
_WAY_OUT = N_("create one with `praxisschild evidence keygen`")


def key_ring() -> Path:
    """Where this control node keeps its keys: `$PRAXISSCHILD_KEYS`, or the user's configuration folder."""
    configured = os.environ.get("PRAXISSCHILD_KEYS")
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(configured) if configured else configuration / "praxisschild" / "evidence-keys"


def passphrase() -> str:
    """The passphrase from the environment, or from the file that the environment names; empty without either.

    Raises:
        InputError: the file cannot be read.
    """
    if found := os.environ.get(PASSPHRASE):
        return found
    path = os.environ.get(PASSPHRASE_FILE)
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise InputError(
            path,
            "",
            _("cannot be read ({error})", error=error.strerror),
            _("correct {name}", name=PASSPHRASE_FILE),
        ) from None


def create_key(ring: Path, secret: str) -> SSlibKey:
    """Add a new key and make it the one that signs; an earlier one endorses it.

    Raises:
        InputError: the passphrase is too short, or does not open the key that is to endorse the new one.
        RunError: the ring cannot be written.
    """
    if len(secret) < SHORTEST_PASSPHRASE:
        raise InputError(
            PASSPHRASE,
            "",
            _("the passphrase is too short"),
            _("take {count} characters or more", count=SHORTEST_PASSPHRASE),
        )
    predecessor = load_signer(ring, secret) if current_id(ring) else None
    private = Ed25519PrivateKey.generate()
    public = SSlibKey.from_crypto(private.public_key())
    files = {
        f"{public.keyid}.key": private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(secret.encode()),
        ),
        f"{public.keyid}.pub": _pem(public),
    }
    if predecessor is not None:
        files[f"{public.keyid}.endorsed"] = _endorsement(public, predecessor)
    try:
        ring.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files.items():
            write_new(ring / name, content)
        fresh = ring / f".current-{os.getpid()}"
        write_new(fresh, public.keyid.encode() + b"\n")
        fresh.replace(ring / "current")
    except OSError as error:
        raise RunError(
            _("the key cannot be kept: {error}", error=error), _("check space and permissions of {ring}", ring=ring)
        ) from error
    return public


def current_id(ring: Path) -> str:
    """Id of the key that signs; empty for a ring without one."""
    path = ring / "current"
    return path.read_text(encoding="ascii").strip() if path.is_file() else ""


def load_signer(ring: Path, secret: str) -> CryptoSigner:
    """The key that signs.

    Raises:
        InputError: there is none, it cannot be read, or the passphrase does not open it.
    """
    name = current_id(ring)
    if not name:
        raise InputError(ring, "current", _("there is no key that signs evidence"), _(_WAY_OUT))
    path = ring / f"{name}.key"
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), secret.encode())
    except OSError as error:
        raise InputError(
            path, "", _("cannot be read ({error})", error=error.strerror), _("restore the key from its backup")
        ) from None
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise InputError(
            path,
            "",
            _("the passphrase does not open this key"),
            _("set {name} to the right one", name=PASSPHRASE),
        ) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError(path, "", _("this is no Ed25519 key"), _(_WAY_OUT))
    return CryptoSigner(private)


def load_public(path: Path) -> SSlibKey:
    """A public key in PEM.

    Raises:
        InputError: the file is none.
    """
    try:
        public = serialization.load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise InputError(
            path, "", _("cannot be read ({error})", error=error.strerror), _("name a file <id>.pub of a key ring")
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, Ed25519PublicKey):
        raise InputError(path, "", _("this is no public Ed25519 key"), _("name a file <id>.pub of a key ring"))
    return SSlibKey.from_crypto(public)


def fingerprint(key: SSlibKey) -> str:
    """What two people compare on the telephone: half of the SHA-256 of the raw key, in groups of four digits."""
    text = digest(bytes.fromhex(key.keyval["public"]))
    return " ".join(text[start : start + 4] for start in range(0, 32, 4))


def trusted_keys(anchors: Iterable[Path], known: Path) -> dict[str, SSlibKey]:
    """The keys by id that count: the anchors, and every key in `known` that a trusted one has endorsed.

    Raises:
        InputError: an anchor is no public key.
    """
    trusted = {key.keyid: key for key in map(load_public, anchors)}
    endorsements = {path.stem: path.read_bytes() for path in sorted(known.glob("*.endorsed"))}
    while fresh := {
        key.keyid: key
        for name, data in endorsements.items()
        if name not in trusted and (key := _endorsed(data, trusted)) and key.keyid == name
    }:
        trusted |= fresh
    return trusted


def publish(ring: Path, folder: Path) -> None:
    """Lay the public keys and endorsements beside the evidence, where a verifier looks for them."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for path in [*ring.glob("*.pub"), *ring.glob("*.endorsed")]:
        if not (folder / path.name).exists():
            write_new(folder / path.name, path.read_bytes())


def _pem(key: SSlibKey) -> bytes:
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _endorsement(key: SSlibKey, by: CryptoSigner) -> bytes:
    payload = json.dumps({"keyid": key.keyid, "public": _pem(key).decode()}, sort_keys=True).encode()
    envelope = Envelope(payload, _ENDORSEMENT, {})
    envelope.sign(by)
    return (json.dumps(envelope.to_dict(), indent=1) + "\n").encode()


def _endorsed(data: bytes, trusted: Mapping[str, SSlibKey]) -> SSlibKey | None:
    """The key that a trusted one endorses here; None if none does."""
    try:
        envelope = Envelope.from_dict(json.loads(data))
        envelope.verify(list(trusted.values()), 1)
        if envelope.payload_type != _ENDORSEMENT:
            return None
        public = serialization.load_pem_public_key(json.loads(envelope.payload)["public"].encode())
    except (KeyError, TypeError, ValueError, VerificationError):
        return None
    return SSlibKey.from_crypto(public) if isinstance(public, Ed25519PublicKey) else None
