"""One Windows host of a practice as the checks reach it: through Ansible's own connection plugin.

With the inventory's variables: whatever lets a playbook in (NTLM, Kerberos, certificates, WinRM or PSRP, a proxy) lets
the checks in as well.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from praxisschild.errors import HostUnreachable
from praxisschild.windows_messages import german_reason, meaning

if TYPE_CHECKING:
    from collections.abc import Mapping

# Ansible's plugins write to its one display, and read the environment while they connect
_connecting = threading.Lock()


@dataclass(frozen=True)
class WindowsConnection:
    """How Ansible reaches one host over WinRM or PSRP: the plugin's name and all connection variables, templated."""

    name: str
    plugin: str
    variables: Mapping[str, Any] = field(repr=False)

    @property
    def address(self) -> str:
        """Name or address that the inventory gives."""
        return str(self.variables.get("ansible_host") or self.name)


class WindowsHost:
    """A connection that opens with the first command and stays until ``close``."""

    def __init__(self, connection: WindowsConnection) -> None:
        self.name = connection.name
        self.connection = connection
        self._plugin: Any = None

    def _open(self) -> Any:
        from ansible.errors import AnsibleError
        from ansible.playbook.play_context import PlayContext
        from ansible.plugins.loader import connection_loader

        if self._plugin is None:
            with _connecting:
                plugin = connection_loader.get(self.connection.plugin, PlayContext(), os.devnull)
                if plugin is None:
                    raise HostUnreachable(f"Ansible kennt keine Verbindung „{self.connection.plugin}“")
                given = dict(self.connection.variables)
                prefix = f"ansible_{plugin.extras_prefix}_"
                extras = {name: value for name, value in given.items() if name.startswith(prefix)}
                plugin.set_options(var_options={**given, "_extras": extras})
            try:
                plugin._connect()  # as Ansible itself opens its plugins
            except (AnsibleError, OSError) as error:
                raise HostUnreachable(f"Host nicht erreichbar: {german_reason(str(error))}") from None
            self._plugin = plugin
        return self._plugin

    def powershell(self, script: str, stdin: bytes | None = None) -> str:
        """What a script prints, in Windows PowerShell as the connection's account; ``stdin`` is piped to it.

        Raises:
            HostUnreachable: no connection, or it is lost.
            RuntimeError: the script failed.
        """
        from ansible.errors import AnsibleError

        plugin = self._open()
        try:
            code, output, errors = plugin.exec_command(script, in_data=stdin, sudoable=False)
        except (AnsibleError, OSError) as error:
            raise HostUnreachable(f"Verbindung verloren: {german_reason(str(error))}") from None
        if code:
            said = errors.decode(errors="replace")[-2000:].strip()
            if meaning(said):
                raise HostUnreachable(f"Auf dem Host läuft nichts: {german_reason(said)}")
            raise RuntimeError(f"script ended with {code} on {self.name}: {said}")
        return str(output.decode("utf-8-sig"))

    def snapshot_document(self) -> Any:
        """The collector's document, read in one round trip.

        Raises:
            HostUnreachable: no connection.
            RuntimeError: the collector failed.
        """
        from praxisschild.collector import windows

        output = self.powershell(windows.script(), windows.program())
        try:
            return json.loads(output)
        except json.JSONDecodeError:
            raise RuntimeError(f"no JSON from {self.name}: {output[:500]!r}") from None

    def close(self) -> None:
        """End the shell on the host."""
        if self._plugin is not None:
            self._plugin.close()
            self._plugin = None
