"""systemd units of a batch: read in one call, changed in one call per verb."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible.module_utils.praxisschild.files import BatchError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str]]

# `static` and `generated` units cannot be enabled and need not be; `alias` follows the unit it points to
COUNTS_AS_ENABLED = {"enabled", "static", "generated", "alias", "transient"}
COUNTS_AS_ACTIVE = {"active", "activating", "reloading", "refreshing"}
# systemd calls a service of these types started before it has done anything
UNPROVEN_TYPES = {"simple", "exec", "idle"}
PROBATION = 1.0  # seconds
LOOKS = 20
JOURNAL_LINES, LINE_LENGTH = 8, 300
# verb -> what takes it back
OPPOSITE = {
    "unmask": "mask",
    "enable": "disable",
    "disable": "enable",
    "mask": "unmask",
    "stop": "start",
    "start": "stop",
}


@dataclass
class Plan:
    """What has to be done to the units: verb -> unit names, in the order of `OPPOSITE`."""

    verbs: dict[str, list[str]] = field(default_factory=lambda: {verb: [] for verb in OPPOSITE})
    items: list[dict[str, Any]] = field(default_factory=list)
    diff: list[dict[str, Any]] = field(default_factory=list)

    @property
    def needed(self) -> bool:
        """Whether any unit is not as it should be."""
        return any(self.verbs.values())

    def undo_before(self) -> list[list[str]]:
        """Commands that take back what came in, to be run while the new unit files are still there."""
        started = self.verbs["start"]
        # a unit that could not start would be listed as failed for ever after
        forgotten = [["systemctl", "reset-failed", *started]] if started else []
        return [*self._opposites(("start",)), *forgotten, *self._opposites(("enable", "unmask"))]

    def undo_after(self) -> list[list[str]]:
        """Commands that bring back what was there, to be run once the old unit files are back."""
        return self._opposites(("mask", "disable", "stop"))

    def _opposites(self, verbs: tuple[str, ...]) -> list[list[str]]:
        return [["systemctl", OPPOSITE[verb], *self.verbs[verb]] for verb in verbs if self.verbs[verb]]

    def retire(self, names: set[str], run: Run) -> None:
        """Stop and disable units whose file is about to go: systemd disables only what it can still read.

        Raises:
            BatchError: systemd refuses; its output is in the text.
        """
        going = {verb: [name for name in self.verbs[verb] if name in names] for verb in ("disable", "stop")}
        Plan(verbs=going).apply(run, lambda: None)
        for verb, done in going.items():
            self.verbs[verb] = [name for name in self.verbs[verb] if name not in done]

    def apply(self, run: Run, sign_of_life: Callable[[], None]) -> None:
        """Bring every unit to its state.

        Raises:
            BatchError: systemd refuses, or a unit did not stay up; what systemd and the unit said is in the text.
        """
        for verb, names in self.verbs.items():
            if names:
                sign_of_life()
                command = ["systemctl", verb, *names]
                code, output = run(command)
                if code:
                    why = explain(names, run) if verb == "start" else ""
                    raise BatchError(why or f"{' '.join(command)} ended with {code}: {output.strip()}")


def explain(names: list[str], run: Run) -> str:
    """Why units do not run, from systemd and from their own last lines in the journal; empty if none has failed."""
    return _obituaries([state for state in _show(names, run) if _has_failed(state)], run)


def prove(names: list[str], run: Run) -> None:
    """Look again after a moment at services that systemd calls started before they have done anything.

    Raises:
        BatchError: one has ended already; the text says why.
    """
    first = _show(names, run)
    if any(state.get("Type") in UNPROVEN_TYPES for state in first):
        time.sleep(PROBATION)
    restarts = {state.get("Id"): state.get("NRestarts") for state in first}
    dead = []
    for state in _show(names, run):
        if _has_failed(state):
            dead.append(state)
        elif state.get("NRestarts") != restarts[state.get("Id")]:
            # one that dies and comes back may be running at the very moment of the second look
            dead.append(_seen_dead(state, run))
    if dead:
        raise BatchError(_obituaries(dead, run))


def _seen_dead(state: dict[str, str], run: Run) -> dict[str, str]:
    """The same unit between two of its lives, where it tells how it ended; as it was if it lives too long for that."""
    for _ in range(LOOKS):
        (later,) = _show([state["Id"]], run)
        if _has_failed(later):
            return later
        time.sleep(PROBATION / LOOKS)
    return state


def _show(names: list[str], run: Run) -> list[dict[str, str]]:
    if not names:
        return []
    properties = "Id,Type,ActiveState,SubState,Result,ExecMainStatus,NRestarts,InactiveExitTimestampMonotonic"
    _, output = run(["systemctl", "show", f"--property={properties}", "--", *names])
    blocks = output.strip().split("\n\n")
    return [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]


def _has_failed(state: dict[str, str]) -> bool:
    # a unit that systemd starts again and again is never `failed`
    return state.get("ActiveState") == "failed" or state.get("SubState") == "auto-restart"


def _obituaries(states: list[dict[str, str]], run: Run) -> str:
    return "; ".join(_obituary(state, run) for state in states)


def _obituary(state: dict[str, str], run: Run) -> str:
    name, result, status = state.get("Id", ""), state.get("Result", ""), state.get("ExecMainStatus", "0")
    how = f"{result}, exit status {status}" if status not in {"0", ""} else result
    run(["journalctl", "--sync"])  # what the unit said last may still be on its way
    # not by invocation: the journal does not always learn it of a process that ends at once
    running = time.monotonic() - int(state.get("InactiveExitTimestampMonotonic") or 0) / 1_000_000
    since = f"--since=@{time.time() - running - 1:.0f}"
    command = [
        "journalctl",
        "--quiet",
        "--output=cat",
        "--no-pager",
        f"--lines={JOURNAL_LINES}",
        since,
        f"--unit={name}",
    ]
    code, output = run(command)
    lines = [line.strip()[:LINE_LENGTH] for line in output.splitlines() if line.strip()] if code == 0 else []
    said = f"its journal: {' | '.join(lines)}" if lines else "its journal says nothing"
    return f"{name} does not run ({how}); {said}"


def plan(units: list[dict[str, Any]], run: Run) -> Plan:
    """Compare the units with what systemd says of them."""
    found = Plan()
    states = _states([unit["name"] for unit in units], run)
    for number, unit in enumerate(units):
        state = states[number]
        wanted = _verbs(unit, state)
        for verb in wanted:
            found.verbs[verb].append(unit["name"])
        item = {
            "kind": "unit",
            "name": unit["name"],
            "changed": bool(wanted),
            "requirements": unit["requirements"],
            "state": _description(unit),
        }
        if wanted and state["LoadState"] == "not-found" and "mask" not in wanted:
            item["deferred"] = "the unit is not there yet"
        found.items.append(item)
        if wanted:
            before = {
                "load": state["LoadState"],
                "enabled": state["UnitFileState"] or "-",
                "active": state["ActiveState"],
            }
            after = {**before, **_after(wanted)}
            header = {"before_header": unit["name"], "after_header": unit["name"]}
            found.diff.append({**header, "before": before, "after": after})
    return found


def _states(names: list[str], run: Run) -> list[dict[str, str]]:
    if not names:
        return []
    code, output = run(["systemctl", "show", "--property=LoadState,ActiveState,UnitFileState", "--", *names])
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in output.strip().split("\n\n")]
    if code or len(blocks) != len(names) or any("LoadState" not in block for block in blocks):
        raise BatchError(f"systemctl show {' '.join(names)} ended with {code}: {output.strip()}")
    return [{"UnitFileState": "", "ActiveState": "inactive", **block} for block in blocks]


def _verbs(unit: dict[str, Any], state: dict[str, str]) -> list[str]:
    is_masked = state["LoadState"] == "masked"
    is_active = state["ActiveState"] in COUNTS_AS_ACTIVE
    if unit["masked"]:
        return ([] if is_masked else ["mask"]) + (["stop"] if is_active else [])
    verbs = ["unmask"] if is_masked and unit["masked"] is False else []
    is_enabled = state["UnitFileState"] in COUNTS_AS_ENABLED
    can_be_disabled = state["UnitFileState"] in {"enabled", "enabled-runtime", "linked"}
    if unit["enabled"] and not is_enabled:
        verbs.append("enable")
    if unit["enabled"] is False and can_be_disabled:
        verbs.append("disable")
    if unit["state"] == "started" and not is_active:
        verbs.append("start")
    if unit["state"] == "stopped" and is_active:
        verbs.append("stop")
    return verbs


def _after(verbs: list[str]) -> dict[str, str]:
    effects = {
        "mask": {"load": "masked", "enabled": "masked"},
        "unmask": {"load": "loaded"},
        "enable": {"enabled": "enabled"},
        "disable": {"enabled": "disabled"},
        "start": {"active": "active"},
        "stop": {"active": "inactive"},
    }
    result: dict[str, str] = {}
    for verb in verbs:
        result.update(effects[verb])
    return result


def _description(unit: dict[str, Any]) -> str:
    if unit["masked"]:
        return "masked"
    words = [unit["state"], {True: "enabled", False: "disabled", None: None}[unit["enabled"]]]
    return ", ".join(word for word in words if word) or "unmasked"
