"""Devices and the time for which they get updates: hosts as measured, everything else as the practice tells."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from praxisschild import german
from praxisschild.dokumente import windows
from praxisschild.dokumente.model import Gap, Table
from praxisschild.dokumente.network import DEVICES, missing_device, missing_kinds, system_name
from praxisschild.dokumente.rows import Cells, cell, measured_table
from praxisschild.particulars import DEVICE_LABELS
from praxisschild.snapshot import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from praxisschild.dokumente.facts import Facts, HostFacts
    from praxisschild.particulars import DeviceKind
    from praxisschild.snapshot import Snapshot

_MOBILE = {"smartphone": "mobile_devices", "tablet": "mobile_devices", "mobile_phone": "mobile_phones"}
_TI: tuple[DeviceKind, ...] = ("konnektor", "card_terminal")


def _lifecycle(facts: Facts) -> Table:
    def ask(_host: HostFacts, snapshot: Snapshot) -> Iterator[Cells]:
        pending = snapshot.pending_security_updates
        yield (
            system_name(snapshot),
            _support(snapshot),
            f"{len(pending)}: {', '.join(pending)}" if pending else "keine",
            _last_update(snapshot),
        )

    headings = ("System", "Sicherheits\u00adupdates bis", "ausstehende Sicherheitsupdates", "letztes Update")
    return measured_table(
        facts, headings, (17, 15, 15, 19, 20, 14), ask, windows=lambda _host, snapshot: windows.lifecycle(snapshot)
    )


def _support(snapshot: Snapshot) -> str:
    try:
        found = snapshot.security_support
    except Unreadable as unknown:
        return str(unknown)
    return f"{german.day(found.until)} ({found.kind})" if found.kind else "beendet"


def _last_update(snapshot: Snapshot) -> str:
    """The last unattended installation, as the host keeps account of it."""
    try:
        result, age = snapshot.last_installation
    except Unreadable as unknown:
        return str(unknown)
    when = german.local_day(snapshot.collected_at - age)
    if result == "none":
        return f"noch keines fällig, beobachtet seit {when}"
    return f"{when}, zuletzt {'gelungen' if result == 'success' else 'gescheitert'}"


def _attention(facts: Facts) -> Table:
    def ask(host: HostFacts, snapshot: Snapshot) -> Iterator[Cells]:
        unsupported = snapshot.unsupported_packages
        yield (
            german.listed(unsupported.get("ended", [])),
            german.listed(unsupported.get("earlyend", [])),
            german.listed(snapshot.packages_without_source),
            german.listed(snapshot.held_back),
            "ja" if host.name in facts.practice.separated_hosts else "nein",
        )

    headings = ("ohne Sicherheits\u00adupdates", "endet vorzeitig", "ohne Quelle", "zurück\u00adgehalten", "abgetrennt")
    return measured_table(facts, headings, (17, 17, 14, 14, 14, 10, 14), ask, windows=partial(windows.attention, facts))


def _others(facts: Facts) -> Table:
    rows = []
    for number, device in facts.devices():
        until = device.support_until
        if until is None:
            told = cell(facts.gap(f"Ende der Updates von {device.name}", f"{DEVICES}.{number}.support_until"))
        else:
            told = cell(f"{german.day(until)}{' – abgelaufen' if until < facts.today else ''}")
        rows.append((cell(DEVICE_LABELS[device.kind]), cell(device.name), cell(device.model or ""), told, (), ()))
    gaps = [(label, missing_device(facts, label)) for label in missing_kinds(facts)]
    gaps += [(label, _missing_mobile(facts, label)) for label in missing_mobiles(facts)]
    rows += [(cell(label), cell(gap), (), (), (), ()) for label, gap in gaps]
    headings = ("Art", "Gerät", "Modell", "Updates bis", "geprüft am", "Stand der Software")
    return Table(headings, tuple(rows), (15, 31, 14, 14, 12, 14))


def _missing_mobile(facts: Facts, label: str) -> Gap:
    return facts.gap(f"{label}: wer es benutzt und wann die Updates enden", DEVICES)


def missing_mobiles(facts: Facts) -> list[str]:
    """Kinds of mobile devices that the practice has, by its features, and none of which it has named (German)."""
    there = {_MOBILE[device.kind] for _, device in facts.devices(*_MOBILE)}
    words = {"mobile_devices": "Smartphone oder Tablet", "mobile_phones": "Mobiltelefon"}
    # a smartphone is a mobile phone, too
    if any(device.kind == "smartphone" for _, device in facts.devices("smartphone")):
        there.add("mobile_phones")
    return [word for feature, word in words.items() if facts.has(feature) and feature not in there]


def _mobile(facts: Facts) -> Table:
    rows = []
    for number, device in facts.devices(*_MOBILE):
        field = f"{DEVICES}.{number}"
        holder = device.holder or facts.gap(f"wer {device.name} benutzt", f"{field}.holder")
        until = german.day(device.support_until) if device.support_until else ""
        rows.append(
            (
                cell(DEVICE_LABELS[device.kind]),
                cell(f"{device.name}, {device.model}" if device.model else device.name),
                cell(holder),
                cell(until)
                if until
                else cell(facts.gap(f"Ende der Updates von {device.name}", f"{field}.support_until")),
                (),
            )
        )
    rows += [(cell(label), cell(_missing_mobile(facts, label)), (), (), ()) for label in missing_mobiles(facts)]
    headings = ("Art", "Gerät", "benutzt von (Rolle)", "Updates bis", "ausgegeben am, Kürzel")
    return Table(headings, tuple(rows), (17, 26, 22, 16, 19))


def _ti(facts: Facts) -> Table:
    rows = []
    for number, device in facts.devices(*_TI):
        rows.append(
            (
                cell(DEVICE_LABELS[device.kind]),
                cell(f"{device.name}, {device.model}" if device.model else device.name),
                cell(device.place or facts.gap(f"Standort von {device.name}", f"{DEVICES}.{number}.place")),
                (),
                (),
            )
        )
    missing = [label for label in missing_kinds(facts) if label in {DEVICE_LABELS[kind] for kind in _TI}]
    rows += [(cell(label), cell(missing_device(facts, label)), (), (), ()) for label in missing]
    rows += [((),) * 5] * 2
    headings = ("Art", "Gerät", "Standort", "Seriennummer", "Softwarestand")
    return Table(headings, tuple(rows), (18, 28, 22, 16, 16))


TABLES: Mapping[str, Callable[[Facts], Table]] = {
    "devices.lifecycle": _lifecycle,
    "devices.attention": _attention,
    "devices.others": _others,
    "devices.mobile": _mobile,
    "devices.ti": _ti,
}
MEASURED = frozenset({"devices.lifecycle", "devices.attention"})
VALUES: Mapping[str, Callable[[Facts], str]] = {
    "devices.separated": lambda facts: german.listed(facts.practice.separated_hosts),
}
