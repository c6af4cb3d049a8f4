"""What a careless hand or an attacker does to a host, one small change each, and which checks must notice it.

A module per role holds ``MUTATIONS: dict[str, Mutation]``; its keys say what happened. ``test_mutations.py`` runs them.
"""

from __future__ import annotations

import os
import pkgutil
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHARES = 3
EMULATED = "notebook-1"


@dataclass(frozen=True)
class Mutation:
    """One change to a hardened host.

    ``command`` runs as root in a shell on ``host``, or ``at`` another host whose change only this one notices. ``red``
    names the check functions that go red on ``host`` because of it, all of them and no other. Applying ``role`` puts
    things right again; what no role may undo, ``undo`` does, where ``command`` ran.
    ``probe`` says that the checks are experiments, which an ordinary run without probes leaves out: then the test files
    of the named checks are run and nothing else; ``only`` narrows them further, in the words of pytest's ``-k``.
    ``alone`` keeps other mutations away: this one hampers what comes after it, for example by closing a way in.
    """

    host: str
    command: str
    red: frozenset[str]
    role: str
    undo: str = ""
    probe: bool = False
    only: str = ""
    alone: bool = False
    at: str = ""


def every() -> dict[str, Mutation]:
    """All mutations, each named after its module and what happens."""
    return {
        f"{module.name}: {what}": mutation
        for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name)
        for what, mutation in import_module(f"{__name__}.{module.name}").MUTATIONS.items()
    }


def choice() -> str:
    """What ``MUTATIONS`` asks for: ``all``, or a third by its number; a plain ``third`` is the one whose day it is.

    Raises:
        ValueError: it is none of them.
    """
    asked = os.environ.get("MUTATIONS") or "third"
    if asked == "third":
        return str(datetime.now(UTC).toordinal() % SHARES)
    if asked not in {"all", *map(str, range(SHARES))}:
        raise ValueError(f"MUTATIONS={asked}: choose all, third or the number of a third, 0 to {SHARES - 1}")
    return asked


def share(names: Iterable[str], asked: str) -> list[str]:
    """All names, or every third of them."""
    return [name for number, name in enumerate(names) if asked == "all" or number % SHARES == int(asked)]


def chosen(mutations: dict[str, Mutation], asked: str) -> dict[str, Mutation]:
    """The mutations of a choice; a third takes every third of them, so that each is run within three days.

    A third leaves out the emulated notebook, where one step takes minutes: ``all`` is for that.
    """
    if asked == "all":
        return mutations
    return {name: mutations[name] for name in share(mutations, asked) if mutations[name].host != EMULATED}


def piles(mutations: dict[str, Mutation]) -> list[dict[str, Mutation]]:
    """Mutations that one host can bear at the same time, because no check is made red by two of them.

    Experiments come after the rest, and by host, so that what was broken is put right as seldom as possible.
    """
    found: list[dict[str, Mutation]] = []
    for name, mutation in sorted(mutations.items(), key=lambda item: (item[1].host, item[1].probe)):
        for pile in found:
            first = next(iter(pile.values()))
            alike = (first.host, first.probe) == (mutation.host, mutation.probe)
            apart = not any(other.red & mutation.red or other.alone for other in pile.values())
            if alike and apart and not mutation.alone:
                pile[name] = mutation
                break
        else:
            found.append({name: mutation})
    return found
