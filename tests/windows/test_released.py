"""What nobody asks for any more, as a deviation or another practice brings about, becomes what it was before."""

from __future__ import annotations

import json

import pytest

from tests.windows.test_accounts import account, group
from tests.windows.test_components import BACKUP, feature, file, service, task

KEY = r"HKLM\SOFTWARE\Policies\Praxisschild"
TREE = KEY + r"\Baum"
PAGES = KEY + r"\Seiten"
ORIGINAL = r"C:\ProgramData\Praxisschild\original"
GIVEN_BACK = "no longer asked for: as it was before the first run"
SOMEBODY = "no longer asked for, and changed by somebody else since: left alone"
SPOOLER = service("Spooler", start="disabled", state="stopped")
LOGON = {"subcategory": "{0CCE9215-69AE-11D9-BED3-505054503030}", "success": True, "failure": True}
LENGTH = {"name": "MinimumPasswordLength", "value": 12}
SCREEN = {"key": r"HKCU\Control Panel\Desktop", "name": "ScreenSaveTimeOut", "type": "string", "value": "600"}
IDENTITY = {
    "registry": ("key", "name", "view"),
    "security": ("name",),
    "audit": ("subcategory",),
    "components": ("kind", "name"),
}
ROWS = {
    "registry": [
        SCREEN,
        {"key": KEY, "name": "Neu", "type": "dword", "value": 1},
        {"key": KEY, "name": "Alt", "type": "dword", "value": 1, "view": "both"},
        {"key": TREE, "state": "absent"},
        {"key": PAGES, "only": ["1"]},
    ],
    "security": [LENGTH, {"name": "SeNetworkLogonRight", "value": ["S-1-5-32-544"]}],
    "audit": [LOGON],
    "components": [
        SPOOLER,
        feature("TFTP", "enabled"),
        task(xml=BACKUP),
        file(content="ä\n"),
        account("sprechzimmer-1", "disabled"),
        group("S-1-5-32-545"),
    ],
}


def released(kind, rows):
    return [
        {**{key: row[key] for key in IDENTITY[kind] if key in row}, "requirements": ["2025-A1-01"], "role": "firewall"}
        for row in rows
    ]


def value(pc, name="A"):
    return (pc.registry.values(KEY).get(name) or (None, None))[1]


def number(wanted):
    return {"key": KEY, "name": "A", "type": "dword", "value": wanted}


def settings_of(pc, keys):
    """All that a host is, but for a restart that it asks for; and what these keys hold."""
    state = pc.state
    state["updates"]["pending_reboot"] = False
    return state, {key: pc.registry.values(key) for key in keys}


def without_notes(result):
    """Items without what only a run that applies knows, a restart that is due."""
    return [{key: said for key, said in item.items() if key != "note"} for item in result["items"]]


def gives_back(pc, kind, rows):
    """The items of a call that asks for nothing, in which check mode and the run itself agree."""
    foretold = pc(kind, [], release=released(kind, rows), check=True)
    result = pc(kind, [], release=released(kind, rows))
    assert without_notes(result) == without_notes(foretold)
    assert not result.get("failed")
    assert pc.settled(kind, [], release=released(kind, rows))
    return result["items"]


@pytest.mark.parametrize("kind", ROWS)
def test_everything_is_as_it_was_before(pc, kind):
    pc.registry.set(KEY, "Alt", "string", "vorher")
    pc.registry.set(TREE + r"\Ast", "B", "multi_string", ["x", "y"])
    pc.registry.set(PAGES, "2", "string", "seite-2")
    before = settings_of(pc, keys := (KEY, TREE, TREE + r"\Ast", PAGES))
    pc(kind, ROWS[kind])
    assert settings_of(pc, keys) != before
    for row in ROWS[kind]:  # which one is released with which others does not matter
        items = gives_back(pc, kind, [row])
        assert all(item["changed"] and item["note"].endswith(GIVEN_BACK) for item in items), items
        assert {item["role"] for item in items} == {"firewall"}
        assert {tuple(item["requirements"]) for item in items} == {("2025-A1-01",)}
        assert items
    assert settings_of(pc, keys) == before
    kept = json.loads((pc.path(ORIGINAL) / f"{kind}.json").read_text(encoding="utf-8"))
    assert kept == {"kind": kind, "rows": []}


def test_what_other_rows_ask_for_stays(pc):
    pc("registry", [number(1), SCREEN])
    pc("registry", [number(1)], release=released("registry", [SCREEN]))
    assert value(pc) == 1


def test_it_is_the_value_before_the_first_run_that_comes_back(pc):
    pc.registry.set(KEY, "A", "dword", 7)
    for wanted in (1, 2, 3):
        pc("registry", [number(wanted)])
    gives_back(pc, "registry", [number(1)])
    assert value(pc) == 7
    pc.registry.set(KEY, "A", "dword", 8)  # theirs: the next run is the first again
    pc("registry", [number(3)])
    gives_back(pc, "registry", [number(1)])
    assert value(pc) == 8


def test_what_somebody_else_has_changed_is_left_alone_and_said_once(pc):
    pc("registry", [number(1)])
    pc.registry.set(KEY, "A", "dword", 5)
    (item,) = pc("registry", [], release=released("registry", [number(1)]))["items"]
    assert (item["changed"], item["note"], value(pc)) == (False, SOMEBODY, 5)
    assert pc("registry", [], release=released("registry", [number(1)]))["items"] == []


def test_a_setting_that_was_right_from_the_start_is_nobodys_to_give_back(pc):
    pc.registry.set(KEY, "A", "dword", 1)
    pc("registry", [number(1)])
    assert gives_back(pc, "registry", [number(1)]) == []
    assert value(pc) == 1


def test_everybody_gets_back_their_own(pc):
    people = {name: f"HKU\\{one['sid']}\\Control Panel\\Desktop" for name, one in pc.state["users"].items()}
    desktop = people["praxisschild"]
    pc.registry.set(desktop, "ScreenSaveTimeOut", "string", "1200")
    pc("registry", [SCREEN])
    assert pc.registry.values(desktop)["ScreenSaveTimeOut"] == ("string", "600")
    items = gives_back(pc, "registry", [SCREEN])
    assert len(items) > 1
    assert pc.registry.values(desktop)["ScreenSaveTimeOut"] == ("string", "1200")


def test_what_cannot_be_given_back_is_tried_again(pc):
    pc("audit", [LOGON])
    program = pc.folder / "System32" / "auditpol.exe"
    real = program.read_text()
    refuse = 'case "$1" in /set) echo Zugriff verweigert; exit 5;; esac\n'
    program.write_text(real.replace("#!/bin/sh\n", "#!/bin/sh\n" + refuse))
    assert "Zugriff verweigert" in pc("audit", [], release=released("audit", [LOGON]))["msg"]
    program.write_text(real)
    assert gives_back(pc, "audit", [LOGON])[0]["note"] == GIVEN_BACK


def test_a_run_that_gave_something_back_can_itself_be_taken_back(pc):
    pc("registry", [number(1)])
    pc("registry", [], release=released("registry", [number(1)]), run="gab")
    assert value(pc) is None
    pc("registry", restore="gab")
    assert value(pc) == 1


def test_what_an_ordinary_user_has_written_there_is_not_applied(pc):
    folder = pc.path(ORIGINAL)
    folder.mkdir(parents=True)
    planted = {
        "setting": f"={KEY.lower()}|=a|=64",
        "row": {"key": KEY, "name": "A", "type": "dword", "value": 666, "view": "64"},
        "set": "x",
    }
    (folder / "registry.json").write_text(json.dumps({"kind": "registry", "rows": [planted]}))
    assert pc("registry", [], release=released("registry", [number(1)]))["items"] == []
    pc("registry", [number(1)])
    assert gives_back(pc, "registry", [number(1)])[0]["changed"]
    assert value(pc) is None


def test_what_cannot_be_read_is_a_warning_and_costs_nothing_else(pc):
    pc("registry", [number(1)])
    (pc.path(ORIGINAL) / "registry.json").write_text("{")
    result = pc("registry", [number(2)], release=released("registry", [SCREEN]))
    assert value(pc) == 2
    assert [
        "is not what this module keeps; what earlier runs have replaced is not given back" in one
        for one in result["warnings"]
    ] == [True]
    assert "warnings" not in pc("registry", [number(3)])


def test_what_no_row_can_say_is_a_warning(pc):
    """A value of before that Windows stores and nobody could declare, and an entry that somebody has edited."""
    pc.registry.set(KEY, "B", "dword", 7)
    pc("registry", [number(1), number(2) | {"name": "B"}])
    path = pc.path(ORIGINAL) / "registry.json"
    kept = json.loads(path.read_text())
    for one in kept["rows"]:
        if one["row"]["name"] == "A":
            one["row"].update(state="present", type="dword", value="viel")
    kept["rows"].append({"row": {}})
    path.write_text(json.dumps(kept))
    result = pc("registry", [], release=released("registry", [number(1), number(2) | {"name": "B"}]))
    assert not result.get("failed")
    assert ["not given back: row" in one and "viel" in one for one in result["warnings"]] == [True]
    assert (value(pc), value(pc, "B")) == (1, 7)


def test_the_same_place_named_by_two_rows_is_kept_once(pc):
    both = {**number(1), "view": "both"}
    pc("registry", [both, number(1)])
    assert gives_back(pc, "registry", [both, number(1)])
    assert value(pc) is None
