"""Whether a client gets through to WinRM: its service, the firewall's profiles and rules, and a policy's.

So a setting that would lock the operator out does lock him out here. The network of a domain's member is of the profile
``domain``, any other of ``private``. Source of the policy's keys and rules: MS-GPFAS 2.2.1 to 2.2.2.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import state
from .registry import Registry
from .unmodelled import Unmodelled

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall"
_KNOWN = {
    *("action", "active", "dir", "protocol", "profile", "lport", "ra4", "app", "svc", "name", "desc", "embedctxt"),
    *("edge", "la4", "la6", "ra6", "rport", "icmp4", "icmp6"),
}
TCP = "6"


@dataclass(frozen=True)
class Rule:
    """An inbound rule for TCP, as far as it concerns a connection; empty lists mean any."""

    allows: bool
    profiles: tuple[str, ...]
    ports: tuple[str, ...]
    remote: tuple[str, ...]

    def matches(self, profile: str, port: int, client: str) -> bool:
        return (
            (not self.profiles or profile in self.profiles)
            and (not self.ports or any(_in_ports(one, port) for one in self.ports))
            and (not self.remote or any(_in_network(one, client) for one in self.remote))
        )


def obstacle(host: Path, port: int, client: str) -> str | None:
    """Why a connection to the port does not come about; None if it does.

    Raises:
        Unmodelled: a rule of the policy says something that this does not know.
    """
    found = state.load(host)
    if found["services"]["WinRM"]["state"] != "running":
        return "der Dienst WinRM läuft nicht"
    profile = "domain" if found["computer"]["role"].startswith("member") else "private"
    registry = Registry(host / "registry")
    local = found["firewall"]["profiles"][profile]
    policy = _numbers(registry, f"{POLICY}\\{profile.capitalize()}Profile")
    if not policy.get("EnableFirewall", int(local["enabled"])):
        return None
    if policy.get("DoNotAllowExceptions", 0):
        return f"die Firewall lässt im Profil {profile} keine Ausnahmen zu"
    rules = list(_policy_rules(registry))
    if policy.get("AllowLocalPolicyMerge", 1):
        rules += _local_rules(found["firewall"]["rules"].values())
    matching = [rule.allows for rule in rules if rule.matches(profile, port, client)]
    blocked = bool(policy.get("DefaultInboundAction", int(local["inbound"] == "block")))
    if all(matching) if matching else not blocked:
        return None
    return f"die Firewall lässt {client} im Profil {profile} nicht an Port {port}"


def _numbers(registry: Registry, key: str) -> dict[str, int]:
    return {name: data for name, (_, data) in registry.values(key).items() if isinstance(data, int)}


def _local_rules(rules: Iterable[dict[str, Any]]) -> list[Rule]:
    return [
        Rule(
            rule["action"] == "allow",
            tuple(one for one in rule["profiles"] if "any" not in rule["profiles"]),
            tuple(one for one in rule["ports"] if "any" not in rule["ports"]),
            tuple(one for one in rule["remote"] if "any" not in rule["remote"]),
        )
        for rule in rules
        if rule["enabled"] and rule["direction"] == "in" and rule["protocol"].upper() in {"TCP", "ANY"}
    ]


def _policy_rules(registry: Registry) -> Iterable[Rule]:
    for name, (_, text) in registry.values(f"{POLICY}\\FirewallRules").items():
        version, *parts = str(text).strip("|").split("|")
        pairs = [part.partition("=")[::2] for part in parts]
        if not version.startswith("v2.") or (unknown := {key.lower() for key, _ in pairs} - _KNOWN):
            raise Unmodelled(f"die Firewallregel {name}: {version} {', '.join(sorted(unknown or set()))}")
        single = {key.lower(): value for key, value in pairs}
        if single.get("active", "TRUE").upper() != "TRUE" or single.get("dir", "In").lower() != "in":
            continue
        if single.get("protocol", TCP) != TCP or "rport" in single:
            continue
        yield Rule(
            single.get("action", "").lower() == "allow",
            tuple(value.lower() for key, value in pairs if key.lower() == "profile"),
            tuple(value for key, value in pairs if key.lower() == "lport"),
            tuple(value for key, value in pairs if key.lower() in {"ra4", "ra6"}),
        )


def _in_ports(written: str, port: int) -> bool:
    first, dash, last = written.partition("-")
    return int(first) <= port <= int(last if dash else first)


def _in_network(written: str, client: str) -> bool:
    address = ipaddress.ip_address(client)
    if written.lower() == "localsubnet":
        return address.is_loopback
    first, dash, last = written.partition("-")
    if dash:
        least, most = ipaddress.ip_address(first), ipaddress.ip_address(last)
        return least.version == address.version == most.version and int(least) <= int(address) <= int(most)
    return address in ipaddress.ip_network(written, strict=False)
