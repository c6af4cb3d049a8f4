"""The advanced audit policy by GUID, on a Windows that calls its subcategories German names."""

from __future__ import annotations

import pytest

LOGON = "{0CCE9215-69AE-11D9-BED3-505054503030}"
LOGOFF = "{0CCE9216-69AE-11D9-BED3-505054503030}"
PROCESS = "{0CCE922B-69AE-11D9-BED3-505054503030}"
UNKNOWN = "{0CCE92FF-69AE-11D9-BED3-505054503030}"


def row(guid, setting, **more):
    return {"subcategory": guid, "success": bool(setting & 1), "failure": bool(setting & 2), **more}


def setting(pc, guid):
    return pc.state["audit"][guid]["setting"]


@pytest.mark.parametrize("wanted", range(4))
def test_every_setting_is_set_as_check_mode_said_and_then_stays(pc, wanted):
    rows = [row(LOGON.lower().strip("{}"), wanted, name="Logon"), row(PROCESS, wanted)]
    foretold = pc("audit", rows, check=True)
    assert (setting(pc, LOGON), setting(pc, PROCESS)) == (1, 0)
    assert pc("audit", rows)["items"] == foretold["items"]
    assert (setting(pc, LOGON), setting(pc, PROCESS)) == (wanted, wanted)
    assert pc.settled("audit", rows)
    assert [item["changed"] for item in foretold["items"]] == [wanted != 1, wanted != 0]
    assert foretold["items"][0]["name"] == f"Logon {LOGON}"


def test_nothing_else_changes(pc):
    before = pc.state["audit"]
    pc("audit", [row(LOGON, 3)])
    now = pc.state["audit"]
    assert {guid for guid in now if now[guid] != before[guid]} == {LOGON}


def test_many_subcategories_are_at_most_four_calls_and_three_readings(pc):
    log = pc.folder / "tmp" / "calls"
    program = pc.folder / "System32" / "auditpol.exe"
    program.write_text(program.read_text().replace("#!/bin/sh\n", f'#!/bin/sh\necho "$1" >> {log}\n'))
    rows = [row(guid, number % 4) for number, guid in enumerate(pc.state["audit"])]
    pc("audit", rows)
    assert pc.settled("audit", rows)
    calls = log.read_text().split()
    assert calls.count("/set") <= 4
    assert calls.count("/backup") == 4, "the second run compares once"


def test_a_subcategory_that_this_windows_lacks_fails_alone(pc):
    result = pc("audit", [row(UNKNOWN, 1), row(LOGON, 3)])
    assert (
        f"1 of 2 could not be set, the others were: {UNKNOWN}: this Windows knows no such subcategory" in result["msg"]
    )
    assert setting(pc, LOGON) == 3


def test_one_that_auditpol_refuses_does_not_cost_the_others(pc):
    program = pc.folder / "System32" / "auditpol.exe"
    refuse = f'case "$*" in *{LOGOFF}*) case "$1" in /set) echo Zugriff verweigert; exit 5;; esac;; esac\n'
    program.write_text(program.read_text().replace("#!/bin/sh\n", "#!/bin/sh\n" + refuse))
    result = pc("audit", [row(LOGON, 3), row(LOGOFF, 3)])
    assert setting(pc, LOGON) == 3
    assert [item["state"] for item in result["items"]] == ["present", "failed"]
    assert "it is still “success” (auditpol ended with 5: Zugriff verweigert)" in result["msg"]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (
            {"subcategory": "Logon", "success": True, "failure": True},
            "names are different on a Windows of another language",
        ),
        ({"subcategory": LOGON, "success": True, "failure": True}, "stands there twice"),
    ],
)
def test_a_mistake_is_named_before_anything_is_changed(pc, wrong, complaint):
    result = pc("audit", [row(LOGON, 0), wrong])
    assert complaint in result["msg"]
    assert setting(pc, LOGON) == 1


def test_what_was_replaced_comes_back(pc):
    before = pc.state["audit"]
    pc("audit", [row(LOGON, 0), row(PROCESS, 3)], run="r")
    pc("audit", restore="r")
    assert pc.state["audit"] == before


HEAD = "Computername,Richtlinienziel,Unterkategorie,Unterkategorie-GUID,Aufnahme,Ausschluss,Wert\r\n"


def pretend_backup(pc, content: bytes) -> None:
    (pc.folder / "tmp" / "backup.raw").write_bytes(content)
    (pc.folder / "System32" / "auditpol.exe").write_text(
        f'#!/bin/sh\ncp {pc.folder / "tmp"}/backup.raw "${{2#/file:}}"\n'
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\1\2",
        b"Zugriff verweigert",
        f"{HEAD}PC,System,Anmelden,{LOGON},Erfolg,,Erfolg\r\n".encode(),
        f"{HEAD}PC,System,x,{LOGON},,\r\n".encode(),
        f"{HEAD}PC,System,x,{LOGON},,,7\r\n".encode(),
    ],
)
def test_garbage_from_auditpol_is_an_error(pc, content):
    pretend_backup(pc, content)
    result = pc("audit", [row(LOGON, 3)])
    assert "no table of audit settings" in result["msg"]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-16", "utf-16-le"])
def test_columns_count_and_words_do_not(pc, encoding):
    lines = (
        f'PC,System,"Anmelden, mit Komma und Überwachung",{LOGON},Erfolg und Fehler,,3\r\n'
        f"PC,S-1-5-21-1-2-3-500,Anmelden,{LOGON},Erfolg,,1\r\nPC,System,Abmelden,{LOGOFF},,,4\r\nPC,,Option:CrashOnAuditFail,,Deaktiviert,,0\r\n"
    )
    pretend_backup(pc, (HEAD + lines).encode(encoding))
    assert pc.settled("audit", [row(LOGON, 3), row(LOGOFF, 0)], check=True)
