"""What is counted as covered is what roles and checks say, and nothing that a Linux host could do is forgotten."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from praxisschild import cli
from praxisschild.coverage import CONCERN_LABELS, CONCERNS, KIND_LABELS, KINDS, Project, summarise, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from praxisschild.catalogue import Catalogue

ROLE = """
- {option: Lock, value: 600, requirement: 2021-A1-13}
- {option: Mic, value: false, requirement: 2021-A1-12}
"""
CHECKS = '''
import pytest
@requirement("2021-A1-13")
def test_locks(snapshot):
    """A reason."""
@pytest.mark.probe
@requirement("2021-A1-10")
def test_is_asked(host):
    """A reason."""
'''


@pytest.fixture(scope="module")
def real(project: Path, catalogue: Catalogue) -> Project:
    return Project(catalogue, project)


@pytest.fixture
def small(tmp_path: Path, catalogue: Catalogue) -> Project:
    """A project with one role and two checks."""
    for name, text in (("roles/one/vars/main.yml", ROLE), ("tests/compliance/test_one.py", CHECKS)):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return Project(catalogue, tmp_path)


@pytest.mark.parametrize("edition", ["2021", "2025"])
def test_nothing_that_linux_hosts_could_do_is_left_out(real: Project, edition: str) -> None:
    found = real.covered(edition, platform="linux")
    missing = [one.requirement.id for one in found if one.is_open and "host" in one.requirement.concerns]
    assert not missing, "no setting, or neither check nor probe"


def test_a_newer_number_has_what_its_older_ones_have(small: Project) -> None:
    found = {one.requirement.id: one for one in small.covered("2025")}
    assert [check.name for check in found["2025-A1-19"].checks] == ["test_locks"]
    assert found["2025-A1-19"].settings[0].what == "Lock = 600"
    assert found["2025-A1-19"].lacks == ()
    assert not found["2025-A1-19"].is_open


def test_what_one_system_has_is_no_proof_for_the_other(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = "- {key: x, requirement: 2021-A1-13}"
    check = '@requirement("2021-A1-13")\ndef test_locks(windows):\n    """A reason."""\n'
    for name, text in (
        ("roles/one/vars/main/windows.yml", rows),
        ("roles/one/vars/main/shared.yml", rows.replace("13", "12")),
        ("tests/compliance/test_one.py", check),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    project = Project(catalogue, tmp_path)
    on = {
        system: {one.requirement.id: one for one in project.covered("2021", system)} for system in ("linux", "windows")
    }
    assert on["windows"]["2021-A1-13"].lacks == ()
    assert on["linux"]["2021-A1-13"].lacks == ("setting", "check")
    assert on["linux"]["2021-A1-12"].lacks == on["windows"]["2021-A1-12"].lacks == ("check",)


def test_what_is_missing_is_named(small: Project) -> None:
    found = {one.requirement.id: one for one in small.covered("2021")}
    assert found["2021-A1-12"].lacks == ("check",)
    assert found["2021-A1-10"].lacks == ("setting",), "a probe proves as much as a check"
    assert found["2021-A1-15"].lacks == ("setting", "check")
    assert not found["2021-A1-29"].is_open, "people label media, no program does"
    assert not found["2021-A1-21"].is_open, "an MDM would do it"


def test_every_requirement_is_counted_once(real: Project, catalogue: Catalogue) -> None:
    for edition in catalogue.editions:
        found = real.covered(edition)
        rows = summarise(edition, found).rows
        assert sum(row.requirements for row in rows) == len(catalogue.edition(edition)) + len(catalogue.recommendations)
        assert [row.annex for row in rows] == sorted((row.annex for row in rows), key=lambda annex: annex or 99)
        assert all(row.requirements >= max(row.settings, row.checks, row.probes) for row in rows)


def test_the_split_of_what_is_open_loses_and_doubles_nothing(small: Project) -> None:
    coverage = summarise("2025", small.covered("2025"))
    split = [identifier for part in coverage.open for identifier in part.requirements]
    assert sorted(split) == sorted(identifier for row in coverage.rows for identifier in row.open)
    assert len(split) == len(set(split))
    assert {part.concern for part in coverage.open} <= set(CONCERNS) - {"people"}


def test_windows_alone_leaves_out_what_no_computer_is(real: Project) -> None:
    found = {one.requirement.id for one in real.covered("2021", platform="windows")}
    assert {"2021-A1-13", "2021-A1-16", "2021-A1-09"} <= found
    assert found.isdisjoint({"2021-A1-22", "2021-A4-02", "2021-A5-05"})


def test_linux_alone_leaves_out_what_no_linux_host_can_be(real: Project) -> None:
    found = {one.requirement.id for one in real.covered("2021", platform="linux")}
    assert {"2021-A1-13", "2021-A1-09"} <= found
    assert found.isdisjoint({"2021-A1-16", "2021-A1-22", "2021-A4-02", "2021-A5-05", "KVWL-32"})


def test_verdict_tells_hosts_and_services_apart(real: Project, small: Project) -> None:
    found = {one.requirement.id: one for one in real.covered("2025", platform="linux")}
    bare = {one.requirement.id: one for one in small.covered("2025", platform="linux")}
    assert verdict([found["2025-A1-19"]], "linux") == "Nothing is technically open for Linux hosts."
    assert verdict([found["2025-A1-19"], found["2025-A3-15"]], "linux").endswith("but server services: 2025-A3-15.")
    assert "open for Linux hosts: KVWL-22; and server services: 2025-A3-15" in verdict(
        [bare["KVWL-22"], bare["2025-A3-15"]], "linux"
    )


def test_every_kind_and_concern_has_a_name() -> None:
    assert set(KIND_LABELS) == set(KINDS)
    assert set(CONCERN_LABELS) == set(CONCERNS)


class TestCommand:
    def run(self, *arguments: str) -> str:
        result = CliRunner().invoke(cli.app, ["coverage", *arguments], env={"COLUMNS": "80"})
        assert result.exit_code == 0, result.output
        return result.stdout

    def test_table_fits_a_terminal_and_ends_with_a_verdict(self) -> None:
        lines = self.run("--edition", "2021").splitlines()
        table = lines[2 : lines.index("", 2)]
        assert any("setting" in line and "probe" in line for line in table)
        assert all(len(line) <= 80 for line in table)
        assert " for Linux hosts" in lines[-2]
        assert " for Windows hosts" in lines[-1]

    def test_default_is_the_edition_in_force(self) -> None:
        assert "Fassung 2025" in self.run()

    def test_open_names_each_one_and_why(self) -> None:
        text = self.run("--open", "--platform", "linux", "--edition", "2025")
        assert "2025-A3-15  Sicherer Betrieb von E-Mail-Servern (missing: setting, check)" in text
        assert "there is no role for these services yet" in text

    def test_json_holds_every_requirement_of_both_editions(self, catalogue: Catalogue) -> None:
        documents = json.loads(self.run("--edition", "all", "--json"))
        assert [document["edition"] for document in documents] == list(catalogue.editions)
        for document in documents:
            rows = {entry["id"]: entry for entry in document["requirements"]}
            assert set(rows) >= {entry.id for entry in catalogue.edition(document["edition"])}
            assert all(entry["open"] == (entry["id"] in str(document["open"])) for entry in rows.values())

    def test_unknown_edition_is_named_with_those_there_are(self) -> None:
        result = CliRunner().invoke(cli.app, ["coverage", "--edition", "2030"])
        assert "2025" in str(result.exception)
