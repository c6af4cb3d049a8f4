"""The set as a whole: NIST's schema, trestle's own validation, references, and the same bytes every time."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trestle.oscal import OSCAL_VERSION

from praxisschild.errors import InputError
from praxisschild.formats import oscal
from praxisschild.formats.oscal import assessment_results, poam
from praxisschild.results import Status
from tests.unit.formats.conftest import check
from tests.unit.formats.oscal.conftest import dangling, nodes

pytestmark = pytest.mark.slow

NAMES = {
    "catalog.json": "catalogs",
    "profile.json": "profiles",
    "component-definition.json": "component-definitions",
    "system-security-plan.json": "system-security-plans",
    "assessment-plan.json": "assessment-plans",
    "assessment-results.json": "assessment-results",
    "plan-of-action-and-milestones.json": "plan-of-action-and-milestones",
}


def test_the_schema_is_of_the_version_that_trestle_writes(schema, documents):
    assert schema["$id"].split("/")[-2] == OSCAL_VERSION
    versions = {next(iter(one.values()))["metadata"]["oscal-version"] for one in documents.values()}
    assert versions == {OSCAL_VERSION}


def test_every_document_satisfies_the_schema(documents, faults):
    assert set(documents) == set(NAMES)
    for name, document in documents.items():
        assert [name for _ in document] == [name]
        assert faults(document) == []


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("catalog.json", ("catalog", "groups", 0, "id"), "2021"),  # a token begins with a letter
        ("catalog.json", ("catalog", "metadata", "title"), "two\nlines"),
        ("assessment-results.json", ("assessment-results", "results", 0, "observations", 0, "collected"), "2026-11-23"),
        ("assessment-results.json", ("assessment-results", "results", 0, "findings", 0, "target", "status"), {}),
        ("assessment-results.json", ("assessment-results", "results", 0, "uuid"), "1"),
        ("plan-of-action-and-milestones.json", ("plan-of-action-and-milestones", "poam-items"), []),
        ("system-security-plan.json", ("system-security-plan", "import-profile"), {"hrefs": "profile.json"}),
    ],
)
def test_the_schema_finds_what_is_wrong(documents, faults, name, path, value):
    node = documents[name]
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    assert faults(documents[name])


def _trestle(workspace, *words):
    command = [sys.executable, "-m", "trestle", *words]
    return subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=False)


@pytest.fixture
def workspace(tmp_path, documents):
    assert _trestle(tmp_path, "init", "--local").returncode == 0
    for name, document in documents.items():
        folder = tmp_path / NAMES[name] / "praxis"
        folder.mkdir()
        # trestle looks for relative references in the workspace's root
        for path in (tmp_path / name, folder / name):
            path.write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


def test_trestle_finds_every_document_valid(workspace):
    done = _trestle(workspace, "validate", "--all")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("VALID: Model") == len(NAMES)
    assert "INVALID" not in done.stdout


def test_trestle_finds_an_identifier_that_stands_twice(workspace):
    path = workspace / "assessment-results/praxis/assessment-results.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    first, second = document["assessment-results"]["results"][0]["observations"][:2]
    second["uuid"] = first["uuid"]
    path.write_text(json.dumps(document), encoding="utf-8")
    done = _trestle(workspace, "validate", "--type", "assessment-results")
    assert done.returncode != 0
    assert "INVALID" in done.stdout


def test_every_reference_leads_somewhere(documents):
    assert dangling(documents) == []


@pytest.mark.parametrize(
    "key",
    [
        *("observation-uuid", "risk-uuid", "finding-uuid", "component-uuid", "subject-uuid", "actor-uuid"),
        *("control-id", "target-id", "href", "with-ids", "source"),
    ],
)
def test_a_reference_that_leads_nowhere_is_seen(documents, key):
    broken = 0
    for name in documents:
        changed = copy.deepcopy(documents)
        for node in nodes(changed[name]):
            if key in node and not isinstance(node[key], dict):
                lost = "11111111-1111-4111-8111-111111111111"
                node[key] = {"href": f"#{lost}", "with-ids": ["kbv-2025-A9-99"], "source": "other.json"}.get(key, lost)
                assert dangling(changed)
                broken += 1
                break
    assert broken


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_document_that_is_missing_is_seen(documents, name):
    del documents[name]
    imported = name not in {
        "component-definition.json",
        "assessment-results.json",
        "plan-of-action-and-milestones.json",
    }
    assert bool(dangling(documents)) is imported


def test_no_identifier_stands_twice(documents):
    for document in documents.values():
        uuids = [node["uuid"] for node in nodes(document) if "uuid" in node]
        assert len(uuids) == len(set(uuids))


def test_the_same_run_gives_the_same_bytes_in_every_process(full_run, catalogue, parts, project):
    found = oscal.documents(full_run, catalogue, parts)
    digest = hashlib.sha256("".join(found.values()).encode()).hexdigest()
    program = (
        "import hashlib, sys; from pathlib import Path; from praxisschild.results import Run;"
        "from praxisschild.catalogue import load_catalogue; from praxisschild.formats import oscal;"
        "run = Run.model_validate_json(sys.stdin.read());"
        "found = oscal.documents(run, load_catalogue(), oscal.Parts.read(Path('.')));"
        "print(hashlib.sha256(''.join(found.values()).encode()).hexdigest())"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=full_run.model_dump_json(),
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == digest


def test_another_run_keeps_hosts_and_open_items_and_renews_the_rest(full_run, parts, catalogue):
    later = full_run.model_copy(
        update={"started": full_run.started + timedelta(days=1), "ended": full_run.ended + timedelta(days=1)}
    )
    first, second = (
        {name: json.loads(text) for name, text in oscal.documents(one, catalogue, parts).items()}
        for one in (full_run, later)
    )

    def uuids(documents, name, key):
        return [one["uuid"] for node in nodes(documents[name]) for one in node.get(key, ())]

    for name, key in (
        ("system-security-plan.json", "inventory-items"),
        ("plan-of-action-and-milestones.json", "poam-items"),
        ("assessment-results.json", "risks"),
    ):
        assert uuids(first, name, key) == uuids(second, name, key) != []
    for key in ("observations", "findings"):
        assert not set(uuids(first, "assessment-results.json", key)) & set(
            uuids(second, "assessment-results.json", key)
        )
    assert all(next(iter(first[name].values()))["uuid"] != next(iter(second[name].values()))["uuid"] for name in first)


def test_a_run_of_another_catalogue_is_refused(full_run, catalogue, parts):
    strange = full_run.requirements[0].model_copy(update={"id": "2031-A1-01"})
    with pytest.raises(InputError, match="2031-A1-01"):
        oscal.documents(full_run.model_copy(update={"requirements": (strange,)}), catalogue, parts)
    with pytest.raises(InputError, match="no requirement"):
        oscal.documents(full_run.model_copy(update={"requirements": ()}), catalogue, parts)


def test_no_plan_of_action_where_nothing_is_open(full_run, catalogue, parts, tmp_path):
    fine = tuple(row for row in full_run.requirements if row.status is Status.PASSED and not row.pending)
    calm = full_run.model_copy(update={"requirements": fine, "deviations": ()})
    oscal.write(tmp_path, oscal.documents(full_run, catalogue, parts))
    assert (tmp_path / "plan-of-action-and-milestones.json").is_file()
    oscal.write(tmp_path, oscal.documents(calm, catalogue, parts))
    assert {path.name for path in tmp_path.iterdir()} == set(NAMES) - {"plan-of-action-and-milestones.json"}


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="cannot be written"):
        oscal.write(file, {"catalog.json": "{}"})


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(WORDS, min_size=8, max_size=8), status=st.sampled_from(Status))
def test_whatever_a_host_says_the_results_satisfy_the_schema(full_run, faults, words, status):
    name, host, test, reason, measured, title, said, limit = words
    rows = tuple(row.model_copy(update={"reason": said, "status": status}) for row in full_run.requirements[:2])
    deviation = full_run.deviations[0].model_copy(update={"reason": reason, "risk": said, "compensation": measured})
    found = check(test, host, status, reason=reason, measured=(measured,), title=title)
    odd = full_run.model_copy(
        update={
            "practice": full_run.practice.model_copy(update={"name": name}),
            "hosts": tuple(one.model_copy(update={"name": host, "reason": said}) for one in full_run.hosts[:1]),
            "checks": (found, found),
            "requirements": rows,
            "deviations": (deviation, deviation),
            "limits": (limit,),
        }
    )
    assert faults(json.loads(assessment_results.render(odd))) == []
    plan = poam.render(odd)
    assert plan is None or faults(json.loads(plan)) == []


def test_words_of_a_host_are_no_markup(documents):
    results = documents["assessment-results.json"]["assessment-results"]["results"][0]
    texts = [results["observations"][0]["description"], results["findings"][-3]["description"]]
    assert all("\\<script>" in text and " <script>" not in text for text in texts)


def test_help_does_not_load_trestle():
    program = "import sys; from typer.testing import CliRunner; from praxisschild.cli import app;" + (
        "done = CliRunner().invoke(app, ['--help']); assert 'oscal' in done.stdout; print('trestle' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_schema_is_the_one_that_was_taken():
    path = Path(__file__).parents[3] / "data/oscal/oscal_complete_schema.json"
    text = (path.parent / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in text


def test_own_properties_stand_in_an_own_namespace(documents):
    """NIST allows only certain names in its own; these two are among them everywhere they are used."""
    told = [one for document in documents.values() for node in nodes(document) for one in node.get("props", ())]
    assert {one.get("ns") for one in told} == {None, "urn:praxisschild:oscal"}
    assert {one["name"] for one in told if "ns" not in one} == {"label", "method"}


def test_no_id_in_the_catalogue_stands_twice(documents):
    ids = [node["id"] for node in nodes(documents["catalog.json"]) if "id" in node]
    assert len(ids) == len(set(ids)) > 400
