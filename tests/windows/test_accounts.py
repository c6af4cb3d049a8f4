"""Local accounts, and who is in which local group."""

from __future__ import annotations

import pytest

from tests.windows.test_guard import RUN, guard, time_passes

ADMINISTRATORS, POWER, REMOTE = "S-1-5-32-544", "S-1-5-32-547", "S-1-5-32-580"


def account(name, state):
    return {"kind": "account", "name": name, "state": state}


def group(sid, *members, **more):
    return {"kind": "group", "name": sid, "members": list(members), **more}


def members(host, sid):
    return next(set(one["members"]) for one in host.state["groups"].values() if one["sid"] == sid)


def sid(host, number):
    return f"{host.state['computer']['sid']}-{number}"


def test_accounts_and_groups_are_settled_as_check_mode_said(pc):
    with pc.editing() as state:
        state["groups"]["Administratoren"]["members"] += [sid(pc, 1002), "S-1-5-11", "S-1-5-21-1-2-3-1107"]
        state["groups"]["Hauptbenutzer"]["members"] += [sid(pc, 1002)]
    rows = [
        account("sprechzimmer-1", "disabled"),
        group(ADMINISTRATORS, "praxisschild", allowed=["*-500", "*-512"]),
        group(POWER),
    ]
    foretold = pc("components", rows, check=True)
    assert [item["changed"] for item in foretold["items"]] == [True] * 3
    assert foretold["items"][1]["before"] == [
        "Administrator",
        "S-1-5-11",
        "S-1-5-21-1-2-3-1107",
        "mfa-1",
        "praxisschild",
    ]
    assert foretold["items"][1]["after"] == ["Administrator", "praxisschild"]
    applied = pc("components", rows)
    assert applied["items"] == foretold["items"]
    assert pc.state["users"]["sprechzimmer-1"]["enabled"] is False
    assert members(pc, ADMINISTRATORS) == {sid(pc, 500), sid(pc, 1001)}
    assert members(pc, POWER) == set()
    assert pc.settled("components", rows)
    assert pc("components", restore="latest")["changed"]
    assert pc.state["users"]["sprechzimmer-1"]["enabled"] is True
    assert "S-1-5-11" in members(pc, ADMINISTRATORS)


def test_who_is_named_comes_in_and_who_is_not_here_is_noted(pc):
    result = pc("components", [group(ADMINISTRATORS, "praxisschild", "mfa-1", "niemand", allowed=["*-500"])])
    assert members(pc, ADMINISTRATORS) == {sid(pc, 500), sid(pc, 1001), sid(pc, 1002)}
    assert result["items"][0]["note"] == "nobody here is called niemand"


def test_the_account_of_the_connection_stays_open_and_in_its_group(pc):
    result = pc("components", [account("praxisschild", "disabled"), group(ADMINISTRATORS, allowed=["*-500"])])
    assert "this is the account of the connection" in result["items"][0]["reason"]
    assert result["items"][1]["note"] == "stays, because this connection comes in by it: praxisschild"
    assert sid(pc, 1001) in members(pc, ADMINISTRATORS)
    assert pc.state["users"]["praxisschild"]["enabled"]


def test_the_only_administrator_stays_open(pc):
    with pc.editing() as state:
        state["users"]["Administrator"]["enabled"] = True
        state["groups"]["Administratoren"]["members"] = [sid(pc, 500)]
        state["groups"]["Remoteverwaltungsbenutzer"]["members"] = [sid(pc, 1001)]
    refused = pc("security", [{"name": "EnableAdminAccount", "value": 0}])
    assert "the only administrator of this host that can log in" in refused["items"][0]["reason"]
    assert pc.state["users"]["Administrator"]["enabled"]
    with pc.editing() as state:
        state["groups"]["Administratoren"]["members"].append(sid(pc, 1002))
    assert not pc("security", [{"name": "EnableAdminAccount", "value": 0}]).get("failed")
    assert not pc.state["users"]["Administrator"]["enabled"]


def test_what_is_not_there_is_disabled_and_empty(pc):
    rows = [account("nirgends", "disabled"), group("S-1-5-32-999")]
    result = pc("components", rows)
    assert not result["changed"]
    assert {item["state"] for item in result["items"]} == {"absent"}
    assert "there is no such account" in pc("components", [account("nirgends", "enabled")])["msg"]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (group("Administratoren"), "a group is named by its SID"),
        ({"kind": "group", "name": POWER}, "a group has `members`"),
        (group(POWER, "*-500"), "a member is a name or a SID"),
        (account("x", "running"), "`state` is enabled or disabled, not running"),
        ({**account("x", "enabled"), "members": []}, "`members` belongs to a group"),
        ({"kind": "service", "name": "x", "start": "auto", "members": []}, "`members` belongs to a group"),
        ({**account("x", "enabled"), "xml": "<x/>"}, "`start`, `xml` and `content` belong"),
    ],
)
def test_a_mistake_is_named_before_anything_changes(pc, row, complaint):
    assert complaint in pc("components", [row, account("mfa-1", "disabled")])["msg"]
    assert pc.state["users"]["mfa-1"]["enabled"]


def test_accounts_go_back_by_themselves(pc, monkeypatch):
    rows = [account("mfa-1", "disabled"), group(ADMINISTRATORS, "praxisschild", "sprechzimmer-1", allowed=["*-500"])]
    before = pc.state
    assert pc("components", rows, run=RUN, guard=60)["armed"] == RUN
    assert not pc.state["users"]["mfa-1"]["enabled"]
    time_passes(pc, monkeypatch)
    assert pc.state["users"] == before["users"]
    assert pc.state["groups"] == before["groups"]
    assert guard(pc, phase="status") == "reverted"
