"""The main job on real hosts: red before, molecule's sequence, green after."""

from __future__ import annotations

import re

import pytest

from praxisschild.results import Part, Section, Status
from tests.lab.conftest import MUSTERPRAXIS, name_of, recap
from tests.lab.untouched import PASSES_UNTOUCHED

pytestmark = pytest.mark.xdist_group("practice")


def test_no_automated_check_passes_on_an_untouched_host(untouched):
    on_hosts = [check for check in untouched.checks if check.part is None]
    passed = [(name_of(check), check.host) for check in on_hosts if check.status is Status.PASSED]
    listed = PASSES_UNTOUCHED.keys()
    assert [(name, host) for name, host in passed if not {(name, host), (name, None)} & listed] == []


def test_every_host_was_really_looked_at(untouched):
    assert all(host.reached for host in untouched.hosts)
    hosts = {check.host for check in untouched.checks if check.part is None}
    assert hosts == {"arbeitsplatz-1", "arbeitsplatz-2", "server-1"}
    phones = {check.host for check in untouched.checks if check.part is Part.MDM}
    assert phones == {"tablet-anmeldung", "telefon-bereitschaft", None}


@pytest.mark.parametrize("scenario", ["server", "arbeitsplaetze"])
def test_molecule_check_converge_idempotence_verify(scenarios, scenario):
    done = scenarios[scenario]
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    for step in ("check", "converge", "idempotence", "verify"):
        assert f"{step}: Executed: Successful" in _plain(done.stdout + done.stderr), step


def _plain(text: str) -> str:
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


def test_an_unreachable_host_is_not_tested_and_never_passes(hardened, tmp_path):
    hardened.hosts("down", "arbeitsplatz-2")
    try:
        run = hardened.verify(tmp_path, "--host", "arbeitsplatz-2", "--no-probes")
        # a workstation that is switched off keeps nobody from correcting the others
        drift = hardened.run("praxisschild", "drift", str(MUSTERPRAXIS), code=None)
    finally:
        hardened.hosts("up", "arbeitsplatz-2")
        hardened.apply("--limit", "arbeitsplatz-2")
    assert drift.returncode == 0, drift.stdout[-3000:] + drift.stderr[-2000:]
    assert not run.hosts[0].reached
    assert {check.status for check in run.checks} == {Status.NOT_TESTED}
    assert all("nicht erreichbar" in check.reason for check in run.checks)
