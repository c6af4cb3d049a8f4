from __future__ import annotations

import json
from pathlib import Path

import pytest

from praxisschild.packet_filter import Packet, Ruleset

# many_forms.json is what nft 1.0.6 printed for many_forms.nft
RULESETS = Path(__file__).parents[1] / "data" / "rulesets"


@pytest.fixture(scope="module")
def ruleset():
    return Ruleset.from_json(json.loads((RULESETS / "many_forms.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("packet", "outcomes"),
    [
        (Packet("192.0.2.7", port=9), {"drop"}),
        (Packet("127.0.0.1", port=9, interface="lo"), {"accept"}),
        (Packet("10.77.5.1", port=22), {"accept"}),
        (Packet("10.9.0.77", port=22), {"accept"}),
        (Packet("10.8.0.1", port=22), {"drop"}),
        (Packet("10.77.5.11", port=445), {"accept"}),
        (Packet("10.77.5.11", port=8005), {"accept"}),
        (Packet("10.77.5.11", port=8011), {"drop"}),
        (Packet("10.78.5.11", port=445), {"drop"}),
        (Packet("10.3.4.5", "udp", 54), {"accept"}),
        (Packet("10.3.4.5", "udp", 53), {"drop"}),
        (Packet("10.3.4.5", port=80), {"accept"}),
        (Packet("10.3.4.5", port=81), {"drop"}),
        (Packet("10.1.1.1", port=443), {"accept"}),
        (Packet("10.1.1.2", port=443), {"drop"}),
        (Packet("10.1.1.2", port=9100), {"drop"}),
        (Packet("10.1.1.2", port=9100, interface="wlan0"), {"accept"}),
        (Packet("2001:db8::1", port=5000), {"accept"}),
        (Packet("10.1.1.2", port=5000), {"drop"}),
        (Packet("fe80::1", "udp", 546), {"accept"}),
        (Packet("2001:db8::1", "udp", 546), {"drop"}),
        (Packet("10.1.1.1", "icmp"), {"accept"}),
        (Packet("10.77.5.11", port=445, hook="forward"), {"drop"}),
    ],
    ids=str,
)
def test_packet_meets_its_fate(ruleset, packet, outcomes):
    assert ruleset.outcomes(packet) == outcomes


def test_a_chain_in_front_can_refuse_what_a_later_one_accepts(ruleset):
    assert ruleset.drops(Packet("10.77.5.99", port=445))


def test_what_the_model_cannot_know_is_neither_accepted_nor_dropped(ruleset):
    limited = Packet("10.1.1.2", port=7000)
    assert not ruleset.accepts(limited)
    assert not ruleset.drops(limited)


def test_without_rules_everything_is_accepted():
    assert Ruleset.from_json([]).accepts(Packet("192.0.2.7", port=9))


def test_a_policy_alone_decides():
    chain = {
        "family": "inet",
        "table": "t",
        "name": "c",
        "type": "filter",
        "hook": "input",
        "prio": 0,
        "policy": "drop",
    }
    assert Ruleset.from_json([{"chain": chain}]).drops(Packet("2001:db8::1", port=22))


def test_a_chain_that_calls_itself_leaves_both_outcomes_open():
    chain = {"family": "ip", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}
    rule = {"family": "ip", "table": "t", "chain": "c", "expr": [{"jump": {"target": "c"}}]}
    loop = Ruleset.from_json([{"chain": chain}, {"rule": rule}])
    assert loop.outcomes(Packet("192.0.2.7", port=9)) == {"accept", "drop"}


@pytest.mark.parametrize(
    ("destination", "user", "dropped"),
    [("192.0.2.7", 1000, True), ("10.77.5.9", 1000, False), ("192.0.2.7", 0, False), ("192.0.2.7", None, False)],
)
def test_who_sends_a_packet_can_decide(destination, user, dropped):
    where = {"family": "inet", "table": "praxisschild", "chain": "people"}
    chain = {"family": "inet", "table": "praxisschild", "name": "people", "type": "filter", "hook": "output", "prio": 0}
    to_the_practice = {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}}
    to_the_practice["right"] = {"prefix": {"addr": "10.77.5.0", "len": 24}}
    by_people = {"op": "==", "left": {"meta": {"key": "skuid"}}, "right": {"set": [{"range": [1000, 61183]}]}}
    rules = [[{"match": to_the_practice}, {"accept": None}], [{"match": by_people}, {"reject": None}]]
    ruleset = Ruleset.from_json([{"chain": chain}, *({"rule": {**where, "expr": rule}} for rule in rules)])
    packet = Packet(destination, "tcp", 443, hook="output", destination=destination, user=user)
    assert ruleset.drops(packet) is dropped
