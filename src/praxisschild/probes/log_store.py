"""Look on the log host whether messages have arrived, and whether an alarm was raised.

``find FOLDER TEXT COUNT SECONDS``: wait until COUNT different lines with TEXT lie below FOLDER. Prints ``{"found": int,
"hosts": [str], "after": seconds}``; hosts are the folders' names.
``alarm TEXT SECONDS``: wait until the watch has handed over a mail about an event with TEXT in its subject. Prints
``{"alarm": "mailed" | "noted" | "none", "kind": str}``; noted is what waits for its mail.
``away ADDRESS PORT``: refuse this client at this port, as if the log host were not there; ends by itself after 90
seconds. ``back ADDRESS``: take it in again. Both print ``{"away": bool}``.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisschild.probes.host import ProbeError, probe, run

if TYPE_CHECKING:
    from collections.abc import Callable

STATE = Path("/var/lib/praxisschild/alarm/state.json")
LONGEST = 90
RECENT = 86400


def find(folder: str, text: str, count: str, seconds: str) -> dict[str, Any]:
    """The lines with this text in logs of today."""
    started = time.monotonic()
    while True:
        found: dict[str, set[bytes]] = {}
        for path in Path(folder).rglob("*"):
            if path.is_file() and path.stat().st_mtime > time.time() - RECENT:
                lines = {line for line in path.read_bytes().splitlines() if text.encode() in line}
                if lines:
                    found.setdefault(path.relative_to(folder).parts[0], set()).update(lines)
        total, after = sum(map(len, found.values())), time.monotonic() - started
        if total >= int(count) or after > float(seconds):
            return {"found": total, "hosts": sorted(found), "after": round(after, 1)}
        time.sleep(0.1)


def alarm(text: str, seconds: str) -> dict[str, Any]:
    """What the watch made of it."""
    end = time.monotonic() + float(seconds)
    while True:
        state = json.loads(STATE.read_text(encoding="utf-8")) if STATE.exists() else {}
        for kind, answer in (("sent", "mailed"), ("pending", "noted")):
            events = [one for one in state.get(kind, []) if text in one["subject"]]
            if events and (answer == "mailed" or time.monotonic() > end):
                return {"alarm": answer, "kind": events[0]["kind"]}
        if time.monotonic() > end:
            return {"alarm": "none", "kind": ""}
        time.sleep(0.2)


def names(address: str) -> tuple[str, str]:
    """Table and timer of one client: several may be kept out at the same time."""
    name = re.sub(r"[^0-9a-z]", "_", address.lower())
    return f"praxisschild_probe_log_{name}", f"praxisschild-probe-log-{name}"


def away(address: str, port: str) -> dict[str, Any]:
    """A packet filter of our own in front of everybody else's; a timer takes it away if nobody does."""
    table, guard = names(address)
    delete = f"nft delete table inet {table}"
    armed = run(["systemd-run", "--quiet", "--collect", f"--unit={guard}", f"--on-active={LONGEST}", *delete.split()])
    if armed.returncode:
        raise ProbeError(f"systemd-run: {armed.stderr.strip()}")
    family = "ip6" if ":" in address else "ip"
    chain = f"inet {table} input"
    rules = (
        f"add table inet {table}\n"
        f"add chain {chain} {{ type filter hook input priority -50; }}\n"
        f"add rule {chain} {family} saddr {address} tcp dport {port} reject with tcp reset\n"
    )
    loaded = run(["nft", "-f", "-"], rules)
    if loaded.returncode:
        back(address)
        raise ProbeError(f"nft: {loaded.stderr.strip()[-200:]}")
    return {"away": True}


def back(address: str) -> dict[str, Any]:
    """As before."""
    table, guard = names(address)
    run(["nft", "delete", "table", "inet", table])
    run(["systemctl", "stop", f"{guard}.timer"])
    return {"away": False}


def experiment() -> dict[str, Any]:
    """The part of the probe that the first argument names."""
    parts: dict[str, Callable[..., dict[str, Any]]] = {"find": find, "alarm": alarm, "away": away, "back": back}
    return parts[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    probe(experiment, 100)
