"""What the log host makes of the lines it reads: events, and mails in measure."""

from __future__ import annotations

import importlib.util
import json
import sys

import pytest

CONFIG = {
    "practice": "Beispiel",
    "mail_to": "praxis@example.org",
    "failed_logins": 3,
    "admin_groups": ["sudo"],
    "hosts": {"pc": 2},
}
NOW = 1_800_000_000.0


@pytest.fixture
def watch(project, tmp_path, monkeypatch):
    """The program as a module, with everything it writes in a folder of the test."""
    spec = importlib.util.spec_from_file_location(
        "watch", project / "roles/central_logging/files/praxisschild_watch.py"
    )
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "watch", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "STORE", tmp_path)
    monkeypatch.setattr(module, "STATE", tmp_path / "state.json")
    return module


def line(text, tag="sshd[7]", priority="authpriv.notice"):
    return f"2026-11-24T10:00:00+00:00 pc {priority} {tag}: {text}"


def failure(user="mfa-1", address="10.0.0.9"):
    who = f"logname= uid=0 euid=0 tty=ssh ruser= rhost={address}  user={user}"
    return line(f"pam_unix(sshd:auth): authentication failure; {who}")


def recognized(watch, lines):
    recognizer = watch.Recognizer(CONFIG)
    return [(one.kind, one.subject) for text in lines for one in recognizer.events("pc", text, NOW)]


def test_one_typing_error_is_no_event_and_many_are(watch):
    assert recognized(watch, [failure()] * 2) == []
    assert recognized(watch, [failure(address="")] * 3) == [("failed-login", "Konto mfa-1")]


def test_a_source_that_tries_many_names_is_noticed(watch):
    found = recognized(watch, [failure(user) for user in ("a", "b", "c")])
    assert found == [("failed-login", "Adresse 10.0.0.9")]


def test_failures_that_lie_far_apart_do_not_add_up(watch):
    recognizer = watch.Recognizer(CONFIG)
    times = [NOW, NOW + 700, NOW + 1400]
    assert [one for at in times for one in recognizer.events("pc", failure(), at)] == []


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (line("add 'mfa-1' to group 'sudo'", "usermod[1]"), ("new-admin", "mfa-1 in der Gruppe sudo")),
        (line("user mfa-1 added by root to group sudo", "gpasswd[1]"), ("new-admin", "mfa-1 in der Gruppe sudo")),
        (
            line('kind=malware host=pc what="Eicar in /home/x"', "praxisschild-alarm", "daemon.alert"),
            ("malware", "Eicar in /home/x"),
        ),
        (
            line("pam_faillock(su:auth): Consecutive login failures for user mfa-1 account temporarily locked", "su"),
            ("failed-login", "gesperrt: mfa-1"),
        ),
    ],
)
def test_what_matters_is_an_event_at_once(watch, text, event):
    assert recognized(watch, [text]) == [event]


@pytest.mark.parametrize(
    "text",
    [
        line("add 'mfa-1' to group 'praxis'", "usermod[1]"),
        line("session opened for user betreuung"),
        line("noted: kind=malware host=pc", "praxisschild-watch", "daemon.info"),
        "no line at all",
    ],
)
def test_the_rest_is_not(watch, text):
    assert recognized(watch, [text]) == []


def letterbox(watch, monkeypatch, failing=False):
    sent = []
    box = watch.Letterbox(CONFIG, watch.load_state())
    box.state["refilled"] = NOW

    def send(events):
        sent.append([one["subject"] for one in events])
        return "no answer" if failing else ""

    monkeypatch.setattr(box, "_send", send)
    return box, sent


def event(watch, subject, at=NOW):
    return watch.Event("failed-login", "pc", subject, subject, at)


def test_the_same_is_told_once_an_hour(watch, monkeypatch):
    box, sent = letterbox(watch, monkeypatch)
    for at in (NOW, NOW + 60, NOW + 3700):
        box.put(event(watch, "a", at))
        box.empty(at)
    assert sent == [["a"], ["a"]]


def test_a_flood_becomes_few_mails_and_loses_nothing(watch, monkeypatch):
    box, sent = letterbox(watch, monkeypatch)
    for number in range(1000):
        box.put(event(watch, str(number), NOW + number))
        box.empty(NOW + number)
    box.empty(NOW + 1000 + watch.REFILL)
    assert len(sent) <= watch.BURST + 1300 // watch.REFILL
    assert sorted(int(one) for mail in sent for one in mail) == list(range(1000))


def test_a_mail_that_nobody_took_waits(watch, monkeypatch):
    box, sent = letterbox(watch, monkeypatch, failing=True)
    box.put(event(watch, "a"))
    box.empty(NOW)
    box.empty(NOW + 1)
    assert len(sent) == 1
    assert box.state["undelivered_since"] == NOW
    box._send = lambda _: ""
    box.empty(NOW + watch.RETRY)
    assert box.state["pending"] == []
    assert box.state["undelivered_since"] is None


def test_reading_goes_on_where_it_stopped_over_a_rotation(watch, tmp_path):
    folder = tmp_path / "pc"
    folder.mkdir()
    log = folder / "messages.log"
    log.write_text("old\n")
    follower = watch.Follower({}, from_end=True)
    assert list(follower.lines()) == []
    with log.open("a") as file:
        file.write("one\ntwo")
    assert list(follower.lines()) == [("pc", "one")]
    with log.open("a") as file:
        file.write("!\nthree\n")
    log.rename(folder / "messages.log-20261124")
    log.write_text("four\n")
    again = watch.Follower(follower.places, from_end=False)
    assert [text for _, text in again.lines()] == ["two!", "three", "four"]
    assert list(again.lines()) == []


def test_a_silent_host_is_missed_once_and_again_after_it_spoke(watch, tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    monkeypatch.setattr(watch, "CONFIG", tmp_path / "config.json")
    service = watch.Watch()
    mails = []
    monkeypatch.setattr(service.letterbox, "_send", lambda events: mails.extend(one["kind"] for one in events) or "")
    for hours in (0, 1, 3, 4):
        service.look(NOW + hours * 3600)
    assert mails == ["silence"]
    assert service.state["missed"] == ["pc"]
    (tmp_path / "pc").mkdir()
    (tmp_path / "pc/messages.log").write_text(line("-- MARK --", "rsyslogd", "syslog.info") + "\n")
    service.look(NOW + 5 * 3600)
    assert service.state["missed"] == []
