"""What a careless hand does to a Windows host, one small change each, and which checks must notice it.

A module per role holds ``MUTATIONS: dict[str, Mutation]``; its keys say what happened. ``test_windows_mutations.py``
runs them on the stand-ins.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Mutation:
    """One change to a hardened stand-in.

    ``changes`` are those of ``lab/lab.py windows HOST``: ``("set", path, value)`` or ``("unset", path)``; ``{machine}``
    is the computer's SID. ``red`` names the check functions that go red on ``host`` because of it, all of
    them and no other. Applying ``role`` puts things right again, unless ``mended`` says that no role may.
    """

    host: str
    changes: tuple[tuple[str, ...], ...]
    red: frozenset[str]
    role: str
    mended: bool = True


def every() -> dict[str, Mutation]:
    """All mutations, each named after its module and what happens."""
    return {
        f"{module.name}: {what}": mutation
        for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name)
        for what, mutation in import_module(f"{__name__}.{module.name}").MUTATIONS.items()
    }
