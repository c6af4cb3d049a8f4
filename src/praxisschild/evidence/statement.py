"""What is signed: an in-toto statement with the test-result predicate, in a DSSE envelope.

Sources: in-toto Attestation Framework v1 (statement), predicate test-result v0.1, DSSE v1. The subjects are the
manifest and, where there is one, the time stamp; through the manifest the signature covers every file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError

from praxisschild.evidence.manifest import MANIFEST, TIMESTAMP, digest
from praxisschild.i18n import _
from praxisschild.results import Section, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from securesystemslib.signer import CryptoSigner, SSlibKey

    from praxisschild.results import Run

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
_FAILED = {Status.FAILED, Status.EXPIRED}
_WARNED = {Status.NOT_TESTED, Status.DEVIATION}


def statement_of(run: Run, seals: Mapping[str, bytes], results: str) -> dict[str, Any]:
    """The statement about a run: a test is a requirement of the directive, by its id.

    Args:
        run: what was found.
        seals: content of `manifest.json` and, if there is one, `timestamp.tsr`.
        results: SHA-256 of the results file.
    """
    rows = [row for row in run.requirements if row.section is Section.DIRECTIVE]
    failed = [row.id for row in rows if row.status in _FAILED]
    warned = [row.id for row in rows if row.status in _WARNED]
    passed = [row.id for row in rows if row.status not in _FAILED | _WARNED | {Status.NOT_APPLICABLE}]
    return {
        "_type": _STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": digest(seals[name])}} for name in (MANIFEST, TIMESTAMP) if name in seals
        ],
        "predicateType": _PREDICATE,
        "predicate": {
            "result": "FAILED" if failed else "WARNED" if warned else "PASSED",
            "configuration": [
                {
                    "name": f"Fassung {run.practice.edition}",
                    "digest": {"sha256": results},
                    "annotations": {"praxisschild": run.tool_version},
                }
            ],
            "passedTests": passed,
            "warnedTests": warned,
            "failedTests": failed,
        },
    }


def sign(statement: Mapping[str, Any], signer: CryptoSigner) -> bytes:
    """The statement in a signed envelope, in the one form in which it is written."""
    payload = json.dumps(statement, ensure_ascii=False, sort_keys=True).encode()
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return _render(envelope)


class UnknownKeyError(ValueError):
    """An envelope is signed by a key that is not among the trusted ones; the text is that key's id."""


def verified(data: bytes, trusted: Mapping[str, SSlibKey]) -> tuple[dict[str, Any], str]:
    """The statement in an envelope and the id of the key that was found to have signed it.

    Raises:
        UnknownKeyError: none of the trusted keys did.
        ValueError: the envelope is none, or is not exactly what the key's owner signed.
    """
    try:
        envelope = Envelope.from_dict(json.loads(data))
        (keyid,) = envelope.signatures
        if keyid not in trusted:
            raise UnknownKeyError(keyid)
        envelope.verify([trusted[keyid]], 1)
        statement = json.loads(envelope.payload)
    except UnknownKeyError:
        raise
    except (AttributeError, FormatError, KeyError, TypeError, ValueError) as error:
        raise ValueError(_("no signature: {error}", error=error)) from None
    except VerificationError:
        raise ValueError(_("the signature does not match")) from None
    if envelope.payload_type != PAYLOAD_TYPE or statement.get("predicateType") != _PREDICATE:
        raise ValueError(_("the signature is about something else"))
    if _render(envelope) != data:
        raise ValueError(_("not in the form in which it is written"))
    return statement, keyid


def _render(envelope: Envelope) -> bytes:
    return (json.dumps(envelope.to_dict(), indent=1) + "\n").encode()
