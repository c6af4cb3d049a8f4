"""Disks that give away what is on them."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

BITLOCKER = r"HKLM\SOFTWARE\Policies\Microsoft\FVE"

MUTATIONS = {
    "somebody decrypted the disk for a repair": Mutation(
        "pc-1",
        (
            ("set", 'bitlocker."C:".encrypted_percent', "0"),
            ("set", 'bitlocker."C:".protected', "false"),
        ),
        frozenset({"test_windows_patient_data_lie_on_encrypted_volumes", "test_windows_all_disks_are_encrypted"}),
        "disk_encryption",
        mended=False,
    ),
    "the key of a data disk lies beside it": Mutation(
        "winserver-1",
        (("set", 'bitlocker."D:".protected', "false"),),
        frozenset({"test_windows_all_disks_are_encrypted"}),
        "disk_encryption",
        mended=False,
    ),
    "the disk is encrypted with a method of old": Mutation(
        "pc-2",
        (("set", 'bitlocker."C:".method', "AES 128"),),
        frozenset({"test_windows_disk_encryption_is_strong"}),
        "disk_encryption",
        mended=False,
    ),
    "a disk may be encrypted without a way back": Mutation(
        "pc-2",
        (("set", rf"{BITLOCKER}\OSRecoveryPassword", "dword:2"),),
        frozenset({"test_windows_encrypts_nothing_without_a_way_back"}),
        "disk_encryption",
    ),
}
