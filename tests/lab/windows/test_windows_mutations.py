"""Break a hardened Windows stand-in, and exactly its checks turn red; apply the roles, and all are green again.

``WINDOWS_MUTATIONS_INSTANCE=0`` runs them on the hardened stand-ins that are up as that instance; ``-k firewall`` runs
one role's.
"""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from lab.windows import edit
from lab.windows.kinds import machine_sid
from praxisschild.inventory import Inventory
from praxisschild.results import CheckResult, Run, Status
from praxisschild.windows_connection import WindowsHost
from tests.lab.conftest import PROJECT, Lab, name_of
from tests.lab.mutations import choice, share
from tests.lab.windows_mutations import Mutation, every

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("windows_practice")
WINDOWSPRAXIS = PROJECT / "inventories/windowspraxis"
HOSTS = ("pc-1", "pc-2", "winserver-1")
INSTANCE = 6
COMPLIANCE = PROJECT / "tests/compliance"
FIREWALL = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall"
# what makes up a stand-in's state, beside its programs and its log
PARTS = ("state.json", "registry", "drives")

# what a deviation of the model practice excuses: two of its hosts are in no domain
OF_A_DOMAIN = frozenset({"test_windows_belongs_to_a_domain", "test_old_ways_to_log_in_are_refused_or_written_down"})
EXCUSED = {"pc-1": OF_A_DOMAIN, "winserver-1": OF_A_DOMAIN}

Found = dict[str, list[CheckResult]]  # by function


def by_function(checks: Iterable[CheckResult]) -> Found:
    found: Found = {}
    for check in checks:
        found.setdefault(name_of(check), []).append(check)
    return found


def red(found: Found) -> set[str]:
    return {name for name, checks in found.items() if any(check.status is Status.FAILED for check in checks)}


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        # whole or not at all: the host looks into it every second
        shutil.copy2(source, target.with_suffix(".copy"))
        target.with_suffix(".copy").replace(target)


def described(name: str, found: Found) -> str:
    checks = found.get(name, [])
    loudest = [check for check in checks if check.status is Status.FAILED] or checks
    words = [f"{one.status.value}: {' '.join((*one.measured, one.reason, one.detail))}" for one in loudest[:3]]
    return f"{name} ({'; '.join(words) or 'was not run'})"


class Practice:
    """The stand-ins of one instance of the lab, hardened."""

    def __init__(self, lab: Lab, work: Path) -> None:
        self.lab = lab
        self.work = work

    def folder(self, host: str) -> Path:
        return PROJECT / ".lab" / str(self.lab.instance) / host

    def change(self, mutation: Mutation) -> None:
        host = self.folder(mutation.host)
        for verb, *words in mutation.changes:
            here = [word.replace("{machine}", machine_sid(mutation.host)) for word in words]
            (edit.put if verb == "set" else edit.drop)(host, *here)

    def keep(self, host: str) -> None:
        kept = self.work / f"kept-{host}"
        kept.mkdir()
        for part in PARTS:
            source = self.folder(host) / part
            _copy(source, kept / part)

    def put_back(self, host: str) -> None:
        for part in PARTS:
            source, target = self.work / f"kept-{host}" / part, self.folder(host) / part
            if source.is_dir():
                shutil.rmtree(target)
            _copy(source, target)

    def connect(self, host: str) -> WindowsHost:
        os.environ["LAB_INSTANCE"] = str(self.lab.instance)
        return WindowsHost(Inventory(WINDOWSPRAXIS).windows_connection(host))

    def states(self, remote: WindowsHost, mutations: dict[str, Mutation]) -> dict[str, Found]:
        """What the checks say of the host after each of these changes, each made alone."""
        host = remote.name
        folder = self.work / f"states-{host}"
        (folder / "replayed").mkdir(parents=True)
        self.keep(host)
        for number, mutation in enumerate(mutations.values()):
            self.change(mutation)
            try:
                text = json.dumps(remote.snapshot_document())
            finally:
                self.put_back(host)
            (folder / f"state{number:03}.json").write_text(text)
            (folder / "replayed" / f"{host}.json").write_text(text)
        remote.close()
        options = ["-p", "tests.lab.states", f"--states={folder}", f"--replay={folder / 'replayed'}", "--no-probes"]
        run = self.lab.judge(self.work / host, str(COMPLIANCE), f"--host={host}", *options)
        names = list(mutations)
        found: dict[str, list[CheckResult]] = {name: [] for name in names}
        for check in run.checks:
            found[names[int(check.check.partition("state")[2][:3])]].append(check)
        return {name: by_function(checks) for name, checks in found.items()}

    def verify(self) -> Run:
        return self.lab.judge(self.work / "verify", str(COMPLIANCE), "--no-probes", f"--host={','.join(HOSTS)}")


@pytest.fixture(scope="session")
def practice(tmp_path_factory):
    work = tmp_path_factory.mktemp("windows-mutations")
    if "WINDOWS_MUTATIONS_INSTANCE" in os.environ:
        yield Practice(Lab(int(os.environ["WINDOWS_MUTATIONS_INSTANCE"]), WINDOWSPRAXIS), work)
        return
    lab = Lab(INSTANCE, WINDOWSPRAXIS)
    lab.hosts("down", *HOSTS)
    lab.hosts("fresh", *HOSTS)
    lab.apply()
    yield Practice(lab, work)
    lab.hosts("down", *HOSTS)


@pytest.fixture(scope="session")
def healthy(practice) -> dict[str, Found]:
    """What the checks say of the hardened hosts, before anything is broken."""
    checks = practice.verify().checks
    return {host: by_function(one for one in checks if one.host == host) for host in HOSTS}


@pytest.fixture(scope="session")
def broken(request, practice, healthy) -> dict[str, Found]:
    """What the checks say after each chosen mutation."""
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    chosen = {one["name"]: every()[one["name"]] for one in params if one.get("name") in every()}
    shares = [
        (practice.connect(host), {name: one for name, one in chosen.items() if one.host == host})
        for host in HOSTS
        if any(one.host == host for one in chosen.values())
    ]
    with ThreadPoolExecutor(max_workers=len(HOSTS)) as pool:
        done = pool.map(lambda share: practice.states(*share), shares)
    return {name: found for one in done for name, found in one.items()}


@pytest.mark.parametrize("host", HOSTS)
def test_a_hardened_host_has_nothing_red(healthy, host):
    assert {described(name, healthy[host]) for name in red(healthy[host]) - EXCUSED.get(host, set())} == set()


@pytest.mark.parametrize("name", share(every(), choice()))
def test_exactly_the_checks_of_what_breaks_turn_red(broken, healthy, name):
    mutation = every()[name]
    turned = red(broken[name]) - red(healthy[mutation.host])
    wrong = {
        "should be red and is not": {described(check, broken[name]) for check in mutation.red - turned},
        "is red and should not be": {described(check, broken[name]) for check in turned - mutation.red},
    }
    if any(wrong.values()):
        lines = [f"{what}: {', '.join(sorted(checks))}" for what, checks in wrong.items() if checks]
        pytest.fail("\n".join([f"{name}, on {mutation.host}: {mutation.changes}", *lines]), pytrace=False)


def test_the_roles_mend_what_was_broken(practice, broken, healthy):
    """All at once: what two mutations do to the same place, the later one does."""
    done = [name for name in broken if every()[name].mended]
    for name in done:
        practice.change(every()[name])
    assert practice.lab.apply().returncode == 0
    checks = practice.verify().checks
    for host in HOSTS:
        found = by_function(one for one in checks if one.host == host)
        assert {described(name, found) for name in red(found) - red(healthy[host])} == set()


def test_the_probe_hears_a_port_that_answers(practice):
    """Its packets are real ones: it knocks at a host that is up, not at a kept state."""
    knock = str(COMPLIANCE / "test_windows_probes_network.py")
    assert not red(by_function(practice.lab.judge(practice.work / "closed", knock, "--host=pc-1").checks))
    edit.put(practice.folder("pc-1"), rf"{FIREWALL}\PrivateProfile\AllowLocalPolicyMerge", "dword:1")
    try:
        found = by_function(practice.lab.judge(practice.work / "open", knock, "--host=pc-1").checks)
    finally:
        edit.put(practice.folder("pc-1"), rf"{FIREWALL}\PrivateProfile\AllowLocalPolicyMerge", "dword:0")
    assert "5985" in described("test_no_port_of_windows_answers_here_that_nobody_named", found)
    assert red(found) == {"test_no_port_of_windows_answers_here_that_nobody_named"}
