"""Secrets stay out of the wire log, whatever names them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.windows import transcript
from lab.windows.log import REDACTED, WireLog, redacted, without
from lab.windows.manifest import Action, Manifest
from lab.windows.wire import Outcome

SECRET = "Hühnersuppe-42"  # noqa: S105 # nobody's
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


def test_options_of_the_spec_telling_names_and_marked_rows_are_hidden():
    shown, found = redacted(
        {
            "PIN": "4711-0815",
            "become_pass": "abcd",
            "update_password": "always",
            "name": "MinimumPasswordLength",
            "value": 12,
            "rows": [{"secret": True, "value": "sehr geheim", "key": "K"}, {"secret": False, "value": "offen"}],
            "empty": {"password": ""},
        },
        {"pin"},
    )
    assert shown == {
        "PIN": REDACTED,
        "become_pass": REDACTED,
        "update_password": REDACTED,
        "name": "MinimumPasswordLength",
        "value": 12,
        "rows": [{"secret": True, "value": REDACTED, "key": "K"}, {"secret": False, "value": "offen"}],
        "empty": {"password": ""},
    }
    assert found == {"4711-0815", "abcd", "always", "sehr geheim"}


@settings(max_examples=60)
@given(trees, st.text(min_size=1, max_size=6))
def test_a_secret_is_hidden_wherever_it_stands(tree, around):
    planted = {"a": [tree, {around + SECRET: f"{around}{SECRET}{around}"}], "b": SECRET}
    cleaned = json.dumps(without(planted, {SECRET}), ensure_ascii=False)
    assert SECRET not in cleaned
    assert cleaned.count(REDACTED) >= 3


@given(trees)
def test_what_holds_no_secret_is_left_as_it_is(tree):
    assert without(tree, {"\ue123nirgends"}) == tree


def test_the_log_hides_what_it_knows_as_secret(tmp_path):
    log = WireLog(tmp_path / "wire.jsonl", [SECRET])
    log.note(op="refused", reason=f"falsch: {SECRET}")
    (line,) = (tmp_path / "wire.jsonl").read_text(encoding="utf-8").splitlines()
    entry = json.loads(line)
    assert (entry["v"], entry["op"], entry["reason"]) == (1, "refused", f"falsch: {REDACTED}")


def sent(rows, **more):
    """What Ansible would send with these rows, as far as a log looks at it."""
    variables = [{"Name": "complex_args", "Value": {"rows": rows, "_ansible_no_log": True, **more}}]
    params = {"Script": "ansible.legacy.win_registry_values.ps1", "Variables": variables}
    return Manifest({params["Script"]: b"$module = 1"}, [Action("module_wrapper.ps1", params, {})], None)


def test_rows_of_roles_are_shown_but_for_their_secrets():
    """Ansible sends them all with no_log, so that none lands in the event log of the host."""
    rows = [
        {"name": "offen", "value": 600, "role": "endpoint_hardening"},
        {"name": "geheim", "value": "Passwort-4711", "secret": True, "role": "central_logging"},
    ]
    call = transcript.of_manifest(sent(rows))
    assert call.fields["args"]["rows"] == [rows[0], {**rows[1], "value": "***"}]
    answer = Outcome(json.dumps({"items": [], "msg": "Passwort-4711"}).encode(), b"", 0)
    assert call.line(answer)["result"] == {"items": [], "msg": "***"}


@pytest.mark.parametrize("rows", [[], None, [{"name": "x", "value": 1}], [{"name": "x", "role": "a"}, {"name": "y"}]])
def test_what_a_person_hides_stays_hidden(rows):
    call = transcript.of_manifest(sent(rows))
    assert call.fields["args"] == "***"
    assert call.line(Outcome(b'{"changed": true}', b"", 0))["result"] == "***"
