"""Ways in from outside that stay open."""

from __future__ import annotations

from tests.lab.mutations import Mutation

LISTEN = "systemd-run --quiet --unit=vergessen python3 -m http.server {port}"
COMMAND = "/usr/local/sbin/praxisschild-fernwartung"

MUTATIONS = {
    "a helper left a program behind": Mutation(
        "arbeitsplatz-1",
        "mkdir -p /opt/teamviewer && touch /opt/teamviewer/teamviewerd",
        frozenset({"test_no_way_in_from_outside_is_installed_that_nobody_agreed_upon"}),
        "remote_maintenance",
        undo="rm -r /opt/teamviewer",  # what did not come as a package, no role removes
    ),
    "a screen can be watched all day": Mutation(
        "arbeitsplatz-1",
        LISTEN.format(port=3389),
        frozenset({"test_nothing_waits_for_a_helper_while_no_window_is_open"}),
        "remote_maintenance",
        undo="systemctl stop vergessen",
    ),
    "a window was opened for a month": Mutation(
        "arbeitsplatz-2",  # nothing waits there that an open window would excuse
        "nft add element inet praxisschild fernwartung4 '{ 10.77.0.9 timeout 720h }'",
        frozenset({"test_a_window_ends_by_itself"}),
        "firewall",
        undo="nft flush set inet praxisschild fernwartung4",  # an open window is no drift
    ),
    "the helper's network is always let in, and knocks": Mutation(
        "arbeitsplatz-1",
        "nft insert rule inet praxisschild input ip saddr 10.77.0.0/16 tcp dport '{ 22, 3389 }' accept",
        frozenset(
            {
                "test_helpers_are_shut_out_while_no_window_is_open",
                "test_helper_gets_in_through_a_window_only",
                "test_connection_of_a_helper_ends_with_the_window",
            }
        ),
        "firewall",
        probe=True,
    ),
    "connections outlive their window": Mutation(
        "arbeitsplatz-1",
        "nft insert rule inet praxisschild input ct state established accept",
        frozenset({"test_connection_of_a_helper_ends_with_the_window"}),
        "firewall",
        probe=True,
    ),
    "nobody writes down who came in": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/^def record(text: str) -> None:/&\\n    return/' {COMMAND}",
        frozenset({"test_every_window_is_recorded"}),
        "remote_maintenance",
        probe=True,
    ),
}
