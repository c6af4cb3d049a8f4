"""The runner itself, as pytest sees it: markers, selection, verdicts and a host that nobody reaches."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.lab.untouched import PASSES_UNTOUCHED

pytest_plugins = ["pytester"]

CHECKS = """
import pytest
from praxisschild.checks import not_applicable, requirement

@requirement("2021-A1-13")
def test_screen_locks(snapshot):
    '''An open screen shows patient data.'''

@requirement("2021-A1-14")
def test_backup_runs(host_name, measured):
    '''Without a backup nothing comes back.'''
    measured("gesichert vor 3 Stunden")

@requirement("2021-A1-12")
def test_camera(host_name):
    '''A camera sees the treatment room.'''
    assert host_name == "server"

@requirement("2021-A1-08")
@pytest.mark.parametrize("folder", ["/srv/pvs"])
def test_browser(host_name, folder):
    '''A browser remembers.'''
    not_applicable("kein Browser installiert")

@requirement("2021-A1-10")
def test_crash(host_name):
    '''A check that breaks says nothing about the host.'''
    raise KeyError("unbekannt")
"""


@pytest.fixture
def practice(project, tmp_path):
    """The template with one host on a port of this machine where nobody listens."""
    folder = tmp_path / "praxis"
    shutil.copytree(project / "inventories/vorlage", folder)
    (folder / "hosts.yml").write_text("all: {hosts: {praxisserver: {ansible_host: 127.0.0.1, ansible_port: 9}}}\n")
    facts = folder / "group_vars/all/praxis.yml"
    text = facts.read_text(encoding="utf-8").replace("hosts: [anmeldung]", "hosts: [praxisserver]")
    facts.write_text(f"{text}\n  evidence: {{pdf: false}}\n", encoding="utf-8")
    access = folder / "group_vars/all/zugang.yml"
    access.write_text("ansible_user: betreuung\nansible_become_password: x\nansible_ssh_common_args: -F /dev/null\n")
    return folder


def results(pytester, practice, *arguments):
    evidence = pytester.path / "evidence"
    done = pytester.runpytest_subprocess("--practice", practice, "--evidence", evidence, "-p", "no:xdist", *arguments)
    found = sorted(evidence.glob("*/*/results.json"))
    return done, json.loads(found[-1].read_text(encoding="utf-8")) if found else None


@pytest.mark.slow
def test_verdicts_reach_the_results_and_an_unreachable_host_never_passes(pytester, practice):
    pytester.makepyfile(test_sample=CHECKS)
    done, run = results(pytester, practice)
    status = {check["check"].split("::")[1].split("[")[0]: check["status"] for check in run["checks"]}
    assert status == {
        "test_screen_locks": "not_tested",
        "test_backup_runs": "passed",
        "test_camera": "failed",
        "test_browser": "not_applicable",
        "test_crash": "not_tested",
    }
    assert any(
        "/srv/pvs" in check["check"] and check["check"].startswith("test_sample.py::") for check in run["checks"]
    )
    assert [host["reached"] for host in run["hosts"]] == [False]
    locks = next(check for check in run["checks"] if "locks" in check["check"])
    assert "nicht erreichbar" in locks["reason"]
    row = next(row for row in run["requirements"] if row["id"] == "2025-A1-21")
    assert row["status"] == "not_tested", "what passed on a host that was not reached counts for nothing"
    assert done.ret == 1
    assert not run["limits"]
    assert not list(pytester.path.glob("evidence/*/*/report.pdf")), "this practice does without"


@pytest.mark.slow
def test_a_check_keeps_its_name_when_a_parameter_is_a_folder(pytester, practice):
    marks = '@requirement("2021-A1-18")\n@pytest.mark.parametrize("folder", ["/var/tmp"])\n'
    source = f"import pytest\nfrom praxisschild.checks import requirement\n{marks}"
    pytester.makepyfile(test_sample=f"{source}def test_folder(host_name, folder):\n    'A folder.'\n")
    _, run = results(pytester, practice)
    assert [check["check"] for check in run["checks"]] == ["test_sample.py::test_folder[praxisserver-/var/tmp]"]


@pytest.mark.slow
@pytest.mark.parametrize(("limits", "drawn"), [((), True), (("--no-probes",), False)])
def test_a_whole_run_leaves_a_paper_and_a_part_does_not(pytester, practice, limits, drawn):
    facts = practice / "group_vars/all/praxis.yml"
    facts.write_text(facts.read_text(encoding="utf-8").replace("pdf: false", "pdf: true"), encoding="utf-8")
    pytester.makepyfile(test_sample=CHECKS)
    results(pytester, practice, *limits)
    assert bool(list(pytester.path.glob("evidence/*/*/report.pdf"))) == drawn


@pytest.mark.slow
def test_why_there_is_no_paper_is_said(pytester, practice, monkeypatch):
    facts = practice / "group_vars/all/praxis.yml"
    facts.write_text(facts.read_text(encoding="utf-8").replace("pdf: false", "pdf: true"), encoding="utf-8")
    fonts = pytester.path / "fonts.conf"
    fonts.write_text("<fontconfig></fontconfig>", encoding="utf-8")
    monkeypatch.setenv("FONTCONFIG_FILE", str(fonts))
    pytester.makepyfile(test_sample=CHECKS)
    done, run = results(pytester, practice)
    done.stdout.fnmatch_lines(["*no PDF can be drawn here*apt-get install*", "*report.html"])
    assert run["checks"]


@pytest.mark.slow
def test_one_requirement_can_be_chosen_in_any_numbering(pytester, practice):
    pytester.makepyfile(test_sample=CHECKS)
    done, run = results(pytester, practice, "--requirement", "2025-A1-21")
    done.assert_outcomes(passed=1, deselected=4)
    assert run["limits"]


@pytest.mark.slow
def test_a_run_that_reached_no_host_does_not_end_well(pytester, practice):
    pytester.makepyfile(test_sample=CHECKS)
    done, _run = results(pytester, practice, "--requirement", "2021-A1-13")
    assert done.ret == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("marker", "message"),
    [("", "names its requirement"), ('@requirement("2021-A1-77")', "did you mean")],
    ids=["no requirement", "unknown requirement"],
)
def test_a_check_without_a_known_requirement_stops_the_collection(pytester, practice, marker, message):
    pytester.makepyfile(
        test_sample=f"from praxisschild.checks import requirement\n{marker}\ndef test_x(host_name):\n    '''Why.'''\n"
    )
    done, _run = results(pytester, practice)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"*{message}*"])


@pytest.mark.slow
def test_a_deviation_still_runs_and_shows_as_such(pytester, practice):
    facts = practice / "group_vars/all/praxis.yml"
    today = datetime.now(UTC).date()
    text = facts.read_text(encoding="utf-8").replace(
        "  deviations: []\n",
        "  deviations:\n    - {requirement: 2025-A1-18, reason: Videosprechstunde am Platz, "
        "compensation: Klappe vor der Kamera, risk: niedrig, approved_by: Praxisinhaberin, "
        f"approved_on: {today}, expires: {today + timedelta(days=30)}}}\n",
    )
    facts.write_text(text, encoding="utf-8")
    pytester.makepyfile(test_sample=CHECKS)
    done, run = results(pytester, practice, "--requirement", "2025-A1-18")
    done.assert_outcomes(xfailed=1, deselected=4)
    assert [check["status"] for check in run["checks"]] == ["failed"]
    assert run["deviations"][0]["approved_by"] == "Praxisinhaberin"


@pytest.mark.slow
def test_an_unknown_host_is_named(pytester, practice):
    pytester.makepyfile(test_sample=CHECKS)
    done, _run = results(pytester, practice, "--host", "drucker")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*drucker*praxisserver*"])


@pytest.mark.slow
def test_checks_of_the_file_share_see_a_careless_share(pytester, practice, project):
    """No role sets shares and the lab's is in order, so a recorded share that is loosened shows that they can fail."""
    facts = practice / "group_vars/all/praxis.yml"
    facts.write_text(facts.read_text(encoding="utf-8").replace("size: praxis", "size: gross"), encoding="utf-8")
    kept = pytester.mkdir("kept")
    document = json.loads((project / "tests/data/snapshots/fresh/server-1.json").read_text(encoding="utf-8"))
    document["samba"]["shares"]["freigabe"]["guest ok"] = "Yes"
    document["samba"]["options"]["server smb encrypt"] = "off"
    (kept / "praxisserver.json").write_text(json.dumps(document), encoding="utf-8")
    checks = [
        f"{project}/tests/compliance/test_account_policy.py::test_shared_folders_are_for_named_groups",
        f"{project}/tests/compliance/test_endpoint_hardening.py::test_file_shares_are_encrypted",
    ]
    done, run = results(pytester, practice, "--replay", kept, *checks)
    done.assert_outcomes(failed=2)
    assert {check["status"] for check in run["checks"]} == {"failed"}


@pytest.mark.slow
def test_a_bundles_own_states_are_judged_again_and_the_next_run_tells_what_changed(pytester, practice, project):
    """What a run keeps is enough to repeat its checks; a state that got worse is in the next report's trend."""
    kept = pytester.mkdir("kept")
    document = json.loads((project / "tests/data/snapshots/hardened/server-1.json").read_text(encoding="utf-8"))
    (kept / "praxisserver.json").write_text(json.dumps(document), encoding="utf-8")
    check = f"{project}/tests/compliance/test_firewall.py"
    _, first = results(pytester, practice, "--replay", kept, check)
    (bundle,) = (path.resolve() for path in (pytester.path / "evidence").glob("*/latest"))
    assert [host["snapshot"] for host in first["hosts"]] == ["snapshots/praxisserver.json.gz"]
    assert (first["edition"]["name"], first["edition"]["in_force"]) == ("2025", "2025")
    assert first["attestations"] == []
    assert (len(first["trend"]["runs"]), first["trend"]["changes"]) == (1, [])
    _, second = results(pytester, practice, "--replay", bundle / "snapshots", check)
    told = [[(one["check"], one["status"]) for one in run["checks"]] for run in (first, second)]
    assert told[0] == told[1]
    assert (len(second["trend"]["runs"]), second["trend"]["changes"]) == (2, [])
    document["nftables"] = []
    (kept / "praxisserver.json").write_text(json.dumps(document), encoding="utf-8")
    _, third = results(pytester, practice, "--replay", kept, check)
    assert len(third["trend"]["runs"]) == 3
    changes = {one["requirement"]: one for one in third["trend"]["changes"]}
    assert changes["2025-A1-11"]["direction"] == "worse"
    assert changes["2025-A1-11"]["after_status"] == "failed"


# -- the lab's hosts as they were recorded -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replayed(project, tmp_path_factory):
    """The verdicts on the recorded hosts: function, host, status and what was found, for each configuration check."""

    def replay(state):
        folder = tmp_path_factory.mktemp(state)
        facts = folder / "musterpraxis/group_vars/all/praxis.yml"
        facts.parent.mkdir(parents=True)
        source = project / "inventories/musterpraxis"
        # the recordings speak of instance 0 of the lab, whatever instance is up beside this test
        text = (source / "group_vars/all/praxis.yml").read_text(encoding="utf-8").replace("{{ lab_instance }}", "0")
        facts.write_text(text, encoding="utf-8")
        shutil.copy(source / "hosts.yml", folder / "musterpraxis")
        options = ["--practice", folder / "musterpraxis", "--evidence", folder / "evidence"]
        options += ["--replay", project / "tests/data/snapshots" / state, "-q", "-p", "no:xdist"]
        command = [sys.executable, "-m", "pytest", project / "tests/compliance", *options]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in {0, 1}, done.stdout[-3000:] + done.stderr[-2000:]
        found = max((folder / "evidence").glob("*/*/results.json"))
        return [
            (check["check"].rpartition("::")[2].partition("[")[0], check["host"], check["status"], check["detail"])
            for check in json.loads(found.read_text(encoding="utf-8"))["checks"]
            if not check["probe"]
        ]

    return replay


@pytest.mark.slow
def test_every_check_is_content_with_the_recorded_hardened_hosts(replayed):
    found = replayed("hardened")
    assert {host for _, host, _, _ in found} == {"arbeitsplatz-1", "arbeitsplatz-2", "server-1"}
    assert [one for one in found if one[2] not in {"passed", "not_applicable"}] == []


@pytest.mark.slow
def test_no_check_is_content_with_the_recorded_fresh_hosts_without_a_reason(replayed):
    passed = [(name, host) for name, host, status, _ in replayed("fresh") if status == "passed"]
    listed = PASSES_UNTOUCHED.keys()
    assert [(name, host) for name, host in passed if not {(name, host), (name, None)} & listed] == []
