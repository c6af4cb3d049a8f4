"""One host of a practice as the checks reach it: a multiplexed SSH connection, and root for one script at a time."""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import testinfra

from praxisschild import collector
from praxisschild.errors import HostUnreachable

if TYPE_CHECKING:
    from praxisschild.inventory import Connection

# ssh's own exit code for "the connection failed", as opposed to the command's
SSH_FAILED = 255
# Standard input is `<password line> NUL <arguments as JSON> NUL <script>`: Python starts behind the first NUL, whether
# or not sudo asked for the password.
_BOOTSTRAP = """\
import json, sys
_, given, script = sys.stdin.buffer.read().split(b"\\0", 2)
given = json.loads(given)
sys.argv[1:] = given["argv"]
scope = {"__name__": "__main__", "json": json, "sys": sys, "stdin_data": given["data"]}
exec(compile(script, "<praxisschild>", "exec"), scope)
"""


class RemoteHost:
    """SSH to one host. The first command opens the connection, later ones share it until ``close``."""

    def __init__(self, connection: Connection) -> None:
        self.name = connection.name
        self.connection = connection
        self._sockets = tempfile.TemporaryDirectory(prefix="praxisschild-")
        self._control_path = f"{self._sockets.name}/%C"

    @property
    def _multiplexing(self) -> list[str]:
        return ["-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-o", f"ControlPath={self._control_path}"]

    @property
    def testinfra(self) -> Any:
        """The host as testinfra sees it, as the operator's unprivileged account."""
        arguments = " ".join(shlex.quote(part) for part in [*self.connection.ssh_arguments, *self._multiplexing])
        return testinfra.get_host(f"ssh://{self.connection.address}", ssh_extra_args=arguments)

    def python_as_root(self, script: str, *arguments: str, stdin_data: Any = None, timeout: float = 300) -> Any:
        """Run a Python script as root in one round trip and return the JSON document that it prints.

        The sudo password travels on standard input, so neither host shows it in a process list. ``stdin_data`` is
        bound to that name in the script, ``arguments`` to ``sys.argv[1:]``; ``json`` and ``sys`` are imported.

        Raises:
            HostUnreachable: no connection, or sudo refuses.
            RuntimeError: the script failed or printed no JSON.
        """
        given = json.dumps({"argv": list(arguments), "data": stdin_data})
        password = (self.connection.become_password or "") + "\n"
        remote = shlex.join(["sudo", "-k", "-S", "-p", "", "--", "/usr/bin/python3", "-c", _BOOTSTRAP])
        command = ["ssh", *self.connection.ssh_arguments, *self._multiplexing, self.connection.address, remote]
        try:
            done = subprocess.run(
                command,
                input=f"{password}\0{given}\0{script}".encode(),
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"no answer from {self.name} within {timeout} s") from None
        errors = done.stderr.decode(errors="replace").strip()
        if done.returncode == SSH_FAILED:
            raise HostUnreachable(f"Host nicht erreichbar: {errors.splitlines()[-1] if errors else 'keine Antwort'}")
        if done.returncode and not done.stdout and "sudo:" in errors:
            raise HostUnreachable(f"Keine Administratorrechte auf dem Host: {errors.splitlines()[-1]}")
        if done.returncode:
            raise RuntimeError(f"script ended with {done.returncode} on {self.name}: {errors[-2000:]}")
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError:
            raise RuntimeError(f"no JSON from {self.name}: {done.stdout[:500]!r} {errors[-500:]}") from None

    def snapshot_document(self) -> Any:
        """The collector's document, read in one round trip.

        Raises:
            HostUnreachable: no connection, or sudo refuses.
            RuntimeError: the collector failed.
        """
        return self.python_as_root(collector.linux_script())

    def close(self) -> None:
        """End the shared connection."""
        for socket in Path(self._sockets.name).iterdir():
            command = ["ssh", "-O", "exit", "-o", f"ControlPath={socket}", self.connection.address]
            subprocess.run(command, capture_output=True, check=False)
        self._sockets.cleanup()
