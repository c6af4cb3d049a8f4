"""Updates that do not come, or nobody misses."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate"
VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"

MUTATIONS = {
    "updates are only downloaded": Mutation(
        "pc-1",
        (("set", rf"{POLICY}\AU\AUOptions", "dword:3"),),
        frozenset({"test_windows_updates_install_themselves"}),
        "patch_management",
    ),
    "a server installs nothing by itself": Mutation(
        "winserver-1",
        (("unset", rf"{POLICY}\AU\AUOptions"),),
        frozenset({"test_windows_updates_install_themselves"}),
        "patch_management",
    ),
    "the service is disabled": Mutation(
        "pc-2",
        (("set", "services.wuauserv.start", "disabled"),),
        frozenset({"test_windows_updates_install_themselves"}),
        "patch_management",
    ),
    "updates may wait for a month": Mutation(
        "pc-1",
        (("set", rf"{POLICY}\ConfigureDeadlineForQualityUpdates", "dword:30"),),
        frozenset({"test_windows_updates_cannot_be_put_off_for_long"}),
        "patch_management",
    ),
    "updates are paused": Mutation(
        "winserver-1",
        (("set", rf"{POLICY}\PauseQualityUpdatesStartTime", "string:2026-11-20"),),
        frozenset({"test_windows_updates_cannot_be_put_off_for_long"}),
        "patch_management",
    ),
    "people may pause updates": Mutation(
        "pc-2",
        (("unset", rf"{POLICY}\SetDisablePauseUXAccess"),),
        frozenset({"test_windows_updates_cannot_be_put_off_for_long"}),
        "patch_management",
    ),
    "a security update waits for three weeks": Mutation(
        "pc-1",
        (("set", "updates.pending.KB5099999", '{"severity": "", "security": true, "age_days": 20}'),),
        frozenset({"test_windows_no_security_update_waits"}),
        "patch_management",
        mended=False,
    ),
    "nobody has looked for updates for a month": Mutation(
        "winserver-1",
        (("set", "updates.search_age_hours", "700"),),
        frozenset({"test_windows_no_security_update_waits"}),
        "patch_management",
        mended=False,
    ),
    "the release is one that nobody knows": Mutation(
        "pc-2",
        (("set", rf"{VERSION}\CurrentBuild", "string:31000"),),
        frozenset({"test_windows_software_without_updates_is_identified"}),
        "patch_management",
        mended=False,
    ),
    "the release gets no updates any more": Mutation(
        "pc-1",
        (("set", rf"{VERSION}\CurrentBuild", "string:22631"),),
        frozenset({"test_windows_release_gets_security_updates"}),
        "patch_management",
        mended=False,
    ),
    "a database that nobody repairs any more is in use": Mutation(
        "winserver-1",
        (("set", rf"{UNINSTALL}\SQL14\DisplayName", "string:Microsoft SQL Server 2014 (64-Bit)"),),
        frozenset({"test_windows_no_program_without_security_updates_is_in_use"}),
        "patch_management",
        mended=False,
    ),
}
