"""Live experiments that run on a host: each module is one script for ``RemoteHost.python_as_root``.

The scripts need nothing on the host but Python 3.9 and what they probe. They share ``host``, which travels with them,
and each prints one JSON document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from praxisschild.checks import not_tested
from praxisschild.travelling import program

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost


def script(name: str) -> str:
    """The probe's source, complete with what it shares with the others, ready to run as one Python program.

    Raises:
        FileNotFoundError: there is no such probe.
    """
    return program(f"{__name__}.{name}")


# Longer than any probe allows itself: it ends by itself, cleans up and says why.
PATIENCE = 300  # seconds
# What a probe could not find out stays unknown for the rest of the run: each costs seconds, and many checks ask.
_answers: WeakKeyDictionary[RemoteHost, dict[tuple[str, ...], Any]] = WeakKeyDictionary()


def ask(remote: RemoteHost, name: str, *arguments: str) -> Any:
    """The probe's answer; it runs once per connection however many checks ask.

    Raises:
        Verdict: not tested, with the probe's own reason.
    """
    answers = _answers.setdefault(remote, {})
    question = (name, *arguments)
    if question not in answers:
        try:
            answers[question] = remote.python_as_root(script(name), *arguments, timeout=PATIENCE)
        except RuntimeError as error:
            answers[question] = {"error": str(error)}
    answer = answers[question]
    if isinstance(answer, dict) and "error" in answer:
        not_tested(f"Die Probe war nicht möglich: {answer['error']}")
    return answer
