"""Registry values: every type, both views, users' hives, absent things, and what becomes of one that cannot be set."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

KEY = r"HKLM\SOFTWARE\Policies\Praxisschild"
TYPES = {
    "dword": 4294967295,
    "qword": 18446744073709551615,
    "string": "Gerät \"1\" 'x' \\ ; =\nzweite Zeile",
    "expand_string": "%SystemRoot%\\ä",
    "multi_string": ["eins", "zwei ü", 'mit "Zeichen"'],
    "binary": "00ff10",
    "none": "0102",
}
DEFENDER = r"HKLM\SOFTWARE\Microsoft\Windows Defender\Features"


def row(name: str | None = "A", **more):
    return {"key": KEY, "type": "dword", "value": 1, **({} if name is None else {"name": name}), **more}


def key_row(state: str, key: str = KEY):
    return {"key": key, "state": state}


def shapes(result):
    """Items without what only a run that applies knows."""
    return [{key: item[key] for key in ("name", "changed", "state", "before", "after")} for item in result["items"]]


def users(pc):
    return {name: one["sid"] for name, one in pc.state["users"].items()}


def test_every_type_is_set_as_check_mode_said_and_then_stays(pc):
    rows = [row(kind, type=kind, value=value) for kind, value in TYPES.items()]
    foretold = pc("registry", rows, check=True)
    assert foretold["changed"]
    assert "kept" not in foretold
    assert pc.registry.values(KEY) == {}
    applied = pc("registry", rows)
    assert shapes(applied) == shapes(foretold)
    again = pc("registry", rows)
    assert (again["changed"], again.get("failed")) == (False, None)
    assert [item["after"] for item in again["items"]] == [
        {"type": kind, "value": value} for kind, value in TYPES.items()
    ]
    assert [item["before"] for item in again["items"]] == [item["after"] for item in again["items"]]


def test_what_is_stored_is_read_by_others_too(pc):
    """The stand-in's own reader, which shares nothing with the module."""
    pc("registry", [row(kind, type=kind, value=TYPES[kind]) for kind in ("dword", "qword", "string", "multi_string")])
    stored = {name: data for name, (_, data) in pc.registry.values(KEY).items()}
    assert stored == {kind: TYPES[kind] for kind in stored}
    assert {name: kind for name, (kind, _) in pc.registry.values(KEY).items()} == {name: name for name in stored}


def test_the_same_content_in_another_type_is_a_difference(pc):
    pc.registry.set(KEY, "A", "string", "1")
    pc.registry.set(KEY, "B", "string", "x")
    pc.registry.set(KEY, "C", "binary", b"\1\2")
    rows = [row("A"), row("B", type="expand_string", value="x"), row("C", type="none", value="0102")]
    result = pc("registry", rows)
    assert [item["changed"] for item in result["items"]] == [True] * 3
    assert result["items"][0]["before"] == {"type": "string", "value": "1"}
    assert pc.registry.get(KEY, "A") == ("dword", 1)
    assert pc.registry.get(KEY, "B") == ("expand_string", "x")


def test_names_of_values_have_no_case_and_may_hold_backslashes(pc):
    pc.registry.set(KEY, "enableLUA", "dword", 0)
    rows = [row("EnableLua"), row("C:\\Pfad\\x.exe"), row("", type="string", value="Standard")]
    names = [item["name"] for item in pc("registry", rows)["items"]]
    assert names == [f"{KEY}\\EnableLua", f"{KEY}\\C:\\Pfad\\x.exe", f"{KEY}\\(default)"]
    assert set(pc.registry.values(KEY)) == {"enableLUA", "C:\\Pfad\\x.exe", ""}
    assert pc.settled("registry", rows)


def test_a_32_bit_program_has_its_own_software_but_not_its_own_policies(pc):
    own = {"key": r"HKLM\SOFTWARE\Vendor", "name": "A", "type": "dword", "value": 1}
    pc("registry", [{**own, "view": "32"}])
    assert pc.registry.get(r"HKLM\SOFTWARE\WOW6432Node\Vendor", "A") == ("dword", 1)
    assert not pc.registry.exists(r"HKLM\SOFTWARE\Vendor")
    both = pc("registry", [{**own, "view": "both"}])["items"][0]
    assert both["before"] == {"64": None, "32": {"type": "dword", "value": 1}}
    assert pc.registry.get(r"HKLM\SOFTWARE\Vendor", "A") == ("dword", 1)
    assert pc.settled("registry", [{**own, "view": "both"}])
    pc("registry", [row()])
    assert pc.settled("registry", [row(view="32")]), "SOFTWARE\\Policies is one for both"


def test_everybody_has_the_value_and_so_has_who_comes_later(pc):
    people = users(pc)
    rows = [{"key": r"HKCU\Control Panel\Desktop", "name": "ScreenSaveTimeOut", "type": "string", "value": "600"}]
    item = pc("registry", rows)["items"][0]
    loaded, sleeping = people["praxisschild"], people["mfa-1"]
    assert set(item["after"]) == {loaded, sleeping, "Default"}
    assert pc.registry.get(f"HKU\\{loaded}\\Control Panel\\Desktop", "ScreenSaveTimeOut") == ("string", "600")
    for name in ("mfa-1", "Default"):
        stored = pc.path(f"C:\\Users\\{name}\\NTUSER.DAT.hive") / "control panel" / "desktop" / "values.xml"
        assert ">600<" in stored.read_text()
    assert [name for name in pc.registry.keys("HKU") if "praxisschild" in name] == [], "no hive stays loaded"
    again = pc("registry", rows)
    assert (again["changed"], again.get("failed")) == (False, None)
    assert set(again["items"][0]["before"]) == {loaded, sleeping, "Default"}


def test_a_hive_in_use_is_named_and_the_others_are_settled(pc):
    people = users(pc)
    (pc.path(r"C:\Users\mfa-1\NTUSER.DAT.hive")).rename(pc.path(r"C:\Users\mfa-1\elsewhere"))
    rows = [{"key": r"HKCU\Software\X", "name": "A", "type": "dword", "value": 1}, row()]
    result = pc("registry", rows)
    assert result["failed"]
    assert result["changed"]
    (bad,) = [item for item in result["items"] if item["state"] == "failed"]
    assert (bad["kind"], bad["name"]) == ("profile", f"HKU\\{people['mfa-1']}")
    assert bad["name"] in result["msg"]
    assert r"C:\Users\mfa-1\NTUSER.DAT could not be loaded" in result["msg"]
    assert "1 of 3 could not be set" in result["msg"]
    assert pc.registry.get(f"HKU\\{people['praxisschild']}\\Software\\X", "A") == ("dword", 1)
    assert pc.registry.get(KEY, "A") == ("dword", 1)


def test_a_hive_that_a_killed_run_left_behind_is_taken_over(pc):
    sid = users(pc)["mfa-1"]
    reg = [pc.folder / "System32" / "reg.exe", "load", f"HKU\\Praxisschild-{sid}", r"C:\Users\mfa-1\NTUSER.DAT"]
    subprocess.run(reg, env={**os.environ, "PRAXISSCHILD_WINDOWS_STATE": str(pc.folder)}, check=True)
    result = pc("registry", [{"key": r"HKCU\Software\X", "name": "A", "type": "dword", "value": 1}])
    assert "failed" not in result
    assert result["items"][0]["after"][sid] == {"type": "dword", "value": 1}
    assert [name for name in pc.registry.keys("HKU") if "praxisschild" in name] == []


def test_a_hive_that_stays_loaded_is_named_with_the_way_out(pc):
    program = pc.folder / "System32" / "reg.exe"
    refuse = '[ "$1" = unload ] && { echo FEHLER: Zugriff verweigert; exit 1; }\n'
    program.write_text(program.read_text().replace("#!/bin/sh\n", "#!/bin/sh\n" + refuse))
    result = pc("registry", [{"key": r"HKCU\Software\X", "name": "A", "type": "dword", "value": 1}], check=True)
    assert (
        f"run `reg unload HKU\\Praxisschild-{users(pc)['mfa-1']}`, or restart (FEHLER: Zugriff verweigert)"
        in result["msg"]
    )


def test_a_profile_that_is_gone_is_a_warning(pc):
    pc.path(r"C:\Users\mfa-1\NTUSER.DAT").unlink()
    result = pc("registry", [{"key": r"HKCU\Software\X", "name": "A", "type": "dword", "value": 1}])
    assert users(pc)["mfa-1"] in result["warnings"][0]


def test_what_is_to_be_absent_goes_and_a_key_goes_with_all_below(pc):
    pc.registry.set(KEY, "A", "dword", 1)
    pc.registry.set(KEY + r"\Unter\Tief", "B", "string", "x")
    absent = [{"key": KEY, "name": "A", "state": "absent"}, {"key": KEY, "name": "never", "state": "absent"}]
    first = pc("registry", absent)
    assert [item["changed"] for item in first["items"]] == [True, False]
    assert first["items"][0]["after"] is None
    tree = [key_row("absent", KEY + r"\Unter")]
    assert pc("registry", tree, check=True)["changed"]
    assert pc.registry.exists(KEY + r"\Unter\Tief")
    assert pc("registry", tree)["changed"]
    assert not pc.registry.exists(KEY + r"\Unter")
    assert pc.settled("registry", [*absent, *tree])
    assert pc("registry", [key_row("present")])["changed"] is False
    assert pc("registry", [key_row("present", KEY + r"\Neu")])["changed"]
    assert pc.registry.exists(KEY + r"\Neu")


def test_one_that_is_protected_fails_alone_and_is_named(pc):
    rows = [row("A"), {"key": DEFENDER, "name": "TamperProtection", "type": "dword", "value": 0}, row("B")]
    result = pc("registry", rows)
    assert result["failed"]
    assert result["changed"]
    assert [item["state"] for item in result["items"]] == ["present", "failed", "present"]
    assert [item["changed"] for item in result["items"]] == [True, False, True]
    assert result["msg"].startswith(
        f"1 of 3 could not be set, the others were: {DEFENDER}\\TamperProtection: access denied"
    )
    assert set(pc.registry.values(KEY)) == {"A", "B"}


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"value": -1}, "row 2 (%s): -1 is no whole number from 0 to 4294967295"),
        ({"value": 4294967296}, "4294967296 is no whole number"),
        ({"value": True}, "true is no whole number"),
        ({"value": "0x1g"}, "0x1g is no whole number"),
        ({"value": 1.5}, "1.5 is no whole number"),
        ({"value": None}, "`value` is missing"),
        ({"type": None}, "`type` is dword or qword or"),
        ({"type": "qword", "value": 1 << 64}, "no whole number from 0 to 18446744073709551615"),
        ({"type": "string", "value": "a\0b"}, "a text holds no NUL"),
        ({"type": "string", "value": True}, "true is no text; write it in quotes"),
        ({"type": "string", "value": ["a"]}, "[a] is no text"),
        ({"type": "multi_string", "value": "a"}, "multi_string is a list of texts"),
        ({"type": "multi_string", "value": ["a", ""]}, "holds no empty text"),
        ({"type": "binary", "value": "0"}, "two for a byte"),
        ({"type": "binary", "value": "0x00"}, "two for a byte"),
        ({"type": "binary", "value": [256]}, "numbers from 0 to 255"),
        ({"key": r"HKCR\x"}, "a key begins with HKLM"),
        ({"key": "HKLM"}, "a part of the key is empty"),
        ({"key": "HKLM\\a\\\\b"}, "a part of the key is empty"),
        (
            {"state": "absent", "type": None, "value": None, "name": None, "key": r"HKLM\SOFTWARE\Policies"},
            "so near to the root",
        ),
        ({"state": "absent"}, "belong to a value that is present"),
        ({"only": ["A"]}, "`only` belongs to a key that is present"),
        ({"name": "A", "value": 2}, "contradicts another row"),
        ({"name": "a", "state": "absent", "type": None, "value": None}, "contradicts another row"),
    ],
)
def test_a_mistake_in_one_row_is_named_before_anything_is_changed(pc, wrong, complaint):
    rows = [row("A"), {**row("B"), **wrong}]
    result = pc("registry", [{key: value for key, value in one.items() if value is not None} for one in rows])
    assert result["failed"]
    assert complaint.replace("%s", KEY) in result["msg"]
    assert "row 2 (" in result["msg"]
    assert pc.registry.values(KEY) == {}


@pytest.mark.parametrize("wrong", [{"type": "word"}, {"view": "16"}, {"state": "gone"}, {"unknown": 1}])
def test_what_the_argument_spec_forbids_does_not_get_far(pc, wrong):
    result = pc("registry", [row(**wrong)])
    assert result["failed"]
    assert next(iter(wrong)) in result["msg"] or str(next(iter(wrong.values()))) in result["msg"]


def test_secrets_appear_nowhere_but_in_what_administrators_keep(pc):
    pc.registry.set(KEY, "Token", "string", "altes-geheimnis")
    secret = row("Token", type="string", value="neues-geheimnis", secret=True)
    back = {"release": [{"key": KEY, "name": "Token"}]}
    for result in (
        pc("registry", [secret], check=True, diff=True),
        pc("registry", [secret], diff=True, run="neu"),
        pc("registry", restore="neu", diff=True),
        pc("registry", [secret], diff=True),
        pc("registry", [], **back, diff=True),
    ):
        assert "geheimnis" not in json.dumps(result)
        assert result["items"][0]["after"] == "(secret)"
    assert pc.registry.values(KEY)["Token"][1] == "altes-geheimnis"
    wrong = pc("registry", [row("Token", value="drittes-geheimnis", secret=True)])
    assert "geheimnis" not in json.dumps(wrong)
    assert wrong["failed"]


def test_a_diff_shows_what_changes_and_nothing_else(pc):
    pc.registry.set(KEY, "Same", "dword", 1)
    people = {"key": r"HKCU\Software\X", "name": "A", "type": "dword", "value": 1}
    rows = [row("Same"), row("New"), row("T", type="string", value="a\nb"), people]
    diff = pc("registry", rows, diff=True)["diff"]
    everybody = "HKCU\\Software\\X\\A"
    assert diff["before"] == f"{KEY}\\New = nothing\n{KEY}\\T = nothing\n{everybody} = nothing\n"
    assert diff["after"] == f"{KEY}\\New = dword:1\n{KEY}\\T = string:a\\nb\n{everybody} = dword:1\n"
    pc.registry.set(f"HKU\\{users(pc)['praxisschild']}\\Software\\X", "A", "dword", 2)
    assert pc("registry", [people], diff=True)["diff"]["before"].count("=dword:1") == 2


def test_what_was_replaced_is_kept_for_administrators_and_comes_back(pc):
    people = users(pc)
    pc.registry.set(KEY, "A", "string", "vorher")
    pc.registry.set(KEY + r"\Baum\Ast", "B", "multi_string", ["x", "y"])
    desktop = f"HKU\\{people['praxisschild']}\\Control Panel\\Desktop"
    pc.registry.set(desktop, "ScreenSaveActive", "string", "1")
    before = {key: pc.registry.values(key) for key in (KEY, KEY + r"\Baum\Ast", desktop)}
    rows = [
        row("A"),
        row("Neu"),
        key_row("absent", KEY + r"\Baum"),
        {"key": r"HKCU\Control Panel\Desktop", "name": "ScreenSaveActive", "type": "string", "value": "0"},
    ]
    assert pc("registry", rows, run="20261128T120000Z")["kept"].endswith(r"\20261128T120000Z\registry.json")
    kept = json.loads(pc.path(r"C:\ProgramData\Praxisschild\runs\20261128T120000Z\registry.json").read_text())
    assert kept["kind"] == "registry"
    assert json.loads((pc.folder / "drives" / "acl.json").read_text()) == {
        r"C:\ProgramData\Praxisschild": "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
    }
    foretold = pc("registry", restore="20261128T120000Z", check=True)
    restored = pc("registry", restore="20261128T120000Z")
    assert shapes(restored) == shapes(foretold)
    assert "kept" not in restored
    assert {key: pc.registry.values(key) for key in before} == before
    assert pc.settled("registry", restore="20261128T120000Z")


def test_a_list_that_got_shorter_loses_the_rest_and_gets_it_back(pc):
    pages, below = KEY + r"\Pages", KEY + r"\Pages\Unter"
    for name in ("1", "2", "3"):
        pc.registry.set(pages, name, "string", f"seite-{name}")
    pc.registry.set(below, "3", "string", "bleibt")
    rows = [{**key_row("present", pages), "only": ["1"]}, row("1", key=pages, type="string", value="seite-2")]
    foretold = pc("registry", rows, check=True)
    assert pc.registry.values(pages)["3"] == ("string", "seite-3")
    applied = pc("registry", rows, run="20261128T130000Z")
    assert shapes(applied) == shapes(foretold)
    assert applied["items"][0]["before"] == "key, with 2, 3"
    assert pc.registry.values(pages) == {"1": ("string", "seite-2")}
    assert pc.registry.values(below) == {"3": ("string", "bleibt")}
    assert pc.settled("registry", rows)
    pc("registry", restore="20261128T130000Z")
    assert {name: data for name, (_, data) in pc.registry.values(pages).items()} == {
        "1": "seite-1",
        "2": "seite-2",
        "3": "seite-3",
    }
    assert pc.settled("registry", [{**key_row("present", KEY + r"\Neu"), "only": []}]) is False
    assert pc("registry", [{**key_row("present", pages), "only": []}])["items"][0]["changed"]
    assert pc.registry.values(pages) == {}


def test_ten_runs_stay_and_one_without_changes_keeps_nothing(pc):
    runs = pc.path(r"C:\ProgramData\Praxisschild\runs")
    for number in range(11):
        (runs / f"lauf-{number:02}").mkdir(parents=True)
        os.utime(runs / f"lauf-{number:02}", (number, number))
    pc("registry", [row()], run="neu")
    assert sorted(one.name for one in runs.iterdir()) == [*(f"lauf-{number:02}" for number in range(2, 11)), "neu"]
    assert (runs / "neu" / "registry.json").exists()
    pc("registry", [row()], run="ohne")
    assert not (runs / "ohne").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kind": "audit", "rows": []}', '{"kind": "registry"}', "null"])
def test_what_is_not_ours_is_not_restored(pc, content):
    folder = pc.path(r"C:\ProgramData\Praxisschild\runs\x")
    folder.mkdir(parents=True)
    (folder / "registry.json").write_text(content)
    result = pc("registry", restore="x")
    assert "is not what this module keeps" in result["msg"]


def test_a_run_that_replaced_nothing_of_a_kind_has_nothing_to_put_back(pc):
    assert pc("registry", [row()], run="r")["changed"]
    assert pc.settled("audit", restore="r")
    assert pc("registry", restore="r")["changed"]


def test_a_run_that_nobody_kept_or_a_path_is_refused(pc):
    assert "there is no such run" in pc("registry", restore="nie")["msg"]
    assert "letters, digits" in pc("registry", restore="..\\..\\x")["msg"]
    assert "letters, digits" in pc("registry", [row()], run="../x")["msg"]
    assert pc.registry.values(KEY) == {}


def test_a_folder_that_a_user_made_first_is_taken_over_before_it_is_used(pc):
    pc.path(r"C:\ProgramData\Praxisschild").mkdir()
    pc("registry", [row()])
    assert "PAI" in (pc.folder / "drives" / "acl.json").read_text()


def test_a_folder_that_leads_elsewhere_is_not_used(pc, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    pc.path(r"C:\ProgramData\Praxisschild").symlink_to(tmp_path / "elsewhere")
    assert "is a link to somewhere else" in pc("registry", [row()])["msg"]
    assert pc.registry.values(KEY) == {}


@pytest.mark.parametrize("words", ["/setowner", "/save"])
def test_without_a_protected_place_for_what_is_replaced_nothing_is_changed(pc, words):
    pc("registry", [row("erst")])
    program = pc.folder / "System32" / "icacls.exe"
    program.write_text(f'#!/bin/sh\ncase "$2" in {words}) echo Zugriff verweigert; exit 5;; esac\n')
    result = pc("registry", [row("A")])
    assert "could not be protected, so nothing was changed: icacls ended with 5: Zugriff verweigert" in result["msg"]
    assert result["changed"] is False
    assert [item["changed"] for item in result["items"]] == [False]
    assert set(pc.registry.values(KEY)) == {"erst"}


def test_150_values_are_one_call_of_seconds(pc):
    rows = [row(f"Wert-{number}", value=number) for number in range(150)]
    start = time.monotonic()
    assert len([item for item in pc("registry", rows)["items"] if item["changed"]]) == 150
    first = time.monotonic() - start
    start = time.monotonic()
    assert pc.settled("registry", rows)
    again = time.monotonic() - start
    assert max(first, again) < 10


def test_a_domain_policy_is_recognised_reported_and_not_fought(member):
    camera = {
        "key": r"HKLM\SOFTWARE\Policies\Microsoft\Windows\Personalization",
        "name": "NoLockScreenCamera",
        "type": "dword",
        "value": 1,
    }
    updates = {
        "key": r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU",
        "name": "AUOptions",
        "type": "dword",
        "value": 4,
    }
    result = member("registry", [camera, updates, row()])
    assert [item["state"] for item in result["items"]] == ["domain_policy", "present", "present"]
    left = result["items"][0]
    assert left["gpo"] == "Sicherheitsvorgaben für Praxis-PCs"
    assert left["before"] == left["after"] == {"type": "dword", "value": 0}
    assert "sets dword:0 here; change it there" in left["reason"]
    assert not left["changed"]
    assert result["items"][2]["changed"]
    assert member.registry.get(camera["key"], "NoLockScreenCamera") == ("dword", 0)


def test_a_domain_policy_that_cannot_be_read_is_a_warning(member):
    for file in member.path(r"C:\WINDOWS\System32\GroupPolicy").rglob("Registry.pol"):
        file.write_bytes(b"PReg\x01\0\0\0[\0")
    (warning,) = member("registry", [row()])["warnings"]
    assert "“Sicherheitsvorgaben für Praxis-PCs” applies here but cannot be read" in warning


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
VALUES = st.one_of(
    st.tuples(st.just("dword"), st.integers(0, 2**32 - 1)),
    st.tuples(st.just("qword"), st.integers(0, 2**64 - 1)),
    st.tuples(st.sampled_from(["string", "expand_string"]), TEXT),
    st.tuples(st.just("multi_string"), st.lists(TEXT.filter(bool), max_size=4)),
    st.tuples(st.sampled_from(["binary", "none"]), st.binary(max_size=20).map(bytes.hex)),
)


@example(values=[("expand_string", ""), ("string", ""), ("multi_string", []), ("binary", ""), ("none", "")])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(VALUES, min_size=1, max_size=25))
def test_whatever_is_set_is_found_again(pc, values):
    rows = [row(f"v{number}", type=kind, value=value) for number, (kind, value) in enumerate(values)]
    sent = copy.deepcopy(rows)
    pc("registry", rows)
    again = pc("registry", sent)
    assert (again["changed"], again.get("failed")) == (False, None)
    assert [item["after"] for item in again["items"]] == [{"type": kind, "value": value} for kind, value in values]
