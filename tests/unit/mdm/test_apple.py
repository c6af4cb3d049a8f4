"""The profile is a property list that stays the same, names its requirements, and can be signed."""

from __future__ import annotations

import plistlib
import subprocess
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from praxisschild.errors import InputError
from praxisschild.mdm import apple
from praxisschild.mdm.rows import select
from tests.unit.mdm.conftest import practice_with

TODAY = date(2026, 11, 28)


@pytest.fixture
def document(catalogue):
    chosen = select(practice_with(wlan=["Praxis", "Praxis 2. OG"]), catalogue, "ios", "company", TODAY)
    return apple.profile(chosen, "Praxis am Markt", "praxis")


def payload(document, kind):
    return next(one for one in document["PayloadContent"] if one["PayloadType"] == kind)


def test_it_reads_back_and_demands_what_the_directive_demands(document):
    read = plistlib.loads(apple.write(document))
    assert read == document
    code = payload(read, "com.apple.mobiledevice.passwordpolicy")
    assert (code["forcePIN"], code["allowSimple"], code["minLength"] >= 6) == (True, False, True)
    assert 2 <= code["maxFailedAttempts"] <= 10
    limits = payload(read, "com.apple.applicationaccess")
    for off in ("allowLockScreenNotificationsView", "allowAssistantWhileLocked", "allowCloudBackup", "allowAirDrop"):
        assert limits[off] is False
    assert limits["forceEncryptedBackup"] is True
    assert limits["allowListedAppBundleIDs"] == ["de.gematik.erp4ios.eRezept"]
    assert payload(read, "com.apple.vpn.managed")["IKEv2"]["RemoteAddress"] == "vpn.praxis.example"


def test_identifiers_and_uuids_are_unique_and_stay(document, catalogue):
    parts = [document, *document["PayloadContent"]]
    assert len({one["PayloadIdentifier"] for one in parts}) == len(parts)
    assert len({one["PayloadUUID"] for one in parts}) == len(parts)
    assert {uuid.UUID(one["PayloadUUID"]).version for one in parts} == {5}
    again = select(practice_with("praxis"), catalogue, "ios", "company", date(2027, 5, 1))
    assert apple.profile(again, "Anderer Name", "praxis")["PayloadUUID"] == document["PayloadUUID"]
    other = select(practice_with(), catalogue, "ios", "personal", TODAY)
    assert apple.profile(other, "Praxis am Markt", "praxis")["PayloadUUID"] != document["PayloadUUID"]


def test_it_says_which_requirements_it_serves_and_what_needs_supervision(document):
    assert "2021-A1-22" in document["PayloadDescription"]
    assert "betreut (supervised), nicht entfernbar" in document["PayloadDescription"]
    said = payload(document, "com.apple.applicationaccess")["PayloadDescription"]
    supervised = said.partition("(supervised) wirksam: ")[2].partition(".")[0].split(", ")
    assert {"allowAirDrop", "allowUIConfigurationProfileInstallation"} <= set(supervised)
    assert "allowCloudBackup" not in supervised
    assert "allowWebDistributionAppInstallation ab iOS 17.5" in said


def test_updates_are_a_declaration(catalogue):
    chosen = select(practice_with(), catalogue, "ios", "company", TODAY)
    (one,) = apple.declarations(chosen, "praxis")
    assert one["Type"] == "com.apple.configuration.softwareupdate.settings"
    assert one["Payload"]["AutomaticActions"] == {"Download": "AlwaysOn", "InstallOSUpdates": "AlwaysOn"}


def certificate(folder, key, name="Praxis am Markt"):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    path = folder / "zertifikat.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path


def key_file(folder, key, password=None, name="schluessel.pem"):
    secret = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    path = folder / name
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret))
    return path


@pytest.mark.parametrize(
    ("key", "password"),
    [(ec.generate_private_key(ec.SECP256R1()), None), (rsa.generate_private_key(65537, 2048), b"geheim geheim")],
    ids=["ec", "rsa, encrypted"],
)
def test_a_signed_profile_is_verified_by_openssl_and_a_changed_one_is_not(document, tmp_path, key, password):
    chain = certificate(tmp_path, key)
    signed = tmp_path / "signiert.mobileconfig"
    written = apple.write(document)
    signed.write_bytes(apple.sign(written, chain, key_file(tmp_path, key, password), password))

    def verify():
        command = ["openssl", "smime", "-verify", "-inform", "DER", "-in", signed, "-CAfile", chain, "-purpose", "any"]
        return subprocess.run(command, capture_output=True, check=False)

    done = verify()
    assert done.returncode == 0, done.stderr
    assert done.stdout == written
    content = signed.read_bytes()
    signed.write_bytes(content.replace(b"<integer>10</integer>", b"<integer>11</integer>", 1))
    assert signed.read_bytes() != content
    assert verify().returncode != 0


def test_what_cannot_sign_is_named(document, tmp_path):
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = certificate(tmp_path, key)
    locked = key_file(tmp_path, key, b"geheim geheim", "gesperrt.pem")
    cases = [
        (chain, key_file(tmp_path, other), None, "does not belong"),
        (chain, locked, None, "PRAXISSCHILD_MDM_KEY_PASSPHRASE"),
        (chain, locked, b"falsch", "cannot be opened"),
        (locked, locked, None, "no certificate"),
        (tmp_path / "fehlt.pem", locked, None, "cannot be read"),
        (chain, tmp_path / "fehlt.pem", None, "cannot be read"),
    ]
    for pem, secret, password, message in cases:
        with pytest.raises(InputError, match=message):
            apple.sign(b"x", pem, secret, password)
