"""The catalogue says what catalogue/ says: counted in its files and spelled out for one requirement."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.unit.formats.oscal.conftest import nodes, prop_of


@pytest.fixture
def catalog(documents):
    return documents["catalog.json"]["catalog"]


@pytest.fixture
def controls(catalog):
    return {node["id"]: node for node in nodes(catalog) if "id" in node and "parts" in node}


@pytest.fixture(scope="session")
def written(project):
    """The entries as they stand in the files, without the product's loader."""
    files = {name: project / f"catalogue/editions/{name}.yml" for name in ("2021", "2025")}
    found = {name: yaml.safe_load(file.read_text(encoding="utf-8")) for name, file in files.items()}
    kvwl = yaml.safe_load((project / "catalogue/recommendations.yml").read_text(encoding="utf-8"))
    return {name: one["requirements"] for name, one in found.items()} | {"kvwl": kvwl["recommendations"]}


def test_every_requirement_of_both_editions_stands_in_its_annex(catalog, written):
    by_edition = {group["id"]: group for group in catalog["groups"]}
    assert list(by_edition) == ["kbv-2021", "kbv-2025", "kvwl"]
    for name, size in (("2021", 71), ("2025", 92)):
        annexes = by_edition[f"kbv-{name}"]["groups"]
        assert [group["id"] for group in annexes] == [f"kbv-{name}-A{number}" for number in range(1, 6)]
        for number, group in enumerate(annexes, 1):
            expected = [f"kbv-{entry['id']}" for entry in written[name] if entry["annex"] == number]
            assert [control["id"] for control in group["controls"]] == expected
        assert sum(len(group["controls"]) for group in annexes) == size == len(written[name])
    assert [control["id"] for control in by_edition["kvwl"]["controls"]] == [one["id"] for one in written["kvwl"]]


def test_a_control_says_what_is_demanded_and_why(controls, written):
    for entry in (one for entries in written.values() for one in entries):
        control = controls[entry["id"] if entry["id"].startswith("KVWL") else f"kbv-{entry['id']}"]
        parts = {part["name"]: part for part in control["parts"]}
        assert control["title"] == " ".join(entry["title"].split())
        assert parts["statement"]["prose"].split("\n")[0] == entry["demand"].strip()
        assert parts["guidance"]["prose"] == entry["purpose"].strip()
        assert prop_of(control, "label") == entry["id"]
        assert prop_of(control, "confidence") == entry["confidence"]
        assert prop_of(control, "valid-from") == entry["valid_from"].isoformat()


def test_a_bound_is_a_parameter_with_typed_limits(controls):
    control = controls["kbv-2025-A1-19"]
    (lock, delay) = control["params"]
    assert lock["id"] == "kbv-2025-A1-19_lock_after"
    assert [prop_of(lock, name) for name in ("at-most", "unit", "basis")] == ["600", "s", "recommendation"]
    assert lock["values"] == ["höchstens 10 Minuten"]
    assert lock["constraints"][0]["tests"] == [{"expression": "value <= 600 s"}]
    statement = control["parts"][0]["prose"]
    assert all(f"{{{{ insert: param, {one['id']} }}}}" in statement for one in (lock, delay))


def test_a_choice_of_values_is_a_selection(controls):
    (protection,) = [one for one in controls["KVWL-15"]["params"] if one["id"].endswith("_protection")]
    assert "values" not in protection
    assert protection["select"]["how-many"] == "one"
    typed = [one["value"] for one in protection["props"] if one["name"] == "one-of"]
    assert protection["select"]["choice"] == typed
    assert len(typed) > 1


def test_the_editions_are_mapped_onto_each_other_both_ways(controls, written):
    expected = {(one["id"], older) for one in written["2025"] for older in one.get("continues", ())}
    back, forth = set(), set()
    for control in controls.values():
        for link in control.get("links", ()):
            ids = (control["id"].removeprefix("kbv-"), link["href"].removeprefix("#kbv-"))
            if link["rel"] == "predecessor-version":
                back.add(ids)
            if link["rel"] == "successor-version":
                forth.add(ids[::-1])
    assert back == forth == expected


def test_grundschutz_references_name_the_bsi_catalogue_and_whose_choice_they_are(catalog, controls, written):
    (resource,) = catalog["back-matter"]["resources"]
    assert resource["rlinks"][0]["href"].startswith("https://github.com/BSI-Bund/Stand-der-Technik-Bibliothek/")
    assert "amtliche Zuordnung gibt es nicht" in resource["description"]
    named = 0
    for entry in written["2021"]:
        links = controls[f"kbv-{entry['id']}"].get("links", ())
        to_bsi = [link for link in links if link["href"] == f"#{resource['uuid']}"]
        assert [link["resource-fragment"] for link in to_bsi] == entry.get("grundschutz_refs", [])
        assert all("eigene Zuordnung" in link["text"] for link in to_bsi)
        assert all(re.fullmatch(r"[A-Z]{3,4}(\.\d+)+", link["resource-fragment"]) for link in to_bsi)
        named += len(to_bsi)
    assert named == 132
    inherited = [link.get("resource-fragment") for link in controls["kbv-2025-A1-19"]["links"]]
    assert {"BER.3.12", "SENS.4.3", "SENS.8.1"} <= set(inherited)
