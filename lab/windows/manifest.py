"""Ansible's way of sending PowerShell and C# over the wire, since ansible-core 2.19.

Source: ansible/executor/powershell/module_manifest.py and bootstrap_wrapper.ps1 of the installed ansible-core.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from .unmodelled import Unmodelled

SEPARATOR = b"\n\0\0\0\0\n"
_ENCODED = re.compile(
    r"(?i)^\S*powershell(?:\.exe)?\s(?P<options>.*?)-e(?:nc|ncodedcommand)?\s+(?P<script>[A-Za-z0-9+/=]+)\s*$"
)


@dataclass(frozen=True)
class Action:
    """One script of the chain that ends in the module; ``secure`` holds names and secrets that nobody may log."""

    name: str
    params: dict[str, Any]
    secure: dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """What travels with one call: scripts by name, the chain of actions, and what is piped to the last of them."""

    scripts: dict[str, bytes]
    actions: list[Action]
    extra: bytes | None

    @property
    def module(self) -> str | None:
        """The module's script, as in ``ansible.legacy.win_registry_values.ps1``; None if the call runs none."""
        last = self.actions[-1]
        return str(last.params["Script"]) if last.name == "module_wrapper.ps1" else None

    @property
    def arguments(self) -> dict[str, Any]:
        """The module's arguments, Ansible's own ones (``_ansible_check_mode`` …) among them."""
        for variable in self.actions[-1].params.get("Variables") or []:
            if variable["Name"] == "complex_args":
                return dict(variable["Value"])
        return {}

    def utilities(self, kind: str) -> dict[str, bytes]:
        """``CSharpModules`` or ``PowerShellModules`` by file name, sorted."""
        return {name: self.scripts[name] for name in sorted(self.actions[-1].params.get(kind) or [])}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def encoded_script(line: str) -> str | None:
    """The script of a ``powershell … -EncodedCommand`` line; None if the line is none."""
    found = _ENCODED.match(line)
    if not found:
        return None
    try:
        return base64.b64decode(found["script"], validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        return None


def flattened(script: str) -> str:
    """The script as Ansible's shell plugin sends it: without indentation and empty lines."""
    return "\n".join(line.strip() for line in script.splitlines() if line.strip())


@cache
def own_script(name: str) -> bytes:
    """A script of the installed ansible-core."""
    return resources.files("ansible.executor.powershell").joinpath(name).read_bytes()


def is_bootstrap(script: str) -> bool:
    return flattened(script) == flattened(own_script("bootstrap_wrapper.ps1").decode())


def decode(stdin: bytes) -> Manifest:
    """Take apart what the bootstrap script reads from standard input.

    Raises:
        Unmodelled: not this Ansible's format, or its own scripts are not those of the installed ansible-core.
    """
    parts = stdin.split(SEPARATOR, 2)
    try:
        boot, content = (json.loads(part) for part in parts[:2])
        scripts = {name: base64.b64decode(one["script"]) for name, one in content["scripts"].items()}
        actions = [Action(one["name"], one["params"], one["secure_params"]) for one in content["actions"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unmodelled(f"eine Eingabe, die kein Manifest von ansible-core 2.19 ist ({error!r})") from None
    if not actions:
        raise Unmodelled("ein Manifest ohne Aktion")
    if boot.get("script", "").encode() != own_script("exec_wrapper.ps1"):
        raise Unmodelled("ein exec_wrapper.ps1, der nicht der des installierten ansible-core ist")
    for action in actions:
        if scripts.get(action.name) != own_script(action.name):
            raise Unmodelled(f"{action.name}, das nicht das des installierten ansible-core ist")
    return Manifest(scripts, actions, parts[2] if len(parts) > 2 else None)
