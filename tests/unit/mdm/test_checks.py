"""Every check of a mobile device can fail, fails alone, and says nothing where a list says nothing."""

from __future__ import annotations

import csv
import inspect
import io
import json
from datetime import timedelta

import pytest

from praxisschild.checks import Verdict
from praxisschild.mdm.declared import MobileDevices
from praxisschild.mdm.subject import list_files, subjects
from tests.compliance import test_mobile_devices as checks
from tests.unit.mdm.conftest import CHOICES, LISTS, NOW, PROJECT

NEUTRAL = PROJECT / "inventories/musterpraxis/mobilgeraete/geraete.csv"
CURRENT = {"ios": {"version": "26.1", "checked": "2026-11-20"}}
DECLARED = MobileDevices.model_validate({**CHOICES, "current_os": CURRENT})
ROWS = list(csv.DictReader(io.StringIO(NEUTRAL.read_text(encoding="utf-8")), delimiter=";"))
FUNCTIONS = {
    name: function
    for name, function in vars(checks).items()
    if name.startswith("test_") and "mobile" in inspect.signature(function).parameters
}


def table(**changed: str) -> str:
    """The list of the model practice, values of the phone (the second device) replaced."""
    out = io.StringIO()
    writer = csv.DictWriter(out, ROWS[0].keys(), delimiter=";")
    writer.writeheader()
    writer.writerows([ROWS[0], {**ROWS[1], **changed}])
    return out.getvalue()


def verdicts(subject):
    """What each check says of the device, and what it measured."""
    found = {}
    for name, function in FUNCTIONS.items():
        said: list[str] = []
        try:
            function(subject, said.append)
        except Verdict as verdict:
            found[name] = (verdict.status.value, str(verdict.msg))
        except AssertionError:
            assert said, "what fails says what it measured"
            found[name] = ("failed", said[0])
        else:
            assert said, "what passes says what it measured"
            found[name] = ("passed", said[0])
    return found


def requirements_of(name):
    return {one for mark in FUNCTIONS[name].pytestmark for one in mark.args if mark.name == "requirement"}


def judged(path, declared=DECLARED, now=NOW, name="telefon-bereitschaft"):
    (subject,) = (one for one in subjects(declared, [path], now) if one.name == name)
    return verdicts(subject)


def failed(found):
    return {name for name, (status, _) in found.items() if status == "failed"}


BREAKS = [
    (
        {"Verwaltet": "nein"},
        {"test_device_is_managed", "test_device_can_be_erased_from_afar"},
        {"2021-A3-04", "2021-A3-07"},
    ),
    ({"Richtlinie erfüllt": "nein"}, {"test_device_obeys_its_policy"}, {"2021-A1-21"}),
    ({"Letzte Meldung": "19.11.2026 12:00"}, {"test_device_can_be_erased_from_afar"}, {"2021-A3-07"}),
    ({"Zertifikat bis": "20.12.2026"}, {"test_certificate_is_renewed_in_time"}, {"2021-A3-06"}),
    (
        {"Verschlüsselt": "nein"},
        {"test_storage_is_encrypted", "test_android_storage_is_encrypted"},
        {"2021-A1-03", "2021-A1-21", "KVWL-10", "KVWL-11"},
    ),
    ({"Sperrcode": "nein"}, {"test_lock_asks_for_a_code"}, {"2021-A1-22", "2021-A1-21", "KVWL-09"}),
    ({"Mitteilungen verborgen": "nein"}, {"test_locked_screen_shows_no_messages"}, {"2021-A1-22"}),
    (
        {"Löscht nach Fehlversuchen": "11"},
        {"test_device_erases_itself_after_wrong_codes"},
        {"2021-A1-22", "2021-A1-21"},
    ),
    ({"Löscht nach Fehlversuchen": "0"}, {"test_device_erases_itself_after_wrong_codes"}, {"2021-A1-22", "2021-A1-21"}),
    ({"Sicherheitsstand": "29.08.2026"}, {"test_security_updates_have_arrived"}, {"2021-A1-23", "2025-A1-14"}),
    ({"Apps aktualisieren sich": "nein"}, {"test_apps_update_themselves"}, {"2021-A1-02", "2025-A1-14"}),
    ({"Nur Store": "nein"}, {"test_apps_come_from_the_store_only"}, {"2021-A1-01"}),
    ({"Berechtigungen beschränkt": "nein"}, {"test_apps_get_few_permissions"}, {"2021-A1-24", "2021-A2-01"}),
    ({"Nicht manipuliert": "nein"}, {"test_device_was_not_tampered_with"}, {"2021-A1-21"}),
    ({"Weitergabe gesperrt": "nein"}, {"test_data_stay_in_apps_of_the_practice"}, {"2021-A1-04"}),
    ({"Cloud gesperrt": "nein"}, {"test_nothing_is_kept_in_the_makers_cloud"}, {"2021-A1-05"}),
    ({"Sprachassistent aus": "nein"}, {"test_voice_assistant_of_the_device_is_off"}, {"2021-A2-07"}),
    ({"Browser warnt": "nein"}, {"test_browser_of_the_device_warns"}, {"2021-A1-19"}),
    (
        {"Nur freigegebene Apps": "nein"},
        {"test_only_approved_apps_can_be_installed"},
        {"2021-A3-02", "2021-A3-03", "2021-A3-08", "2021-A3-09"},
    ),
    ({"SIM-PIN": "nein"}, {"test_sim_asks_for_a_pin"}, {"2021-A1-20"}),
]


def test_the_model_practice_is_in_order(saved):
    for name in ("telefon-bereitschaft", "tablet-anmeldung"):
        found = judged(saved(table()), name=name)
        assert {status for status, _ in found.values()} <= {"passed", "not_applicable"}
    assert {name for name, (status, _) in found.items() if status == "not_applicable"} == {
        "test_android_storage_is_encrypted",
        "test_sim_asks_for_a_pin",
    }


@pytest.mark.parametrize(
    ("changed", "checks_", "requirements"),
    BREAKS,
    ids=lambda item: (str(item) if isinstance(item, dict) else ",".join(sorted(item)))[:60],
)
def test_one_broken_value_fails_exactly_what_it_concerns(saved, changed, checks_, requirements):
    found = judged(saved(table(**changed)))
    assert failed(found) == checks_
    assert {one for name in checks_ for one in requirements_of(name)} == requirements
    assert {status for name, (status, _) in found.items() if name not in checks_} == {"passed"}
    neighbour = judged(saved(table(**changed)), name="tablet-anmeldung")
    assert failed(neighbour) == set()


def test_every_check_was_broken():
    assert {name for _, names, _ in BREAKS for name in names} == set(FUNCTIONS)


@pytest.mark.parametrize("column", [name for name in ROWS[0] if name not in {"Stand", "Gerät", "Plattform", "Besitz"}])
def test_what_a_list_does_not_say_never_passes(saved, column):
    whole, hollow = judged(saved(table())), judged(saved(table(**{column: ""})))
    changed = {name for name in whole if whole[name][0] != hollow[name][0]}
    assert failed(hollow) == set()
    for name in changed:
        status, reason = hollow[name]
        allowed = {"test_sim_asks_for_a_pin", "test_device_obeys_its_policy"}
        assert status == "not_tested" or (status == "not_applicable" and name in allowed)
        assert reason
    ignored = {"Seriennummer", "Systemversion", "Sicherheitsstand"}
    assert changed or column in ignored, "no check looks at the column"


def test_a_patch_may_be_ninety_days_old_and_no_older(saved):
    def update(day):
        return judged(saved(table(Sicherheitsstand=f"{day:%d.%m.%Y}")))["test_security_updates_have_arrived"][0]

    assert update(NOW.date() - timedelta(days=90)) == "passed"
    assert update(NOW.date() - timedelta(days=91)) == "failed"
    assert update(NOW.date() + timedelta(days=20)) == "passed"
    assert update(NOW.date() + timedelta(days=40)) == "not_tested"


@pytest.mark.parametrize(
    ("version", "current", "status"),
    [
        ("26.1", {"version": "26.1", "checked": "2026-11-20"}, "passed"),
        ("26.1.0", {"version": "26.1", "checked": "2026-11-20"}, "passed"),
        ("26.10", {"version": "26.9", "checked": "2026-11-20"}, "passed"),
        ("26.0.1", {"version": "26.1", "checked": "2026-11-20"}, "failed"),
        ("18.7", {"version": "26.1", "checked": "2026-11-20"}, "failed"),
        ("26.1", {"version": "26.1", "checked": "2026-08-29"}, "not_tested"),
        ("26.1", {"version": "26.1", "checked": "2026-11-29"}, "not_tested"),
        ("26.1", None, "not_tested"),
        ("", {"version": "26.1", "checked": "2026-11-20"}, "not_tested"),
    ],
)
def test_a_version_is_held_against_one_that_somebody_looked_up_lately(saved, version, current, status):
    declared = MobileDevices.model_validate({**CHOICES, "current_os": {"android": current} if current else {}})
    found = judged(saved(table(Sicherheitsstand="", Systemversion=version)), declared)
    assert found["test_security_updates_have_arrived"][0] == status


def test_an_old_list_proves_nothing_and_says_how_old_it_is(saved):
    path = saved(table())
    fresh = judged(path, now=NOW + timedelta(days=30))
    assert "not_tested" not in {status for status, _ in fresh.values()}
    old = judged(path, now=NOW + timedelta(days=31))
    assert {status for status, _ in old.values()} == {"not_tested"}
    assert {reason for _, reason in old.values()} == {
        "die Geräteliste liste.csv vom 27.11.2026 ist 31 Tage alt, höchstens 31 sind erlaubt; neu exportieren"
    }


def test_a_device_that_fell_silent_is_not_tested(saved):
    found = judged(saved(table(**{"Letzte Meldung": "20.10.2026 08:00"})))
    assert {status for status, _ in found.values()} == {"not_tested"}
    assert all("seit 39 Tagen" in reason for _, reason in found.values())


def test_a_declared_device_that_no_list_knows_is_not_tested(saved):
    declared = MobileDevices.model_validate({"devices": [{"name": "telefon-neu", "platform": "android"}]})
    found = judged(saved(table()), declared, name="telefon-neu")
    assert {status for status, _ in found.values()} == {"not_tested"}
    assert all("in keiner Geräteliste (liste.csv)" in reason for _, reason in found.values())


def test_a_broken_list_does_not_stop_the_others(saved):
    good, bad = saved(table(), "gut.csv"), saved("Gerät;Stand\n", "kaputt.csv")
    declared = MobileDevices.model_validate({"devices": [{"name": "telefon-neu", "platform": "android"}]})
    found = {one.name: one for one in subjects(declared, [bad, good], NOW)}
    assert "passed" in {status for status, _ in verdicts(found["telefon-bereitschaft"]).values()}
    (reason,) = {reason for _, reason in verdicts(found["telefon-neu"]).values()}
    assert "kaputt.csv ist nicht lesbar (Zeile 1: die Spalte „Plattform“ fehlt" in reason


def test_the_newest_list_speaks(saved):
    old = saved(table(Sperrcode="nein").replace("27.11.2026 18:00", "20.11.2026 18:00"), "b-alt.csv")
    new = saved(table(), "a-neu.csv")
    (phone,) = (one for one in subjects(DECLARED, [new, old], NOW) if one.name == "telefon-bereitschaft")
    assert failed(verdicts(phone)) == set()


BY_HAND = (
    "Stand;Gerät;Plattform;Letzte Meldung;Berechtigungen beschränkt;Apps aktualisieren sich;SIM-PIN;Sperrcode\n"
    "{day};tablet-anmeldung;iPadOS;{day};ja;nein;keine SIM;nein\n"
)


def test_an_older_list_adds_what_the_newest_does_not_tell_and_overrules_nothing(saved):
    by_hand = saved(BY_HAND.format(day="10.11.2026"), "ausgabe.csv")
    (tablet,) = (one for one in subjects(DECLARED, [by_hand, LISTS / "jamf.json"], NOW) if "tablet" in one.name)
    found = verdicts(tablet)
    assert found["test_apps_get_few_permissions"][0] == "passed"
    assert "laut ausgabe.csv vom 10.11.2026" in found["test_apps_get_few_permissions"][1]
    assert found["test_apps_update_themselves"][0] == "failed"
    assert found["test_sim_asks_for_a_pin"] == (
        "not_applicable",
        "das Gerät hat keine SIM-Karte, laut ausgabe.csv vom 10.11.2026",
    )
    assert found["test_lock_asks_for_a_code"][0] == "passed", "the newest list speaks"


def test_a_list_that_is_out_of_date_adds_nothing(saved):
    by_hand = saved(BY_HAND.format(day="10.10.2026"), "ausgabe.csv")
    (tablet,) = (one for one in subjects(DECLARED, [by_hand, LISTS / "jamf.json"], NOW) if "tablet" in one.name)
    assert verdicts(tablet)["test_apps_get_few_permissions"][0] == "not_tested"


def test_without_any_list_one_subject_carries_the_reason(tmp_path):
    declared = MobileDevices()
    (only,) = subjects(declared, list_files(declared, tmp_path), NOW)
    assert only.name == ""
    assert {status for status, _ in verdicts(only).values()} == {"not_tested"}


# -- what each product can prove ------------------------------------------------------------------------------------

COVERS = {"compliance_covers": ["locked", "lock_screen", "wipes", "store_only"]}
INTUNE = {
    "test_device_is_managed",
    "test_device_obeys_its_policy",
    "test_device_can_be_erased_from_afar",
    "test_certificate_is_renewed_in_time",
    "test_storage_is_encrypted",
    "test_android_storage_is_encrypted",
    "test_security_updates_have_arrived",
    "test_device_was_not_tampered_with",
}
BY_COMPLIANCE = {
    "test_lock_asks_for_a_code",
    "test_locked_screen_shows_no_messages",
    "test_device_erases_itself_after_wrong_codes",
    "test_apps_come_from_the_store_only",
}


@pytest.mark.parametrize("name", ["intune.csv", "graph.json"])
@pytest.mark.parametrize("covers", [{}, COVERS])
def test_what_intune_proves(name, covers):
    found = judged(LISTS / name, MobileDevices.model_validate({**CHOICES, **covers}))
    passed = {check for check, (status, _) in found.items() if status == "passed"}
    assert passed == INTUNE | (BY_COMPLIANCE if covers else set())
    assert failed(found) == set()


def test_what_the_android_management_api_proves():
    found = judged(LISTS / "amapi.json")
    left = {check: status for check, (status, _) in found.items() if status != "passed"}
    assert left == {"test_certificate_is_renewed_in_time": "not_tested", "test_sim_asks_for_a_pin": "not_applicable"}


def test_what_jamf_proves():
    found = judged(LISTS / "jamf.json", name="tablet-anmeldung")
    left = {check: status for check, (status, _) in found.items() if status != "passed"}
    assert left == {
        "test_device_obeys_its_policy": "not_applicable",
        "test_android_storage_is_encrypted": "not_applicable",
        "test_apps_update_themselves": "not_tested",
        "test_apps_get_few_permissions": "not_tested",
        "test_sim_asks_for_a_pin": "not_applicable",
    }


def changed(name, *path_and_value):
    *path, last, value = path_and_value
    document = json.loads((LISTS / name).read_text(encoding="utf-8"))
    node = document
    for step in path:
        node = node[step]
    node[last] = value
    return document


@pytest.mark.parametrize(
    ("name", "place", "value", "red"),
    [
        (
            "graph.json",
            ("value", 1, "isEncrypted"),
            False,
            {"test_storage_is_encrypted", "test_android_storage_is_encrypted"},
        ),
        ("graph.json", ("value", 1, "jailBroken"), "True", {"test_device_was_not_tampered_with"}),
        ("graph.json", ("value", 1, "complianceState"), "noncompliant", {"test_device_obeys_its_policy"}),
        ("graph.json", ("value", 1, "androidSecurityPatchLevel"), "2026-07-05", {"test_security_updates_have_arrived"}),
        (
            "graph.json",
            ("value", 1, "managementState"),
            "retirePending",
            {"test_device_is_managed", "test_device_can_be_erased_from_afar"},
        ),
        ("jamf.json", ("results", 0, "security", "passcodePresent"), False, {"test_lock_asks_for_a_code"}),
        ("jamf.json", ("results", 0, "security", "passcodeCompliantWithProfile"), False, {"test_lock_asks_for_a_code"}),
        ("jamf.json", ("results", 0, "security", "dataProtected"), False, {"test_storage_is_encrypted"}),
        ("jamf.json", ("results", 0, "security", "jailBreakDetected"), True, {"test_device_was_not_tampered_with"}),
        ("jamf.json", ("results", 0, "general", "osVersion"), "18.5", {"test_security_updates_have_arrived"}),
        (
            "amapi.json",
            ("devices", 0, "appliedPasswordPolicies"),
            [{"passwordScope": "SCOPE_DEVICE"}],
            {"test_device_erases_itself_after_wrong_codes"},
        ),
        ("amapi.json", ("devices", 0, "policyCompliant"), False, {"test_device_obeys_its_policy"}),
    ],
)  # fmt: skip
def test_a_fault_that_a_product_reports_fails_its_check(saved, name, place, value, red):
    device = "tablet-anmeldung" if name == "jamf.json" else "telefon-bereitschaft"
    assert failed(judged(saved(changed(name, *place, value)), name=device)) == red


def test_without_the_profile_jamf_promises_nothing(saved):
    whole = judged(LISTS / "jamf.json", name="tablet-anmeldung")
    found = judged(saved(changed("jamf.json", "results", 0, "profiles", [])), name="tablet-anmeldung")
    lost = {check for check in whole if whole[check][0] == "passed" and found[check][0] == "not_tested"}
    assert {"test_device_erases_itself_after_wrong_codes", "test_apps_come_from_the_store_only"} <= lost
    assert failed(found) == set()
