"""Who speaks: NTLM and Negotiate with encrypted messages, Basic and certificates over TLS only, as WinRM has it.

Source: MS-WSMV 2.2.9.1 (encrypted messages), winrm/config/service of an untouched Windows (AllowUnencrypted = false).
Stricter than the default in one thing: over TLS the channel binding is demanded (CbtHardeningLevel = Strict).
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import Protocol

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

BOUNDARY = "Encrypted Boundary"
SESSION_ENCRYPTED = "application/HTTP-SPNEGO-session-encrypted"
ENCRYPTED_TYPE = f'multipart/encrypted;protocol="{SESSION_ENCRYPTED}";boundary="{BOUNDARY}"'
MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
OCTETS = b"Content-Type: application/octet-stream\r\n"


class Accounts(Protocol):
    """Whom a host lets in."""

    def check(self, name: str, password: str) -> str | None:
        """The account of a name and password; None if they are wrong or it may not log in. Wrong ones count."""

    def admit(self, name: str) -> str | None:
        """The account of a name whose password was right; None if it may not log in."""

    def certified(self, certificate: bytes) -> str | None:
        """The account that a certificate of the lab's authority, in DER, stands for; None if it may not log in."""

    def wrong(self, name: str) -> None:
        """Somebody has tried a wrong password for this name."""


@dataclass(frozen=True)
class Answer:
    """What the client hears about its login: nothing more to prove, or a header to answer to."""

    user: str | None
    headers: tuple[tuple[str, str], ...] = ()
    refused: str = ""


class Gate:
    """What a listener demands of whoever connects to it."""

    def __init__(self, accounts: Accounts, tls: bytes | None) -> None:
        """Set up with the SHA-256 of the listener's certificate in DER; None for plain HTTP."""
        self.accounts = accounts
        self.tls = tls is not None
        self.bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + tls) if tls else None

    @property
    def offers(self) -> tuple[tuple[str, str], ...]:
        basic = (("WWW-Authenticate", 'Basic realm="WSMAN"'),) if self.tls else ()
        return (("WWW-Authenticate", "Negotiate"), *basic)


class Session:
    """The login of one connection; it lasts as long as the connection."""

    def __init__(self, gate: Gate, certificate: bytes | None = None) -> None:
        """Begin with what the TLS handshake knows: the client's certificate in DER, if there is one."""
        self._gate = gate
        self._certificate = certificate
        self._context: spnego.ContextProxy | None = None
        self._user: str | None = None

    def authenticate(self, header: str) -> Answer:
        """Judge the Authorization header of a request; an empty one is fine once the connection has logged in."""
        kind, _, token = header.partition(" ")
        if not kind:
            return Answer(self._user) if self._user else Answer(None, self._gate.offers)
        if kind == MUTUAL:
            user = self._gate.accounts.certified(self._certificate) if self._certificate else None
            return Answer(user) if user else self._refuse("kein Zertifikat, dem ein Konto zugeordnet ist")
        try:
            decoded = base64.b64decode(token, validate=True)
        except binascii.Error:
            return self._refuse("Authorization ist kein Base64")
        match kind.lower():
            case "basic":
                return self._basic(decoded)
            case "negotiate" | "ntlm":
                return self._negotiate(kind, decoded)
        return self._refuse(f"{kind} wird nicht angeboten")

    def _refuse(self, why: str) -> Answer:
        self._context, self._user = None, None
        return Answer(None, self._gate.offers, why)

    def _basic(self, decoded: bytes) -> Answer:
        if not self._gate.tls:
            return self._refuse("Basic ohne TLS")
        try:
            text = decoded.decode()
        except UnicodeDecodeError:
            text = decoded.decode("latin-1")  # RFC 7617 names no encoding; clients choose either
        name, _, password = text.partition(":")
        user = self._gate.accounts.check(name, password)
        return Answer(user) if user else self._refuse("Benutzername oder Kennwort ist falsch")

    def _negotiate(self, kind: str, token: bytes) -> Answer:
        if self._context is None or self._context.complete:
            self._user = None
            bare = token.startswith(b"NTLMSSP\0")  # Negotiate may carry NTLM with and without SPNEGO around it
            self._context = spnego.server(
                protocol="ntlm" if bare else "negotiate",
                options=spnego.NegotiateOptions.use_ntlm if bare else spnego.NegotiateOptions.use_negotiate,
                channel_bindings=self._gate.bindings,
            )
        try:
            reply = self._context.step(token)
        except (SpnegoError, ValueError, KeyError, struct.error) as error:
            if name := _name_in(token):
                self._gate.accounts.wrong(name)
            return self._refuse(f"{type(error).__name__}: {error}")
        headers = (("WWW-Authenticate", f"{kind} {base64.b64encode(reply).decode()}"),) if reply else ()
        if not self._context.complete:
            return Answer(None, headers)
        self._user = self._gate.accounts.admit(self._context.client_principal or "")
        if self._user is None:
            return self._refuse(f"{self._context.client_principal} darf sich nicht anmelden")
        return Answer(self._user, headers)

    def open(self, content_type: str, body: bytes) -> tuple[bytes, bool]:
        """The message of a request, and whether it came encrypted.

        Raises:
            ValueError: it is not what this listener takes: in the clear without TLS, or not to be decrypted.
        """
        if not content_type.lower().startswith("multipart/encrypted"):
            if body and not self._gate.tls:
                raise ValueError("unverschlüsselt ohne TLS (AllowUnencrypted = false)")
            return body, False
        if self._context is None or not self._context.complete:
            raise ValueError("verschlüsselt ohne Anmeldung")
        _, found, rest = body.partition(OCTETS)
        sealed, ended, _ = rest.rpartition(f"--{BOUNDARY}--".encode())
        if not found or not ended or len(sealed) < 4:
            raise ValueError("unvollständige verschlüsselte Nachricht")
        (length,) = struct.unpack("<I", sealed[:4])
        try:
            return self._context.unwrap_winrm(sealed[4 : 4 + length], sealed[4 + length :]), True
        except SpnegoError as error:
            raise ValueError(f"nicht zu entschlüsseln: {error}") from None

    def seal(self, message: bytes) -> bytes:
        """The message encrypted for this connection, as a body of type ``ENCRYPTED_TYPE``."""
        if self._context is None:
            raise ValueError("keine Anmeldung, die verschlüsseln könnte")
        sealed = self._context.wrap_winrm(message)
        length = len(message) + sealed.padding_length
        head = (
            f"--{BOUNDARY}\r\n\tContent-Type: {SESSION_ENCRYPTED}\r\n"
            f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={length}\r\n"
            f"--{BOUNDARY}\r\n\t{OCTETS.decode()}"
        )
        tail = f"--{BOUNDARY}--\r\n".encode()
        return head.encode() + struct.pack("<I", len(sealed.header)) + sealed.header + sealed.data + tail


def _name_in(token: bytes) -> str:
    """The account that an NTLM AUTHENTICATE message names, with or without SPNEGO around it (MS-NLMP 2.2.1.3)."""
    _, found, rest = token.partition(b"NTLMSSP\0\x03\0\0\0")
    if not found or len(rest) < 32:
        return ""
    message = found + rest
    length, _, offset = struct.unpack_from("<HHI", message, 36)
    return message[offset : offset + length].decode("utf-16-le", "replace")
