"""Changes to the gate for removable media, on the host with USB ports."""

from __future__ import annotations

from tests.lab.mutations import Mutation

HOST = "notebook-1"
RULES = "/etc/udev/rules.d/72-praxisschild-medium.rules"

MUTATIONS = {
    "nobody examines what is plugged in": Mutation(
        HOST,
        f"rm {RULES} && udevadm control --reload",
        frozenset({"test_plugged_media_are_examined_before_use"}),
        "removable_media",
    ),
    "programs may start from sticks": Mutation(
        HOST,
        "sed -i 's/noexec,//; s/^allow=/allow=exec,/' /etc/udisks2/mount_options.conf",
        frozenset({"test_no_program_starts_from_a_medium"}),
        "removable_media",
    ),
    "sticks start something by themselves": Mutation(
        "arbeitsplatz-1",
        "sed -i 's/autorun-never=true/autorun-never=false/' /etc/dconf/db/local.d/20-*medium && dconf update",
        frozenset({"test_desktop_starts_nothing_by_itself"}),
        "removable_media",
    ),
    "the command that erases has gone": Mutation(
        "arbeitsplatz-1",
        "rm /usr/local/sbin/praxisschild-medium",
        frozenset({"test_media_can_be_erased_for_good"}),
        "removable_media",
    ),
    "the record of erased media was shortened": Mutation(
        HOST,
        "install -d /var/log/praxisschild; f=/var/log/praxisschild/medien.log; chattr -a $f; echo gekürzt > $f",
        frozenset({"test_record_of_erased_media_can_only_grow"}),
        "removable_media",
        undo="chattr -a /var/log/praxisschild/medien.log; rm /var/log/praxisschild/medien.log",
    ),
    "nobody can verify checksums": Mutation(
        HOST,
        "rm /usr/local/bin/praxisschild-pruefsumme",
        frozenset({"test_files_on_media_can_be_checksummed_and_signed"}),
        "removable_media",
    ),
    "a stick is made writable by hand": Mutation(
        HOST,
        "modprobe scsi_debug removable=1 dev_size_mb=16; udevadm settle; sleep 10; "
        "d=$(lsblk -dno NAME,VENDOR | awk '/Linux/{print $1}'); systemctl stop praxisschild-medium@$d.service; "
        "mkfs.ext4 -qF /dev/$d; udevadm settle; sleep 15; blockdev --setrw /dev/$d",
        frozenset({"test_plugged_media_are_encrypted_or_read_only"}),
        "removable_media",
        undo="modprobe -r scsi_debug",
    ),
    "a stick is encrypted badly": Mutation(
        HOST,
        "modprobe scsi_debug removable=1 dev_size_mb=32; udevadm settle; sleep 10; "
        "d=$(lsblk -dno NAME,VENDOR | awk '/Linux/{print $1}'); echo schlecht | cryptsetup luksFormat -q --type luks1 "
        "--cipher aes-cbc-essiv:sha256 --key-size 128 --pbkdf-force-iterations 1000 --key-file - /dev/$d; "
        "udevadm trigger --action=change /dev/$d; udevadm settle; sleep 10",
        frozenset({"test_encrypted_media_use_a_strong_method"}),
        "removable_media",
        undo="modprobe -r scsi_debug",
        alone=True,
    ),
    "unknown USB devices are welcome": Mutation(
        HOST,
        "touch /etc/usbguard/rules.conf; chmod 600 /etc/usbguard/rules.conf; "
        "usbguard generate-policy > /etc/usbguard/rules.conf; "
        "sed -i 's/^ImplicitPolicyTarget=.*/ImplicitPolicyTarget=allow/' /etc/usbguard/usbguard-daemon.conf; "
        "systemctl start usbguard.service",
        frozenset({"test_unknown_usb_devices_get_nothing"}),
        "removable_media",
        undo="systemctl stop usbguard.service; "
        "sed -i 's/^ImplicitPolicyTarget=.*/ImplicitPolicyTarget=block/' /etc/usbguard/usbguard-daemon.conf",
    ),
    "everything is released unseen": Mutation(
        HOST,
        'sed -i \'s/GOTO="praxisschild_medium"/GOTO="praxisschild_end"/\' ' + RULES + " && udevadm control --reload",
        # what is inside an encrypted medium appears by unlocking, not by plugging in
        frozenset(
            {
                "test_infected_medium_stays_locked",
                "test_unencrypted_medium_takes_no_data",
                "test_erased_medium_holds_nothing",
            }
        ),
        "removable_media",
        probe=True,
    ),
    "nothing is ever released": Mutation(
        HOST,
        'sed -i \'s/ENV{PRAXISSCHILD_STATE}=="released"/ENV{PRAXISSCHILD_STATE}=="never"/\' '
        + RULES
        + " && udevadm control --reload",
        # an encrypted stick that nobody can unlock has not appeared
        frozenset({"test_clean_medium_can_be_used", "test_malware_inside_an_encrypted_medium_is_found"}),
        "removable_media",
        probe=True,
        alone=True,  # it changes the same rules as the one that releases everything
    ),
    "the comparison of checksums always agrees": Mutation(
        HOST,
        "sed -i 's/return 1 if faults else 0/return 0/' /usr/local/bin/praxisschild-pruefsumme",
        frozenset({"test_changed_file_is_noticed"}),
        "removable_media",
        probe=True,
    ),
}
