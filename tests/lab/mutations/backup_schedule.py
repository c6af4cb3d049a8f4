"""Jobs, timers, keys and reports of the backup."""

from __future__ import annotations

from tests.lab.mutations import Mutation

CONFIG = "/etc/praxisschild/backup/config.json"
REPORTS = "/var/lib/praxisschild/backup"
DAILY, MEDIUM, RESTORE_TEST = (f"praxisschild-backup@{job}.service" for job in ("daily", "medium", "restore-test"))
MOUNT = "/etc/systemd/system/mnt-sicherung.mount"


def aged(job: str) -> str:
    """The job's last success lies in the past."""
    return f'sed -i \'s/"last_success": "[^"]*"/"last_success": "2021-04-01T12:30:00Z"/\' {REPORTS}/{job}.json'


def configured(change: str) -> str:
    """The jobs' configuration, changed by a statement of Python."""
    program = f"import json; c = json.load(open('{CONFIG}')); {change}; json.dump(c, open('{CONFIG}', 'w'))"
    return f'python3 -c "{program}"'


MUTATIONS = {
    "nobody backs up any more": Mutation(
        "arbeitsplatz-2",
        "systemctl disable --now praxisschild-backup-daily.timer",
        frozenset({"test_backups_start_by_themselves_every_day"}),
        "backup_schedule",
    ),
    "the folders to back up have moved": Mutation(
        "arbeitsplatz-2",
        configured("c['paths'] = ['/gone']") + f"; systemctl start {DAILY}",
        frozenset({"test_last_backup_is_from_today"}),
        "backup_schedule",
    ),
    "the medium has been in the safe for years": Mutation(
        "arbeitsplatz-2",
        aged("medium"),
        frozenset({"test_a_copy_lies_on_a_medium_that_is_not_connected"}),
        "backup_schedule",
        undo=f"systemctl start {MEDIUM}",
    ),
    "a second program copies in the clear": Mutation(
        "arbeitsplatz-2",
        "cd /etc/systemd/system && printf '[Service]\\nExecStart=/usr/bin/rsnapshot daily\\n' > copy.service "
        "&& printf '[Timer]\\nOnCalendar=yearly\\n' > copy.timer "
        "&& systemctl daemon-reload && systemctl start copy.timer",
        frozenset({"test_backups_are_encrypted"}),
        "backup_schedule",
        undo="systemctl stop copy.timer; rm /etc/systemd/system/copy.*; systemctl daemon-reload",
    ),
    "everybody may read the key": Mutation(
        "arbeitsplatz-2",
        "chmod 0644 /etc/praxisschild/backup/password",
        frozenset({"test_only_root_can_read_the_key_of_the_backups"}),
        "backup_schedule",
    ),
    "one month is kept": Mutation(
        "server-1",
        configured("c['keep']['monthly'] = 1") + f"; systemctl start {DAILY} {MEDIUM}",
        frozenset({"test_enough_older_states_are_kept"}),
        "backup_schedule",
    ),
    "restoring was tried years ago": Mutation(
        "arbeitsplatz-2",
        aged("restore-test"),
        frozenset({"test_restoring_was_tried_not_long_ago"}),
        "backup_schedule",
        undo=f"systemctl start {RESTORE_TEST}",
    ),
    "a mailbox is left out": Mutation(
        "arbeitsplatz-2",
        "install -d /home/mfa-1/.thunderbird/a.default/Mail && echo > /home/mfa-1/.thunderbird/a.default/Mail/Inbox; "
        + configured("c['exclude'].append('.thunderbird')"),
        frozenset({"test_every_mail_on_the_host_is_backed_up"}),
        "backup_schedule",
        undo="rm -r /home/mfa-1/.thunderbird",
    ),
    "findings are left out": Mutation(
        "server-1",
        configured("c['exclude'].append('/home/*/Befund*')"),
        frozenset({"test_lost_file_comes_back_from_the_backup"}),
        "backup_schedule",
        probe=True,
    ),
    "nobody tries to restore any more": Mutation(
        "server-1",
        "systemctl disable --now praxisschild-backup-restore-test.timer",
        frozenset({"test_scheduled_restore_test_succeeds"}),
        "backup_schedule",
        probe=True,
    ),
    "the medium stays where it is": Mutation(
        "server-1",
        f"sed -i '/StopWhenUnneeded/d' {MOUNT} && systemctl daemon-reload",
        frozenset({"test_medium_is_there_for_the_backup_only"}),
        "backup_schedule",
        undo="systemctl stop mnt-sicherung.mount",
        probe=True,
    ),
}
