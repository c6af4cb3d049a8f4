"""A USB stick that the kernel simulates is plugged in, with malware and without; see ``praxisschild.probes``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import Measured, not_applicable, not_tested, requirement
from praxisschild.probes import ask

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost
    from praxisschild.snapshot import Snapshot

pytestmark = pytest.mark.probe


@pytest.fixture
def plugged(remote: RemoteHost, snapshot: Snapshot) -> dict[str, Any]:
    """What became of the media of the virtual stick."""
    if not snapshot.own_kernel:
        not_applicable("Container: Ein Datenträger lässt sich nur in den Rechner darunter einstecken.")
    answer: dict[str, Any] = ask(remote, "media")
    if not answer["supported"]:
        not_tested(f"Der Kern dieses Hosts kann keinen USB-Stick nachbilden: {answer['reason']}")
    return answer


def in_words(medium: dict[str, Any]) -> str:
    """What the host made of a medium, in German."""
    if not medium["appeared"]:
        return "nicht erschienen"
    use = "beschreibbar" if medium["writable"] else "nur lesbar" if medium["usable"] else "gesperrt"
    return f"{use} nach {medium['seconds']} s"


@requirement("2021-A1-28")
def test_infected_medium_stays_locked(plugged: dict[str, Any], measured: Measured) -> None:
    """One stick from a patient or a supplier can stop a practice."""
    measured(f"Stick mit EICAR: {in_words(plugged['infected'])}")
    assert plugged["infected"]["appeared"]
    assert not plugged["infected"]["usable"]


@requirement("2021-A1-28")
def test_clean_medium_can_be_used(plugged: dict[str, Any], measured: Measured) -> None:
    """A gate that lets nothing through is soon taken off its hinges."""
    measured(f"sauberer Stick: {in_words(plugged['clean'])}")
    assert plugged["clean"]["usable"]


@requirement("2021-A1-28")
def test_malware_inside_an_encrypted_medium_is_found(plugged: dict[str, Any], measured: Measured) -> None:
    """Encryption hides malware as well as findings until the medium is unlocked."""
    measured(f"verschlüsselter Stick mit EICAR, aufgeschlossen: {in_words(plugged['inside'])}")
    assert plugged["inside"]["appeared"]
    assert not plugged["inside"]["usable"]


@requirement("2021-A3-10")
def test_unencrypted_medium_takes_no_data(plugged: dict[str, Any], measured: Measured) -> None:
    """What cannot be written to an open stick cannot be lost with it."""
    measured(f"unverschlüsselter Stick: {in_words(plugged['clean'])}")
    assert not plugged["clean"]["writable"]


@requirement("2021-A1-31", "KVWL-12")
def test_erased_medium_holds_nothing(plugged: dict[str, Any], measured: Measured) -> None:
    """What was only deleted, the next owner of the medium brings back."""
    erased = plugged["erased"]
    measured(
        "kein Befehl zum Löschen"
        if not erased
        else f"nach dem Löschen noch lesbar: {'ja' if erased['left'] else 'nein'}"
    )
    assert erased
    assert erased["before"], "the medium held nothing to erase"
    assert erased["exit"] == 0, erased["says"]
    assert not erased["left"]


@requirement("2021-A3-11")
def test_changed_file_is_noticed(plugged: dict[str, Any], measured: Measured) -> None:
    """A finding that was changed on its way can lead to the wrong treatment."""
    sums = plugged["checksum"]
    if not sums:
        measured("kein Befehl für Prüfsummen")
    else:
        words = {0: "für gut befunden"}
        before, after = (words.get(sums[when], "bemängelt") for when in ("before", "after"))
        measured(f"unveränderte Datei {before}, geänderte Datei {after}")
    assert sums
    assert sums["before"] == 0
    assert sums["after"] == 1
