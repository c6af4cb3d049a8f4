"""The roles as components: what they set and what proves it, held against the files."""

from __future__ import annotations

import re

import pytest

from tests.unit.formats.oscal.conftest import nodes


@pytest.fixture
def components(documents):
    return documents["component-definition.json"]["component-definition"]["components"]


@pytest.fixture
def roles(components):
    return {one["title"]: one for one in components if one["type"] == "software"}


@pytest.fixture
def validations(components):
    return {one["title"]: one for one in components if one["type"] == "validation"}


def _check_ids(node):
    return {one["value"] for one in node.get("props", ()) if one["name"] == "check-id"}


def _implemented(role):
    return {
        one["control-id"]: one for part in role["control-implementations"] for one in part["implemented-requirements"]
    }


def test_every_role_of_the_site_is_a_component(roles, project):
    site = (project / "playbooks/site.yml").read_text(encoding="utf-8")
    assert set(roles) == {path.parent.parent.name for path in project.glob("roles/*/meta/main.yml")}
    assert all(name in site for name in roles)


def test_every_check_function_is_in_the_validation_of_its_file(validations, project):
    files = {
        path.name: set(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
        for path in project.glob("tests/compliance/test_*.py")
    }
    assert set(validations) == set(files)
    for name, functions in files.items():
        assert _check_ids(validations[name]) == {f"{name}::{function}" for function in functions}


def test_a_check_says_in_its_group_what_it_proves(validations):
    props = validations["test_endpoint_hardening.py"]["props"]
    groups = {one["group"] for one in props}
    for group in groups:
        names = [one["name"] for one in props if one["group"] == group]
        assert names[0] == "check-id"
        assert set(names[1:]) == {"requirement"}


def test_a_role_names_what_it_sets_for_a_requirement_in_either_numbering(roles):
    served = _implemented(roles["endpoint_hardening"])
    for number in ("kbv-2021-A1-13", "kbv-2025-A1-19"):
        assert "idle-delay" in served[number]["description"]
        assert "test_endpoint_hardening.py::test_desktop_locks_itself_within_ten_minutes" in _check_ids(served[number])
    assert "kbv-2025-A1-14" not in served
    assert {"kbv-2025-A1-14", "kbv-2025-A1-16"} <= set(_implemented(roles["patch_management"]))


def test_a_role_serves_what_the_page_about_roles_says(roles, project):
    page = (project / "docs/roles.md").read_text(encoding="utf-8")
    for name, role in roles.items():
        (row,) = [text for text in page.splitlines() if text.startswith(f"| [`{name}`]")]
        listed = set(re.findall(r"(?:20\d\d-A\d-\w+|KVWL-\d\d)", row))
        controls = {one.removeprefix("kbv-") for one in _implemented(role)}
        assert listed <= controls
        # the rest are the same demands under their numbers of 2025
        assert all(one.startswith("2025-") for one in controls - listed)


def test_a_role_links_the_validations_that_prove_it(roles, validations):
    uuids = {one["uuid"]: name for name, one in validations.items()}
    for role in roles.values():
        linked = {uuids[link["href"].removeprefix("#")] for link in role["links"] if link["rel"] == "validation"}
        proving = {check.partition("::")[0] for one in _implemented(role).values() for check in _check_ids(one)}
        assert linked == proving != set()


def test_every_check_of_a_result_could_be_looked_up(documents, validations):
    known = {one for validation in validations.values() for one in _check_ids(validation)}
    named = {one for node in nodes(documents["component-definition.json"]) for one in _check_ids(node)}
    assert named == known
