"""Clear text on the wire; what protects against it stands in the role endpoint_hardening."""

from __future__ import annotations

from tests.lab.mutations import Mutation

MUTATIONS = {
    "pictures of a device come in by FTP": Mutation(
        "notebook-1",  # its kernel is its own, and has a place for file systems like this one
        # what FTP would bring is not needed to see that it would come in the clear
        "modprobe fuse; mkdir -p /run/geraet && mount -i -t fuse.curlftpfs "
        "-o fd=3,rootmode=40000,user_id=0,group_id=0 ftp://geraet.praxis.test /run/geraet 3<>/dev/fuse",
        frozenset({"test_folders_of_other_hosts_are_mounted_encrypted"}),
        "endpoint_hardening",
        undo="umount /run/geraet; rmdir /run/geraet",  # no role knows what a practice mounts
    ),
    "somebody starts a web server for the device next door": Mutation(
        "arbeitsplatz-1",
        "systemd-run --quiet --unit=webserver python3 -m http.server 8080",
        frozenset({"test_no_service_speaks_in_the_clear"}),
        "endpoint_hardening",
        undo="systemctl stop webserver",
    ),
    "an old device needs an old cipher": Mutation(
        "arbeitsplatz-1",
        "sed -i 's/^Ciphers .*/Ciphers aes128-cbc,aes128-ctr/' /etc/ssh/ssh_config.d/00-praxisschild.conf",
        frozenset({"test_ssh_calls_others_with_no_weak_algorithm"}),
        "endpoint_hardening",
    ),
}
