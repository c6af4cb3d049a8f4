"""Knock at a host's ports from another host of the practice.

``open PORT…`` on the host itself: listen on these TCP ports, and on the last one for UDP too, in a transient unit that
ends by itself after half a minute. Prints ``{"unit": name, "ours": [port], "taken": [port]}``; taken are those on which
something listens already.
``close UNIT`` on the same host: end it. Prints ``{"dropped": int}``, the packets that by the packet filter's counters
were dropped or rejected so far.
``knock ADDRESS PORT…`` on the other host: prints ``{"tcp": {port: "open" | "refused" | "silent"}, "udp": "answered" |
"silent"}``, UDP for the last port.
"""

from __future__ import annotations

import re
import secrets
import shutil
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from praxisschild.probes.host import ProbeError, probe, run

if TYPE_CHECKING:
    from collections.abc import Callable

LIFETIME = 30
PATIENCE = 2.0
LISTENER = r"""
import selectors, socket, sys
selector = selectors.DefaultSelector()
for port in sys.argv[1:]:
    waiting = socket.socket(socket.AF_INET)
    waiting.bind(("0.0.0.0", int(port)))
    waiting.listen()
    selector.register(waiting, selectors.EVENT_READ, "tcp")
packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
packets.bind(("0.0.0.0", int(sys.argv[-1])))
selector.register(packets, selectors.EVENT_READ, "udp")
while True:
    for key, _ in selector.select():
        if key.data == "tcp":
            key.fileobj.accept()[0].close()
        else:
            key.fileobj.sendto(b"here", key.fileobj.recvfrom(100)[1])
"""


def open_ports(*ports: str) -> dict[str, Any]:
    """Listen in the background; returns once every port answers."""
    ours = [port for port in ports if not answers(port)]
    if not ours or ours[-1] != ports[-1]:
        raise ProbeError("the port for the test is taken")
    unit = f"praxisschild-probe-{secrets.token_hex(4)}.service"
    options = ["--quiet", "--collect", f"--unit={unit}", f"--property=RuntimeMaxSec={LIFETIME}"]
    started = run(["systemd-run", *options, "/usr/bin/python3", "-c", LISTENER, *ours])
    if started.returncode:
        raise ProbeError(f"systemd-run: {started.stderr.strip()}")
    end = time.monotonic() + 5
    while not all(answers(port) for port in ours):
        if time.monotonic() > end:
            close_ports(unit)
            raise ProbeError("the listener does not start")
        time.sleep(0.05)
    return {"unit": unit, "ours": [int(port) for port in ours], "taken": [int(p) for p in ports if p not in ours]}


def answers(port: str) -> bool:
    """Whether something listens on the port of this host, seen from the host itself."""
    listening = run(["ss", "-Hltn", f"sport = :{port}"])
    return bool(listening.stdout.strip())


def close_ports(unit: str) -> dict[str, Any]:
    """End the listener."""
    run(["systemctl", "stop", unit])
    return {"dropped": dropped_packets()}


def dropped_packets() -> int:
    """What the packet filter's counters say about its drops and rejections; 0 where there is none."""
    if not shutil.which("nft"):
        return 0
    rules = run(["nft", "list", "ruleset"]).stdout.splitlines()
    refusing = [rule for rule in rules if re.search(r"\b(drop|reject)\b", rule)]
    counted = [re.search(r"counter packets (\d+)", rule) for rule in refusing]
    return sum(int(found[1]) for found in counted if found)


def knock(address: str, *ports: str) -> dict[str, Any]:
    """Try every port from here, side by side."""
    with ThreadPoolExecutor(max_workers=32) as pool:
        udp = pool.submit(ask_udp, address, int(ports[-1]))
        tcp = {port: pool.submit(connect, address, int(port)) for port in ports}
        return {"tcp": {port: found.result() for port, found in tcp.items()}, "udp": udp.result()}


def connect(address: str, port: int) -> str:
    """What a TCP connection meets there."""
    try:
        with socket.create_connection((address, port), timeout=PATIENCE):
            return "open"
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "silent"


def ask_udp(address: str, port: int) -> str:
    """What a UDP packet meets there; three tries, because one may get lost."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets:
        packets.settimeout(PATIENCE / 3)
        for _ in range(3):
            try:
                packets.sendto(b"anybody?", (address, port))
                packets.recvfrom(100)
            except OSError:
                continue
            return "answered"
    return "silent"


def experiment() -> dict[str, Any]:
    """The part of the probe that the first argument names."""
    parts: dict[str, Callable[..., dict[str, Any]]] = {"open": open_ports, "close": close_ports, "knock": knock}
    return parts[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    probe(experiment, 20)
