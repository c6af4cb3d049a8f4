"""Where mails lie, and whether what is backed up reaches them."""

from __future__ import annotations

from pathlib import Path

import pytest

from praxisschild.collector.linux import mail_stores
from praxisschild.snapshot import Snapshot, Unreadable
from praxisschild.snapshot.storage import MailStore

INBOX = Path("/home/mfa-1/.thunderbird/a.default/Mail")
TIMER = {
    "tool": "restic",
    "keep": {},
    "timer": "sicherung.timer",
    "service": "sicherung.service",
    "command": "restic backup",
    "calendar": [],
    "persistent": True,
    "exit_status": 0,
    "ended": None,
    "next": None,
    "last": None,
    "result": "success",
}


@pytest.mark.parametrize(
    ("paths", "exclude", "backed_up"),
    [
        (["/home"], [], True),
        (["/home/mfa-1/.thunderbird/a.default/Mail"], [], True),
        (["/etc", "/srv"], [], False),
        (["/home/mfa"], [], False),
        (["/home"], ["/home/*/.cache"], True),
        (["/home"], ["/home/*/.thunderbird"], False),
        (["/home"], [".thunderbird"], False),
        (["/home"], ["a.*"], False),
        (["/home"], ["Mail/Inbox"], True),
        (["/home"], ["/srv/Mail"], True),
        (["/home"], ["/home/**/Mail"], False),
        (["/home"], ["/**/ImapMail"], True),
    ],
)
def test_a_place_is_backed_up_if_a_folder_above_it_is_and_no_pattern_leaves_it_out(paths, exclude, backed_up):
    assert mail_stores.is_backed_up(INBOX, {"paths": paths, "exclude": exclude}) is backed_up


def test_an_empty_place_holds_no_mail(tmp_path):
    for name in ("full", "empty"):
        (tmp_path / f".thunderbird/{name}.default/Mail").mkdir(parents=True)
    (tmp_path / ".thunderbird/full.default/Mail/Inbox").touch()
    (tmp_path / "mbox").touch()
    patterns = [*mail_stores.OF_PEOPLE["Thunderbird"], "mbox"]
    assert mail_stores.stores(tmp_path, patterns) == {(tmp_path / ".thunderbird/full.default/Mail").resolve()}


def snapshot(backed_up, *jobs):
    stores = [{"kind": "Thunderbird", "count": 2, "backed_up": backed_up}]
    return Snapshot({"schema_version": 1, "errors": [], "mail_stores": stores, "backup": {"jobs": list(jobs)}})


def test_without_any_backup_no_mail_is_backed_up():
    assert snapshot(None).mail_stores == (MailStore("Thunderbird", 2, 0),)


def test_what_a_foreign_backup_takes_in_is_unknown():
    with pytest.raises(Unreadable, match="Sicherungsprogramm"):
        _ = snapshot(None, TIMER).mail_stores


def test_the_backups_own_list_decides():
    assert snapshot(1, TIMER).mail_stores == (MailStore("Thunderbird", 2, 1),)
