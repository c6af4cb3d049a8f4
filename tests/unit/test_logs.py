"""rsyslog's own configuration as the collector reads it, and what the snapshot concludes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from praxisschild.collector.linux import logs as collector
from praxisschild.snapshot import Snapshot, Unreadable

SENDER = """
module(load="omrelp" tls.tlslib="openssl")
if $programname startswith "praxis(" then {
    action(type="omrelp" target="server" port="6514" tls="on" tls.authMode="name"
           tls.myCert="/etc/host.pem" tls.myPrivKey="/etc/host.key" tls.permittedPeer=["server"]
           action.resumeRetryCount="-1" queue.fileName="spool")
}
*.* @@old.example:601
"""
RECEIVER = """
template(name="File" type="string" string="/var/log/hosts/%hostname%/messages.log")
action(type="omfile" dynaFile="File")
input(type="imrelp" port="6514" tls="on" tls.authMode="name" tls.permittedPeer=["a", "b"])
input(type="imtcp" port="601")
"""


def test_every_way_out_is_found():
    safe, clear = collector.forwards(collector.objects(SENDER), SENDER)
    assert safe == {
        "target": "server",
        "port": 6514,
        "acknowledged": True,
        "encrypted": True,
        "peers": ["server"],
        "spool": "spool",
        "patient": True,
    }
    assert (clear["target"], clear["port"], clear["encrypted"], clear["peers"]) == ("old.example", 601, False, [])
    assert collector.certificates(collector.objects(SENDER)) == [("/etc/host.pem", "/etc/host.key")]


def test_every_way_in_is_found():
    checked, anybody = collector.inputs(collector.objects(RECEIVER))
    assert (checked["port"], checked["encrypted"], checked["peers"]) == (6514, True, ["a", "b"])
    assert (anybody["port"], anybody["encrypted"], anybody["peers"]) == (601, False, [])


def test_a_certificate_that_is_valid_but_of_any_name_counts_as_unchecked():
    text = RECEIVER.replace('"name" tls', '"certvalid" tls')
    assert collector.inputs(collector.objects(text))[0]["peers"] == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("30day", 2592000), ("1month", 2629800), ("2w 3h", 1220400), ("0", 0), ("5parsec", None)]
)
def test_time_spans_are_read_as_systemd_writes_them(text, seconds):
    assert collector.span(text) == seconds


def snapshot(**changes):
    section = {
        "journal": {"storage": "persistent", "on_disk": True, "retention": 86400, "file_span": 86400, "max_use": None},
        "rsyslog": True,
        "forwards": [],
        "inputs": [],
        "connections": [],
        "certificates": [],
        "store": None,
        "audit": None,
        "alarm": None,
        **changes,
    }
    document = {"schema_version": 1, "collected_at": "2026-11-24T10:00:00+00:00", "errors": [], "logs": section}
    return Snapshot.from_json(document)


def test_an_entry_grows_as_old_as_the_file_that_it_lies_in():
    assert snapshot().journal_retention == timedelta(days=2)


def test_a_journal_without_a_limit_of_time_has_none():
    journal = {"storage": "auto", "on_disk": False, "retention": 0, "file_span": 1, "max_use": None}
    assert snapshot(journal=journal).journal_retention is None
    assert not snapshot(journal=journal).journal_on_disk
    with pytest.raises(Unreadable):
        _ = snapshot(journal={**journal, "retention": None}).journal_retention


def audit(*rules, **daemon):
    actions = {"disk_full_action": "ROTATE", "space_left_action": "SYSLOG", **daemon}
    return snapshot(audit={"enabled": 1, "lost": 0, "failure": 1, "rules": list(rules), "daemon": actions}).audit


@pytest.mark.parametrize(
    ("rule", "watched"),
    [
        ("-w /etc/passwd -p wa -k 2021-A2-11", True),
        ("-a always,exit -S all -F path=/etc/passwd -F perm=wa -F key=2021-A2-11", True),
        ("-w /etc/passwd- -p wa -k 2021-A2-11", False),
        ("-w /etc/passwd -p wa", False),
    ],
)
def test_a_watched_path_is_one_whose_records_can_be_found(rule, watched):
    assert audit(rule).watches("/etc/passwd") is watched


def test_system_calls_are_found_in_rules_for_several():
    rules = audit("-a always,exit -F arch=b64 -S settimeofday,clock_settime -F key=x")
    assert rules.records_call("clock_settime")
    assert not rules.records_call("settime")


@pytest.mark.parametrize(("action", "halts"), [("HALT", True), ("single", True), ("ROTATE", False), ("exec /x", False)])
def test_what_could_halt_the_host_is_named(action, halts):
    assert bool(audit(disk_full_action=action).halting) is halts


def test_a_host_that_keeps_and_tells_nothing_says_so():
    assert snapshot().log_store is None
    assert snapshot().alarm is None
    assert snapshot().audit is None
