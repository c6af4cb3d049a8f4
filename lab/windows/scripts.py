"""PowerShell scripts that are answered without PowerShell: exactly those that are listed here, by what they say.

A script is known by the digest of its text without indentation and empty lines, so that it does not matter whether
Ansible or another client sends it. What differs in a single word is unknown, and an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .manifest import digest, flattened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .wire import Outcome

    Model = Callable[[Path, bytes], Outcome]

_KNOWN: dict[str, Model] = {}


def key_of(script: str) -> str:
    return digest(flattened(script).encode())


def known(script: str, model: Model) -> None:
    """Answer a script with a function of the host's folder and the standard input."""
    _KNOWN[key_of(script)] = model


def model_of(script: str) -> Model | None:
    return _KNOWN.get(key_of(script))
