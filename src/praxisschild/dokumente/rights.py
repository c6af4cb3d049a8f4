"""Who may do what: accounts as the practice names them and as the hosts hold them, administrators, shares."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from praxisschild import german
from praxisschild.dokumente import windows
from praxisschild.dokumente.model import Table
from praxisschild.dokumente.rows import NOTHING, Cells, cell, measured_table
from praxisschild.snapshot.access import Password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from praxisschild.dokumente.facts import Facts, HostFacts
    from praxisschild.snapshot import Snapshot
    from praxisschild.snapshot.access import Account, SudoRule

_KINDS = {"person": "Person", "service": "Dienst", "admin": "Verwaltung"}


def _planned(facts: Facts) -> Table:
    rows = []
    for account in facts.practice.accounts:
        hosts = "alle" if account.hosts == "all" else german.listed(account.hosts)
        if account.until is None:
            until = "unbefristet"
        else:
            until = f"{'endete am' if account.has_left(facts.today) else 'bis'} {german.day(account.until)}"
        rows.append(tuple(map(cell, (account.name, _KINDS[account.kind], account.purpose, hosts, until))))
    if not rows:
        rows.append((cell(facts.gap("wer sich an welchem Rechner anmeldet", "praxis.accounts")), (), (), (), ()))
    return Table(("Konto", "Art", "Aufgabe", "Rechner", "Dauer"), tuple(rows), (20, 13, 27, 24, 16))


def _measured(facts: Facts) -> Table:
    def ask(host: HostFacts, snapshot: Snapshot) -> Iterator[Cells]:
        known = {account.name: account for account in facts.practice.accounts_of(host.name)}
        for name, account in sorted(snapshot.login_accounts.items()):
            planned = known.get(name)
            verdict = "nein" if planned is None else "abgelaufen" if planned.has_left(facts.today) else "ja"
            yield (
                name,
                german.listed(_ways_in(account)),
                german.listed(sorted(account.groups - {name})),
                "ja" if name in snapshot.admins or account.uid == 0 else "nein",
                verdict,
            )

    headings = ("Konto", "Anmeldung mit", "Gruppen", "Admin-Rechte", "in der Praxisakte")
    return measured_table(
        facts, headings, (16, 17, 16, 14, 10, 12, 15), ask, "kein Konto zum Anmelden", partial(windows.accounts, facts)
    )


def _ways_in(account: Account) -> list[str]:
    password = {Password.SET: ["Kennwort"], Password.EMPTY: ["ohne Kennwort"]}.get(account.password, [])
    keys = [f"{account.authorized_keys} SSH-Schlüssel"] if account.authorized_keys else []
    return [*password, *keys]


def _sudo(facts: Facts) -> Table:
    def ask(_host: HostFacts, snapshot: Snapshot) -> Iterator[Cells]:
        for rule in snapshot.sudo_rules:
            if set(rule.users) <= {"root"}:
                continue  # root may do everything without sudo
            yield (
                german.listed([_user(user) for user in rule.users]),
                german.listed(_members(snapshot, rule), "niemand"),
                "alles" if rule.is_everything else german.listed(rule.commands),
                "ja" if rule.authenticate else "nein",
            )

    headings = ("erlaubt für", "das sind", "was", "mit Kennwort")
    return measured_table(
        facts,
        headings,
        (19, 18, 20, 16, 12, 15),
        ask,
        "niemand",
        lambda _host, snapshot: windows.administrators(snapshot),
    )


def _user(name: str) -> str:
    return f"Gruppe {name[1:]}" if name.startswith("%") else "alle" if name == "ALL" else name


def _members(snapshot: Snapshot, rule: SudoRule) -> list[str]:
    groups = {user[1:] for user in rule.users if user.startswith("%")}
    return sorted(
        name
        for name, account in snapshot.login_accounts.items()
        if "ALL" in rule.users or name in rule.users or groups & account.groups
    )


def _shares(facts: Facts) -> Table:
    def ask(_host: HostFacts, snapshot: Snapshot) -> Iterator[Cells]:
        for share in snapshot.shares:
            yield (
                share.name,
                share.path or "eigener Ordner je Konto",
                german.listed([_share_user(one) for one in share.users], "alle angemeldeten Konten"),
                "lesen und schreiben" if share.writable else "lesen",
                "ja" if share.guests else "nein",
                f"{share.mode:04o}" if share.mode is not None else NOTHING,
            )

    headings = ("Freigabe", "Ordner", "für", "erlaubt", "Gäste", "Rechte")
    return measured_table(
        facts,
        headings,
        (15, 12, 17, 16, 11, 8, 9, 12),
        ask,
        "keine Freigabe",
        lambda _host, snapshot: windows.shares(snapshot),
    )


def _share_user(name: str) -> str:
    return "nur das eigene Konto" if name == "%S" else f"Gruppe {name[1:]}" if name[0] in "@+&" else name


TABLES: Mapping[str, Callable[[Facts], Table]] = {
    "rights.planned": _planned,
    "rights.accounts": _measured,
    "rights.sudo": _sudo,
    "rights.shares": _shares,
}
MEASURED = frozenset({"rights.accounts", "rights.sudo", "rights.shares"})
