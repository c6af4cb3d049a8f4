"""Clear text on the wire; what protects against it stands in the role endpoint_hardening."""

from __future__ import annotations

from tests.lab.mutations import Mutation

MUTATIONS = {
    "somebody starts a web server for the device next door": Mutation(
        "arbeitsplatz-1",
        "systemd-run --quiet --unit=vergessen python3 -m http.server 8080",
        frozenset({"test_no_service_speaks_in_the_clear"}),
        "endpoint_hardening",
        undo="systemctl stop vergessen",
    ),
    "an old device needs an old cipher": Mutation(
        "arbeitsplatz-1",
        "sed -i 's/^Ciphers .*/Ciphers aes128-cbc,aes128-ctr/' /etc/ssh/ssh_config.d/00-praxisschild.conf",
        frozenset({"test_ssh_calls_others_with_no_weak_algorithm"}),
        "endpoint_hardening",
    ),
}
