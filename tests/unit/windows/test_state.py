"""The state of a stand-in host: strict, German, the same on every first day."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

from lab.windows import kinds, state

VENDOR = Path(__file__).resolve().parents[2] / "data/vendor"


@pytest.fixture(params=list(kinds.LAYERS))
def fresh(request):
    found = kinds.first_day(request.param, "betreuung")
    del found["registry"]
    return found


@pytest.fixture
def host(tmp_path, fresh):
    state.save(tmp_path, fresh)
    return tmp_path


def test_every_kind_is_of_the_models_shape(fresh):
    state.check(fresh)
    assert not re.search(r"\{machine\}|\{operator\}", json.dumps(fresh))


def test_a_first_day_is_always_the_same(fresh):
    again = kinds.first_day(fresh["kind"], "betreuung")
    assert {name: again[name] for name in fresh} == fresh


def test_names_are_german_and_sids_are_not(fresh):
    sids = {group["sid"]: name for name, group in fresh["groups"].items()}
    assert sids["S-1-5-32-544"] == "Administratoren"
    assert sids["S-1-5-32-545"] == "Benutzer"
    assert sids["S-1-5-32-555"] == "Remotedesktopbenutzer"
    text = json.dumps(fresh, ensure_ascii=False)
    for english in ("Administrators", "Guests", "Success", "Print Spooler", "Remote Desktop Users", "Backup Operators"):
        assert english not in text


def test_everybody_in_a_group_exists(fresh):
    known = {entry["sid"] for section in ("users", "groups") for entry in fresh[section].values()}
    own = fresh["computer"]["sid"]
    members = {sid for group in fresh["groups"].values() for sid in group["members"] if sid.startswith(own)}
    assert members <= known
    assert len({user["sid"] for user in fresh["users"].values()}) == len(fresh["users"])


def test_audit_policy_has_every_subcategory(fresh):
    """Sixty since Windows 10; names may repeat in no category."""
    assert len(fresh["audit"]) == 60
    assert len({(one["category"], one["name"]) for one in fresh["audit"].values()}) == 60


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("security.MinimumPasswordLength", "true"),
        ("security.Unbekannt", "1"),
        ("rights.SeBackupPrivilege", '["Administratoren"]'),
        ("rights.Sichern", "[]"),
        ("groups.Gäste.sid", "S-1-5"),
        ("firewall.profiles.public.inbound", "ablehnen"),
        ("firewall.profiles.oeffentlich", "{}"),
        ("users", "[]"),
        ("computer.tpm", "1"),
        ("updates.last_installed", "gestern"),
        ("erfunden", "1"),
    ],
)
def test_what_the_model_does_not_know_is_refused_and_not_written(host, path, text):
    before = (host / state.FILE).read_bytes()
    with pytest.raises(state.StateError), state.editing(host) as current:
        state.put(current, path, text)
    assert (host / state.FILE).read_bytes() == before


def test_a_part_that_the_model_needs_cannot_be_removed(host):
    current = state.load(host)
    with pytest.raises(state.StateError, match="MinimumPasswordLength missing"):
        state.drop(current, "security.MinimumPasswordLength")


def test_paths_with_dots_of_their_own():
    assert state.steps_of('tasks."\\A\\B.c".enabled') == ["tasks", "\\A\\B.c", "enabled"]
    with pytest.raises(state.StateError, match="quotation mark"):
        state.steps_of('a."b')


def test_changes_of_several_at_once_are_all_kept(host):
    def add(number):
        with state.editing(host) as current:
            current["groups"][f"Gruppe {number}"] = {"sid": f"S-1-5-32-{900 + number}", "members": []}

    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(name.startswith("Gruppe ") for name in state.load(host)["groups"]) == 12


def test_a_state_that_somebody_broke_is_named(host):
    (host / state.FILE).write_text("{")
    with pytest.raises(state.StateError, match="no JSON"):
        state.load(host)


def test_names_and_sids_are_found_either_way(fresh):
    assert state.sid_of(fresh, "vordefiniert\\administratoren") == "S-1-5-32-544"
    assert state.sid_of(fresh, "Administrators") is None
    assert state.name_of(fresh, "S-1-5-32-546") == "Gäste"
