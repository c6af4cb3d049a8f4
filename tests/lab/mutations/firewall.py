"""The packet filter, in the kernel and at the next start."""

from __future__ import annotations

from tests.lab.mutations import Mutation

RULE = "nft insert rule inet praxisschild input"

MUTATIONS = {
    "the packet filter is flushed": Mutation(
        "server-1",
        "nft flush ruleset",
        frozenset(
            {
                "test_host_takes_nothing_in_that_nobody_allowed",
                "test_services_that_the_practice_has_not_named_stay_closed",
                "test_named_services_serve_only_the_named_networks",
                "test_host_passes_nothing_on_between_networks",
                "test_helpers_are_shut_out_while_no_window_is_open",
                "test_a_window_ends_by_itself",
            }
        ),
        "firewall",
    ),
    "a stranger's network is let in": Mutation(
        "arbeitsplatz-1",
        f"{RULE} ip saddr 192.0.2.0/24 accept",
        frozenset({"test_host_takes_nothing_in_that_nobody_allowed"}),
        "firewall",
    ),
    "SSH is open for the whole practice": Mutation(
        "arbeitsplatz-1",
        f"{RULE} tcp dport 22 accept",
        # the helpers' network is one of them
        frozenset(
            {
                "test_services_that_the_practice_has_not_named_stay_closed",
                "test_helpers_are_shut_out_while_no_window_is_open",
            }
        ),
        "firewall",
    ),
    "the file share is open for everybody": Mutation(
        "server-1",
        f"{RULE} tcp dport 445 accept",
        frozenset({"test_named_services_serve_only_the_named_networks"}),
        "firewall",
    ),
    "the host becomes a router": Mutation(
        "arbeitsplatz-1",
        "nft 'chain inet praxisschild forward { policy accept; }'",
        frozenset({"test_host_passes_nothing_on_between_networks"}),
        "firewall",
    ),
    "the packet filter stays away at the next start": Mutation(
        "arbeitsplatz-1",
        "systemctl disable praxisschild-firewall.service",
        frozenset({"test_packet_filter_comes_back_after_a_restart"}),
        "firewall",
    ),
    "somebody surfs on the server of the PVS": Mutation(
        "server-1",
        "nft insert rule inet praxisschild people tcp dport { 80, 443 } accept",
        frozenset({"test_nobody_surfs_where_the_pvs_runs"}),
        "firewall",
    ),
    "a range of ports is open for some program": Mutation(
        "arbeitsplatz-1",
        f"{RULE} tcp dport 20000-30000 accept",
        frozenset({"test_undeclared_port_does_not_answer_the_neighbour"}),
        "firewall",
        probe=True,
    ),
    "a browser on the server of the PVS gets out": Mutation(
        "server-1",
        "nft insert rule inet praxisschild people tcp dport 443 accept",
        frozenset({"test_person_at_the_pvs_meets_a_closed_door_to_the_internet"}),
        "firewall",
        probe=True,
    ),
    "the neighbour reaches SSH": Mutation(
        "arbeitsplatz-1",
        f"{RULE} tcp dport 22 accept",
        frozenset({"test_neighbour_reaches_only_what_was_declared"}),
        "firewall",
        probe=True,
    ),
    "the file share is shut": Mutation(
        "server-1",
        f"{RULE} tcp dport 445 drop",
        frozenset({"test_declared_service_answers_the_neighbour"}),
        "firewall",
        probe=True,
    ),
}
