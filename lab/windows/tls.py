"""The lab's own certification authority, and a certificate per stand-in host."""

from __future__ import annotations

import fcntl
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

CA = "windows-ca.pem"
CA_KEY = "windows-ca.key"
LIFETIME = timedelta(days=825)
USER_PRINCIPAL_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


def authority(folder: Path) -> Path:
    """The certificate of the folder's authority; made if there is none. Safe for several hosts at once."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate = folder / CA
    with (folder / ".windows-ca.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not certificate.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Praxisschild Windows-Nachbildung")])
            built = (
                _builder(name, name, key.public_key())
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(_usage(signs=True), critical=True)
                .sign(key, hashes.SHA256())
            )
            _write_key(folder / CA_KEY, key)
            certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    return certificate


def issue(folder: Path, names: list[str], address: str, target: Path) -> bytes:
    """Write ``host.pem`` and ``host.key`` to the target, signed by the folder's authority.

    Returns:
        SHA-256 of the certificate in DER, as channel bindings name it (RFC 5929).
    """
    authority(folder)
    authority_certificate, authority_key = _signer(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    alternatives = [*map(x509.DNSName, names), x509.IPAddress(ipaddress.ip_address(address))]
    built = (
        _builder(subject, authority_certificate.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(_issued_by(authority_certificate), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(target / "host.key", key)
    (target / "host.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    return built.fingerprint(hashes.SHA256())


def issue_to_account(folder: Path, account: str) -> None:
    """Write ``<account>.pem`` and ``<account>.key`` for logins by certificate; once per folder."""
    with (folder / ".windows-ca.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / f"{account}.pem").exists():
            return
        authority_certificate, authority_key = _signer(folder)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, account)])
        principal = f"{account}@localhost".encode()
        upn = x509.OtherName(USER_PRINCIPAL_NAME, b"\x0c" + bytes([len(principal)]) + principal)  # a UTF8String
        built = (
            _builder(subject, authority_certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([upn]), critical=False)
            .add_extension(_issued_by(authority_certificate), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        _write_key(folder / f"{account}.key", key)
        (folder / f"{account}.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))


def account_of(certificate: bytes) -> str:
    """The local account that a client's certificate in DER names as its principal; empty if it names none."""
    try:
        names = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return ""
    for name in names.value.get_values_for_type(x509.OtherName):
        account, _, where = name.value[2:].decode("utf-8", "replace").partition("@")
        if name.type_id == USER_PRINCIPAL_NAME and where == "localhost":
            return account
    return ""


def _signer(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = serialization.load_pem_private_key((folder / CA_KEY).read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{folder / CA_KEY} is no key of this lab")
    return x509.load_pem_x509_certificate((folder / CA).read_bytes()), key


def _issued_by(authority_certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    found = authority_certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
