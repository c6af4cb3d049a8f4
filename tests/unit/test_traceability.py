"""A requirement that the catalogue calls automated has a setting and a check; nothing names one that does not exist."""

from __future__ import annotations

import pytest
import yaml

from praxisschild import traceability
from praxisschild.catalogue import load_catalogue
from praxisschild.inventory import PROJECT
from praxisschild.mdm.rows import load_rows

ROLES = sorted(path.parent.name for path in (PROJECT / "roles").glob("*/meta"))
SETTINGS = [*traceability.settings(PROJECT / "roles"), *traceability.mobile_settings(PROJECT)]
# of mobile devices: what no management can set stands there with its reason and the way out
UNENFORCEABLE = {one for item in load_rows().unenforceable for one in item.concerns}
CHECKS = traceability.checks(PROJECT / "tests/compliance")
CATALOGUE = load_catalogue()
AUTOMATED = [
    identifier
    for identifier in CATALOGUE.ids
    if CATALOGUE.requirement(identifier).automated and CATALOGUE.oldest(identifier) == identifier
]


@pytest.mark.parametrize("identifier", AUTOMATED)
def test_an_automated_requirement_has_a_setting_and_a_check(identifier):
    served = any(identifier in setting.requirements for setting in SETTINGS)
    assert served or identifier in UNENFORCEABLE, "no role serves it"
    assert any(identifier in check.requirements for check in CHECKS), "no check proves it"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.file.stem}::{check.name}")
def test_a_check_names_known_requirements_by_their_oldest_id_and_says_why(check):
    assert check.requirements, "a check without a requirement"
    for identifier in check.requirements:
        assert CATALOGUE.oldest(identifier) == identifier
        assert CATALOGUE.requirement(identifier).automated, "proven, but not called automated in the catalogue"
    assert check.reason.endswith("."), "the docstring is the reason"


def test_settings_name_known_requirements_by_their_oldest_id():
    assert SETTINGS
    wrong = [
        f"{setting.file.name}:{setting.line} {identifier}"
        for setting in SETTINGS
        for identifier in setting.requirements
        if identifier not in CATALOGUE.ids or CATALOGUE.oldest(identifier) != identifier
    ]
    assert not wrong


@pytest.mark.parametrize("role", ROLES)
def test_defaults_equal_the_argument_specs(role):
    folder = PROJECT / "roles" / role
    defaults = yaml.safe_load((folder / "defaults/main.yml").read_text(encoding="utf-8"))
    options = yaml.safe_load((folder / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    options = options["argument_specs"]["main"]["options"]
    assert {name: spec.get("default") for name, spec in options.items() if not spec.get("required")} == defaults


@pytest.mark.parametrize("role", ROLES)
def test_a_readme_is_at_most_forty_lines(role):
    assert len((PROJECT / "roles" / role / "README.md").read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.parametrize("role", ROLES)
def test_the_table_of_roles_names_what_each_serves(role):
    table = (PROJECT / "docs/roles.md").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in table if line.startswith(f"| [`{role}`]"))
    told = {one.strip().partition("/")[0] for one in line.rstrip("| ").rpartition("|")[2].split(",")}
    assert told == {one for setting in SETTINGS if setting.role == role for one in setting.requirements}
