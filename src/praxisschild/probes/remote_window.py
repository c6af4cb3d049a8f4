"""Open a window of remote maintenance for a few seconds, and knock before, during and after it.

``remote_window ADDRESS PORT`` on the host: a network namespace stands for the helper's computer; it has the address
ADDRESS and sends real packets through a cable of its own (veth) to the host. Prints ``{"command": false}`` where nobody
can open a window, else ``{"command": true, "said": str, "before": state, "during": state, "after": state, "talks":
bool, "cut": bool, "recorded": int}``; ``state`` is ``"open" | "refused" | "silent"``, ``talks`` whether a connection
through the window carried data, ``cut`` whether that same connection is dead once the window has closed, ``recorded``
the number of lines that the journal has gained. A window that somebody else has open is left alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import json
import multiprocessing
import os
import secrets
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisschild.probes.host import ProbeError, probe, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

COMMAND = "praxisschild-fernwartung"
SECONDS = 4
PATIENCE = 1.0
HELLO = b"SSH-2.0-praxisschild_probe\r\n"  # an SSH server answers with its offer of algorithms
_CLONE_NEWNET = 0x40000000
LISTENER = r"""
import socket, sys
waiting = socket.create_server(("", int(sys.argv[1])))
while True:
    client = waiting.accept()[0]
    client.sendall(b"here")
    client.sendall(client.recv(100) or b"-")
"""


def helper(orders: Connection, cable: str, address: str) -> None:
    """The helper's computer: in an empty network with one cable, it does what it is told until told to end."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_CLONE_NEWNET):
        orders.send(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        return
    orders.send(None)
    host, hardware = orders.recv()  # the cable has been plugged in
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "address", "add", f"{address}/32", "dev", cable])
    run(["ip", "link", "set", cable, "up"])
    run(["ip", "route", "add", "default", "dev", cable])
    run(["ip", "neighbour", "replace", host, "lladdr", hardware, "dev", cable])
    orders.send(None)
    kept: list[socket.socket] = []
    while True:
        order, *arguments = orders.recv()
        if order == "knock":
            state, connection = knock(*arguments)
            kept += [connection] if connection else []
            orders.send(state)
        elif order == "talk":
            orders.send(bool(kept) and talk(kept[-1]))
        else:
            return


def knock(host: str, port: int) -> tuple[str, socket.socket | None]:
    """What a connection meets there, and the connection."""
    try:
        return "open", socket.create_connection((host, port), timeout=PATIENCE)
    except ConnectionRefusedError:
        return "refused", None
    except OSError:
        return "silent", None


def talk(connection: socket.socket) -> bool:
    """Whether the other side still answers; what it said earlier does not count."""
    try:
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while connection.recv(1 << 16):
                continue
        connection.settimeout(PATIENCE)
        connection.sendall(HELLO)
        connection.recv(1 << 16)  # the end of the connection is an answer, too
    except OSError:
        return False
    return True


@contextlib.contextmanager
def listener(port: int) -> Iterator[None]:
    """Somebody who answers on the port, if nobody does yet; a unit that ends by itself."""
    if run(["ss", "-Hltn", f"sport = :{port}"]).stdout.strip():
        yield
        return
    unit = f"praxisschild-probe-{secrets.token_hex(4)}.service"
    options = ["--quiet", "--collect", f"--unit={unit}", "--property=RuntimeMaxSec=30"]
    run(["systemd-run", *options, "/usr/bin/python3", "-c", LISTENER, str(port)])
    try:
        end = time.monotonic() + 5
        while not run(["ss", "-Hltn", f"sport = :{port}"]).stdout.strip():
            if time.monotonic() > end:
                raise ProbeError("the listener does not start")
            time.sleep(0.05)
        yield
    finally:
        run(["systemctl", "stop", unit])


def own_address(version: int) -> str:
    """The address by which the network knows this host."""
    found = json.loads(run(["ip", "-j", f"-{version}", "address", "show", "scope", "global"]).stdout or "[]")
    addresses = [one["local"] for link in found for one in link.get("addr_info", []) if one.get("local")]
    if not addresses:
        raise ProbeError(f"the host has no IPv{version} address")
    return str(addresses[0])


def lines_in_journal() -> int:
    """What the command has written so far."""
    return len(run(["journalctl", "--quiet", "--output=cat", "-t", COMMAND, "--since=-1h"]).stdout.splitlines())


def experiment() -> dict[str, Any]:
    """The whole probe."""
    address, port = sys.argv[1], int(sys.argv[2])
    if not shutil.which(COMMAND):
        return {"command": False}
    if json.loads(run([COMMAND, "status", "--json"]).stdout or "{}").get("offen"):
        raise ProbeError("a window is open; it is left alone")
    host = own_address(ipaddress.ip_address(address).version)
    ours, theirs = (f"pxp{secrets.token_hex(3)}{end}" for end in "ab")
    here, there = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(target=helper, args=(there, theirs, address), daemon=True)
    process.start()
    try:
        if reason := here.recv():
            raise ProbeError(reason)
        plugged = [
            ["ip", "link", "add", ours, "type", "veth", "peer", "name", theirs],
            ["ip", "link", "set", theirs, "netns", str(process.pid)],
            ["ip", "link", "set", ours, "up"],
            ["ip", "route", "add", f"{address}/32", "dev", ours],
        ]
        for command in plugged:
            done = run(command)
            if done.returncode:
                raise ProbeError(f"{' '.join(command)}: {done.stderr.strip()}")
        # the host may answer only for addresses of the asking interface: the helper knows its hardware address already
        here.send((host, Path(f"/sys/class/net/{ours}/address").read_text(encoding="ascii").strip()))
        here.recv()
        with listener(port):
            return knocks(here, address, host, port)
    finally:
        with contextlib.suppress(OSError):
            here.send(("end",))
        run(["ip", "link", "delete", ours])
        process.join(2)
        process.kill()


def knocks(helper_there: Connection, address: str, host: str, port: int) -> dict[str, Any]:
    """What the helper meets before, during and after the window."""

    def told(*order: Any) -> Any:
        helper_there.send(order)
        return helper_there.recv()

    before_lines = lines_in_journal()
    found: dict[str, Any] = {"command": True, "before": told("knock", host, port)}
    hours = f"{SECONDS / 3600:.6f}"
    opened = run([COMMAND, "oeffnen", "--stunden", hours, "--fuer", "Probe", "--grund", "Probe", "--von", address])
    closes = time.monotonic() + SECONDS
    try:
        found["said"] = (opened.stdout + opened.stderr).strip()[-300:]
        found["during"] = told("knock", host, port)
        found["talks"] = found["during"] == "open" and told("talk")
        time.sleep(max(0.0, closes - time.monotonic()) + 1)
        found["after"] = told("knock", host, port)
        found["cut"] = found["after"] == "silent" and not told("talk")
    finally:
        if time.monotonic() < closes:
            run([COMMAND, "schliessen"])
    found["recorded"] = lines_in_journal() - before_lines
    return found


if __name__ == "__main__":
    probe(experiment, 40)
