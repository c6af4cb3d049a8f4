"""Which policies a practice needs: rows that are alike on all hosts make one, others one per group of hosts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from praxisschild import windows_rows
from praxisschild.gpo.model import Gpo, LeftOut, Plan, Reason, Setting
from praxisschild.gpo.translate import translate
from praxisschild.i18n import N_

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from praxisschild.windows_rows import Row

ONLY_HERE = N_("only {host} wants it so; a policy of its own for one host is not made")


TOGETHER = N_(
    "belongs to the firewall's settings, and {name} is one that no policy can carry: half of them would shut out"
)
# a policy that blocks must not come without the rules of those whom it lets in
FIREWALL = r"software\policies\microsoft\windowsfirewall"


@dataclass
class _Found:
    """A row, and the hosts that want it; `beside` as translate takes it, `bundle` as _bundles makes it."""

    kind: str
    row: Row
    beside: frozenset[str]
    bundle: tuple[Any, ...] = ()
    hosts: list[str] = field(default_factory=list)


def plan(
    rows: Mapping[str, Mapping[str, Sequence[Row]]], groups: Mapping[str, Sequence[str]], *, whole: bool = True
) -> Plan:
    """Policies for hosts whose collected rows are given (host → kind → rows), in the inventory's order.

    Rows of every host go into one policy; rows of exactly the hosts of an inventory group into that group's; rows of
    other several hosts into one that names them. Unless these hosts are the ``whole`` practice, the policy of all of
    them is called after them too. What a single host of several wants is left out: whoever keeps such a
    host applies it directly.
    """
    everybody = tuple(rows)
    members = {
        name: frozenset(hosts) & frozenset(everybody)
        for name, hosts in groups.items()
        if name not in {"all", "ungrouped"}
    }
    settings: dict[tuple[str, ...], list[Setting]] = {}
    left_out: list[LeftOut] = []
    found = [(one, *translate(one.kind, one.row, one.beside)) for one in _found(rows)]
    broken = {
        one.bundle: one for one, entries, _missing in found if one.bundle and not entries and "only" not in one.row
    }
    for one, entries, missing in found:
        hosts = tuple(one.hosts)
        is_alone = len(hosts) == 1 and hosts != everybody and frozenset(hosts) not in members.values()
        obstacle = _obstacle(one, is_alone=is_alone, broken=broken) if entries else None
        name = windows_rows.name_of(one.kind, one.row)
        common = (one.kind, name, hosts, tuple(one.row.get("requirements") or ()), str(one.row.get("role") or ""))
        left_out += [LeftOut(*common, reason) for reason in ((obstacle,) if obstacle else missing)]
        if entries and not obstacle:
            settings.setdefault(hosts, []).append(Setting(one.kind, name, one.row, entries))
    gpos = [_gpo(hosts, tuple(own), everybody if whole else (), members) for hosts, own in settings.items()]
    gpos.sort(key=lambda one: (one.hosts != everybody, one.subject))
    return Plan(tuple(gpos), tuple(left_out))


def _obstacle(one: _Found, *, is_alone: bool, broken: Mapping[tuple[Any, ...], _Found]) -> Reason | None:
    """Why a row that a policy could carry is left out all the same."""
    if is_alone:
        return Reason(ONLY_HERE, {"host": one.hosts[0]})
    if one.bundle in broken:
        return Reason(TOGETHER, {"name": windows_rows.name_of("registry", broken[one.bundle].row)})
    return None


def _found(rows: Mapping[str, Mapping[str, Sequence[Row]]]) -> list[_Found]:
    found: dict[tuple[Any, ...], _Found] = {}
    for kind in windows_rows.MODULES:
        for host, kinds in rows.items():
            own = kinds.get(kind) or ()
            beside = _names(own) if kind == "registry" else {}
            bundles = _bundles(own, beside) if kind == "registry" else {}
            for row in own:
                bundle = bundles.get(_bundle(row), ())
                key = (kind, windows_rows.identity(kind, row), _wanted(row), bundle)
                names = frozenset(beside.get(_key(row), ()))
                one = found.setdefault(key, _Found(kind, dict(row), names, bundle))
                one.hosts.append(host)
                codes = [*(one.row.get("requirements") or ()), *(row.get("requirements") or ())]
                one.row["requirements"] = list(dict.fromkeys(codes))
    return list(found.values())


def _names(rows: Sequence[Row]) -> dict[str, set[str]]:
    """Key → the values that are set in it."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if row.get("name") is not None and row.get("state", "present") == "present":
            found.setdefault(_key(row), set()).add(str(row["name"]).lower())
    return found


def _bundles(rows: Sequence[Row], beside: Mapping[str, set[str]]) -> dict[str, tuple[Any, ...]]:
    """What must not be torn apart into policies for different hosts, and what one host wants of all of it.

    A key that a policy clears, with the values that it sets there; and the firewall.
    """
    cleared = {
        _key(row)
        for row in rows
        if row.get("only") is not None and {str(one).lower() for one in row["only"]} <= beside.get(_key(row), set())
    }
    found: dict[str, list[Any]] = {}
    for row in rows:
        if _key(row) in cleared or _bundle(row) == FIREWALL:
            found.setdefault(_bundle(row), []).append((str(windows_rows.identity("registry", row)), _wanted(row)))
    return {name: tuple(sorted(wanted)) for name, wanted in found.items()}


def _bundle(row: Row) -> str:
    key = _key(row)
    inside = key.removeprefix("hklm\\")
    return FIREWALL if inside == FIREWALL or inside.startswith(f"{FIREWALL}\\") else key


def _key(row: Row) -> str:
    return str(row.get("key")).lower().replace(":\\", "\\")


def _wanted(row: Row) -> str:
    return json.dumps(windows_rows.wanted(row), sort_keys=True)


def _gpo(
    hosts: tuple[str, ...],
    settings: tuple[Setting, ...],
    everybody: tuple[str, ...],
    members: Mapping[str, frozenset[str]],
) -> Gpo:
    if hosts == everybody:
        return Gpo("alle", "alle Windows-Rechner", hosts, settings)
    group = next((name for name, those in members.items() if those == frozenset(hosts)), None)
    if group:
        return Gpo(f"gruppe/{group}", group, hosts, settings)
    return Gpo(f"rechner/{','.join(sorted(hosts))}", ", ".join(hosts), hosts, settings)
