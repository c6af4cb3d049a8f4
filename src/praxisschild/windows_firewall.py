"""Rules of the Windows firewall as its policy store holds them: one text per rule, in the grammar of MS-GPFAS 2.2.2.19.

Version 2.22 of the grammar, which every Windows since 8.1 and Server 2012 R2 reads.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "v2.22"
POLICY_VERSION = 0x216
PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
_KEYS = {"direction", "protocol", "port", "remote_port", "networks", "program", "service", "icmp", "purpose"}


def rule(wanted: Mapping[str, Any], networks: Mapping[str, Any]) -> str:
    """The text of a rule that lets something through.

    ``direction`` is ``in`` (the default) or ``out``; ``protocol`` tcp, udp, icmp, icmpv6 or none for any; ``port`` is
    the service's, on whichever side it is; ``networks`` are names of the practice's or addresses, none is everywhere;
    ``icmp`` is a list of types.

    Raises:
        ValueError: the rule says something that this does not know, or a name is no network; the text says which.
    """
    if unknown := sorted(set(wanted) - _KEYS):
        raise ValueError(f"a rule has no {', '.join(unknown)}; there is {', '.join(sorted(_KEYS))}")
    outgoing = wanted.get("direction", "in") == "out"
    fields = ["Action=Allow", "Active=TRUE", f"Dir={'Out' if outgoing else 'In'}"]
    if wanted.get("protocol"):
        fields.append(f"Protocol={PROTOCOLS[wanted['protocol']]}")
    if wanted.get("port"):
        fields.append(f"{'RPort' if outgoing else 'LPort'}={wanted['port']}")
    if wanted.get("remote_port"):
        fields.append(f"RPort={wanted['remote_port']}")
    version = "6" if wanted.get("protocol") == "icmpv6" else "4"
    fields += [f"ICMP{version}={one}:*" for one in wanted.get("icmp") or []]
    fields += [_remote(name, networks) for name in wanted.get("networks") or []]
    fields += [f"{key}={wanted[name]}" for key, name in (("App", "program"), ("Svc", "service")) if wanted.get(name)]
    purpose = str(wanted.get("purpose", "")).replace("|", "/").replace("\n", " ")
    fields += [f"Name=Praxisschild: {purpose}", "EmbedCtxt=Praxisschild"]
    return "|".join([VERSION, *fields, ""])


def _remote(name: str, networks: Mapping[str, Any]) -> str:
    try:
        network = ipaddress.ip_network(str(networks.get(name, name)), strict=False)
    except ValueError:
        raise ValueError(f"{name} is neither an address nor a network of this practice") from None
    if network.num_addresses == 1:
        return f"RA{network.version}={network.network_address}"
    if network.version == 4:
        return f"RA4={network.network_address}/{network.netmask}"
    return f"RA6={network}"
