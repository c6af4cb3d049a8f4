"""Rules as the policy store holds them: written by one, read by another, and judged by the lab's own model."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.windows import firewall as model
from lab.windows import kinds
from lab.windows.registry import Registry
from praxisschild.snapshot import WindowsSnapshot
from praxisschild.snapshot.windows.firewall import LOCAL, POLICY, Traffic
from praxisschild.windows_firewall import POLICY_VERSION, VERSION, rule

NETWORKS = {"praxis": "192.168.10.0/24", "verwaltung": "192.168.10.250/32", "v6": "fd00:1::/64"}


def snapshot(policy=(), own=(), **numbers) -> WindowsSnapshot:
    def rules(texts):
        return {f"regel-{at}": ["string", text] for at, text in enumerate(texts)}

    registry = {
        rf"{POLICY}\FirewallRules": rules(policy),
        rf"{LOCAL}\FirewallRules": rules(own),
        rf"{POLICY}\PrivateProfile": {name: ["dword", number] for name, number in numbers.items()},
    }
    document = {"schema_version": 1, "platform": "windows", "errors": [], "registry": registry}
    return WindowsSnapshot.from_json(document)


def test_a_rule_says_what_the_practice_said():
    wanted = {"protocol": "tcp", "port": 445, "networks": ["praxis", "v6", "verwaltung"], "purpose": "Frei|gabe\nx"}
    assert rule(wanted, NETWORKS) == (
        "v2.22|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=445|RA4=192.168.10.0/255.255.255.0|RA6=fd00:1::/64|"
        "RA4=192.168.10.250|Name=Praxisschild: Frei/gabe x|EmbedCtxt=Praxisschild|"
    )
    outgoing = rule({"direction": "out", "protocol": "udp", "port": 53, "service": "*"}, {})
    assert "|Dir=Out|Protocol=17|RPort=53|Svc=*|" in outgoing
    assert "|Protocol=58|ICMP6=135:*|" in rule({"protocol": "icmpv6", "icmp": [135]}, {})


def test_the_version_of_the_policy_is_that_of_its_rules():
    major, minor = VERSION.removeprefix("v").split(".")
    assert int(major) << 8 | int(minor) == POLICY_VERSION


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({"protocol": "tcp", "port": 1, "networks": ["praksis"]}, "praksis is neither an address nor a network"),
        ({"protokoll": "tcp"}, "a rule has no protokoll"),
    ],
)
def test_a_mistake_is_named(wanted, complaint):
    with pytest.raises(ValueError, match=complaint):
        rule(wanted, NETWORKS)


networks = st.one_of(
    st.builds(lambda n, p: ipaddress.ip_network((n, p), strict=False), st.integers(1, 2**32 - 1), st.integers(1, 32)),
    st.builds(
        lambda n, p: ipaddress.ip_network((n, p), strict=False), st.integers(2**32, 2**128 - 1), st.integers(1, 128)
    ),
)


@given(
    network=networks, port=st.integers(1, 65535), asked=st.integers(1, 65535), inside=st.booleans(), at=st.integers(0)
)
def test_a_packet_comes_in_if_it_is_from_there_and_for_that_port(network, port, asked, inside, at):
    shift = 0 if inside else network.num_addresses
    address = type(network.network_address)(
        (int(network.network_address) + at % network.num_addresses + shift) % 2**network.max_prefixlen
    )
    text = rule({"protocol": "tcp", "port": port, "networks": [str(network)]}, {})
    found = snapshot([text], AllowLocalPolicyMerge=0)
    assert found.lets_in("Private", Traffic("tcp", asked, str(address))) is (address in network and asked == port)
    assert not found.lets_in("Private", Traffic("udp", port, str(address)))


@pytest.mark.parametrize(
    ("client", "port"),
    [
        ("192.168.10.7", 445),
        ("192.168.10.250", 5986),
        ("192.168.11.7", 445),
        ("127.0.0.1", 5986),
        ("192.168.10.7", 3389),
    ],
)
@pytest.mark.parametrize(
    "numbers", [{}, {"AllowLocalPolicyMerge": 0}, {"EnableFirewall": 0}, {"DefaultInboundAction": 0}]
)
def test_the_snapshot_and_the_stand_in_judge_alike(tmp_path, client, port, numbers):
    host = tmp_path / "pc-1"
    kinds.create(host, "pc-1", "betreuung")
    registry = Registry(host / "registry")
    texts = [
        rule({"protocol": "tcp", "port": 445, "networks": ["praxis"]}, NETWORKS),
        rule({"protocol": "tcp", "port": 5986, "networks": ["verwaltung"], "program": "System"}, NETWORKS),
        "v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort=3389|Name=nein|",
    ]
    for at, text in enumerate(texts):
        registry.set(rf"{POLICY}\FirewallRules", f"regel-{at}", "string", text)
    for name, number in numbers.items():
        registry.set(rf"{POLICY}\PrivateProfile", name, "dword", number)
    # the host's own rules as a collector shows them
    own = [
        f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort={one}|{profile}Name=eigene|"
        for one, profile in ((445, "Profile=Private|"), (5985, "Profile=Private|"), (5986, ""))
    ]
    found = snapshot(texts, own, **numbers)
    assert found.lets_in("Private", Traffic("tcp", port, client)) is (model.obstacle(host, port, client) is None)


def test_what_blocks_wins_and_what_is_switched_off_does_not_count():
    allow = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=445|"
    block = allow.replace("Allow", "Block")
    packet = Traffic("tcp", 445, "192.0.2.1")
    assert snapshot([allow]).lets_in("Private", packet)
    assert not snapshot([allow, block]).lets_in("Private", packet)
    assert not snapshot([allow.replace("TRUE", "FALSE")]).lets_in("Private", packet)
    assert not snapshot([allow], DoNotAllowExceptions=1).lets_in("Private", packet)
    assert not snapshot([allow + "Profile=Public|"]).lets_in("Private", packet)
    assert snapshot([allow + "Profile=Public|"]).lets_in("Public", packet)


def test_words_for_addresses_are_near_or_anywhere():
    near = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=445|RA4=LocalSubnet|"
    assert not snapshot([near]).lets_in("Private", Traffic("tcp", 445, "192.0.2.1"))
    assert snapshot([near]).lets_in("Private", Traffic("tcp", 445, "192.0.2.1", near=True))
    assert snapshot([near.replace("LocalSubnet", "Internet")]).lets_in("Private", Traffic("tcp", 445, "192.0.2.1"))
    ranged = near.replace("LocalSubnet", "192.0.2.5-192.0.2.9").replace("LPort=445", "LPort2_10=440-450")
    assert snapshot([ranged]).lets_in("Private", Traffic("tcp", 445, "192.0.2.7"))
    assert not snapshot([ranged]).lets_in("Private", Traffic("tcp", 445, "192.0.2.10"))
    assert not snapshot([ranged]).lets_in("Private", Traffic("tcp", 451, "192.0.2.7"))


def test_services_go_out_where_people_do_not():
    services = rule({"direction": "out", "service": "*"}, {})
    found = snapshot([services], DefaultOutboundAction=1)
    web = Traffic("tcp", 443, "192.0.2.1")
    assert not found.lets_out("Private", web)
    assert found.lets_out("Private", Traffic("tcp", 443, "192.0.2.1", service=True))
    assert snapshot([services]).lets_out("Private", web)
    answers = rule({"protocol": "udp", "port": 68, "remote_port": 67}, {})
    assert not snapshot([answers]).lets_in("Private", Traffic("udp", 68, "192.0.2.1"))
    assert list(snapshot([answers]).doors("Private")) == []
