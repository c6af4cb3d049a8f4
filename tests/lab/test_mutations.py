"""Break it, and exactly the checks of that turn red; apply the role, and all are green again.

Every mutation is a test of its own. Those of one host that no check sees twice pile up: they are done one after the
other, the host's state is kept after each, all states are judged together, and one apply mends the pile.

``MUTATIONS=all pytest tests/lab/test_mutations.py -k firewall`` runs one role's, ``-k "not probe"`` leaves experiments
out; with ``MUTATIONS_INSTANCE=0`` they run on the hardened hosts that are up as that instance of the lab.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from praxisschild import collector, traceability
from praxisschild.errors import HostUnreachable
from praxisschild.results import CheckResult, Status
from tests.lab.conftest import HAUSBESUCH, PROJECT, Lab, name_of
from tests.lab.mutations import Mutation, choice, chosen, every, piles

if TYPE_CHECKING:
    from pathlib import Path

    from praxisschild.connection import RemoteHost

INSTANCE = 5
NOTEBOOK = "notebook-1"
COMPLIANCE = PROJECT / "tests/compliance"
FILES = {check.name: check.file for check in traceability.checks(COMPLIANCE)}

Found = dict[str, list[CheckResult]]  # by function


@dataclass
class Outcome:
    """What a mutation's command said, and what the checks said before and after it."""

    said: str
    before: Found
    after: Found


@dataclass
class Ward:
    """One host while it is broken bit by bit."""

    lab: Lab
    host: str
    work: Path
    remote: RemoteHost
    last: Found = field(default_factory=dict)
    # what a deviation of the practice excuses, before anything is broken
    excused: set[str] = field(default_factory=set)
    broken: dict[str, Mutation] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    others: dict[str, RemoteHost] = field(default_factory=dict)

    def break_(self, pile: dict[str, Mutation]) -> None:
        """Do one mutation after the other, and see what the checks say of each."""
        self.broken |= pile
        if any(mutation.probe for mutation in pile.values()):
            for name, mutation in pile.items():
                said = self.shell(mutation.command, mutation.at)
                before, self.last = self.last, {**self.last, **self.judge(*experiments(mutation))}
                self.outcomes[name] = Outcome(said, before, self.last)
            return
        folder = self.work / f"states-{len(self.outcomes)}"
        folder.mkdir()
        said = {}
        for number, (name, mutation) in enumerate(pile.items()):
            said[name] = self.shell(mutation.command, mutation.at)
            self.keep(folder / f"state{number:03}.json")
        states = self.judge_states(folder)
        for number, name in enumerate(pile):
            before, self.last = self.last, states.get(number, {})
            self.outcomes[name] = Outcome(said[name], before, self.last)

    def mend(self) -> list[str]:
        """Put right what was broken; returns the checks that are red nevertheless."""
        pile, self.broken = self.broken, {}
        for mutation in pile.values():
            if mutation.undo:
                self.shell(mutation.undo, mutation.at)
        roles = sorted({mutation.role for mutation in pile.values()})
        hosts = sorted({self.host, *(mutation.at for mutation in pile.values() if mutation.at)})
        self.lab.apply("--limit", ",".join(hosts), "--tags", ",".join(roles))
        self.last = self.judge(str(COMPLIANCE), "--no-probes")
        for selection in sorted({experiments(mutation) for mutation in pile.values() if mutation.probe}):
            self.last |= self.judge(*selection)
        return [described(name, self.last) for name in red(self.last) - self.excused]

    def shell(self, command: str, at: str = "") -> str:
        """Output of a shell command that runs as root, here or at another host."""
        if at and at not in self.others:
            self.others[at] = self.lab.connect(at)
        script = (
            "import subprocess; r = subprocess.run(sys.argv[1], shell=True, capture_output=True, text=True); "
            "print(json.dumps((r.stdout + r.stderr).strip()))"
        )
        try:
            remote = self.others[at] if at else self.remote
            return str(remote.python_as_root(script, command, timeout=300))
        except (HostUnreachable, RuntimeError) as error:
            return str(error)

    def keep(self, path: Path) -> None:
        """Write down the state that the host is in; without a way in there is none."""
        for _ in range(3):
            try:
                document = self.remote.python_as_root(collector.linux_script(), timeout=300)
            except (HostUnreachable, RuntimeError):
                return
            if not any("TimeoutExpired" in error["message"] for error in document["errors"]):
                break  # on a busy machine a section may take too long, and is then asked for again
        path.write_text(json.dumps(document), encoding="utf-8")
        # what the run itself takes for the host's state
        (path.parent / "replayed").mkdir(exist_ok=True)
        (path.parent / "replayed" / f"{self.host}.json").write_text(json.dumps(document), encoding="utf-8")

    def judge(self, *selection: str) -> Found:
        """What the checks say of the host now."""
        return by_function(self.lab.judge(self.work, f"--host={self.host}", *selection).checks)

    def judge_states(self, folder: Path) -> dict[int, Found]:
        """What the checks say of each state in the folder, by its number."""
        options = ["-p", "tests.lab.states", f"--states={folder}", f"--replay={folder / 'replayed'}"]
        run = self.lab.judge(self.work, str(COMPLIANCE), f"--host={self.host}", *options)
        states: dict[int, list[CheckResult]] = {}
        for check in run.checks:
            state = re.search(r"\bstate(\d{3})\b", check.check)
            if state:
                states.setdefault(int(state[1]), []).append(check)
        return {number: by_function(checks) for number, checks in states.items()}


def by_function(checks: tuple[CheckResult, ...] | list[CheckResult]) -> Found:
    found: Found = {}
    for check in checks:
        found.setdefault(name_of(check), []).append(check)
    return found


def experiments(mutation: Mutation) -> tuple[str, ...]:
    """What pytest runs to see a mutation that only experiments notice."""
    files = sorted({str(FILES[name]) for name in mutation.red})
    return (*files, "-k", mutation.only) if mutation.only else tuple(files)


def red(found: Found) -> set[str]:
    return {name for name, checks in found.items() if any(check.status is Status.FAILED for check in checks)}


def described(name: str, found: Found) -> str:
    """A check with what it measured, for the message of a test that failed."""
    checks = found.get(name, [])
    loudest = [check for check in checks if check.status is Status.FAILED] or checks
    words = [
        f"{check.status.value}: {' '.join((*check.measured, check.reason, check.detail))}" for check in loudest[:3]
    ]
    return f"{name} ({'; '.join(words) or 'was not run'})"


@pytest.fixture(scope="session")
def wards() -> dict[str, Ward]:
    """The hosts that have been hardened for this, by name."""
    found: dict[str, Ward] = {}
    yield found
    for ward in found.values():
        for remote in (ward.remote, *ward.others.values()):
            remote.close()


@pytest.fixture(scope="session")
def practice():
    """A practice of its own, so that the main job need not wait; while one writes mutations, the one that is up."""
    if "MUTATIONS_INSTANCE" in os.environ:
        yield Lab(int(os.environ["MUTATIONS_INSTANCE"]))
        return
    lab = Lab(INSTANCE)
    lab.hosts("down")
    lab.hosts("up")
    lab.apply()
    yield lab
    lab.hosts("down")


@pytest.fixture(scope="session")
def travelling(request) -> Lab:
    """The notebook, hardened; while one writes mutations, the one that is up."""
    if "MUTATIONS_INSTANCE" in os.environ:
        return Lab(int(os.environ["MUTATIONS_INSTANCE"]), HAUSBESUCH)
    found: Lab = request.getfixturevalue("notebook")
    found.apply()
    return found


@pytest.fixture
def ward(request, wards, tmp_path_factory, host) -> Ward:
    """The hardened host, and what the checks said of it at the beginning."""
    if host not in wards:
        lab = request.getfixturevalue("travelling" if host == NOTEBOOK else "practice")
        found = Ward(lab, host, tmp_path_factory.mktemp(host), lab.connect(host))
        run = lab.judge(found.work, f"--host={host}", str(COMPLIANCE), "--no-probes")
        found.last = by_function(run.checks)
        judged = [check for row in run.requirements for verdict in row.hosts for check in verdict.checks]
        found.excused = {name_of(check) for check in judged if check.status is Status.DEVIATION}
        wards[host] = found
    return wards[host]


def steps() -> list[object]:
    """Every mutation of the chosen ones, and after each pile the step that mends it."""
    found = []
    for number, pile in enumerate(piles(chosen(every(), choice()))):
        first = next(iter(pile.values()))
        host, kind = first.host, "probe" if first.probe else "state"
        group = pytest.mark.xdist_group("notebook" if host == NOTEBOOK else "mutations")
        roles = ", ".join(sorted({mutation.role for mutation in pile.values()}))
        names = [(name, f"{host}-{kind}-{name}") for name in pile]
        names.append((None, f"{host}-{kind}-{roles} mend pile {number}"))
        found += [pytest.param(host, number, name, id=title, marks=group) for name, title in names]
    return found


@pytest.mark.parametrize(("host", "pile", "name"), steps())
def test_exactly_the_checks_of_what_breaks_turn_red_and_the_role_mends_it(request, ward, pile, name):
    if name is None:
        broken = ", ".join(ward.broken)
        still_red = ward.mend()
        if still_red:
            pytest.fail("\n".join([f"still red after these were mended: {broken}", *still_red]), pytrace=False)
        return
    mutations = every()
    if name not in ward.outcomes:
        params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
        together = [one["name"] for one in params if one.get("pile") == pile and one.get("name")]
        ward.break_({one: mutations[one] for one in together})
    mutation, outcome = mutations[name], ward.outcomes[name]
    turned, healed = red(outcome.after) - red(outcome.before), red(outcome.before) - red(outcome.after)
    wrong = {
        "should be red and is not": {described(check, outcome.after) for check in mutation.red - turned},
        "is red and should not be": {described(check, outcome.after) for check in turned - mutation.red},
        "was red from an earlier mutation and is so no longer": {described(check, outcome.after) for check in healed},
    }
    if any(wrong.values()):
        lines = [f"{what}: {', '.join(sorted(checks))}" for what, checks in wrong.items() if checks]
        done = f"{name}, on {ward.host}: {mutation.command}\nthe command said: {outcome.said or 'nothing'}"
        pytest.fail("\n".join([done, *lines]), pytrace=False)
