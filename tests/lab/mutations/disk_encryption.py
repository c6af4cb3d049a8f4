"""Changes to the encrypted volume, on the host with disks of its own."""

from __future__ import annotations

from tests.lab.mutations import Mutation

HOST = "notebook-1"

MUTATIONS = {
    "the encrypted volume stays closed": Mutation(
        HOST,
        "systemctl stop srv-praxis.mount praxisschild-volume.service",
        frozenset({"test_patient_data_lie_on_encrypted_volumes"}),
        "disk_encryption",
        alone=True,
    ),
    "the volume has a weak key beside the good one": Mutation(
        HOST,
        "head -c 16 /dev/urandom > /run/weak && cryptsetup luksAddKey --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "
        "--key-file /etc/praxisschild/luks/praxisdaten.key /dev/vdb /run/weak",
        frozenset({"test_disk_encryption_is_strong"}),
        "disk_encryption",
        undo="cryptsetup luksRemoveKey -q /dev/vdb /run/weak; rm /run/weak",
    ),
}
