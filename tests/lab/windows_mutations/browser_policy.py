"""Chrome, Edge and Firefox as somebody would like to have them."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

POLICIES = r"HKLM\SOFTWARE\Policies"
OBEYS = "test_browser_obeys_the_practice_on_windows"
BLOCKS = "test_browser_blocks_advertising_on_windows"
UPDATES = "test_browser_updates_itself_on_windows"


def broken(host: str, red: str, *changes: tuple[str, ...]) -> Mutation:
    return Mutation(host, changes, frozenset(red.split()), "browser_policy")


MUTATIONS = {
    "Chrome keeps passwords": broken(
        "pc-1", OBEYS, ("set", rf"{POLICIES}\Google\Chrome\PasswordManagerEnabled", "dword:1")
    ),
    "Edge may ask for the camera": broken(
        "winserver-1", OBEYS, ("unset", rf"{POLICIES}\Microsoft\Edge\VideoCaptureAllowed")
    ),
    "Edge opens what SmartScreen warns of": broken(
        "pc-2", OBEYS, ("set", rf"{POLICIES}\Microsoft\Edge\PreventSmartScreenPromptOverride", "dword:0")
    ),
    "Chrome opens cloud storage": broken("pc-2", OBEYS, ("unset", rf"{POLICIES}\Google\Chrome\URLBlocklist")),
    "Firefox forgets nothing": broken("pc-1", OBEYS, ("unset", rf"{POLICIES}\Mozilla\Firefox\SanitizeOnShutdown")),
    "Firefox is warned of nothing": broken(
        "pc-2", OBEYS, ("set", rf"{POLICIES}\Mozilla\Firefox\Preferences", "multi_string:{}")
    ),
    "Chrome without an ad blocker": broken(
        "pc-1", BLOCKS, ("unset", rf"{POLICIES}\Google\Chrome\ExtensionInstallForcelist")
    ),
    "Edge asks the wrong store": broken(
        "pc-1",
        BLOCKS,
        (
            "set",
            rf"{POLICIES}\Microsoft\Edge\ExtensionInstallForcelist\1",
            "string:ddkjiahejlhfcafbddmgiahcphecmpfh;https://clients2.google.com/service/update2/crx",
        ),
    ),
    "Firefox without an ad blocker": broken(
        "pc-2", BLOCKS, ("unset", rf"{POLICIES}\Mozilla\Firefox\ExtensionSettings")
    ),
    "Edge stays as old as it is": broken(
        "winserver-1", UPDATES, ("set", rf"{POLICIES}\Microsoft\EdgeUpdate\UpdateDefault", "dword:0")
    ),
    "Firefox stays as old as it is": broken(
        "pc-1", UPDATES, ("set", rf"{POLICIES}\Mozilla\Firefox\AppAutoUpdate", "dword:0")
    ),
}
