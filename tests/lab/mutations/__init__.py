"""What a careless hand or an attacker does to a host, one small change each, and which checks must notice it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One change to a hardened host.

    ``command`` runs as root in a shell on ``host``. ``red`` names the check functions that go red because of it, all of
    them and no other. Applying ``role`` puts the host right again; what no role may undo, ``undo`` does.
    ``probe`` says that the checks are experiments, which an ordinary run without probes leaves out.
    """

    host: str
    command: str
    red: frozenset[str]
    role: str
    undo: str = ""
    probe: bool = False
