"""What an nftables ruleset does with a packet, worked out without sending one."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

Outcome = Literal["accept", "drop"]
_BOTH: frozenset[Outcome] = frozenset({"accept", "drop"})


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection as it reaches a host, or with the hook ``output`` as it leaves it."""

    source: str
    protocol: str = "tcp"
    port: int | None = None
    interface: str = "eth0"
    hook: str = "input"
    destination: str | None = None  # of a packet that leaves the host
    user: int | None = None  # who sends it from there

    @property
    def version(self) -> int:
        return ipaddress.ip_address(self.source).version


@dataclass(frozen=True)
class Ruleset:
    """An nftables ruleset that answers what becomes of a packet.

    Chains hang at a hook in order of priority and a packet needs the consent of each. A condition that this model
    does not know leaves both outcomes open, so `accepts` and `drops` are both False then.
    """

    chains: tuple[Mapping[str, Any], ...]
    rules: Mapping[tuple[str, str, str], tuple[list[Any], ...]]
    sets: Mapping[tuple[str, str, str], list[Any]]

    @classmethod
    def from_json(cls, items: list[dict[str, Any]]) -> Self:
        """A ruleset from the list that ``nft -j list ruleset`` prints under `nftables`."""
        rules: dict[tuple[str, str, str], list[list[Any]]] = {}
        for rule in (item["rule"] for item in items if "rule" in item):
            rules.setdefault((rule["family"], rule["table"], rule["chain"]), []).append(rule["expr"])
        sets = {
            (entry["family"], entry["table"], entry["name"]): entry.get("elem", [])
            for item in items
            for kind in ("set", "map")
            if (entry := item.get(kind))
        }
        chains = tuple(item["chain"] for item in items if "chain" in item)
        return cls(chains, {key: tuple(found) for key, found in rules.items()}, sets)

    def base_chains(self, hook: str, version: int) -> list[Mapping[str, Any]]:
        """Filter chains that see packets of this IP version at the hook, first come first."""
        families = {"inet", "ip" if version == 4 else "ip6"}
        found = [chain for chain in self.chains if chain.get("hook") == hook and chain["family"] in families]
        return sorted((chain for chain in found if chain.get("type") == "filter"), key=lambda chain: int(chain["prio"]))

    def accepts(self, packet: Packet) -> bool:
        return self.outcomes(packet) == {"accept"}

    def drops(self, packet: Packet) -> bool:
        return self.outcomes(packet) == {"drop"}

    def outcomes(self, packet: Packet) -> frozenset[Outcome]:
        """What can become of the packet; one outcome if the model knows every condition on its way."""
        result: frozenset[Outcome] = frozenset({"accept"})
        for chain in self.base_chains(packet.hook, packet.version):
            found, falls_through = self._walk(chain, chain["name"], packet, 0)
            if falls_through:
                found |= {chain.get("policy", "accept")}
            if "accept" not in found:
                return frozenset({"drop"})
            result |= found
        return result

    def _walk(self, chain: Mapping[str, Any], name: str, packet: Packet, depth: int) -> tuple[frozenset[Outcome], bool]:
        """Outcomes inside a chain, and whether the packet can come out of its end."""
        found: frozenset[Outcome] = frozenset()
        if depth > 16:
            return _BOTH, True
        for rule in self.rules.get((chain["family"], chain["table"], name), ()):
            outcomes, passes, returns = self._rule(chain, rule, packet, depth)
            found |= outcomes
            if returns:
                return found, True
            if not passes:
                return found, False
        return found, True

    def _rule(
        self, chain: Mapping[str, Any], rule: list[Any], packet: Packet, depth: int
    ) -> tuple[frozenset[Outcome], bool, bool]:
        """Outcomes of a rule, whether the packet can go on to the next, and whether it leaves the chain for sure."""
        certain = True
        for statement in rule:
            ((kind, value),) = statement.items()
            if kind == "match":
                matches = self._matches(chain, value, packet)
                if matches is False:
                    return frozenset(), True, False
                certain = certain and matches is True
            elif kind == "vmap":
                verdict = self._lookup(chain, value, packet)
                if verdict is None:
                    continue
                outcomes, passes, returns = self._verdict(chain, verdict, packet, depth)
                return outcomes, passes or not certain, returns and certain
            elif kind in {"accept", "drop", "reject", "jump", "goto", "return", "queue"}:
                outcomes, passes, returns = self._verdict(chain, {kind: value}, packet, depth)
                return outcomes, passes or not certain, returns and certain
            elif kind in {"xt", "limit"}:
                certain = False
        return frozenset(), True, False

    def _verdict(
        self, chain: Mapping[str, Any], verdict: Mapping[str, Any], packet: Packet, depth: int
    ) -> tuple[frozenset[Outcome], bool, bool]:
        ((kind, value),) = verdict.items()
        match kind:
            case "accept":
                return frozenset({"accept"}), False, False
            case "drop" | "reject":
                return frozenset({"drop"}), False, False
            case "return":
                return frozenset(), False, True
            case "continue":
                return frozenset(), True, False
            case "jump" | "goto":
                found, falls_through = self._walk(chain, value["target"], packet, depth + 1)
                return found, falls_through and kind == "jump", falls_through and kind == "goto"
            case _:
                return _BOTH, True, False

    def _lookup(self, chain: Mapping[str, Any], vmap: Mapping[str, Any], packet: Packet) -> Mapping[str, Any] | None:
        value = _subject(vmap["key"], packet)
        data = vmap["data"]
        pairs = self._elements(chain, data) if isinstance(data, str) else data.get("set", [])
        if value is _UNKNOWN:
            return {"queue": None}
        return next((verdict for key, verdict in pairs if self._contains(chain, key, value)), None)

    def _elements(self, chain: Mapping[str, Any], reference: str) -> list[Any]:
        return self.sets.get((chain["family"], chain["table"], reference.removeprefix("@")), [])

    def _matches(self, chain: Mapping[str, Any], match: Mapping[str, Any], packet: Packet) -> bool | None:
        value = _subject(match["left"], packet)
        if value is _UNKNOWN:
            return None
        if value is None:
            return False  # the packet has no such field
        right, operator = match["right"], match["op"]
        if operator in {"<", ">", "<=", ">="}:
            return bool({"<": value < right, ">": value > right, "<=": value <= right, ">=": value >= right}[operator])
        return self._contains(chain, right, value) is not (operator == "!=")

    def _contains(self, chain: Mapping[str, Any], right: Any, value: Any) -> bool:
        match right:
            case {"set": list(members)} | list(members):
                found = any(self._contains(chain, member, value) for member in members)
            case {"elem": {"val": member}}:
                found = self._contains(chain, member, value)
            case {"prefix": {"addr": str(address), "len": int(length)}}:
                found = ipaddress.ip_address(value) in ipaddress.ip_network(f"{address}/{length}", strict=False)
            case {"range": [low, high]}:
                found = _ordered(low) <= _ordered(value) <= _ordered(high)
            case {"concat": list(members)}:
                found = all(self._contains(chain, one, part) for one, part in zip(members, value, strict=True))
            case str(name) if name.startswith("@"):
                found = any(self._contains(chain, member, value) for member in self._elements(chain, name))
            case _:
                found = right == value
        return found


_UNKNOWN = object()


def _subject(expression: Any, packet: Packet) -> Any:
    """Value of a match's left side for this packet; None if the packet has no such field."""
    match expression:
        case {"concat": list(parts)}:
            values = tuple(_subject(part, packet) for part in parts)
            return _UNKNOWN if _UNKNOWN in values else None if None in values else values
        case {"payload": {"protocol": str(protocol), "field": str(name)}}:
            carried = {packet.protocol, "th", f"ip{6 if packet.version == 6 else ''}"}
            return _field(packet, f"{protocol} {name}") if protocol in carried else None
        case {"ct": {"key": "mark"}}:
            return 0  # nobody has marked a new connection yet
        case {"meta": {"key": str(name)}} | {"ct": {"key": "state" as name}}:
            return _field(packet, name)
        case _:
            return _UNKNOWN


def _field(packet: Packet, name: str) -> Any:
    address = "ip" if packet.version == 4 else "ip6"
    known: dict[str, Any] = {
        f"{packet.protocol} dport": packet.port,
        "th dport": packet.port,
        f"{address} saddr": packet.source,
        "ip protocol": packet.protocol,
        "ip6 nexthdr": packet.protocol,
        **_interfaces(packet),
        "l4proto": packet.protocol,
        "nfproto": f"ipv{packet.version}",
        "protocol": address,
        "pkttype": "unicast",
        "mark": 0,
        "state": "new",
    }
    return known.get(name, _UNKNOWN)


def _interfaces(packet: Packet) -> dict[str, Any]:
    """What is known of the packet's way: where it came in, or where it leaves, for whom it is and who sends it."""
    if packet.destination is None:
        return {"iif": packet.interface, "iifname": packet.interface}
    address = "ip" if packet.version == 4 else "ip6"
    sender = {} if packet.user is None else {"skuid": packet.user}
    return {"oif": packet.interface, "oifname": packet.interface, f"{address} daddr": packet.destination, **sender}


def _ordered(value: Any) -> int:
    return int(ipaddress.ip_address(value)) if isinstance(value, str) else int(value)
