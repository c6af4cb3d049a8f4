"""Knock at the log host as somebody who does not belong to the practice, and as a device that does.

``tls ADDRESS PORT CERTIFICATE KEY``: try to open a RELP session there in the clear, over TLS without a certificate,
with one that a stranger made for the same name, over TLS 1.1, and with the host's own. Prints
``{"clear text": answer, "no certificate": answer, "foreign certificate": answer, "TLS 1.1": answer, "own certificate":
answer}``; answer is ``accepted``, ``refused`` or ``no connection``.
``device ADDRESS PORT SENDER TEXT OTHER``: one syslog datagram with TEXT from the SENDER's address, and one with OTHER
from this host's own. Prints ``{"sent": 2}``.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisschild.probes.host import ProbeError, probe, run

if TYPE_CHECKING:
    from collections.abc import Callable

OFFER = b"relp_version=0\nrelp_software=praxisschild\ncommands=syslog"
OPEN = b"1 open %d %s\n" % (len(OFFER), OFFER)
PATIENCE = 4.0


def session(address: str, port: int, context: ssl.SSLContext | None) -> str:
    """What becomes of the attempt to open a session."""
    try:
        plain = socket.create_connection((address, port), timeout=PATIENCE)
    except OSError:
        return "no connection"
    with plain:
        try:
            if context is None:
                plain.sendall(OPEN)
                return "accepted" if b"200 OK" in plain.recv(4096) else "refused"
            with context.wrap_socket(plain) as encrypted:
                encrypted.sendall(OPEN)
                return "accepted" if b"200 OK" in encrypted.recv(4096) else "refused"
        except OSError:  # an alert, a reset, or silence
            return "refused"


def client(certificate: tuple[str, str] | None = None) -> ssl.SSLContext:
    """A client that trusts anybody: what the log host makes of it is the question."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(*certificate)
    return context


def outdated() -> ssl.SSLContext:
    """A client that offers nothing newer than TLS 1.1."""
    context = client()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def tls(address: str, port: str, certificate: str, key: str) -> dict[str, Any]:
    """Every way in."""
    own = run(["openssl", "x509", "-in", certificate, "-noout", "-subject", "-nameopt", "multiline"])
    name = own.stdout.rpartition("=")[2].strip() or "praxis"
    with tempfile.TemporaryDirectory() as folder:
        foreign, foreign_key = (str(Path(folder, one)) for one in ("pem", "key"))
        request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"]
        files = ["-addext", f"subjectAltName=DNS:{name}", "-out", foreign, "-keyout", foreign_key]
        made = run(["openssl", *request, *files])
        if made.returncode:
            raise ProbeError(f"openssl: {made.stderr.strip()[-200:]}")
        contexts = {
            "clear text": None,
            "no certificate": client(),
            "foreign certificate": client((foreign, foreign_key)),
            "TLS 1.1": outdated(),
            "own certificate": client((certificate, key)),
        }
        return {way: session(address, int(port), context) for way, context in contexts.items()}


def device(address: str, port: str, sender: str, text: str, other: str) -> dict[str, Any]:
    """A datagram that bears the device's address, and an ordinary one."""

    def message(content: str) -> bytes:
        return f"<37>probe: {content}".encode()

    data = struct.pack("!HHHH", 514, int(port), 8 + len(message(text)), 0) + message(text)
    header = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(data),
        0,
        0,
        64,
        socket.IPPROTO_UDP,
        0,
        *map(socket.inet_aton, (sender, address)),
    )
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(header + data, (address, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets:
        packets.sendto(message(other), (address, int(port)))
    return {"sent": 2}


def experiment() -> dict[str, Any]:
    """The part of the probe that the first argument names."""
    parts: dict[str, Callable[..., dict[str, Any]]] = {"tls": tls, "device": device}
    return parts[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    probe(experiment, 60)
