"""Logs that forget, or stay at home."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

EVENTS = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\EventLog"
LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"

MUTATIONS = {
    "log-ins are not recorded": Mutation(
        "pc-1",
        (("set", 'audit."{0CCE9215-69AE-11D9-BED3-505054503030}".setting', "0"),),
        frozenset({"test_windows_records_what_matters"}),
        "central_logging",
    ),
    "failures at changing accounts are not recorded": Mutation(
        "winserver-1",
        (("set", 'audit."{0CCE9235-69AE-11D9-BED3-505054503030}".setting', "1"),),
        frozenset({"test_windows_records_what_matters"}),
        "central_logging",
    ),
    "old audit categories count": Mutation(
        "pc-2",
        (("set", rf"{LSA}\SCENoApplyLegacyAuditPolicy", "dword:0"),),
        frozenset({"test_windows_old_audit_categories_do_not_overrule_the_new"}),
        "central_logging",
    ),
    "the log is small": Mutation(
        "pc-1",
        (("set", rf"{EVENTS}\Security\MaxSize", "dword:20480"),),
        frozenset({"test_windows_logs_are_large_enough"}),
        "central_logging",
    ),
    "a full log halts the computer": Mutation(
        "pc-1",
        (("set", rf"{LSA}\CrashOnAuditFail", "dword:1"),),
        frozenset({"test_windows_a_full_log_stops_nobody_from_working"}),
        "central_logging",
    ),
    "a full log forgets what comes": Mutation(
        "pc-2",
        (("set", rf"{EVENTS}\System\Retention", "string:1"),),
        frozenset({"test_windows_a_full_log_stops_nobody_from_working"}),
        "central_logging",
    ),
    "scripts are not recorded": Mutation(
        "winserver-1",
        (
            (
                "set",
                r"HKLM\SOFTWARE\Policies\Microsoft\Windows\PowerShell\ScriptBlockLogging\EnableScriptBlockLogging",
                "dword:0",
            ),
        ),
        frozenset({"test_windows_records_what_programs_and_scripts_were_told"}),
        "central_logging",
    ),
    "events stay at home": Mutation(
        "pc-1",
        (("unset", rf"{EVENTS}\EventForwarding\SubscriptionManager\1"),),
        frozenset({"test_windows_events_go_to_the_log_host"}),
        "central_logging",
    ),
    "the sender may not read the security log": Mutation(
        "pc-2",
        (("unset", rf"{EVENTS}\Security\ChannelAccess"),),
        frozenset({"test_windows_events_go_to_the_log_host"}),
        "central_logging",
    ),
    "the collector was stopped": Mutation(
        "winserver-1",
        (("set", "services.Wecsvc.state", "stopped"),),
        frozenset({"test_windows_events_go_to_the_log_host"}),
        "central_logging",
    ),
}
