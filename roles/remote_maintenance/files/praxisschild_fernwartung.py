#!/usr/bin/python3
# Verwaltet von Praxisschild: Änderungen hier werden überschrieben.
"""Open this host for remote maintenance, for hours that were agreed upon, and let it close by itself.

A window is a systemd unit that lives as long as was agreed, and an address in a set of the packet filter that the
kernel takes out at the same second, whatever becomes of the unit. After a restart nothing of it is left.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/praxisschild/fernwartung.json")
STATE = Path("/run/praxisschild-fernwartung.json")
UNIT = "praxisschild-fernwartung.service"
SELF = "/usr/local/sbin/praxisschild-fernwartung"
TABLE = ("inet", "praxisschild")
TAG = "praxisschild-fernwartung"
EXPLANATION = """\
Fernwartung gibt es nur nach Absprache: Dieser Befehl lässt die vereinbarten Netze für Stunden herein und schließt von
selbst wieder. Bestehende Verbindungen enden mit dem Fenster, ein Neustart schließt es ebenfalls.

  sudo praxisschild-fernwartung oeffnen --stunden 2 --fuer "IT-Dienstleister" --grund "Update des PVS"
  sudo praxisschild-fernwartung status
  sudo praxisschild-fernwartung schliessen

Wer wann wie lange hereingelassen wurde, steht im Journal: journalctl -t praxisschild-fernwartung
Welche Netze, Anschlüsse und Dienste dazugehören, legt die Praxis in praxis.remote_maintenance fest.
"""


class WindowError(Exception):
    """The window could not be opened; the text says why, and what to do."""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """The finished command."""
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)


def record(text: str) -> None:
    """Write a line to the journal, where nobody but root can remove it."""
    run("logger", "--tag", TAG, "--priority", "authpriv.notice", "--", text)


def config() -> dict[str, Any]:
    """What the practice agreed upon."""
    found: dict[str, Any] = json.loads(CONFIG.read_text(encoding="utf-8"))
    return found


def clock(instant: float) -> str:
    """The instant in the words of the practice."""
    return time.strftime("%d.%m.%Y %H:%M:%S", time.localtime(instant))


def is_open() -> bool:
    """Whether a window is open."""
    return run("systemctl", "is-active", "--quiet", UNIT).returncode == 0


def duration(text: str) -> float:
    """Hours as people write them, with a comma or a point."""
    return float(text.replace(",", "."))


def sources(wanted: str | None, networks: dict[str, str]) -> list[str]:
    """The addresses to let in: all agreed networks, one of them by name, or a part of one.

    Raises:
        WindowError: nobody agreed upon that.
    """
    if wanted is None:
        return list(networks.values())
    if wanted in networks:
        return [networks[wanted]]
    try:
        asked = ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        asked = None
    for network in networks.values():
        agreed = ipaddress.ip_network(network)
        if asked is not None and asked.version == agreed.version and asked.subnet_of(agreed):  # type: ignore[arg-type]
            return [str(asked)]
    known = ", ".join(f"{name} ({network})" for name, network in networks.items())
    raise WindowError(f"{wanted} gehört zu keinem vereinbarten Netz; vereinbart sind: {known}")


def let_in(networks: list[str], seconds: int) -> None:
    """Put the networks into the packet filter's sets, with the time at which the kernel removes them.

    Raises:
        WindowError: the packet filter has no such sets.
    """
    for network in networks:
        name = f"fernwartung{ipaddress.ip_network(network).version}"
        added = run("nft", "add", "element", *TABLE, name, f"{{ {network} timeout {seconds}s }}")
        if added.returncode:
            raise WindowError(f"Der Paketfilter nimmt {network} nicht auf: {added.stderr.strip()[:200]}")


def shut_out() -> None:
    """Empty the sets; connections through the window end with the next packet."""
    for version in (4, 6):
        run("nft", "flush", "set", *TABLE, f"fernwartung{version}")


def stop_services() -> None:
    """Stop what runs only while a window is open."""
    services = config()["services"]
    if services:
        run("systemctl", "stop", "--", *services)


def open_window(arguments: argparse.Namespace) -> None:
    """Open a window.

    Raises:
        WindowError: nobody agreed upon such a window, one is open already, or the host refuses.
    """
    agreed = config()
    if not 0 < arguments.stunden <= agreed["max_hours"]:
        raise WindowError(f"vereinbart sind höchstens {agreed['max_hours']} Stunden am Stück")
    networks = sources(arguments.von, agreed["networks"])
    if is_open():
        raise WindowError("Es ist schon ein Fenster offen; erst: praxisschild-fernwartung schliessen")
    seconds = max(1, round(arguments.stunden * 3600))
    until = time.time() + seconds
    by = os.environ.get("SUDO_USER") or "root"
    state = {"fuer": arguments.fuer, "grund": arguments.grund, "von": networks, "durch": by, "bis": until}
    STATE.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")
    started = run(
        "systemd-run", "--quiet", "--collect", f"--unit={UNIT}", "--property=Type=exec",
        "--description=Fernwartung, endet von selbst", f"--property=ExecStopPost={SELF} beenden", "sleep", str(seconds),
    )  # fmt: skip
    try:
        if started.returncode:
            raise WindowError(f"systemd öffnet kein Fenster: {started.stderr.strip()[:200]}")
        let_in(networks, seconds)
        for service in agreed["services"]:
            installed = run("systemctl", "cat", "--", service).returncode == 0
            if installed and run("systemctl", "start", "--", service).returncode:
                sys.stderr.write(f"Achtung: {service} ist nicht gestartet (systemctl status {service})\n")
    except BaseException:
        run("systemctl", "stop", UNIT)
        shut_out()
        raise
    record(
        f"geöffnet für {arguments.fuer}, Grund: {arguments.grund}, durch {by}, von {', '.join(networks)}, "
        f"bis {clock(until)}"
    )
    sys.stdout.write(f"Fernwartung offen für {', '.join(networks)} bis {clock(until)}\n")


def end() -> None:
    """What systemd calls when the window's unit ends, in whatever way."""
    shut_out()
    stop_services()
    try:
        state = json.loads(STATE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        state = {}
    STATE.unlink(missing_ok=True)
    record(f"geschlossen, war geöffnet für {state.get('fuer', '?')}, durch {state.get('durch', '?')}")


def close_window() -> None:
    """Close the window before its time."""
    run("systemctl", "stop", UNIT)
    shut_out()
    stop_services()
    sys.stdout.write("Fernwartung geschlossen\n")


def tidy() -> None:
    """Close what is open without a window, for example a service that somebody started by hand."""
    if not is_open():
        shut_out()
        stop_services()


def show(*, as_json: bool) -> None:
    """Say whether somebody may come in, and until when."""
    state: dict[str, Any] = {}
    if is_open() and STATE.exists():
        state = json.loads(STATE.read_text(encoding="utf-8"))
    if as_json:
        sys.stdout.write(json.dumps({"offen": bool(state), **state}, ensure_ascii=False) + "\n")
    elif state:
        sys.stdout.write(f"offen für {state['fuer']} von {', '.join(state['von'])} bis {clock(state['bis'])}\n")
    else:
        sys.stdout.write("geschlossen\n")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    shaped = argparse.RawDescriptionHelpFormatter
    found = argparse.ArgumentParser("praxisschild-fernwartung", description=EXPLANATION, formatter_class=shaped)
    verbs = found.add_subparsers(dest="verb", required=True, metavar="oeffnen|schliessen|status")
    opening = verbs.add_parser("oeffnen", help="ein Fenster öffnen", description=EXPLANATION, formatter_class=shaped)
    opening.add_argument("--stunden", type=duration, required=True, help="wie lange, zum Beispiel 2 oder 0,5")
    opening.add_argument("--fuer", required=True, help="wer hereinkommt, zum Beispiel der IT-Dienstleister")
    opening.add_argument("--grund", default="nicht angegeben", help="wozu")
    opening.add_argument(
        "--von", metavar="NETZ", help="nur von hier: Name eines vereinbarten Netzes oder Adresse darin"
    )
    verbs.add_parser("schliessen", help="das Fenster vor der Zeit schließen")
    verbs.add_parser("status", help="ob und bis wann offen ist").add_argument("--json", action="store_true")
    verbs.add_parser("beenden")  # for systemd
    verbs.add_parser("aufraeumen")  # for the role
    return found


def main() -> None:
    """Do what the command line says."""
    arguments = parser().parse_args()
    if os.geteuid():
        raise WindowError("Dazu braucht es Administratorrechte: sudo praxisschild-fernwartung …")
    if arguments.verb == "oeffnen":
        open_window(arguments)
    elif arguments.verb == "status":
        show(as_json=arguments.json)
    else:
        {"schliessen": close_window, "beenden": end, "aufraeumen": tidy}[arguments.verb]()


if __name__ == "__main__":
    try:
        main()
    except WindowError as error:
        sys.exit(f"praxisschild-fernwartung: {error}")
