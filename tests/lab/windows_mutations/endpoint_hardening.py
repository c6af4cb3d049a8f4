"""Screens, cameras and old protocols."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

SYSTEM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"

MUTATIONS = {
    "the screen stays open for an hour": Mutation(
        "pc-1",
        (("set", rf"{SYSTEM}\InactivityTimeoutSecs", "dword:3600"),),
        frozenset({"test_windows_locks_itself_after_a_while"}),
        "endpoint_hardening",
    ),
    "the screen never locks": Mutation(
        "winserver-1",
        (("unset", rf"{SYSTEM}\InactivityTimeoutSecs"),),
        frozenset({"test_windows_locks_itself_after_a_while"}),
        "endpoint_hardening",
    ),
}
