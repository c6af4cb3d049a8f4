from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from praxisschild.packet_filter import Packet
from praxisschild.snapshot import Snapshot, SnapshotError, Unreadable
from praxisschild.snapshot.access import Lockout, Password, PasswordRule
from praxisschild.snapshot.desktop import ScreenLock
from praxisschild.snapshot.notation import calendar_period, gvariant, seconds

RECORDED = Path(__file__).parents[1] / "data" / "snapshots"


def recorded(kind, host):
    return json.loads((RECORDED / kind / f"{host}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def workstation():
    return Snapshot.from_json(recorded("fresh", "arbeitsplatz-1"))


@pytest.fixture(scope="module")
def server():
    return Snapshot.from_json(recorded("fresh", "server-1"))


@pytest.fixture
def altered():
    """A function that returns the fresh workstation's snapshot after a change to its document."""

    def alter(change):
        document = copy.deepcopy(recorded("fresh", "arbeitsplatz-1"))
        change(document)
        return Snapshot.from_json(document)

    return alter


def pam(service, *entries):
    """A change that replaces a service's authentication stack."""
    lines = [
        {"type": kind, "control": "required", "module": module, "arguments": arguments.split()}
        for kind, module, arguments in entries
    ]
    return lambda document: document["pam"]["services"].update({service: lines})


# -- reading a document ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "no schema_version"),
        ([], "no schema_version"),
        ("{", "no JSON document"),
        ({"schema_version": 99}, "schema version 99, this program reads 1: take a new snapshot"),
    ],
)
def test_foreign_documents_are_refused_with_the_way_out(document, message):
    with pytest.raises(SnapshotError, match=message):
        Snapshot.from_json(document)


def test_text_and_parsed_document_are_the_same():
    document = recorded("fresh", "server-1")
    assert Snapshot.from_json(json.dumps(document)) == Snapshot.from_json(document)


def test_a_section_that_could_not_be_read_is_no_answer(altered):
    def break_sshd(document):
        document["sshd"] = None
        document["errors"] = [{"section": "sshd", "message": "Bad configuration option"}]

    with pytest.raises(Unreadable, match=r"sshd.*Bad configuration option"):
        _ = altered(break_sshd).sshd


def test_a_packet_filter_that_could_not_be_read_is_not_an_open_one(altered):
    failed = {"section": "nft -j list ruleset", "message": "Operation not permitted"}
    with pytest.raises(Unreadable, match="Operation not permitted"):
        _ = altered(lambda document: document["errors"].append(failed)).ruleset


def test_a_tool_that_is_not_there_is_an_answer(workstation, server):
    assert workstation.ruleset.accepts(Packet("192.0.2.7", port=9))
    assert workstation.samba is None
    assert server.browsers == {}
    assert server.desktop == ()


# -- ways in -----------------------------------------------------------------------------------------------------------


def test_a_fresh_workstation_has_the_faults_it_was_given(workstation):
    assert set(workstation.login_accounts) == {"betreuung", "gast", "mfa-1", "sprechzimmer-1"}
    assert [name for name, account in workstation.accounts.items() if account.is_open] == ["gast"]
    assert workstation.admins == {"betreuung", "mfa-1"}
    assert workstation.sudo_without_password == {"mfa-1"}
    assert workstation.password_rule == PasswordRule(8, 0, dictionary=True, module="pam_pwquality")
    assert workstation.login_umask == 0o022
    assert workstation.shell_timeout is None
    assert workstation.screen_lock == ScreenLock(after=None, delay=None)
    assert set(workstation.browsers) == {"chromium", "firefox"}
    assert workstation.distribution == "debian 12"


def test_a_fresh_server_has_the_faults_it_was_given(server):
    assert {share.name: share.mode for share in server.shares}["freigabe"] == 0o2770
    assert {"rpcbind", "telnet"} <= server.software
    assert 111 in {socket.port for socket in server.sockets}
    assert server.admins == {"betreuung", "praxisinhaberin"}


def test_a_folder_that_everybody_writes_to_is_seen(altered):
    assert altered(lambda document: document.update(world_writable=["/srv/freigabe"])).world_writable == (
        "/srv/freigabe",
    )


@pytest.mark.parametrize("host", ["arbeitsplatz-1", "arbeitsplatz-2"])
def test_a_hardened_workstation_is_seen_as_one(host):
    found = Snapshot.from_json(recorded("hardened", host))
    assert found.admins == {"betreuung"}
    assert found.sudo_without_password == set()
    assert not any(account.is_open for account in found.login_accounts.values())
    assert found.lockout("sshd")
    assert found.login_umask & 0o027 == 0o027
    assert 0 < found.shell_timeout <= 600
    assert 0 < found.screen_lock.after <= 600
    assert found.screen_lock.delay == 0
    assert found.policy("firefox", "HttpsOnlyMode") == "force_enabled"
    assert found.ruleset.drops(Packet("192.0.2.7", port=22))
    assert found.ruleset.drops(Packet("2001:db8::7", port=22))
    assert found.firewall_services


def test_password_hashes_never_leave_the_host():
    for path in RECORDED.rglob("*.json"):
        assert "$y$" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize(
    ("changes", "opens"),
    [
        ({}, True),
        ({"password": Password.LOCKED}, False),
        ({"password": Password.LOCKED, "authorized_keys": 1}, True),
        ({"expires": date(2026, 11, 23)}, False),
        ({"expires": date(2026, 11, 24)}, True),
        ({"shell": "/usr/sbin/nologin"}, False),
    ],
)
def test_an_account_is_closed_by_lock_expiry_or_shell_and_opened_by_a_key(workstation, changes, opens):
    account = replace(workstation.accounts["mfa-1"], **changes)
    assert account.can_log_in(date(2026, 11, 23)) is opens


def test_a_sudo_option_for_everybody_opens_all_accounts(altered):
    option = {"Options": [{"authenticate": False}]}
    found = altered(lambda document: document["sudo"]["Defaults"].append(option))
    assert found.sudo_without_password == {"betreuung", "gast", "mfa-1", "sprechzimmer-1"}


def test_a_rule_for_one_command_makes_no_administrator(altered):
    rule = {
        "User_List": [{"username": "gast"}],
        "Host_List": [{"hostname": "ALL"}],
        "Cmnd_Specs": [{"Options": [{"authenticate": False}], "Commands": [{"command": "/usr/bin/eject"}]}],
    }
    found = altered(lambda document: document["sudo"]["User_Specs"].append(rule))
    assert "gast" not in found.admins
    assert "gast" in found.sudo_without_password


COMPLETE = [
    ("auth", "pam_faillock", "preauth deny=5 unlock_time=900"),
    ("auth", "pam_unix", ""),
    ("auth", "pam_faillock", "authfail deny=5 unlock_time=900"),
]


def test_a_lockout_counts_what_the_failing_stage_says(altered):
    assert altered(pam("sshd", *COMPLETE)).lockout("sshd") == Lockout(5, 900, 900)


def test_a_lockout_without_arguments_follows_its_file_and_then_its_defaults(altered):
    def change(document):
        pam("sshd", *[(kind, module, text.split(" ")[0]) for kind, module, text in COMPLETE])(document)
        document["pam"]["faillock"] = {"deny": "7", "unlock_time": "never"}

    assert altered(change).lockout("sshd") == Lockout(7, 900, 0)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_half_a_lockout_is_none(altered, missing):
    entries = [entry for index, entry in enumerate(COMPLETE) if index != missing]
    assert altered(pam("sshd", *entries)).lockout("sshd") is None


@pytest.mark.parametrize(
    ("arguments", "length"), [("", 8), ("minlen=12", 12), ("minlen=14 dcredit=1 ucredit=1", 12), ("enforcing=0", 0)]
)
def test_a_password_rule_counts_arguments_and_credits(altered, arguments, length):
    change = pam("passwd", ("password", "pam_pwquality", arguments), ("password", "pam_unix", ""))
    assert altered(change).password_rule.min_length == length


def test_unix_alone_asks_for_six_characters(altered):
    assert altered(pam("passwd", ("password", "pam_unix", "obscure"))).password_rule.min_length == 6


# -- sessions ----------------------------------------------------------------------------------------------------------


def gnome(values, locked):
    return lambda document: document["dconf"].update(values=values, locked=locked)


LOCK = {
    "org/gnome/desktop/session/idle-delay": "uint32 300",
    "org/gnome/desktop/screensaver/lock-enabled": "true",
    "org/gnome/desktop/screensaver/lock-delay": "uint32 0",
}


def test_a_screen_lock_counts_when_its_users_cannot_loosen_it(altered):
    assert altered(gnome(LOCK, list(LOCK))).screen_lock == ScreenLock(after=300, delay=0)
    assert altered(gnome(LOCK, ["org/gnome/desktop"])).screen_lock == ScreenLock(after=300, delay=0)
    assert altered(gnome(LOCK, [])).screen_lock == ScreenLock(after=None, delay=None)


def test_never_is_no_screen_lock(altered):
    never = {**LOCK, "org/gnome/desktop/session/idle-delay": "uint32 0"}
    assert altered(gnome(never, list(LOCK))).screen_lock == ScreenLock(after=None, delay=0)


def test_a_screen_that_only_goes_dark_does_not_ask(altered):
    dark = {**LOCK, "org/gnome/desktop/screensaver/lock-enabled": "false"}
    assert altered(gnome(dark, list(LOCK))).screen_lock == ScreenLock(after=300, delay=None)


@pytest.mark.parametrize(
    ("sections", "lock"),
    [
        ({}, ScreenLock(None, None)),
        ({"Daemon": {"Autolock": "true", "Timeout": "5", "LockGrace": "0"}}, ScreenLock(None, None)),
        ({"Daemon][$i": {"Autolock": "true", "Timeout": "5", "LockGrace": "0"}}, ScreenLock(300, 0)),
        ({"Daemon": {"Autolock[$i]": "true", "Timeout[$i]": "10", "LockGrace[$i]": "3"}}, ScreenLock(600, 3)),
    ],
)
def test_kde_counts_what_is_immutable(altered, sections, lock):
    found = altered(lambda document: document["desktop"].update(environments=["kde"], kscreenlocker=sections))
    assert found.screen_lock == lock


def test_the_weakest_desktop_counts(altered):
    def change(document):
        gnome(LOCK, list(LOCK))(document)
        document["desktop"]["environments"] = ["gnome", "kde"]

    assert altered(change).screen_lock == ScreenLock(None, None)


@pytest.mark.parametrize(
    ("shell", "logind", "timeout"),
    [
        ({"timeout": 300, "timeout_fixed": True}, {}, 300),
        ({"timeout": 300, "timeout_fixed": False}, {}, None),
        ({}, {"StopIdleSessionSec": "10min"}, 600),
        ({"timeout": 900, "timeout_fixed": True}, {"StopIdleSessionSec": "10min"}, 600),
        ({}, {"StopIdleSessionSec": "infinity"}, None),
    ],
)
def test_an_idle_session_ends_by_the_shell_or_by_the_login_manager(altered, shell, logind, timeout):
    def change(document):
        document["shell"]["login"].update(shell)
        document["logind"] = logind

    assert altered(change).shell_timeout == timeout


# -- browsers and updates ----------------------------------------------------------------------------------------------


def policies(values, *, readable=True):
    return lambda document: document["browsers"]["firefox"].update(policies=values, readable=readable)


def test_a_policy_may_lie_deep(altered):
    found = altered(policies({"Permissions": {"Camera": {"Locked": True}}}))
    assert found.policy("firefox", "Permissions", "Camera", "Locked") is True
    assert found.policy("firefox", "Permissions", "Microphone", "Locked") is None
    assert found.policy("firefox", "Absent") is None


def test_a_policy_that_users_cannot_read_does_not_count(altered):
    found = altered(policies({"HttpsOnlyMode": "force_enabled"}, readable=False))
    assert found.policy("firefox", "HttpsOnlyMode") is None


@pytest.mark.parametrize(("value", "days"), [("1", 1), ("7d", 7), ("12h", 0.5), ("always", 1), ("0", 0), ("x", 0)])
def test_apt_counts_in_days(altered, value, days):
    found = altered(lambda document: document.update(apt={"APT::Periodic::Unattended-Upgrade": value}))
    assert found.apt_every("Unattended-Upgrade") == days


def test_the_oldest_tls_follows_from_the_security_level(altered):
    def with_openssl(minimum, level):
        return altered(
            lambda document: document["tls"].update(openssl={"min_protocol": minimum, "security_level": level})
        ).openssl_min_protocol

    assert with_openssl(0, 2) == 0x0303
    assert with_openssl(0x0304, 2) == 0x0304
    assert with_openssl(0, 0) == 0x0300


# -- backup ------------------------------------------------------------------------------------------------------------


def status(**entries):
    return lambda document: document["backup"].update(status=entries)


def test_the_youngest_success_counts(altered):
    found = altered(
        status(
            first={"target": "server", "ended": "2020-01-01T02:00:00Z", "result": "success", "keep": {"daily": 7}},
            second={"ended": "2020-01-03T02:00:00Z", "result": "failed", "last_success": "2020-01-02T02:00:00Z"},
            third={"ended": "2020-01-03T02:00:00Z", "result": "failed", "last_success": None},
        )
    )
    assert found.age(found.backup_reports) == found.collected_at - datetime(2020, 1, 2, 2, tzinfo=UTC)
    assert [report.succeeded for report in found.backup_reports] == [True, False, False]
    assert found.backups_kept["daily"] == 7


@pytest.mark.parametrize(
    ("job", "stores", "reads_back"),
    [("daily", True, False), ("medium", True, False), ("check", False, False), ("restore-test", False, True)],
)
def test_checking_a_backup_is_not_making_one(altered, job, stores, reads_back):
    (report,) = altered(status(**{job: {"job": job, "result": "success"}})).backup_reports
    assert (report.stores, report.reads_back) == (stores, reads_back)


def test_no_success_has_no_age(workstation):
    assert workstation.age(workstation.backup_reports) is None
    assert not workstation.backups_are_encrypted
    assert workstation.backups_kept == {"daily": 0, "weekly": 0, "monthly": 0}


def test_a_backup_timer_tells_what_it_keeps(altered):
    def job(tool, **keep):
        timer = recorded("fresh", "arbeitsplatz-1")["timers"][0]
        return {**timer, "tool": tool, "keep": keep}

    found = altered(
        lambda document: document["backup"].update(jobs=[job("restic", daily=7), job("restic", monthly=12)])
    )
    assert found.backups_kept == {"daily": 7, "weekly": 0, "monthly": 12}
    assert found.backups_are_encrypted
    assert not altered(lambda document: document["backup"].update(jobs=[job("borg")])).backups_are_encrypted


# -- small languages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("uint32 600", 600),
        ("true", True),
        ("'x'", "x"),
        ("@as []", []),
        ("['a', 'b']", ["a", "b"]),
        ("-1", -1),
        ("<1>", "<1>"),
    ],
)
def test_gvariant_becomes_python(text, value):
    assert gvariant(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("10min", 600), ("1h 30s", 3630), ("900", 900), ("infinity", None), ("", None), ("3 fortnights", None)],
)
def test_time_spans_become_seconds(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("daily", 1),
        ("*-*-* 02:00:00", 1),
        ("02:30", 1),
        ("*-*-* 06,18:00:00", 1),
        ("weekly", 7),
        ("Sun *-*-* 03:10:00", 7),
        ("Mon,Thu 02:00", 4),
        ("Mon..Fri *-*-* 02:00:00", 3),
        ("Sat..Sun 02:00", 6),
        ("*-*-01 04:00:00", 31),
        ("Sat *-*-1..7 18:00:00", 31),
        ("monthly", 31),
        ("*-01-01 00:00:00", 366),
    ],
)
def test_calendars_tell_their_longest_pause(expression, days):
    assert calendar_period(expression) == timedelta(days=days)


def test_a_single_date_has_no_period():
    assert calendar_period("2026-01-01 00:00:00") is None
