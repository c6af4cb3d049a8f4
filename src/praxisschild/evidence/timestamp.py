"""RFC 3161 time stamps: proof by a third party that a manifest existed at a certain moment."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from praxisschild.errors import InputError
from praxisschild.i18n import _

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from rfc3161_client import TimeStampResponse

PATIENCE = 10  # seconds
_LARGEST = 1_000_000  # bytes; an answer is a few thousand
_SHA256 = "2.16.840.1.101.3.4.2.1"


class StampError(Exception):
    """There is no usable time stamp; the text is a reason."""


@dataclass(frozen=True)
class Authority:
    """A time stamp authority: its address, and the certificates that it is to answer for."""

    url: str
    roots: tuple[x509.Certificate, ...] = ()


def load_roots(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates in a PEM file.

    Raises:
        InputError: there is none in it.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        reason = _("cannot be read ({error})", error=error.strerror)
    except ValueError:
        reason = _("holds no certificate")
    raise InputError(path, "", reason, _("name the PEM file with the certificate of the time stamp authority"))


def request_stamp(data: bytes, authority: Authority) -> bytes:
    """The authority's answer about this data, as it came, verified as far as its certificate is known.

    Raises:
        StampError: no answer, or none that holds.
    """
    query = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    if not authority.url.startswith(("https://", "http://")):
        raise StampError(_("time stamp authority {url}: this is no http or https address", url=authority.url))
    wanted = urllib.request.Request(  # noqa: S310 - http and https only, see above
        authority.url, data=query.as_bytes(), headers={"Content-Type": "application/timestamp-query"}
    )
    try:
        with urllib.request.urlopen(wanted, timeout=PATIENCE) as answer:  # noqa: S310
            content: bytes = answer.read(_LARGEST)
    except (OSError, ValueError) as error:
        reason = _("time stamp authority {url} not reached: {error}", url=authority.url, error=error)
        raise StampError(reason) from None
    if _read(content).tst_info.nonce != query.nonce:
        raise StampError(_("time stamp authority {url}: the answer belongs to another request", url=authority.url))
    stamped_at(content, data, authority.roots)
    return content


def stamped_at(content: bytes, data: bytes, roots: tuple[x509.Certificate, ...]) -> datetime:
    """When the data was stamped (UTC); without roots the authority's own signature is not judged.

    Raises:
        StampError: the time stamp is about other data, or its signature leads to none of the roots.
    """
    response = _read(content)
    imprint = response.tst_info.message_imprint
    if imprint.hash_algorithm.dotted_string != _SHA256 or imprint.message != hashlib.sha256(data).digest():
        raise StampError(_("the time stamp belongs to another manifest"))
    if roots:
        builder = VerifierBuilder()
        for root in roots:
            builder = builder.add_root_certificate(root)
        try:
            builder.build().verify_message(response, data)
        except (VerificationError, ValueError) as error:
            reason = _("the signature of the time stamp authority does not hold ({error})", error=error)
            raise StampError(reason) from None
    return response.tst_info.gen_time


def _read(content: bytes) -> TimeStampResponse:
    try:
        response = decode_timestamp_response(content)
        if PKIStatus(response.status) not in {PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS}:
            raise StampError(_("the time stamp authority has refused"))
        response.tst_info  # noqa: B018 - reads the token; a broken one raises here
    except ValueError as error:
        raise StampError(_("this is no time stamp by RFC 3161 ({error})", error=error)) from None
    return response
