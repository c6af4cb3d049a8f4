"""Whatever stands in the files that people write or keep, the program ends with one message and an exit code."""

from __future__ import annotations

import contextlib
import copy
import io
import itertools
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from praxisschild import cli
from praxisschild.evidence import bundles
from praxisschild.evidence.seal import Seal
from tests.unit.evidence.conftest import chain

pytestmark = pytest.mark.slow  # hundreds of inputs each
PROJECT = Path(__file__).resolve().parents[2]
VORLAGE = PROJECT / "inventories/vorlage"
FACTS = VORLAGE / "group_vars/all/praxis.yml"
EXAMPLES = int(os.environ.get("FUZZ", "0"))  # FUZZ=500 looks for new ones; without it the same few every time
FEW = settings(
    max_examples=EXAMPLES or 25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not EXAMPLES,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # reading an inventory is slow: a failure is shown as it was found
)
MORE = settings(FEW, max_examples=EXAMPLES or 50)
NUMBER = itertools.count()


def run(*words):
    """The exit code and all that was said; anything but an orderly end is raised."""
    said = io.StringIO()
    before, sys.argv = sys.argv, ["praxisschild", *map(str, words)]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), pytest.raises(SystemExit) as end:
            cli.main()
    finally:
        sys.argv = before
    return end.value.code, said.getvalue()


def orderly(code, said, file):
    """In order, or one message that names the file."""
    assert "Traceback" not in said
    assert code in {0, 1, 2, 3}
    if code >= 2:
        assert Path(file).name in said or "praxis" in said, said
        assert said.count("Input: ") + said.count("Broken off: ") == 1, said


@pytest.fixture(scope="module")
def room():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def fresh(room):
    """A copy of the template under a name of its own: Ansible remembers files by their path."""

    def make():
        folder = room / f"praxis-{next(NUMBER)}"
        shutil.copytree(VORLAGE, folder)
        return folder

    return make


def nested(depth):
    return "[" * depth + "]" * depth


RAW = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text(alphabet=" \n:-[]{}&*!|>'\"%@`#,?ab1\t", max_size=200).map(str.encode),
    st.sampled_from(
        [
            b"",
            b"\xef\xbb\xbfpraxis:\n  name: x\n",
            "praxis: {name: Ä}".encode("latin-1"),
            "praxis: {name: x}".encode("utf-16"),
            b"\0" * 64,
            f"praxis: {nested(2000)}".encode(),
            b"praxis: &a [*a, *a]",
            b"a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\npraxis: [*c, *c]",
            b"praxis: " + b"9" * 5000,
            b"praxis: 1e400",
            b"praxis: !!python/object/apply:os.system [id]",
            b"praxis: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162",
            b"praxis: 2026-13-45",
            b"praxis: {? [a, b] : c}",
            b"---\na: 1\n---\nb: 2\n",
        ]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**30, max_value=10**40),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.datetimes(),
    st.sampled_from(
        ["{{ nix }}", "{{ 1 / 0 }}", "{% if %}", "192.168.10.0/24", "::/0", "praxis", "all", "[/]", "x" * 5000]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


def paths(data, so_far=()):
    """Every place in a document, as the keys that lead there."""
    yield so_far
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inner:
        yield from paths(value, (*so_far, key))


def replaced(data, path, value):
    data = copy.deepcopy(data)
    if not path:
        return value
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return data


FULL = yaml.safe_load(FACTS.read_text(encoding="utf-8"))["praxis"] | {
    "log_host": "praxisserver",
    "alarm": {"mail_to": "a@b.test", "smtp_host": "m.test", "smtp_port": 587, "smtp_security": "starttls"},
    "log_senders": [{"name": "ct-1", "address": "192.168.10.40"}],
    "remote_maintenance": {"networks": ["praxis"], "ports": [22], "services": ["xrdp.service"], "max_hours": 4},
    "malware_exclusions": [{"path": "/opt/pvs", "hosts": ["praxisserver"], "reason": "vom Hersteller verlangt"}],
    "evidence": {"timestamp_authority": "https://z.example/tsr"},
    "deviations": [
        {
            "requirement": "2025-A1-18",
            "hosts": ["sprechzimmer"],
            "reason": "Videosprechstunde an diesem Platz",
            "compensation": "Klappe vor der Kamera",
            "risk": "niedrig",
            "approved_by": "Praxisinhaberin",
            "approved_on": "2026-11-24",
            "expires": "2027-03-31",
        }
    ],
}


@FEW
@example(file="group_vars/all/praxis.yml", content=b" ?")
@example(file="group_vars/all/praxis.yml", content=b"\0")
@given(file=st.sampled_from(["hosts.yml", "group_vars/all/praxis.yml", "group_vars/all/zugang.yml"]), content=RAW)
def test_any_bytes_in_an_inventory(fresh, file, content):
    folder = fresh()
    (folder / file).write_bytes(content)
    orderly(*run("check", folder), folder)


@MORE
@given(path=st.sampled_from(list(paths(FULL))), value=VALUES)
def test_any_value_at_any_place_of_a_practice(fresh, path, value):
    folder = fresh()
    document = yaml.safe_dump({"praxis": replaced(FULL, path, value)}, allow_unicode=True)
    (folder / "group_vars/all/praxis.yml").write_text(document, encoding="utf-8", errors="surrogatepass")
    orderly(*run("check", folder), folder)


ATTESTATION = {
    "requirement": "2025-A1-01",
    "statement": "Neue Mitarbeitende werden nach einem festen Ablauf eingearbeitet.",
    "role": "Praxisinhaberin",
    "date": "2026-06-01",
    "valid_until": "2027-05-31",
    "attachment": {"file": "anlagen/x.pdf", "sha256": "0" * 64},
}


@FEW
@given(content=RAW)
def test_any_bytes_among_the_attestations(fresh, content):
    folder = fresh()
    (folder / "attestations").mkdir()
    (folder / "attestations/x.yml").write_bytes(content)
    orderly(*run("attest", folder, "--list"), "x.yml")


@MORE
@given(path=st.sampled_from(list(paths([ATTESTATION]))), value=VALUES)
def test_any_value_at_any_place_of_an_attestation(fresh, path, value):
    folder = fresh()
    (folder / "attestations").mkdir()
    document = yaml.safe_dump(replaced([ATTESTATION], path, value), allow_unicode=True)
    (folder / "attestations/x.yml").write_text(document, encoding="utf-8", errors="surrogatepass")
    orderly(*run("attest", folder, "--list"), "x.yml")


@pytest.fixture(scope="module")
def evidence(room):
    """Three chained bundles to spoil copies of."""
    folder = room / "evidence"
    chain(folder, Seal(), 3)
    return folder


FILES = [
    "results.json",
    "manifest.json",
    "report.html",
    "snapshots",
    "anforderungen.csv",
    "timestamp.tsr",
    "statement.dsse.json",
]


@FEW
@given(place=st.integers(0, 2), name=st.sampled_from([*FILES, "../head.json"]), content=RAW)
def test_any_bytes_in_a_bundle(room, evidence, place, name, content):
    folder = room / f"evidence-{next(NUMBER)}"
    shutil.copytree(evidence, folder, symlinks=True)
    (practice,) = folder.iterdir()
    bundle = bundles(folder, practice.name)[place]
    path = bundle / name
    if path.is_dir():
        shutil.rmtree(path)
    path.write_bytes(content)
    code, said = run("evidence", "verify", folder)
    assert code in {1, 2}, said
    assert "Traceback" not in said
    code, said = run("evidence", "verify", bundle)
    assert code in {0, 1, 2, 3}


@MORE
@given(data=st.data(), value=VALUES)
def test_any_value_at_any_place_of_kept_results(room, evidence, data, value):
    (practice,) = evidence.iterdir()
    bundle = bundles(evidence, practice.name)[0]
    document = json.loads((bundle / "results.json").read_text(encoding="utf-8"))
    path = data.draw(st.sampled_from(list(paths(document))))
    folder = room / f"evidence-{next(NUMBER)}"
    shutil.copytree(evidence, folder, symlinks=True)
    spoilt = bundles(folder, practice.name)[0] / "results.json"
    spoilt.write_text(json.dumps(replaced(document, path, value), default=str), encoding="utf-8")
    code, said = run("evidence", "verify", folder)
    assert code in {1, 2}, said


@FEW
@given(words=st.lists(st.text(max_size=12), max_size=3))
@example(words=["--lang"])
@example(words=["--", "x"])
@example(words=["\ud800"])
@example(words=["[/red]"])
def test_any_words_after_show(words):
    code, said = run("show", *words)
    assert code in {0, 1, 2, 3}
    assert "Traceback" not in said
    assert said.strip()
