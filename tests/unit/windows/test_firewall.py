"""What would lock the operator out of a Windows locks him out of the stand-in."""

from __future__ import annotations

import pytest

from lab.windows import firewall, kinds, state
from lab.windows.registry import Registry
from lab.windows.unmodelled import Unmodelled

PRIVATE = f"{firewall.POLICY}\\PrivateProfile"
RULES = f"{firewall.POLICY}\\FirewallRules"
WINRM = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5986|RA4=127.0.0.1|App=System|Name=WinRM|"


@pytest.fixture
def pc(tmp_path):
    kinds.create(tmp_path / "pc-1", "pc-1", "betreuung")
    return tmp_path / "pc-1"


def edit(host, path, value):
    with state.editing(host) as found:
        state.put(found, path, value)


def lets_in(host, client="127.0.0.1", port=5986):
    return firewall.obstacle(host, port, client) is None


def policy(host, *rules, **numbers):
    registry = Registry(host / "registry")
    for name, number in numbers.items():
        registry.set(PRIVATE, name, "dword", number)
    for at, rule in enumerate(rules):
        registry.set(RULES, f"regel-{at}", "string", rule)


def test_a_fresh_host_lets_winrm_in_and_nothing_else(pc):
    assert lets_in(pc)
    assert lets_in(pc, port=5985)
    assert lets_in(pc, port=445)
    assert not lets_in(pc, port=3389)
    assert "Port 3389" in firewall.obstacle(pc, 3389, "127.0.0.1")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("services.WinRM.state", "stopped"),
        ("firewall.rules.Praxisschild-WinRM-HTTPS.enabled", "false"),
        ("firewall.rules.Praxisschild-WinRM-HTTPS.action", "block"),
        ("firewall.rules.Praxisschild-WinRM-HTTPS.remote", '["192.168.10.0/24"]'),
        ("firewall.rules.Praxisschild-WinRM-HTTPS.profiles", '["public"]'),
        ("firewall.rules.Praxisschild-WinRM-HTTPS.ports", '["5987"]'),
        ("firewall.rules.Praxisschild-WinRM-HTTPS.protocol", "UDP"),
    ],
)
def test_what_closes_the_way_in_closes_it(pc, path, value):
    edit(pc, path, value)
    assert not lets_in(pc)


@pytest.mark.parametrize(("profile", "value"), [("enabled", "false"), ("inbound", "allow")])
def test_a_firewall_that_is_off_or_open_lets_everything_in(pc, profile, value):
    edit(pc, f"firewall.profiles.private.{profile}", value)
    assert lets_in(pc, port=3389)


def test_a_policy_without_a_rule_of_its_own_locks_out_when_local_rules_are_not_merged(pc):
    policy(pc, EnableFirewall=1, DefaultInboundAction=1, AllowLocalPolicyMerge=0)
    assert not lets_in(pc)
    policy(pc, WINRM)
    assert lets_in(pc)
    assert not lets_in(pc, client="127.0.0.2")
    policy(pc, DoNotAllowExceptions=1)
    assert not lets_in(pc)


def test_a_policy_opens_a_firewall_that_is_closed_locally(pc):
    policy(pc, EnableFirewall=0)
    assert lets_in(pc, port=3389)


def test_a_block_rule_wins(pc):
    policy(pc, WINRM, WINRM.replace("Allow", "Block"))
    assert not lets_in(pc)


@pytest.mark.parametrize(
    ("remote", "client", "inside"),
    [
        ("10.0.0.0/255.255.0.0", "10.0.9.9", True),
        ("10.0.0.0/255.255.0.0", "10.1.0.1", False),
        ("10.0.0.5-10.0.0.9", "10.0.0.9", True),
        ("10.0.0.5-10.0.0.9", "10.0.0.10", False),
        ("fe80::1-fe80::9", "10.0.0.9", False),
        ("LocalSubnet", "127.77.0.1", True),
    ],
)
def test_networks_as_a_policy_writes_them(pc, remote, client, inside):
    policy(pc, WINRM.replace("RA4=127.0.0.1", f"RA4={remote}"), AllowLocalPolicyMerge=0)
    assert lets_in(pc, client=client) is inside


@pytest.mark.parametrize(
    "change", [("Active=TRUE", "Active=FALSE"), ("Dir=In", "Dir=Out"), ("Protocol=6", "Protocol=17")]
)
def test_rules_of_another_kind_let_nobody_in(pc, change):
    policy(pc, WINRM.replace(*change), AllowLocalPolicyMerge=0)
    assert not lets_in(pc)


def test_a_rule_that_is_not_understood_is_an_error(pc):
    policy(pc, WINRM + "Security=Authenticate|")
    with pytest.raises(Unmodelled, match="security"):
        lets_in(pc)


def test_a_member_of_a_domain_is_in_its_profile(tmp_path):
    kinds.create(tmp_path / "pc-2", "pc-2", "betreuung")
    edit(tmp_path / "pc-2", "firewall.rules.Praxisschild-WinRM-HTTPS.profiles", '["private"]')
    assert not lets_in(tmp_path / "pc-2")
