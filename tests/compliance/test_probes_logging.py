"""A wrong password on a host becomes a line on the log host, and an alarm; see ``praxisschild.probes``."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import Measured, bound, not_applicable, not_tested, requirement
from praxisschild.probes import script

if TYPE_CHECKING:
    from collections.abc import Callable

    from praxisschild.compliance import Neighbour
    from praxisschild.practice import Practice
    from praxisschild.snapshot import Snapshot

    Root = Callable[..., Any]

pytestmark = pytest.mark.probe

MESSAGES = 200
ALARM_PATIENCE = 20  # a lapse of the mail server is made up for a minute later, which is no matter for a probe
AFTERWARDS = 75  # rsyslog tries again every half minute at the latest

ANSWERS = {"accepted": "angenommen", "refused": "abgewiesen", "no connection": "keine Verbindung"}
WAYS = {
    "clear text": "unverschlüsselt",
    "no certificate": "ohne Zertifikat",
    "foreign certificate": "mit fremdem Zertifikat",
    "TLS 1.1": "mit TLS 1.1",
}


def answer_of(document: dict[str, Any]) -> dict[str, Any]:
    """The probe's answer, unless it could not be made."""
    if "error" in document:
        not_tested(f"Die Probe war nicht möglich: {document['error']}")
    return document


@pytest.fixture
def log_host(practice: Practice, host_name: str, host_named: Callable[[str], Neighbour]) -> Neighbour:
    """Where this host's messages have to arrive: at the log host, or with it alone."""
    return host_named(practice.log_host or host_name)


@pytest.fixture
def folder(log_host: Neighbour, snapshot_of: Callable[[str], Snapshot]) -> str:
    """Where the log host keeps what it was told; any folder at all if it keeps nothing."""
    store = snapshot_of(log_host.name).log_store
    return store.folder if store else "/var/log"


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, Any]]:
    """What was found, by host: passwords are typed once."""
    return {}


@pytest.fixture
def login(
    host_name: str, root: Root, log_host: Neighbour, folder: str, practice: Practice, known: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """What became of failed logins of a temporary account: `arrived` after so many seconds, and the `alarm`."""
    if practice.log_host is None:
        not_applicable("Die Praxis hat keinen Protokollserver und braucht in ihrer Größe keinen.")
    if host_name not in known:
        token = secrets.token_hex(4)
        attempts = bound("2021-A2-11", "alarmed_logins").at_most
        patience = 30 + bound("2021-A2-11", "delivery_time").at_most

        def look() -> tuple[dict[str, Any], float]:
            text = f"user=probe-{token}"
            return log_host.root(script("log_store"), "find", folder, text, "1", str(patience)), time.monotonic()

        with ThreadPoolExecutor() as pool:
            looking = pool.submit(look)
            typed = answer_of(root(script("log_messages"), "login", token, str(attempts)))
            refused = time.monotonic() - typed["first"]
            found, seen = looking.result()
        alarm = log_host.root(script("log_store"), "alarm", f"probe-{token}", str(ALARM_PATIENCE))
        known[host_name] = {
            "arrived": max(0.0, seen - refused) if answer_of(found)["found"] else None,
            "under": found["hosts"],
            "alarm": answer_of(alarm)["alarm"],
        }
    return known[host_name]


@requirement("2021-A2-11")
def test_failed_login_arrives_at_the_log_host(login: dict[str, Any], host_name: str, measured: Measured) -> None:
    """What the log host does not hear of has not happened."""
    arrived, most = login["arrived"], bound("2021-A2-11", "delivery_time").at_most
    measured("nicht angekommen" if arrived is None else f"angekommen nach etwa {arrived:.1f} s")
    assert arrived is not None
    assert arrived <= most
    assert login["under"] == [host_name]


@requirement("2021-A2-11")
def test_failed_logins_raise_the_alarm(login: dict[str, Any], measured: Measured) -> None:
    """Between the attempts and the success there is time to act, if somebody knows."""
    words = {"mailed": "dem Mailserver übergeben", "noted": "erkannt, aber nicht zugestellt", "none": "nicht ausgelöst"}
    measured(f"Alarm {words[login['alarm']]}")
    assert login["alarm"] == "mailed"


@requirement("2021-A2-11")
def test_nothing_is_lost_while_the_log_host_is_away(
    host_name: str, root: Root, log_host: Neighbour, folder: str, snapshot: Snapshot, measured: Measured
) -> None:
    """Switching off the log host must not be the way to leave no traces."""
    if log_host.name == host_name:
        not_applicable("Dieser Host bewahrt seine Meldungen selbst auf.")
    forwards = [one for one in snapshot.log_forwards if one.encrypted]
    if not forwards:
        measured("Der Host sendet an keinen Protokollserver.")
    assert forwards
    token, store = f"probe-{secrets.token_hex(8)}", script("log_store")
    answer_of(log_host.root(store, "away", snapshot.address, str(forwards[0].port)))
    try:
        answer_of(root(script("log_messages"), "say", token, str(MESSAGES)))
        meanwhile = answer_of(log_host.root(store, "find", folder, token, "1", "2"))["found"]
    finally:
        log_host.root(store, "back", snapshot.address)
    afterwards = answer_of(log_host.root(store, "find", folder, token, str(MESSAGES), str(AFTERWARDS), timeout=100))
    measured(
        f"{MESSAGES} Meldungen ohne Protokollserver: währenddessen angekommen {meanwhile}, "
        f"{afterwards['after']:.0f} s danach {afterwards['found']}"
    )
    if meanwhile:
        not_tested("Die Meldungen kamen an, obwohl der Protokollserver nicht zu erreichen war.")
    assert afterwards["found"] == MESSAGES


@requirement("2021-A2-11")
def test_log_host_refuses_strangers(
    host_name: str, root: Root, log_host: Neighbour, snapshot: Snapshot, measured: Measured
) -> None:
    """Whoever may write to the log can bury in it what he did."""
    if log_host.name == host_name:
        not_applicable("Dieser Host bewahrt seine Meldungen selbst auf; die anderen klopfen bei ihm an.")
    ports = [one.port for one in snapshot.log_forwards if one.encrypted]
    certificates = snapshot.log_certificates
    if not ports or not certificates:
        measured("Der Host hat kein Zertifikat, mit dem ein Protokollserver ihn kennen könnte.")
    assert ports
    assert certificates
    own = certificates[0]
    found = answer_of(root(script("log_strangers"), "tls", log_host.address, str(ports[0]), own.path, own.key_path))
    measured(", ".join(f"{german}: {ANSWERS[found[way]]}" for way, german in WAYS.items()))
    assert found["own certificate"] == "accepted", "not even this host is let in"
    assert {way: found[way] for way in WAYS} == dict.fromkeys(WAYS, "refused")


@requirement("2021-A4-03")
def test_messages_of_devices_arrive(
    practice: Practice, host_name: str, log_host: Neighbour, folder: str, neighbour: Neighbour, measured: Measured
) -> None:
    """A device whose messages nobody keeps was broken into unseen."""
    if log_host.name != host_name:
        not_applicable("Meldungen von Geräten nimmt der Protokollserver entgegen.")
    if not practice.log_senders:
        not_applicable("Kein Gerät ist genannt, das seine Meldungen an den Protokollserver sendet.")
    most = bound("2021-A4-03", "delivery_time").at_most
    found = {}
    for sender in practice.log_senders:
        token, other = secrets.token_hex(8), secrets.token_hex(8)
        sent = ("device", log_host.address, "514", str(sender.address), token, other)
        answer_of(neighbour.root(script("log_strangers"), *sent))
        arrived = answer_of(log_host.root(script("log_store"), "find", folder, token, "1", str(most)))
        stranger = answer_of(log_host.root(script("log_store"), "find", folder, other, "1", "0"))
        found[sender.name] = (arrived["hosts"], stranger["found"])
    measured(
        "; ".join(
            f"{name}: {'angekommen' if hosts else 'nicht angekommen'}, von fremder Adresse "
            f"{'angenommen' if foreign else 'verworfen'}"
            for name, (hosts, foreign) in found.items()
        )
    )
    assert found == {name: ([name], 0) for name in found}
