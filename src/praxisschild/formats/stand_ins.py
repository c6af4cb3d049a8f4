"""Which of a run's figures come from stand-ins of the lab: every format says so beside the host's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from praxisschild.results import Run

MARK = "Nachbildung"
_Model = TypeVar("_Model", bound=BaseModel)


def marked(run: Run) -> Run:
    """The run with the mark behind each stand-in's name, wherever it stands; the same run if no host is one."""
    names = {host.name: f"{host.name} ({MARK})" for host in run.hosts if host.stand_in}
    if not names:
        return run

    def renamed(thing: _Model) -> _Model:
        host: str | None = getattr(thing, "host", None)
        return thing.model_copy(update={"host": names.get(host or "", host)})

    return run.model_copy(
        update={
            "hosts": tuple(one.model_copy(update={"name": names.get(one.name, one.name)}) for one in run.hosts),
            "checks": tuple(map(renamed, run.checks)),
            "requirements": tuple(
                row.model_copy(update={"hosts": tuple(map(renamed, row.hosts))}) for row in run.requirements
            ),
            "deviations": tuple(
                one
                if one.hosts == "all"
                else one.model_copy(update={"hosts": tuple(names.get(h, h) for h in one.hosts)})
                for one in run.deviations
            ),
            "dropped": tuple(map(renamed, run.dropped)),
            "drift": run.drift
            and run.drift.model_copy(
                update={
                    "drifted": tuple(map(renamed, run.drift.drifted)),
                    "corrected": tuple(map(renamed, run.drift.corrected)),
                }
            ),
        }
    )


def warning(run: Run) -> str:
    """What a report says of it at its head (German); empty if every host is a real one."""
    names = [host.name.removesuffix(f" ({MARK})") for host in run.hosts if host.stand_in]
    if not names:
        return ""
    said = "ist eine Nachbildung" if len(names) == 1 else "sind Nachbildungen"
    return (
        f"{', '.join(names)} {said}, kein echtes Windows. Was dieser Bericht davon sagt, zeigt, dass Praxisschild "
        "richtig einstellt und prüft, und ist kein Nachweis über einen Rechner der Praxis."
    )
