"""Services, optional features and scheduled tasks."""

from __future__ import annotations

import json

import pytest

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
BACKUP = f"""<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="{NAMESPACE}">
  <RegistrationInfo><Description>Tägliche Sicherung für "Praxis"</Description></RegistrationInfo>
  <Triggers>
    <CalendarTrigger><StartBoundary>2026-01-01T12:30:00</StartBoundary><ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger>
  </Triggers>
  <Principals><Principal id="Author"><UserId>SYSTEM</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings><Hidden>false</Hidden><ExecutionTimeLimit>PT1H</ExecutionTimeLimit><StartWhenAvailable>true</StartWhenAvailable></Settings>
  <Actions><Exec><Command>C:\\Program Files\\restic\\restic.exe</Command><Arguments>backup "C:\\Praxis"</Arguments></Exec></Actions>
</Task>
"""  # noqa: E501 # a definition as Windows exports it
TASK = r"\Praxisschild\Sicherung für Gerät"
CONSOLIDATOR = r"\Microsoft\Windows\Customer Experience Improvement Program\Consolidator"


def service(name, **more):
    return {"kind": "service", "name": name, **more}


def feature(name, state):
    return {"kind": "feature", "name": name, "state": state}


def task(name=TASK, **more):
    return {"kind": "task", "name": name, **more}


def test_all_three_are_set_as_check_mode_said_and_then_stay(pc):
    rows = [
        service("Spooler", start="disabled", state="stopped", requirement="2021-A1-32"),
        service("SSDPSRV", start="auto", state="running"),
        service("WerSvc", start="delayed"),
        service("W32Time", state="stopped"),
        feature("TelnetClient", "enabled"),
        task(xml=BACKUP),
        task(CONSOLIDATOR, state="disabled"),
    ]
    foretold = pc("components", rows, check=True)
    assert all(item["changed"] for item in foretold["items"])
    assert TASK not in pc.state["tasks"]
    applied = pc("components", rows)
    now = pc.state
    assert now["services"]["Spooler"]["start"] == "disabled"
    assert now["services"]["Spooler"]["state"] == "stopped"
    assert (now["services"]["SSDPSRV"]["start"], now["services"]["SSDPSRV"]["state"]) == ("auto", "running")
    assert (now["services"]["WerSvc"]["start"], now["services"]["WerSvc"]["state"]) == ("delayed", "stopped")
    assert now["services"]["W32Time"]["start"] == "manual"
    assert now["features"]["TelnetClient"] == "enabled"
    assert now["tasks"][TASK]["enabled"]
    assert "restic.exe" in now["tasks"][TASK]["xml"]
    assert now["tasks"][CONSOLIDATOR]["enabled"] is False
    assert applied["reboot_required"]
    assert now["updates"]["pending_reboot"]
    expected = [{key: value for key, value in item.items() if key != "note"} for item in foretold["items"]]
    assert [{key: value for key, value in item.items() if key != "note"} for item in applied["items"]] == expected
    again = pc("components", rows)
    assert (again["changed"], again.get("failed")) == (False, None)
    assert "reboot_required" not in again


def test_what_is_not_there_is_stopped_disabled_and_absent(pc):
    rows = [
        service("Fax", start="disabled", state="stopped"),
        feature("Nirgends", "disabled"),
        task(state="absent"),
        task(r"\Nirgends", state="disabled"),
    ]
    result = pc("components", rows)
    assert (result["changed"], result.get("failed")) == (False, None)
    assert {item["state"] for item in result["items"]} == {"absent"}


def test_what_is_not_there_cannot_run(pc):
    rows = [
        service("Fax", start="auto"),
        service("Fax2", state="running"),
        feature("Nirgends", "enabled"),
        task(state="enabled"),
        service("WerSvc", start="disabled"),
    ]
    result = pc("components", rows)
    assert result["msg"].startswith(
        "4 of 5 could not be set, the others were: Fax: there is no such service on this Windows; "
    )
    assert "Nirgends: this edition of Windows has no such feature" in result["msg"]
    assert pc.state["services"]["WerSvc"]["start"] == "disabled"


def test_what_windows_refuses_is_named_with_its_code_and_the_rest_is_settled(pc):
    with pc.editing() as state:
        state["features"]["NetFx3"] = "removed"
        state["services"]["RemoteAccess"]["start"] = "disabled"
    rows = [
        service("WinDefend", start="disabled", state="stopped"),
        service("RemoteAccess", state="running"),
        feature("NetFx3", "enabled"),
        service("Spooler", start="manual"),
    ]
    result = pc("components", rows)
    assert "WinDefend: sc config ended with 5: [SC] OpenService FEHLER 5: Zugriff verweigert" in result["msg"]
    assert "RemoteAccess: sc start ended with 1058" in result["msg"]
    assert "NetFx3: dism ended with -2146498529: Error: 0x800f081f" in result["msg"]
    assert result["msg"].startswith("3 of 4 could not be set")
    assert pc.state["services"]["Spooler"]["start"] == "manual"
    assert pc.state["services"]["WinDefend"]["start"] == "auto"


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (lambda xml: xml, False),
        (lambda xml: xml.replace("<UserId>SYSTEM<", "<UserId>S-1-5-18<"), False),
        (lambda xml: xml.replace("<UserId>SYSTEM<", "<UserId>NT-AUTORITÄT\\SYSTEM<"), False),
        (lambda xml: xml.replace("PT1H", "PT60M"), False),
        (lambda xml: xml.replace("<Settings>", "<Settings><Enabled>true</Enabled><WakeToRun>false</WakeToRun>"), False),
        (lambda xml: xml.replace("Tägliche", "Nächtliche"), False),
        (lambda xml: xml.replace("PT1H", "PT2H"), True),
        (lambda xml: xml.replace("<ExecutionTimeLimit>PT1H</ExecutionTimeLimit>", ""), True),
        (lambda xml: xml.replace("12:30", "12:31"), True),
        (lambda xml: xml.replace("HighestAvailable", "LeastPrivilege"), True),
        (lambda xml: xml.replace("<RunLevel>HighestAvailable</RunLevel>", ""), True),
        (lambda xml: xml.replace("restic.exe", "evil.exe"), True),
        (lambda xml: xml.replace("</Exec>", "</Exec><Exec><Command>x</Command></Exec>"), True),
        (lambda xml: xml.replace('<Arguments>backup "C:\\Praxis"</Arguments>', ""), True),
        (lambda xml: xml.replace("<Settings>", "<Settings><Enabled>false</Enabled>"), True),
    ],
)
def test_a_task_is_compared_by_what_it_means(pc, change, differs):
    pc("components", [task(xml=BACKUP)])
    assert pc("components", [task(xml=change(BACKUP))])["changed"] == differs
    assert pc.settled("components", [task(xml=change(BACKUP))])


def test_a_task_that_somebody_changed_is_put_right(pc):
    pc("components", [task(xml=BACKUP)])
    with pc.editing() as state:
        state["tasks"][TASK]["xml"] = state["tasks"][TASK]["xml"].replace(
            "</Exec>", "</Exec><Exec><Command>x</Command></Exec>"
        )
    assert pc("components", [task(xml=BACKUP)])["changed"]
    with pc.editing() as state:
        state["tasks"][TASK]["enabled"] = False
    assert pc("components", [task(xml=BACKUP)])["changed"]
    assert pc.state["tasks"][TASK]["enabled"]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (service("A B", start="auto"), "no name of a service"),
        (service("Spooler"), "a service has a `start`, a `state` or both"),
        (service("Spooler", start="disabled", state="running"), "a disabled service cannot run"),
        (service("Spooler", state="enabled"), "`state` is running or stopped"),
        (feature("TFTP", "running"), "`state` is enabled or disabled"),
        ({**feature("TFTP", "enabled"), "start": "auto"}, "`start` belongs to services"),
        ({**feature("TFTP", "enabled"), "xml": "<Task/>"}, "`xml` belongs to tasks"),
        (task("Sicherung", xml=BACKUP), "begins with a backslash"),
        (task(r"\..\x", state="absent"), "begins with a backslash"),
        (task(), "`xml` belongs to a task that is to be present"),
        (task(state="absent", xml=BACKUP), "`xml` belongs to a task that is to be present"),
        (task(xml="<Task>"), "no XML, line 1"),
        (task(xml="<Other/>"), "no definition of a task"),
        (
            task(xml='<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><Task><Actions>&y;</Actions></Task>'),
            "`xml`",
        ),
        (service("wersvc", start="auto"), "stands there twice"),
    ],
)
def test_a_mistake_is_named_before_anything_is_changed(pc, wrong, complaint):
    result = pc("components", [service("WerSvc", start="disabled"), wrong])
    assert "row 2 (" in result["msg"]
    assert complaint in result["msg"]
    assert pc.state["services"]["WerSvc"]["start"] == "manual"


def test_what_was_replaced_comes_back(pc):
    pc("components", [task(xml=BACKUP)])
    before = {key: pc.state[key] for key in ("services", "features")}
    rows = [
        service("Spooler", start="disabled", state="stopped"),
        service("SSDPSRV", start="auto", state="running"),
        feature("TFTP", "enabled"),
        task(xml=BACKUP.replace("12:30", "13:00")),
        task(r"\Neu", xml=BACKUP),
        task(CONSOLIDATOR, state="disabled"),
    ]
    pc("components", rows, run="r")
    pc("components", restore="r")
    now = pc.state
    assert {key: now[key] for key in before} == before
    assert "12:30" in now["tasks"][TASK]["xml"]
    assert "Tägliche Sicherung" in now["tasks"][TASK]["xml"]
    assert r"\Neu" not in now["tasks"]
    assert now["tasks"][CONSOLIDATOR]["enabled"]


@pytest.mark.parametrize(
    ("program", "output", "complaint"),
    [
        ("sc", "DIENSTNAME: Spooler", "sc query says nothing about the state"),
        ("sc", "        TYP : 10 X\\n        STATUS : 99 Y", "sc query says nothing about the state"),
        ("dism", "Der Vorgang wurde erfolgreich beendet.", "dism lists no optional feature"),
    ],
)
def test_garbage_from_a_program_is_an_error(pc, program, output, complaint):
    (pc.folder / "System32" / f"{program}.exe").write_text(f"#!/bin/sh\nprintf '{output}\\n'\n")
    rows = [service("Fax", start="disabled")] if program == "sc" else [feature("TFTP", "enabled")]
    result = pc("components", rows)
    assert complaint in result["msg"]
    assert "Unhandled" not in result["msg"]


def file(name=r"backup\config.json", **more):
    return {"kind": "file", "name": name, **more}


def test_a_file_lies_where_only_administrators_read_it_and_the_way_back_brings_the_old_one(pc):
    first, second = file(content="Schlüssel: ä\n", secret=True), file(content="anders\n", secret=True)
    assert pc("components", [first], check=True)["changed"]
    path = pc.path(r"C:\ProgramData\Praxisschild\backup\config.json")
    assert not path.exists()
    pc("components", [first])
    assert path.read_text(encoding="utf-8") == "Schlüssel: ä\n"
    assert pc.settled("components", [first])
    lists = json.loads((pc.folder / "drives" / "acl.json").read_text())
    assert lists[r"C:\ProgramData\Praxisschild"] == "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
    changed = pc("components", [second], run="zweiter", diff=True)
    assert "anders" not in json.dumps(changed)
    assert pc("components", restore="zweiter")["changed"]
    assert path.read_text(encoding="utf-8") == "Schlüssel: ä\n"
    assert pc("components", [file(state="absent")])["changed"]
    assert not path.exists()
    assert pc.settled("components", [file(state="absent")])


def test_a_file_that_a_user_could_have_written_does_not_count(pc):
    path = pc.path(r"C:\ProgramData\Praxisschild\backup\config.json")
    path.parent.mkdir(parents=True)
    path.write_text("wie verlangt\n", encoding="utf-8")
    row = file(content="wie verlangt\n")
    assert pc("components", [row], check=True)["changed"]
    assert pc("components", [row])["changed"]
    assert pc.settled("components", [row])


@pytest.mark.parametrize(
    "name",
    [
        r"..\Start\x",
        r"runs\x",
        r"RUNS\x",
        r"C:\x",
        "/x",
        r"backup\.\x",
        r"backup\\x",
        r"\backup",
        "backup/x",
        r"runs.\x",
    ],
)
def test_a_file_lies_nowhere_else(pc, name):
    result = pc("components", [file(name, content="x")])
    assert result["failed"]
    assert "%ProgramData%" in result["msg"]


def test_a_link_that_a_user_made_there_is_refused(pc, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = pc.path(r"C:\ProgramData\Praxisschild")
    folder.mkdir(parents=True)
    (folder / "backup").symlink_to(elsewhere)
    result = pc("components", [file(content="geheim\n", secret=True)])
    assert result["failed"]
    assert "link" in result["msg"]
    assert not list(elsewhere.iterdir())
