"""The main job on real hosts: red before, molecule's sequence, green after, and exact red when somebody breaks it."""

from __future__ import annotations

import pytest

from praxisschild.results import Section, Status
from tests.lab.conftest import MUSTERPRAXIS, recap

pytestmark = pytest.mark.xdist_group("practice")

# Checks that an untouched Debian host already passes, each with the reason why it cannot be red there.
PASSES_UNTOUCHED: dict[str, str] = {}


def test_no_automated_check_passes_on_an_untouched_host(untouched):
    passed = {check.check.split("[")[0] for check in untouched.checks if check.status is Status.PASSED}
    assert passed - PASSES_UNTOUCHED.keys() == set()


def test_every_host_was_really_looked_at(untouched):
    assert all(host.reached for host in untouched.hosts)
    assert {check.host for check in untouched.checks} == {"arbeitsplatz-1", "arbeitsplatz-2", "server-1"}


@pytest.mark.parametrize("scenario", ["server", "arbeitsplaetze"])
def test_molecule_check_converge_idempotence_verify(scenarios, scenario):
    done = scenarios[scenario]
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    for step in ("check", "converge", "idempotence", "verify"):
        assert f"{step}: Executed: Successful" in _plain(done.stdout + done.stderr), step


def _plain(text: str) -> str:
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.fixture(scope="session")
def verified(hardened, tmp_path_factory):
    return hardened.verify(tmp_path_factory.mktemp("verified"))


def test_after_the_baseline_every_automated_check_passes(verified):
    failed = [(check.check, check.host, check.detail) for check in verified.checks if check.status is Status.FAILED]
    assert failed == []
    not_tested = [
        (check.check, check.host, check.reason) for check in verified.checks if check.status is Status.NOT_TESTED
    ]
    assert not_tested == []


def test_the_report_has_one_row_for_every_requirement_of_the_edition(verified, catalogue):
    rows = [row.id for row in verified.requirements if row.section is Section.DIRECTIVE]
    assert rows == [requirement.id for requirement in catalogue.edition("2025")]
    automated = {row.id for row in verified.requirements if row.status is Status.PASSED}
    assert {"2025-A1-11", "2025-A1-19", "2025-A1-21", "2025-A1-25", "2025-A1-46", "2025-A2-03"} <= automated


def test_a_second_apply_changes_nothing(hardened):
    counts = recap(hardened.apply().stdout)
    assert {host: count["changed"] + count["failed"] for host, count in counts.items()} == dict.fromkeys(
        ["arbeitsplatz-1", "arbeitsplatz-2", "server-1"], 0
    )


# host, role that puts it right, what a careless hand does, checks that must go red
BREAKS = [
    pytest.param(
        "arbeitsplatz-1",
        "endpoint_hardening",
        "sed -i 's/idle-delay=uint32 .*/idle-delay=uint32 3600/' /etc/dconf/db/local.d/*praxisschild* && dconf update",
        "2021-A1-13",
        id="screen lock after an hour",
    ),
]


@pytest.mark.parametrize(("host", "role", "command", "requirement"), BREAKS)
def test_a_broken_host_fails_exactly_there_and_the_role_puts_it_right(
    hardened, tmp_path, host, role, command, requirement
):
    hardened.shell(host, command)
    broken = hardened.verify(tmp_path, "--host", host, "--no-probes")
    red = [check for check in broken.checks if check.status is Status.FAILED]
    assert red
    assert all(requirement in check.requirements for check in red), [(c.check, c.detail) for c in red]
    hardened.apply("--limit", host, "--tags", role)
    mended = hardened.verify(tmp_path, "--host", host, "--no-probes")
    assert not [check for check in mended.checks if check.status is Status.FAILED]


def test_an_unreachable_host_is_not_tested_and_never_passes(hardened, tmp_path):
    hardened.hosts("down", "arbeitsplatz-2")
    try:
        run = hardened.verify(tmp_path, "--host", "arbeitsplatz-2", "--no-probes")
    finally:
        hardened.hosts("up", "arbeitsplatz-2")
        hardened.apply("--limit", "arbeitsplatz-2")
    assert not run.hosts[0].reached
    assert {check.status for check in run.checks} == {Status.NOT_TESTED}
    assert all("nicht erreichbar" in check.reason for check in run.checks)


def test_the_inventory_folder_is_the_one_people_read():
    assert (MUSTERPRAXIS / "group_vars/all/praxis.yml").exists()
