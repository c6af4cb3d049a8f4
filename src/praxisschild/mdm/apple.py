"""An Apple configuration profile and a declaration from the setting rows.

Format: Apple, "Configuration Profile Reference" and the device-management schema; a declaration is what a management
sends by Declarative Device Management (`Type`, `Identifier`, `Payload`).
"""

from __future__ import annotations

import plistlib
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from praxisschild.errors import InputError
from praxisschild.i18n import _
from praxisschild.mdm.rows import nested

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from praxisschild.mdm.rows import AppleKey, Row, Selection

PREFIX = "de.praxisschild"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "praxisschild.de")
_TOP = "TopLevel"
_TITLES = {
    "com.apple.mobiledevice.passwordpolicy": "Sperrcode",
    "com.apple.applicationaccess": "Einschränkungen",
    "com.apple.wifi.managed": "WLAN",
    "com.apple.vpn.managed": "VPN",
}


def identifier(practice: str, owner: str) -> str:
    """The profile's identifier: a management replaces a profile by one with the same, so it must never change."""
    return f"{PREFIX}.{practice}.{owner}"


def profile(selection: Selection, practice: str, slug: str) -> dict[str, Any]:
    """The profile as a property list; the same input gives the same profile, its UUIDs included.

    Args:
        selection: the rows of the group.
        practice: the practice's name, for people.
        slug: the practice's name as a part of identifiers.
    """
    base = identifier(slug, selection.owner)
    contents: dict[tuple[str, str], list[tuple[AppleKey, Row]]] = defaultdict(list)
    for row in selection.rows:
        for one in row.apple:
            contents[one.payload, one.element].append((one, row))
    top = nested((one.key, one.value) for one, _ in contents.pop((_TOP, ""), []))
    mode = "betreut (supervised)" if selection.supervised else "nicht betreut"
    removal = "nicht entfernbar" if top.get("PayloadRemovalDisallowed") else "entfernbar"
    owner = "dienstliche Geräte" if selection.owner == "company" else "private Geräte (User Enrollment)"
    return {
        **top,
        "PayloadContent": [_payload(base, kind, element, entries) for (kind, element), entries in contents.items()],
        "PayloadDescription": f"IT-Sicherheitsrichtlinie der KBV, {owner}, {mode}, {removal}: "
        f"{', '.join(selection.requirements)}",
        "PayloadDisplayName": f"Praxisschild: {practice}",
        "PayloadIdentifier": base,
        "PayloadOrganization": practice,
        "PayloadType": "Configuration",
        "PayloadUUID": _uuid(base),
        "PayloadVersion": 1,
    }


def _payload(base: str, kind: str, element: str, entries: Sequence[tuple[AppleKey, Row]]) -> dict[str, Any]:
    own = f"{base}.{kind.rpartition('.')[0].rpartition('.')[2]}.{kind.rpartition('.')[2]}"
    if element:
        own += f".{uuid.uuid5(_NAMESPACE, element).hex[:8]}"
    supervised = sorted({one.key for one, _ in entries if one.needs == "supervised"})
    served = sorted({number for _, row in entries for number in row.requirements})
    said = [f"Anforderungen: {', '.join(served)}."]
    if supervised:
        said.append(f"Nur auf betreuten Geräten (supervised) wirksam: {', '.join(supervised)}.")
    newest = sorted({f"{one.key} ab iOS {one.since}" for one, _ in entries if _major(one.since) >= 17})
    if newest:
        said.append(f"Ältere Geräte überlesen: {', '.join(newest)}.")
    return {
        **nested((one.key, one.value) for one, _ in entries),
        "PayloadDescription": " ".join(said),
        "PayloadDisplayName": f"{_TITLES.get(kind, kind)}{f' {element}' if element else ''}",
        "PayloadIdentifier": own,
        "PayloadType": kind,
        "PayloadUUID": _uuid(own),
        "PayloadVersion": 1,
    }


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _uuid(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name)).upper()


def write(document: dict[str, Any]) -> bytes:
    """The profile as XML, keys sorted: two runs can be compared line by line."""
    return plistlib.dumps(document, fmt=plistlib.FMT_XML, sort_keys=True)


def declarations(selection: Selection, slug: str) -> list[dict[str, Any]]:
    """What only Declarative Device Management can set, one declaration per type."""
    kinds: dict[str, list[AppleKey]] = defaultdict(list)
    for row in selection.rows:
        for one in row.declaration:
            kinds[one.payload].append(one)
    return [
        {
            "Type": kind,
            "Identifier": f"{identifier(slug, selection.owner)}.{kind.rpartition('configuration.')[2]}",
            "Payload": nested((one.key, one.value) for one in entries),
        }
        for kind, entries in kinds.items()
    ]


def sign(document: bytes, certificate: Path, key: Path, password: bytes | None = None) -> bytes:
    """The profile in a CMS envelope (DER), as iOS wants a signed one; further certificates in the file travel along.

    Raises:
        InputError: certificate or key cannot be used, or do not belong together.
    """
    chain = _certificates(certificate)
    private = _key(key, password)
    if private.public_key() != chain[0].public_key():
        reason = _("the key does not belong to the first certificate in {file}", file=certificate)
        raise InputError(key, "", reason, _("name the key that the certificate was issued for"))
    builder = pkcs7.PKCS7SignatureBuilder().set_data(document).add_signer(chain[0], private, hashes.SHA256())
    for further in chain[1:]:
        builder = builder.add_certificate(further)
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        reason = _("cannot be read ({error})", error=error.strerror)
        raise InputError(path, "", reason, _("name a PEM file")) from None
    except ValueError:
        way_out = _("export it as PEM, chain included")
        raise InputError(path, "", _("this is no certificate in PEM form"), way_out) from None


def _key(path: Path, password: bytes | None) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    try:
        found = serialization.load_pem_private_key(path.read_bytes(), password)
    except OSError as error:
        reason = _("cannot be read ({error})", error=error.strerror)
        raise InputError(path, "", reason, _("name a PEM file")) from None
    except (TypeError, ValueError) as error:
        reason = _("the key cannot be opened ({error})", error=error)
        way_out = _("set PRAXISSCHILD_MDM_KEY_PASSPHRASE if the key is encrypted, leave it out if not")
        raise InputError(path, "", reason, way_out) from None
    if not isinstance(found, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        reason = _("a profile is signed with an RSA or EC key")
        raise InputError(path, "", reason, _("use a certificate with such a key"))
    return found
