"""Try, as a person and as root, to reach an address that is on the internet as far as the host can tell.

The address is one for documentation (RFC 5737), behind a pair of interfaces that the probe makes up: what gets past the
host's packet filter ends there, and no packet leaves the host. Prints ``{"person": word, "root": word}``, each
``refused`` (by the host itself, at once) or ``let out`` (it waits for an answer that cannot come).
"""

from __future__ import annotations

import errno
import secrets
from typing import Any

from praxisschild.probes.host import ProbeError, TemporaryUser, probe, run

NETWORK, TARGET, PORT = "198.51.100.1/24", "198.51.100.2", 443
PATIENCE = 2.0
REFUSED = {errno.EHOSTUNREACH, errno.ECONNREFUSED, errno.EPERM, errno.EACCES, errno.ENETUNREACH}
KNOCK = f"""
import socket
waiting = socket.socket()
waiting.settimeout({PATIENCE})
print(waiting.connect_ex(({TARGET!r}, {PORT})))
"""


def knock(person: TemporaryUser | None = None) -> str:
    """What becomes of a connection of this person's, or of root's."""
    credentials = ["setpriv", f"--reuid={person.uid}", f"--regid={person.gid}", "--clear-groups"] if person else []
    done = run([*credentials, "/usr/bin/python3", "-c", KNOCK])
    if done.returncode:
        raise ProbeError(f"no connection could be tried: {done.stderr.strip()[-200:]}")
    return "refused" if int(done.stdout) in REFUSED else "let out"


def ip(*arguments: str) -> None:
    """Run ip, which has to succeed."""
    done = run(["ip", *arguments])
    if done.returncode:
        raise ProbeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def experiment() -> dict[str, Any]:
    """The whole probe."""
    near, far = (f"psp{secrets.token_hex(3)}{end}" for end in "ab")
    ip("link", "add", near, "type", "veth", "peer", "name", far)
    try:
        ip("address", "add", NETWORK, "dev", near)
        for end in (near, far):
            ip("link", "set", end, "up")
        ip("neighbour", "add", TARGET, "lladdr", "02:00:00:00:00:01", "dev", near)
        with TemporaryUser() as person:
            return {"person": knock(person), "root": knock()}
    finally:
        run(["ip", "link", "delete", near])


if __name__ == "__main__":
    probe(experiment, seconds=30)
