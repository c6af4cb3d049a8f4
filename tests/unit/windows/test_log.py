"""Secrets stay out of the wire log, whatever names them."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.windows.log import REDACTED, WireLog, redacted, without

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
