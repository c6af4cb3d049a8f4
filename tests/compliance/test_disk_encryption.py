"""Whether a stolen computer gives patient data away."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, requirement

CONTAINER = "Container: Seine Datenträger sind die des Rechners darunter; dessen Verschlüsselung ist dort zu prüfen."


@pytest.fixture
def own_disks(snapshot):
    """The state of a host with disks of its own."""
    if not snapshot.own_kernel:
        not_applicable(CONTAINER)
    return snapshot


@requirement("KVWL-18")
def test_patient_data_lie_on_encrypted_volumes(own_disks, practice, measured):
    """Whoever carries the computer away must not carry the patients' files away."""
    places = {folder: own_disks.place_of(folder) for folder in practice.patient_data_on("linux")}
    plain = sorted(folder for folder, place in places.items() if not place.containers)
    measured(f"Patientendaten in {', '.join(places)}; unverschlüsselt: {', '.join(plain) or 'nichts'}")
    assert not plain


@requirement("KVWL-07")
def test_all_disks_are_encrypted(own_disks, measured):
    """Traces of patient data lie in temporary files, in logs and in swap, too."""
    plain = sorted({place.mountpoint for place in own_disks.disk_places if not place.containers})
    measured(f"unverschlüsselt: {', '.join(plain) or 'nichts'}")
    assert not plain


@requirement("KVWL-18")
def test_disk_encryption_is_strong(own_disks, measured):
    """Encryption that can be broken is none."""
    containers = [one for place in own_disks.disk_places for one in place.containers]
    if not containers:
        not_applicable("Auf diesem Host ist kein Datenträger verschlüsselt; das wird eigens bemängelt.")
    seen = {f"LUKS{one.version} {one.cipher} {one.key_bits} Bit, {', '.join(sorted(one.kdf))}" for one in containers}
    measured("; ".join(sorted(seen)))
    for one in containers:
        assert bound("KVWL-18", "cipher").admits(one.cipher)
        assert bound("KVWL-18", "key_bits").admits(one.key_bits)
        assert one.kdf
        assert all(bound("KVWL-18", "key_derivation").admits(kdf) for kdf in one.kdf)
