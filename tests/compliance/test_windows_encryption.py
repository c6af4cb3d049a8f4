"""Whether a stolen Windows computer gives patient data away."""

from __future__ import annotations

from praxisschild.checks import bound, not_applicable, requirement

BITLOCKER = r"HKLM\SOFTWARE\Policies\Microsoft\FVE"
REQUIRED = 1


def _state(volume) -> str:
    if not volume.encrypted:
        return f"{volume.letter} unverschlüsselt"
    return f"{volume.letter} {volume.method_name}{'' if volume.protected else ', Schlüssel liegt offen'}"


@requirement("KVWL-18")
def test_windows_patient_data_lie_on_encrypted_volumes(windows, practice, measured):
    """Whoever carries the computer away must not carry the patients' files away."""
    places = {folder[:2].upper() for folder in practice.patient_data_on("windows")}
    found = {one.letter: one for one in windows.fixed_volumes if one.letter in places}
    measured(
        f"Patientendaten auf: {'; '.join(_state(one) for one in found.values()) or 'keinem Laufwerk dieses Hosts'}"
    )
    assert windows.has_bitlocker, "Windows Server has it as a feature, Windows Home not at all"
    assert all(one.encrypted and one.protected for one in found.values())


@requirement("KVWL-07")
def test_windows_all_disks_are_encrypted(windows, measured):
    """Traces of patient data lie in temporary files, in logs and in the page file, too."""
    measured("; ".join(_state(one) for one in windows.fixed_volumes) or "keine Laufwerke")
    assert windows.fixed_volumes
    assert all(one.encrypted and one.protected for one in windows.fixed_volumes)


@requirement("KVWL-18")
def test_windows_disk_encryption_is_strong(windows, measured):
    """Encryption that can be broken is none."""
    encrypted = [one for one in windows.fixed_volumes if one.encrypted]
    if not encrypted:
        not_applicable("Auf diesem Host ist kein Datenträger verschlüsselt; das wird eigens bemängelt.")
    measured("; ".join(_state(one) for one in encrypted))
    for one in encrypted:
        cipher, bits = one.cipher
        assert bound("KVWL-18", "cipher").admits(cipher)
        assert bound("KVWL-18", "key_bits").admits(bits)


@requirement("KVWL-07")
def test_windows_encrypts_nothing_without_a_way_back(windows, measured):
    """A disk that nobody can open any more is lost, with all that is on it."""
    demanded = {
        kind: windows.registry(BITLOCKER, f"{prefix}Recovery") == 1
        and windows.registry(BITLOCKER, f"{prefix}RecoveryPassword") == REQUIRED
        for prefix, kind in {"OS": "Systemlaufwerk", "FDV": "Datenlaufwerke"}.items()
    }
    missing = [kind for kind, found in demanded.items() if not found]
    measured(f"Wiederherstellungskennwort nicht verlangt für: {', '.join(missing) or 'nichts'}")
    assert not missing
