"""The Windows firewall in effect: per profile what a policy says, else the host's own setting, else Windows' default.

A packet is judged by the rules of the policy and, unless the policy leaves them out, by the host's own. A rule that
blocks wins over one that lets in. Source: MS-GPFAS 2.2.1 and 2.2.2.19, MS-FASP 2.2.37.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from praxisschild.snapshot.windows.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from praxisschild.snapshot.windows.settings import Values

POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall"
LOCAL = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
# name in a rule -> key of the policy, key of the host's own settings
PROFILES = {
    "Domain": ("DomainProfile", "DomainProfile"),
    "Private": ("PrivateProfile", "StandardProfile"),
    "Public": ("PublicProfile", "PublicProfile"),
}
DEFAULTS = {"EnableFirewall": 1, "DefaultInboundAction": 1, "DefaultOutboundAction": 0, "AllowLocalPolicyMerge": 1}
PROTOCOLS = {"tcp": "6", "udp": "17"}
# words for addresses that are not numbers: in the network of the host itself, or somewhere that only Windows knows
NEAR = {"localsubnet", "localsubnet4", "localsubnet6"}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Traffic:
    """A first packet between this host and `address`; `port` is the one that is asked for, here or there.

    `service` says whether a service of the system sends it, and `near` whether the other side is in the host's network.
    """

    protocol: str
    port: int
    address: str
    service: bool = False
    near: bool = False


@dataclass(frozen=True)
class Rule:
    """One active rule; empty tuples mean any. `service` is a service's short name, or `*` for all of them."""

    name: str
    inbound: bool
    allows: bool
    protocol: str
    profiles: tuple[str, ...]
    ports: tuple[str, ...]
    other_ports: tuple[str, ...]
    remote: tuple[str, ...]
    service: str

    def takes(self, traffic: Traffic) -> bool:
        """Whether the rule is about this traffic; conditions that are not read here count as met."""
        return (
            self.protocol in {"", PROTOCOLS[traffic.protocol]}
            and (not self.ports or any(_in_range(one, traffic.port) for one in self.ports))
            and (not self.remote or any(_covers(one, traffic) for one in self.remote))
            and (self.inbound or not self.service or traffic.service)
            and not (self.inbound and self.other_ports)  # answers, as those to a host that asks for an address
        )


@dataclass(frozen=True)
class Firewall(Settings):
    """What comes in and goes out."""

    def firewall_setting(self, profile: str, name: str) -> int:
        """A number of a profile (Domain, Private, Public), as it counts."""
        policy, own = PROFILES[profile]
        for key in (f"{POLICY}\\{policy}", f"{LOCAL}\\{own}"):
            found = self.registry(key, name)
            if isinstance(found, int):
                return found
        return DEFAULTS.get(name, 0)

    @cached_property
    def _policy_rules(self) -> tuple[Rule, ...]:
        return tuple(_rules(self.registry_values(f"{POLICY}\\FirewallRules")))

    @cached_property
    def _own_rules(self) -> tuple[Rule, ...]:
        return tuple(_rules(self.registry_values(f"{LOCAL}\\FirewallRules")))

    def firewall_rules(self, profile: str) -> list[Rule]:
        """Active rules that count in a profile."""
        own = self._own_rules if self.firewall_setting(profile, "AllowLocalPolicyMerge") else ()
        return [one for one in (*self._policy_rules, *own) if not one.profiles or profile in one.profiles]

    def lets_in(self, profile: str, traffic: Traffic, without: str | None = None) -> bool:
        """Whether an unasked packet from `traffic.address` reaches the port.

        Rules whose name begins with `without`, in lower case, are left out: of a window that is open now.
        """
        if not self.firewall_setting(profile, "EnableFirewall"):
            return True
        if self.firewall_setting(profile, "DoNotAllowExceptions"):
            return False
        return self._judge(profile, traffic, inbound=True, without=without)

    def lets_out(self, profile: str, traffic: Traffic) -> bool:
        """Whether a connection to `traffic.address` begins."""
        return not self.firewall_setting(profile, "EnableFirewall") or self._judge(profile, traffic, inbound=False)

    def _judge(self, profile: str, traffic: Traffic, *, inbound: bool, without: str | None = None) -> bool:
        rules = [one for one in self.firewall_rules(profile) if without is None or not one.name.startswith(without)]
        taken = [one.allows for one in rules if one.inbound is inbound and one.takes(traffic)]
        if taken:
            return all(taken)
        default = "DefaultInboundAction" if inbound else "DefaultOutboundAction"
        return self.firewall_setting(profile, default) == 0

    def doors(self, profile: str) -> Iterator[tuple[str, int]]:
        """Protocols and ports that some rule of the profile opens: of a range its first, of all ports one of them."""
        for rule in self.firewall_rules(profile):
            if not rule.inbound or not rule.allows or rule.other_ports:
                continue
            for protocol, number in PROTOCOLS.items():
                if rule.protocol in {"", number}:
                    for port in rule.ports or ("1",):
                        first = port.partition("-")[0]
                        if first.isdecimal():
                            yield protocol, int(first)


def _rules(values: Values) -> Iterator[Rule]:
    for name, text in values.items():
        pairs = [part.partition("=")[::2] for part in str(text).split("|")[1:]]
        many: dict[str, list[str]] = {}
        for key, value in pairs:
            many.setdefault(key.lower(), []).append(value)
        one = {key: found[-1] for key, found in many.items()}
        if one.get("active", "").upper() != "TRUE":
            continue
        inbound = one.get("dir", "").lower() == "in"
        ports = (*many.get("lport", ()), *many.get("lport2_10", ()))
        others = (*many.get("rport", ()), *many.get("rport2_10", ()))
        yield Rule(
            name=str(name),
            inbound=inbound,
            allows=one.get("action", "").lower() == "allow",
            protocol=one.get("protocol", ""),
            profiles=tuple(many.get("profile", ())),
            ports=ports if inbound else others,
            other_ports=others if inbound else ports,
            remote=(*many.get("ra4", ()), *many.get("ra6", ()), *many.get("ra42", ()), *many.get("ra62", ())),
            service=one.get("svc", ""),
        )


def _in_range(written: str, port: int) -> bool:
    first, dash, last = written.partition("-")
    if not first.isdecimal():
        return False  # a word for ports that Windows chooses, as RPC
    return int(first) <= port <= int(last if dash else first)


def _covers(written: str, traffic: Traffic) -> bool:
    address = ipaddress.ip_address(traffic.address)
    first, dash, last = written.partition("-")
    try:
        if not dash:
            return address in ipaddress.ip_network(written, strict=False)
        least, most = ipaddress.ip_address(first), ipaddress.ip_address(last)
    except ValueError:
        return traffic.near or written.lower() not in NEAR
    return least.version == address.version and int(least) <= int(address) <= int(most)
