"""Every key and field that the rows set exists at the vendor, takes this value, and is marked as there."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from praxisschild.mdm import android, apple
from praxisschild.mdm.rows import Row, flattened, load_rows, nested, select
from praxisschild.mdm.topics import Topic
from tests.unit.mdm.conftest import PROJECT, practice_with

ROWS = load_rows().rows
TODAY = date(2026, 11, 28)
TYPES = {"boolean": bool, "integer": int, "string": str, "array": list, "dictionary": dict, "object": dict}


def known(table: dict[str, Any], payload: str) -> dict[str, Any]:
    return table["payloads" if payload in table["payloads"] else "declarations"][payload]


def ios(entry: dict[str, Any], key: str) -> dict[str, Any]:
    """What the table says of iOS: the key's own word, or that of the object around it, or the payload's."""
    found: dict[str, Any] = {}
    parts = key.split(".")
    words = [entry["os"], *(entry["keys"].get(".".join(parts[: n + 1]), {}).get("os", {}) for n in range(len(parts)))]
    for word in words:
        said = word.get("iOS", {})
        found |= {"since": said} if isinstance(said, str) else said
    return found


def value_fits(value: Any, entry: dict[str, Any]) -> bool:
    kind = TYPES.get(entry["type"], object)
    typed = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    values = value if isinstance(value, list) else [value]
    allowed = "values" not in entry or all(one in entry["values"] for one in values)
    bounded = not isinstance(value, int) or entry.get("min", value) <= value <= entry.get("max", value)
    return typed and allowed and bounded


KEYS = [(row, one) for row in ROWS for one in (*row.apple, *row.declaration)]


@pytest.mark.parametrize(("row", "one"), KEYS, ids=lambda item: getattr(item, "key", ""))
def test_apple_knows_the_key_and_says_when_it_is_obeyed(row: Row, one: Any, apple_table: dict[str, Any]) -> None:
    entry = known(apple_table, one.payload)
    said = ios(entry, one.key)
    assert said.get("since", "4.0") == one.since
    assert "deprecated" not in said
    needs = (
        "supervised" if said.get("supervised") else "device" if said.get("user_enrollment") == "forbidden" else "any"
    )
    assert needs == one.needs
    if not str(one.value).startswith("{"):
        assert value_fits(one.value, entry["keys"][one.key])


def test_the_table_would_show_what_is_deprecated_supervised_or_out_of_bounds(apple_table: dict[str, Any]) -> None:
    restrictions = known(apple_table, "com.apple.applicationaccess")
    assert "deprecated" in ios(restrictions, "blacklistedAppBundleIDs")
    assert ios(restrictions, "allowVideoConferencing")["supervised"]
    failed = known(apple_table, "com.apple.mobiledevice.passwordpolicy")["keys"]["maxFailedAttempts"]
    assert value_fits(11, failed)
    assert not value_fits(12, failed)
    assert not value_fits(True, failed)
    assert not value_fits("10", failed)


@pytest.mark.parametrize("size", ["praxis", "mittel", "gross"])
@pytest.mark.parametrize("owner", ["company", "personal"])
def test_android_knows_every_field_of_the_policy(size, owner, android_table, catalogue, tmp_path) -> None:
    chosen = select(practice_with(size), catalogue, "android", owner, TODAY)
    document = android.policy(chosen, "Praxis am Markt", tmp_path)
    fields = [(name, value) for name, value in flattened(document) if "managedConfiguration." not in name]
    assert len(fields) > 30
    for name, value in fields:
        entry = android_table[name]
        assert "deprecated" not in entry, name
        if isinstance(value, bool | int | str):
            assert value_fits(value, entry), (name, value)
        elif "values" in entry:
            assert set(value) <= set(entry["values"]), name
        assert not set(entry.get("deprecated_values", [])) & {str(value)}
    assert "deprecated" in android_table["safeBootDisabled"], "the table would say so"


@pytest.mark.parametrize("supervised", [True, False])
@pytest.mark.parametrize("owner", ["company", "personal"])
def test_a_profile_holds_nothing_that_its_devices_do_not_obey(owner, supervised, apple_table, catalogue) -> None:
    chosen = select(practice_with(supervised=supervised), catalogue, "ios", owner, TODAY)
    document = apple.profile(chosen, "Praxis am Markt", "praxis")
    for payload in document["PayloadContent"]:
        entry = known(apple_table, payload["PayloadType"])
        for key, value in flattened(payload):
            if key.startswith("Payload"):
                assert value_fits(value, apple_table["payloads"]["CommonPayloadKeys"]["keys"][key])
                continue
            said = ios(entry, key)
            assert value_fits(value, entry["keys"][key]), key
            assert supervised or not said.get("supervised"), key
            assert owner == "company" or said.get("user_enrollment") != "forbidden", key
    for key, value in document.items():
        assert key == "PayloadContent" or value_fits(value, apple_table["payloads"]["TopLevel"]["keys"][key])
    assert document.get("PayloadRemovalDisallowed", False) == (supervised and owner == "company")


def test_chrome_knows_what_its_managed_configuration_says(catalogue) -> None:
    import json

    table = json.loads((PROJECT / "tests/data/vendor/browser_policies.json").read_text(encoding="utf-8"))["chrome"]
    (row,) = (row for row in ROWS if row.topic is Topic.BROWSER)
    for name, value in row.android["applications[com.android.chrome].managedConfiguration"].items():
        assert value_fits(value, table[name])


def test_what_no_requirement_of_the_practice_asks_for_is_left_out(catalogue) -> None:
    small = select(practice_with("praxis"), catalogue, "ios", "company", TODAY)
    large = select(practice_with("gross"), catalogue, "ios", "company", TODAY)
    assert "2021-A2-07" not in small.requirements
    assert "2021-A2-07" in large.requirements
    assert any("Größe" in gone.reason for gone in small.left_out)
    assert "allowAssistant" not in {one.key for row in small.rows for one in row.apple}
    assert "allowAssistantWhileLocked" in {one.key for row in small.rows for one in row.apple}


def test_a_deviation_for_everything_drops_a_row_and_one_for_a_device_does_not(catalogue) -> None:
    def rows_with(hosts: Any) -> set[str]:
        practice = practice_with(devices=[{"name": "telefon", "platform": "ios"}])
        deviation = {
            "requirement": "2025-A2-06",
            "hosts": hosts,
            "reason": "Diktat am Sprechzimmertelefon",
            "compensation": "nur im Sprechzimmer",
            "risk": "niedrig",
            "approved_by": "Praxisinhaberin",
            "approved_on": TODAY,
            "expires": date(2027, 1, 1),
        }
        fresh = practice.model_validate({**practice.model_dump(by_alias=True), "deviations": [deviation]})
        return {row.topic for row in select(fresh, catalogue, "ios", "company", TODAY).rows}

    assert Topic.ASSISTANT not in rows_with("all")
    assert Topic.ASSISTANT in rows_with(["telefon"])


def test_a_choice_that_is_missing_leaves_its_rows_out_and_is_named(catalogue) -> None:
    practice = practice_with(apps={}, wlan=[], vpn={})
    reasons = {}
    for platform in ("ios", "android"):
        chosen = select(practice, catalogue, platform, "company", TODAY)
        reasons[platform] = {gone.reason.rpartition("mobile_devices.")[2] for gone in chosen.left_out}
        text = str([row.model_dump() for row in chosen.rows])
        assert "{" not in re.sub(r"\{'", "", text).replace("{}", ""), "a placeholder was left standing"
    assert reasons == {"ios": {"apps.ios", "wlan", "vpn.server"}, "android": {"apps.android", "vpn.android_app"}}


def test_mdm_requirements_have_a_setting_or_a_reason(catalogue) -> None:
    """Counted from the catalogue, not from the rows."""
    served = {one for row in ROWS for one in row.requirements}
    explained = {one for item in load_rows().unenforceable for one in item.concerns}
    wanted = {
        one for one in catalogue.ids if "mdm" in catalogue.requirement(one).kinds and catalogue.oldest(one) == one
    }
    assert len(wanted) == 24
    assert wanted - served == {"2021-A3-05"}
    assert wanted <= served | explained
    for item in load_rows().unenforceable:
        assert item.way_out.endswith(".")
        assert item.why.endswith(".")


def test_nested_joins_lists_keeps_elements_apart_and_refuses_contradictions() -> None:
    pairs = [("a[x].b", 1), ("a[y].b", 2), ("a[x].c", 3), ("l", ["p"]), ("l", ["q", "p"]), ("o.p.q", True)]
    assert nested(pairs) == {"a": [{"b": 1, "c": 3}, {"b": 2}], "l": ["p", "q"], "o": {"p": {"q": True}}}
    with pytest.raises(ValueError, match="contradict"):
        nested([("a[x].b", 1), ("a[x].b", 2)])
