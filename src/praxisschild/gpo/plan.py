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


@dataclass
class _Found:
    """A row, and the hosts that want it; `beside` as translate takes it."""

    kind: str
    row: Row
    beside: frozenset[str]
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
    for found in _found(rows):
        hosts = tuple(found.hosts)
        name = windows_rows.name_of(found.kind, found.row)
        common = (found.kind, name, hosts, tuple(found.row.get("requirements") or ()), str(found.row.get("role") or ""))
        entries, missing = translate(found.kind, found.row, found.beside)
        is_alone = len(hosts) == 1 and hosts != everybody and frozenset(hosts) not in members.values()
        if entries and is_alone:
            entries, missing = (), (Reason(ONLY_HERE, {"host": hosts[0]}),)
        left_out += [LeftOut(*common, reason) for reason in missing]
        if entries:
            settings.setdefault(hosts, []).append(Setting(found.kind, name, found.row, entries))
    gpos = [_gpo(hosts, tuple(own), everybody if whole else (), members) for hosts, own in settings.items()]
    gpos.sort(key=lambda one: (one.hosts != everybody, one.subject))
    return Plan(tuple(gpos), tuple(left_out))


def _found(rows: Mapping[str, Mapping[str, Sequence[Row]]]) -> list[_Found]:
    found: dict[tuple[Any, ...], _Found] = {}
    for kind in windows_rows.MODULES:
        for host, kinds in rows.items():
            own = kinds.get(kind) or ()
            bundles = _bundles(own) if kind == "registry" else {}
            for row in own:
                values = bundles.get(_key(row), {})
                key = (kind, windows_rows.identity(kind, row), _wanted(row), tuple(sorted(values.items())))
                one = found.setdefault(key, _Found(kind, dict(row), frozenset(name for name, _view in values)))
                one.hosts.append(host)
                codes = [*(one.row.get("requirements") or ()), *(row.get("requirements") or ())]
                one.row["requirements"] = list(dict.fromkeys(codes))
    return list(found.values())


def _bundles(rows: Sequence[Row]) -> dict[str, dict[tuple[str, str], str]]:
    """What belongs into one policy with a row that clears its key, lest the one clears what the other sets.

    Key → name and view of each value that is set in it, and what is wanted of it.
    """
    cleared = {_key(row) for row in rows if row.get("only") is not None}
    found: dict[str, dict[tuple[str, str], str]] = {key: {} for key in cleared}
    for row in rows:
        if _key(row) in cleared and row.get("name") is not None and row.get("state", "present") == "present":
            found[_key(row)][str(row["name"]).lower(), str(row.get("view") or "64")] = _wanted(row)
    return found


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
