"""A window of remote maintenance is opened for seconds, and real packets try it; see ``praxisschild.probes``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import Measured, not_applicable, requirement
from praxisschild.probes import ask

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost
    from praxisschild.practice import Practice

pytestmark = pytest.mark.probe

SSH = 22
GERMAN = {"open": "erreichbar", "refused": "abgewiesen", "silent": "keine Antwort"}


@pytest.fixture
def window(remote: RemoteHost, practice: Practice, host_name: str) -> dict[str, Any]:
    """What somebody in the network of the helpers met before, during and after a window."""
    agreed = practice.remote_maintenance
    if agreed is None:
        not_applicable("Die Praxis hat keine Fernwartung vereinbart (praxis.remote_maintenance).")
    somebody = _somebody(practice, host_name)
    if somebody is None:
        not_applicable("Alle Anschlüsse der Fernwartung sind aus deren Netz dauernd freigegeben (praxis.services).")
    answer: dict[str, Any] = ask(remote, "remote_window", *somebody)
    return answer


def _somebody(practice: Practice, host_name: str) -> tuple[str, str] | None:
    """An address of the helpers and a port that is open to them in a window only, SSH if possible."""
    agreed = practice.remote_maintenance
    assert agreed is not None
    administration = practice.networks.get("verwaltung")
    for port in sorted(agreed.ports, key=lambda port: port != SSH):
        always = [
            source for one in practice.services_of(host_name) if one.port == port for source in practice.sources_of(one)
        ]
        if port == SSH and administration is not None:
            always.append(administration)
        for network in practice.maintenance_networks:
            address = network[-2] if network.num_addresses > 2 else network[0]
            if not any(address in source for source in always):
                return str(address), str(port)
    return None


@requirement("KVWL-39", "2021-A1-32")
def test_helper_gets_in_through_a_window_only(window: dict[str, Any], measured: Measured) -> None:
    """What the schedule of a window promises is true once the packets of a stranger stay without an answer."""
    assert window["command"], "nobody can open a window on this host"
    when = {"davor": "before", "im Fenster": "during", "danach": "after"}
    measured("; ".join(f"{german}: {GERMAN[window[name]]}" for german, name in when.items()))
    assert [window[name] for name in when.values()] == ["silent", "open", "silent"], window["said"]


@requirement("KVWL-39")
def test_connection_of_a_helper_ends_with_the_window(window: dict[str, Any], measured: Measured) -> None:
    """Who came in at the agreed hour must not still be there at night."""
    assert window["command"], "nobody can open a window on this host"
    measured(
        f"Verbindung im Fenster: {'trägt Daten' if window['talks'] else 'trägt keine Daten'}, "
        f"danach: {'getrennt' if window['cut'] else 'besteht weiter'}"
    )
    assert window["talks"]
    assert window["cut"]


@requirement("KVWL-39")
def test_every_window_is_recorded(window: dict[str, Any], measured: Measured) -> None:
    """Afterwards somebody asks who was on the computer that day."""
    assert window["command"], "nobody can open a window on this host"
    measured(f"neue Zeilen im Journal über Öffnen und Schließen: {window['recorded']}")
    assert window["recorded"] >= 2
