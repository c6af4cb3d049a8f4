"""Sticks that may do what they like."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

STORAGE = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\RemovableStorageDevices"
BITLOCKER = r"HKLM\SOFTWARE\Policies\Microsoft\FVE"

MUTATIONS = {
    "programs start from sticks": Mutation(
        "pc-1",
        (("set", rf"{STORAGE}\{{53f5630d-b6bf-11d0-94f2-00a0c91efb8b}}\Deny_Execute", "dword:0"),),
        frozenset({"test_windows_starts_no_program_from_a_medium"}),
        "removable_media",
    ),
    "programs start from a patient's CD": Mutation(
        "pc-2",
        (("unset", rf"{STORAGE}\{{53f56308-b6bf-11d0-94f2-00a0c91efb8b}}\Deny_Execute"),),
        frozenset({"test_windows_starts_no_program_from_a_medium"}),
        "removable_media",
    ),
    "any stick can be written to": Mutation(
        "pc-1",
        (("set", r"HKLM\SYSTEM\CurrentControlSet\Policies\Microsoft\FVE\RDVDenyWriteAccess", "dword:0"),),
        frozenset({"test_windows_writes_to_encrypted_media_only"}),
        "removable_media",
    ),
    "media are encrypted with a method of old": Mutation(
        "winserver-1",
        (("unset", rf"{BITLOCKER}\EncryptionMethodWithXtsRdv"),),
        frozenset({"test_windows_encrypts_media_with_a_strong_method"}),
        "removable_media",
    ),
}
