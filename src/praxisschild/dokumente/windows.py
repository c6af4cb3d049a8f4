"""What the measured tables say of a host with Windows: rows of the same tables as for Linux, from another state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild import german
from praxisschild.dokumente.rows import NOTHING
from praxisschild.snapshot import Unreadable
from praxisschild.snapshot.windows.accounts import ADMINISTRATORS
from praxisschild.snapshot.windows.firewall import PROFILES, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from praxisschild.dokumente.facts import Facts, HostFacts
    from praxisschild.dokumente.rows import Cells
    from praxisschild.snapshot import WindowsSnapshot

_ACCESS = {"full": "alles", "change": "lesen und schreiben", "read": "lesen"}
_GUESTS = "S-1-5-32-546"


def ports(
    facts: Facts, host: HostFacts, snapshot: WindowsSnapshot, samples: Iterable[tuple[str, str]]
) -> Iterator[Cells]:
    """What the firewall lets in, whichever program listens; `samples` are names and an address of each network."""
    purposes: dict[tuple[str, int], str] = {
        (one.protocol, one.port): one.purpose for one in facts.practice.services_of(host.name)
    }
    doors = {door for profile in PROFILES for door in snapshot.doors(profile)}
    networks = list(samples)
    for protocol, port in sorted(doors, key=lambda door: (door[1], door[0])):
        admitted = [
            name
            for name, address in networks
            if any(snapshot.lets_in(profile, Traffic(protocol, port, address)) for profile in PROFILES)
        ]
        if admitted:
            yield (
                f"{port}/{protocol}",
                "nicht erhoben",
                german.listed(admitted),
                purposes.get((protocol, port), NOTHING),
            )


def filters(snapshot: WindowsSnapshot) -> Iterator[Cells]:
    """Whether all three profiles block what no rule lets in."""
    closed = all(
        snapshot.firewall_setting(profile, "EnableFirewall")
        and snapshot.firewall_setting(profile, "DefaultInboundAction")
        for profile in PROFILES
    )
    yield (
        "alles außer den Ausnahmen oben" if closed else "nicht in jedem Netz",
        "Windows-Firewall",
        "nein",
    )


def lifecycle(snapshot: WindowsSnapshot) -> Iterator[Cells]:
    """Until when the release gets updates, and how it stands with them."""
    try:
        support = german.day(snapshot.release_support[1])
    except Unreadable as unknown:
        support = str(unknown)
    pending = snapshot.security_update_ages
    age = snapshot.update_installation_age
    yield (
        snapshot.distribution,
        support,
        f"{len(pending)}: {', '.join(pending)}" if pending else "keine",
        "noch keines" if age is None else german.local_day(snapshot.collected_at - age),
    )


def attention(facts: Facts, host: HostFacts, snapshot: WindowsSnapshot) -> Iterator[Cells]:
    """Programs that nobody repairs any more."""
    separated = "ja" if host.name in facts.practice.separated_hosts else "nein"
    yield (german.listed(snapshot.programs_without_updates), NOTHING, NOTHING, NOTHING, separated)


def accounts(facts: Facts, host: HostFacts, snapshot: WindowsSnapshot) -> Iterator[Cells]:
    """Local accounts with which somebody can log in; those of a domain are not the host's."""
    known = {account.name.lower(): account for account in facts.practice.accounts_of(host.name)}
    administrators = snapshot.members(ADMINISTRATORS)
    for name, account in sorted(snapshot.logins.items()):
        planned = known.get(name)
        yield (
            account.name,
            "Kennwort" if account.password_required else "auch ohne Kennwort",
            NOTHING,
            "ja" if account.sid in administrators else "nein",
            "nein" if planned is None else "abgelaufen" if planned.has_left(facts.today) else "ja",
        )


def administrators(snapshot: WindowsSnapshot) -> Iterator[Cells]:
    """Who is in the group that may do everything, by name, of a domain by SID."""
    members = snapshot.called(snapshot.members(ADMINISTRATORS))
    yield ("Gruppe Administratoren", german.listed(members, "niemand"), "alles", NOTHING)


def shares(snapshot: WindowsSnapshot) -> Iterator[Cells]:
    """Shares that somebody made."""
    for share in snapshot.shares:
        allowed = sorted({_ACCESS[one] for one in share.access.values()})
        yield (
            share.name,
            share.path or NOTHING,
            german.listed(share.open_to or snapshot.called(frozenset(share.access))),
            german.listed(allowed),
            "ja" if _GUESTS in share.access else "nein",
            "verschlüsselt" if share.encrypted else NOTHING,
        )
