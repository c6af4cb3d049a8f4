"""What happens to a stick that somebody plugs into a Windows host."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, requirement
from praxisschild.snapshot.windows.volumes import METHODS

STORAGE = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\RemovableStorageDevices"
KINDS = {
    "{53f5630d-b6bf-11d0-94f2-00a0c91efb8b}": "Sticks und externe Platten",
    "{53f56308-b6bf-11d0-94f2-00a0c91efb8b}": "CDs und DVDs",
}
BITLOCKER = r"HKLM\SOFTWARE\Policies\Microsoft\FVE"
# unlike BitLocker's other policies this one is where a domain's policies were of old
DENY_WRITE = r"HKLM\SYSTEM\CurrentControlSet\Policies\Microsoft\FVE"
UNTRUSTED_FROM_USB = "b2b3f03d-6a65-4f7b-a9c7-1c7ef74a9ba4"


@requirement("2021-A1-28")
@pytest.mark.parametrize("device", KINDS)
def test_windows_starts_no_program_from_a_medium(windows, device, measured):
    """A program on a foreign stick is somebody else's hand on the keyboard."""
    everything = windows.registry(STORAGE, "Deny_All") == 1
    denied = everything or windows.registry(rf"{STORAGE}\{device}", "Deny_Execute") == 1
    measured(f"Programme von {KINDS[device]}: {'gesperrt' if denied else 'können gestartet werden'}")
    assert denied


@requirement("2021-A1-28")
def test_windows_blocks_untrusted_programs_from_media(windows, measured):
    """Where programs on media are allowed, at least those that nobody signed stay where they are."""
    if windows.guard:
        not_applicable(f"{windows.guard.name} schützt diesen Host; die Regel gehört zu Defender.")
    action = windows.defender_rule(UNTRUSTED_FROM_USB)
    words = {1: "blockiert", 2: "nur gemeldet", 6: "mit Warnung"}
    measured(f"Unsignierte Programme von USB: {words.get(action, 'erlaubt')}")
    assert action == 1


@requirement("2021-A3-10")
def test_windows_writes_to_encrypted_media_only(windows, measured):
    """A lost stick that anybody can read is a breach that has to be reported."""
    if windows.is_home:
        measured("Windows Home kennt diese Sperre nicht.")
    denied = windows.registry(DENY_WRITE, "RDVDenyWriteAccess") == 1 and not windows.is_home
    plugged = [one.letter for one in windows.plugged_volumes if not one.protected] if windows.has_bitlocker else []
    measured(
        f"unverschlüsselte Datenträger: {'schreibgeschützt' if denied else 'beschreibbar'}; eingesteckt und "
        f"unverschlüsselt: {', '.join(plugged) or 'keiner'}"
    )
    assert denied


@requirement("2021-A3-10")
def test_windows_encrypts_media_with_a_strong_method(windows, measured):
    """Encryption that can be broken is none."""
    chosen = windows.registry(BITLOCKER, "EncryptionMethodWithXtsRdv")
    used = {METHODS.get(int(chosen or 3), ("", 0))}  # 3, AES-CBC with 128 bits, is what Windows takes by itself
    used |= {one.cipher for one in (windows.plugged_volumes if windows.has_bitlocker else ()) if one.encrypted}
    words = ", ".join(f"{name}, {bits} Bit" for name, bits in sorted(used))
    measured(f"Verfahren für neue und eingesteckte Datenträger: {words}")
    for cipher, bits in used:
        assert bound("2021-A3-10", "cipher").admits(cipher)
        assert bound("2021-A3-10", "key_bits").admits(bits)
