"""Account policies and rights through a template, on a Windows whose accounts have German names."""

from __future__ import annotations

import pytest

from lab.windows.programs.secedit import _exported

ADMINS, EVERYBODY, GUESTS = "S-1-5-32-544", "S-1-1-0", "S-1-5-32-546"


def number(name, value, **more):
    return {"name": name, "value": value, **more}


def items(result):
    return {item["name"]: item for item in result["items"]}


def test_settings_and_rights_are_set_as_check_mode_said_and_then_stay(pc):
    rows = [
        number("MinimumPasswordLength", 12, requirement="2025-A1-02"),
        number("LockoutBadCount", 5),
        number("NewGuestName", "Gast'O Müller"),
        number("SeNetworkLogonRight", [ADMINS, "Benutzer"]),
        number("SeUndockPrivilege", []),
    ]
    foretold = pc("security", rows, check=True)
    assert all(item["changed"] for item in foretold["items"])
    assert pc.state["security"]["MinimumPasswordLength"] == 0
    applied = pc("security", rows)
    assert applied["items"] == foretold["items"]
    now = pc.state
    assert now["security"]["MinimumPasswordLength"] == 12
    assert now["security"]["NewGuestName"] == "Gast'O Müller"
    assert sorted(now["rights"]["SeNetworkLogonRight"]) == [ADMINS, "S-1-5-32-545"]
    assert "SeUndockPrivilege" not in now["rights"]
    assert pc.settled("security", rows)
    assert items(applied)["MinimumPasswordLength"]["requirements"] == ["2025-A1-02"]


def test_a_right_is_a_set_whatever_the_order_and_the_names(pc):
    same = ["S-1-5-32-551", "Administratoren", "BUILTIN\\Benutzer", "*S-1-1-0", "S-1-1-0"]
    assert pc.settled("security", [number("SeNetworkLogonRight", same)])
    guest = pc.state["users"]["Gast"]["sid"]
    (item,) = pc("security", [number("SeDenyNetworkLogonRight", [guest])])["items"]
    assert (item["changed"], item["state"]) == (False, "present"), "secedit writes `Gast`, the account with this SID"


def test_a_right_can_be_given_or_taken_without_touching_the_others(pc):
    before = set(pc.state["rights"]["SeDenyNetworkLogonRight"])
    pc("security", [number("SeDenyNetworkLogonRight", [GUESTS], mode="include")])
    assert set(pc.state["rights"]["SeDenyNetworkLogonRight"]) == {*before, GUESTS}
    assert pc.settled("security", [number("SeDenyNetworkLogonRight", [GUESTS], mode="include")])
    pc("security", [number("SeDenyNetworkLogonRight", [GUESTS, "Unbekannt"], mode="exclude")])
    assert set(pc.state["rights"]["SeDenyNetworkLogonRight"]) == before


def test_lock_out_settings_appear_only_with_a_lock_out(pc):
    """secedit leaves the other two out while nothing locks."""
    with pc.editing() as state:
        state["security"]["LockoutBadCount"] = 0
    rows = [number("LockoutBadCount", 5), number("LockoutDuration", 15), number("ResetLockoutCount", 15)]
    foretold = pc("security", rows, check=True)
    assert items(foretold)["LockoutDuration"]["before"] is None
    assert pc("security", rows)["items"] == foretold["items"]
    assert pc.settled("security", rows)


def test_what_windows_does_not_take_is_named_and_the_rest_is_settled(pc):
    rows = [number("MinimumPasswordLength", 15), number("PasswordHistorySize", 5), number("FutureSetting", 1)]
    result = pc("security", rows)
    assert result["failed"]
    found = items(result)
    assert found["PasswordHistorySize"]["changed"]
    assert pc.state["security"]["PasswordHistorySize"] == 5
    assert "the value is 0 (secedit ended with 1" in found["MinimumPasswordLength"]["reason"]
    assert "still unknown to this Windows" in found["FutureSetting"]["reason"]
    assert result["msg"].startswith("2 of 3 could not be set, the others were: MinimumPasswordLength: ")


def test_an_account_that_nobody_has_is_named(pc):
    result = pc("security", [number("SeBatchLogonRight", ["Administrators"]), number("PasswordHistorySize", 3)])
    assert "SeBatchLogonRight: nobody here is called “Administrators”; give the SID" in result["msg"]
    assert pc.state["security"]["PasswordHistorySize"] == 3


@pytest.mark.parametrize(
    "row",
    [
        number("SeDenyNetworkLogonRight", [EVERYBODY]),
        number("SeDenyNetworkLogonRight", ["S-1-5-114"], mode="include"),
        number("SeDenyNetworkLogonRight", ["Administratoren"], mode="include"),
        number("SeNetworkLogonRight", [GUESTS]),
        number("SeNetworkLogonRight", []),
    ],
)
def test_nobody_locks_himself_out(pc, row):
    before = pc.state["rights"]
    result = pc("security", [row])
    assert "would take the network logon from the account that this connection uses" in result["msg"]
    assert pc.state["rights"] == before
    assert pc("security", [row], check=True)["failed"], "check mode says so too"


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (number("MinimumPasswordLength", "zwölf"), "zwölf is no whole number"),
        (number("MinimumPasswordLength", True), "true is no whole number (1 for on, 0 for off)"),
        (number("NewAdministratorName", 'a"b'), "is no name for an account"),
        (number("NewAdministratorName", "a\nSeX = y"), "is no name for an account"),
        (number("NewAdministratorName", "x" * 21), "is no name for an account"),
        (number("SeBackupPrivilege", "S-1-1-0"), "is the list of accounts"),
        (number("SeBackupPrivilege", ['x"']), "an account is a SID"),
        (number("MinimumPasswordLength", 1, mode="include"), "`mode` belongs to rights"),
        (number("Password Length", 1), "neither a setting"),
        (number("passwordhistorysize", 1), "stands there twice"),
    ],
)
def test_a_mistake_is_named_before_anything_is_changed(pc, row, complaint):
    result = pc("security", [number("PasswordHistorySize", 7), row])
    assert "row 2 (" in result["msg"]
    assert complaint in result["msg"]
    assert pc.state["security"]["PasswordHistorySize"] == 0


def test_what_was_replaced_comes_back(pc):
    before = {key: pc.state[key] for key in ("security", "rights")}
    rows = [number("LockoutBadCount", 3), number("SeShutdownPrivilege", [ADMINS]), number("SeUndockPrivilege", [])]
    pc("security", [*rows, number("NewGuestName", "Fremder")], run="r")
    assert {key: pc.state[key] for key in before} != before
    pc("security", restore="r")
    now = pc.state
    assert now["security"] == before["security"]
    assert {name: set(sids) for name, sids in now["rights"].items()} == {
        name: set(sids) for name, sids in before["rights"].items()
    }


def test_a_domain_policy_is_left_alone_and_named(member):
    result = member(
        "security",
        [number("MinimumPasswordLength", 12), number("PasswordHistorySize", 24), number("LockoutBadCount", 5)],
    )
    found = items(result)
    assert found["MinimumPasswordLength"]["state"] == "domain_policy"
    assert found["MinimumPasswordLength"]["gpo"] == "Sicherheitsvorgaben für Praxis-PCs"
    assert member.state["security"]["MinimumPasswordLength"] == 14
    assert found["PasswordHistorySize"]["state"] == "present"
    assert member.state["security"]["LockoutBadCount"] == 5


def test_what_cannot_be_read_again_counts_as_changed(pc):
    program = pc.folder / "System32" / "secedit.exe"
    flag = pc.folder / "configured"
    refuse = f'[ "$1" = /configure ] && touch {flag}; [ "$1" = /export ] && [ -e {flag} ] && exit 9\n'
    program.write_text(program.read_text().replace("#!/bin/sh\n", "#!/bin/sh\n" + refuse))
    result = pc("security", [number("PasswordHistorySize", 7)])
    assert "the security policy could not be read: secedit ended with 9" in result["msg"]
    assert result["changed"]
    assert result["kept"]
    assert pc.state["security"]["PasswordHistorySize"] == 7


TEMPLATE = '[Unicode]\nUnicode=yes\n{}[Version]\nsignature="$CHICAGO$"\nRevision=1\n'


def pretend_export(pc, content: bytes) -> None:
    """secedit.exe writes this, whatever the state."""
    (pc.folder / "tmp" / "export.raw").write_bytes(content)
    program = pc.folder / "System32" / "secedit.exe"
    program.write_text(f'#!/bin/sh\ncp {pc.folder / "tmp"}/export.raw "$3"\n')


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"\x00\x01\x02",
        "Müll".encode("utf-16"),
        "[System Access]\nA = 1\n".encode("utf-16"),
        TEMPLATE.format("[Privilege Rights]\nSeX = *S-1-1-0\n").encode("utf-16"),
        TEMPLATE.format("[System Access]\nohne Gleichheitszeichen\n").encode("utf-16"),
        TEMPLATE.format('[System Access]\n[Privilege Rights]\nSeShutdownPrivilege = "offen,*S-1-1-0\n').encode(
            "utf-16"
        ),
    ],
)
def test_garbage_from_secedit_is_an_error_and_changes_nothing(pc, content):
    pretend_export(pc, content)
    result = pc("security", [number("SeShutdownPrivilege", [ADMINS])])
    assert result["failed"]
    assert any(
        words in result["msg"] for words in ("security template", "exported no [System Access]", "no list of accounts")
    )
    assert "Unhandled" not in result["msg"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "utf-16-le"])
def test_odd_but_valid_exports_are_read(pc, encoding):
    """Names with commas and quotation marks, comments, other sections, spaces, missing rights, any encoding."""
    sections = (
        '; Kommentar mit Gerät\n[System Access]\n  MinimumPasswordLength=8\nNewGuestName = "Gäste ""alt"""\n'
        '[Registry Keys]\n"MACHINE\\X",0,"D:P"\n[Privilege Rights]\n'
        'SeShutdownPrivilege =  "Gast" , *s-1-5-32-544,Gelöscht\nSeTcbPrivilege =\n'
    )
    pretend_export(pc, TEMPLATE.format(sections).encode(encoding))
    rows = [
        number("MinimumPasswordLength", 8),
        number("NewGuestName", "x"),
        number("SeShutdownPrivilege", [ADMINS]),
        number("SeTcbPrivilege", []),
    ]
    found = items(pc("security", rows, check=True))
    assert not found["MinimumPasswordLength"]["changed"]
    assert found["NewGuestName"]["before"] == 'Gäste "alt"'
    assert set(found["SeShutdownPrivilege"]["before"]) == {"Gelöscht", ADMINS, pc.state["users"]["Gast"]["sid"]}
    assert not found["SeTcbPrivilege"]["changed"]


def test_the_stand_in_exports_german_names(pc):
    assert "SeDenyNetworkLogonRight = Gast" in _exported(pc.state)
