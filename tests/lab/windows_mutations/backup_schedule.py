"""Backups that are not made, not kept, or not good."""

from __future__ import annotations

import json

from tests.lab.windows_mutations import Mutation

HOME = r"C:\ProgramData\Praxisschild\backup"
DAILY = r'tasks."\Praxisschild\Sicherung daily".enabled'
LONG_AGO = "2026-01-05T12:30:00Z"
CONFIG = {
    "host": "pc-2",
    "target": "local",
    "restic": r"C:\Program Files\restic\restic.exe",
    "keep": {"daily": 7, "weekly": 5, "monthly": 3},
}


def report(job: str, target: str, **more: str) -> tuple[str, str, str]:
    """A job whose last success is long ago."""
    found = {"job": job, "target": target, "result": "success", "last_success": LONG_AGO, **more}
    return ("set", rf"{HOME}\state\{job}.json", json.dumps(found))


MUTATIONS = {
    "the daily backup is switched off": Mutation(
        "pc-1",
        (("set", DAILY, "false"),),
        frozenset({"test_windows_backups_start_by_themselves_every_day"}),
        "backup_schedule",
    ),
    "somebody cleared restic away": Mutation(
        "pc-2",
        (("unset", r"C:\Program Files\restic\restic.exe"),),
        frozenset({"test_windows_backups_start_by_themselves_every_day"}),
        "backup_schedule",
        mended=False,
    ),
    "the password of the backup is gone": Mutation(
        "winserver-1",
        (("unset", rf"{HOME}\password"),),
        frozenset(
            {
                "test_windows_backups_start_by_themselves_every_day",
                "test_windows_only_administrators_can_read_the_key_of_the_backups",
            }
        ),
        "backup_schedule",
    ),
    "the backup has failed": Mutation(
        "pc-1",
        (report("daily", "local", result="failed"),),
        frozenset({"test_windows_last_backup_is_from_today"}),
        "backup_schedule",
        mended=False,
    ),
    "nobody plugs the medium in": Mutation(
        "pc-2",
        (report("medium", "medium"),),
        frozenset({"test_windows_a_copy_lies_on_a_medium_that_is_not_connected"}),
        "backup_schedule",
        mended=False,
    ),
    "a year back is not kept": Mutation(
        "pc-2",
        (("set", rf"{HOME}\config.json", json.dumps(CONFIG)),),
        frozenset({"test_windows_enough_older_backups_are_kept"}),
        "backup_schedule",
    ),
    "nobody has tried to restore for long": Mutation(
        "winserver-1",
        (report("restore-test", "local"),),
        frozenset({"test_windows_restoring_was_tried_not_long_ago"}),
        "backup_schedule",
        mended=False,
    ),
    "the image is of last winter": Mutation(
        "winserver-1",
        (report("image", "image"),),
        frozenset({"test_windows_image_of_the_server_is_recent_and_encrypted"}),
        "backup_schedule",
        mended=False,
    ),
    "the image lies where a thief can read it": Mutation(
        "winserver-1",
        (("set", 'bitlocker."E:".protected', "false"),),
        frozenset({"test_windows_image_of_the_server_is_recent_and_encrypted", "test_windows_all_disks_are_encrypted"}),
        "backup_schedule",
        mended=False,
    ),
}
