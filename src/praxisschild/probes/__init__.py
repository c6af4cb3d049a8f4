"""Live experiments that run on a host: each module is one script for ``RemoteHost.python_as_root``.

The scripts need nothing on the host but Python 3.9 and what they probe. They share ``host``, which travels with them,
and each prints one JSON document.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from praxisschild.checks import not_tested

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost

_SHARED = "praxisschild.probes.host"
_BOOTSTRAP = """
import sys, types
shared, source = {shared!r}, {source!r}
for name in ("praxisschild", "praxisschild.probes"):
    sys.modules[name] = types.ModuleType(name)
module = sys.modules[{name!r}] = types.ModuleType({name!r})
exec(compile(shared, "<probes/host.py>", "exec"), module.__dict__)
exec(compile(source, {file!r}, "exec"), {{"__name__": "__main__"}})
"""


def script(name: str) -> str:
    """The probe's source, complete with what it shares with the others, ready to run as one Python program.

    Raises:
        FileNotFoundError: there is no such probe.
    """
    folder = files(__name__)
    return _BOOTSTRAP.format(
        name=_SHARED,
        shared=folder.joinpath("host.py").read_text(encoding="utf-8"),
        source=folder.joinpath(f"{name}.py").read_text(encoding="utf-8"),
        file=f"<probes/{name}.py>",
    )


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
            answers[question] = remote.python_as_root(script(name), *arguments, timeout=120)
        except RuntimeError as error:
            answers[question] = {"error": str(error)}
    answer = answers[question]
    if isinstance(answer, dict) and "error" in answer:
        not_tested(f"Die Probe war nicht möglich: {answer['error']}")
    return answer
