"""What the browsers of a workstation are told to do and their users cannot undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import bound, not_applicable, requirement

if TYPE_CHECKING:
    from collections.abc import Callable

BROWSERS = {"chromium": "Chromium", "chrome": "Google Chrome", "edge": "Microsoft Edge", "firefox": "Firefox"}
CLOUD_STORAGE = ("docs.google.com", "drive.google.com", "icloud.com", "onedrive.live.com")
BLOCKERS = {
    "uBlock0@raymondhill.net",  # uBlock Origin for Firefox
    "uBOLite@raymondhill.net",  # uBlock Origin Lite for Firefox
    "adguardadblocker@adguard.com",
    "ddkjiahejlhfcafbddmgiahcphecmpfh",  # uBlock Origin Lite in the Chrome Web Store
    "cimighlppcgcoapaliogpjjdehbnofhn",  # uBlock Origin Lite among Edge's add-ons
    "bgnkhhnnamicmpeenaelnjfhikgbkllg",  # AdGuard in the Chrome Web Store
}
BLOCKER_PACKAGES = {
    "firefox": {"webext-ublock-origin-firefox"},
    "chromium": {"webext-ublock-origin-chromium"},
}


@dataclass(frozen=True)
class Rule:
    """A policy's place, and which of its values fulfil the demand."""

    path: tuple[str, ...]
    admits: Callable[[Any], bool]


def is_exactly(*values: Any) -> Callable[[Any], bool]:
    """One of the values, in its own type: a browser ignores 0 where it wants false."""
    return lambda found: any(type(found) is type(value) and found == value for value in values)


def has_all(*members: str) -> Callable[[Any], bool]:
    return lambda found: isinstance(found, list) and set(members) <= set(found)


def blocks(*hosts: str) -> Callable[[Any], bool]:
    """Patterns of Chromium (`icloud.com`) or Firefox (`*://*.icloud.com/*`) that leave no page of the hosts open."""

    def covers(pattern: str, host: str) -> bool:
        bare = pattern.rpartition("://")[2].removesuffix("/*").removesuffix("/").removeprefix("*.")
        return pattern in {"*", "<all_urls>"} or host == bare or host.endswith(f".{bare}")

    return lambda found: (
        isinstance(found, list) and all(any(covers(pattern, host) for pattern in found) for host in hosts)
    )


def within_session_timeout(found: Any) -> bool:
    """Minutes after which a browser that nobody uses acts."""
    return type(found) is int and 0 < found * 60 <= bound("2021-A1-07", "session_timeout").at_most


def clears_everything(found: Any) -> bool:
    """Firefox: simply true, or an object that names what is cleared and is locked."""
    wanted = ("Cache", "Cookies", "History", "FormData", "Locked")
    return found is True or (isinstance(found, dict) and all(found.get(part) is True for part in wanted))


def is_locked_on(found: Any) -> bool:
    """Firefox: a preference that users cannot change, with the value true."""
    return isinstance(found, dict) and found.get("Value") is True and found.get("Status") == "locked"


def asks_never(found: Any) -> bool:
    """Firefox: no website may ask for the device, and users cannot change that."""
    return isinstance(found, dict) and found.get("BlockNewRequests") is True and found.get("Locked") is True


def everywhere(path: str, *values: Any) -> dict[str, Rule]:
    return dict.fromkeys(BROWSERS, Rule((path,), is_exactly(*values)))


def chromium_like(path: str, admits: Callable[[Any], bool]) -> dict[str, Rule]:
    return dict.fromkeys(("chromium", "chrome", "edge"), Rule((path,), admits))


def only_chromium(path: str, admits: Callable[[Any], bool]) -> dict[str, Rule]:
    return dict.fromkeys(("chromium", "chrome"), Rule((path,), admits))


def firefox(*path: str, admits: Callable[[Any], bool]) -> dict[str, Rule]:
    return {"firefox": Rule(path, admits)}


def edge(path: str, *values: Any) -> dict[str, Rule]:
    return {"edge": Rule((path,), is_exactly(*values))}


CLEARED = (
    "autofill",
    "browsing_history",
    "cached_images_and_files",
    "cookies_and_other_site_data",
    "download_history",
    "password_signin",
)
PREFERENCE = "browser.safebrowsing"
DEMANDS: list[tuple[tuple[str, ...], str, dict[str, Rule]]] = [
    (
        ("2021-A1-05",),
        "no_sync",
        chromium_like("SyncDisabled", is_exactly(True)) | firefox("DisableFirefoxAccounts", admits=is_exactly(True)),
    ),
    (("2021-A1-05",), "no_browser_account", chromium_like("BrowserSignin", is_exactly(0))),
    (
        ("2021-A1-05",),
        "no_cloud_storage",
        chromium_like("URLBlocklist", blocks(*CLOUD_STORAGE))
        | firefox("WebsiteFilter", "Block", admits=blocks(*CLOUD_STORAGE)),
    ),
    (("2021-A1-08",), "no_saved_passwords", everywhere("PasswordManagerEnabled", False)),
    (("2021-A1-08",), "no_saved_addresses", everywhere("AutofillAddressEnabled", False)),
    (("2021-A1-08",), "no_saved_cards", everywhere("AutofillCreditCardEnabled", False)),
    (("2021-A1-08",), "no_saved_forms", firefox("DisableFormHistory", admits=is_exactly(True))),
    (
        ("2021-A1-07", "2021-A1-08"),
        "cleared_on_exit",
        chromium_like("ClearBrowsingDataOnExitList", has_all(*CLEARED))
        | edge("ClearBrowsingDataOnExit", True)
        | firefox("SanitizeOnShutdown", admits=clears_everything),
    ),
    # Firefox has nothing of the kind, and Edge not on Linux: there a log-in ends with the browser
    (("2021-A1-07",), "idle_sessions_end", only_chromium("IdleTimeout", within_session_timeout)),
    (
        ("2021-A1-07",),
        "logs_out_by_forgetting",
        only_chromium("IdleTimeoutActions", has_all("clear_cookies_and_other_site_data")),
    ),
    (("2021-A1-10", "2021-A2-03"), "https_only", everywhere("HttpsOnlyMode", "force_enabled")),
    (
        ("2021-A1-10",),
        "no_click_through_certificates",
        chromium_like("SSLErrorOverrideAllowed", is_exactly(False))
        | firefox("DisableSecurityBypass", "InvalidCertificate", admits=is_exactly(True)),
    ),
    (
        ("2021-A2-03",),
        "current_tls",
        firefox(
            "SSLVersionMin",
            admits=lambda found: bound("2021-A2-03", "tls_version").admits(str(found).replace("tls", "TLSv")),
        ),
    ),
    (
        ("2021-A1-12",),
        "no_camera",
        chromium_like("VideoCaptureAllowed", is_exactly(False)) | firefox("Permissions", "Camera", admits=asks_never),
    ),
    (
        ("2021-A1-12",),
        "no_microphone",
        chromium_like("AudioCaptureAllowed", is_exactly(False))
        | firefox("Permissions", "Microphone", admits=asks_never),
    ),
    (
        ("2021-A1-19",),
        "warns_of_phishing",
        chromium_like("SafeBrowsingProtectionLevel", is_exactly(1, 2))
        | edge("SmartScreenEnabled", True)
        | firefox("Preferences", f"{PREFERENCE}.phishing.enabled", admits=is_locked_on),
    ),
    (
        ("2021-A1-19",),
        "warns_of_malware",
        firefox("Preferences", f"{PREFERENCE}.malware.enabled", admits=is_locked_on),
    ),
    (
        ("2021-A1-19",),
        "no_click_through_warnings",
        chromium_like("DisableSafeBrowsingProceedAnyway", is_exactly(True))
        | edge("PreventSmartScreenPromptOverride", True)
        | firefox("DisableSecurityBypass", "SafeBrowsing", admits=is_exactly(True)),
    ),
]


@pytest.fixture
def browser(request, snapshot):
    """An installed browser."""
    if request.param not in snapshot.browsers:
        not_applicable(f"Auf diesem Host ist {BROWSERS[request.param]} nicht installiert.")
    return snapshot.browsers[request.param]


@pytest.mark.parametrize(
    ("browser", "rule"),
    [
        pytest.param(name, rule, id=f"{demand}-{name}", marks=requirement(*requirements))
        for requirements, demand, rules in DEMANDS
        for name, rule in rules.items()
    ],
    indirect=["browser"],
)
def test_browser_obeys_the_practice(snapshot, browser, rule, measured):
    """A setting that only advises is gone with the next click; these come from the administrator and are final."""
    value = snapshot.policy(browser.name, *rule.path)
    measured(f"{BROWSERS[browser.name]}, {'.'.join(rule.path)}: {'nicht gesetzt' if value is None else value}")
    assert rule.admits(value), f"{browser.name}: {'.'.join(rule.path)} = {value!r}"


def as_booleans(found: Any) -> Any:
    """What a browser makes of the registry's numbers where its policy is a switch."""
    if isinstance(found, dict):
        return {name: as_booleans(value) for name, value in found.items()}
    return bool(found) if found in {0, 1} and isinstance(found, int) else found


@pytest.fixture
def windows_browser(request, windows):
    """A browser that is installed on a Windows host."""
    if request.param not in windows.browsers:
        not_applicable(f"Auf diesem Host ist {BROWSERS[request.param]} nicht installiert.")
    return request.param


@pytest.mark.parametrize(
    ("windows_browser", "rule"),
    [
        pytest.param(name, rule, id=f"{demand}-{name}", marks=requirement(*requirements))
        for requirements, demand, rules in DEMANDS
        for name, rule in rules.items()
        if name != "chromium"
    ],
    indirect=["windows_browser"],
)
def test_browser_obeys_the_practice_on_windows(windows, windows_browser, rule, measured):
    """A setting that only advises is gone with the next click; these come from the administrator and are final."""
    value = windows.browser_policy(windows_browser, *rule.path)
    measured(f"{BROWSERS[windows_browser]}, {'.'.join(rule.path)}: {'nicht gesetzt' if value is None else value}")
    admitted = rule.admits(value) or rule.admits(as_booleans(value))
    assert admitted, f"{windows_browser}: {'.'.join(rule.path)} = {value!r}"


@requirement("2021-A1-08")
@pytest.mark.parametrize("windows_browser", ["chrome", "edge", "firefox"], indirect=True)
def test_browser_updates_itself_on_windows(windows, windows_browser, measured):
    """A browser meets the whole internet every day, an outdated one loses."""
    if windows_browser == "firefox":
        automatic = windows.browser_policy("firefox", "DisableAppUpdate") != 1
        automatic &= windows.browser_policy("firefox", "AppAutoUpdate") == 1
    else:
        vendor = {"chrome": r"Google\Update", "edge": r"Microsoft\EdgeUpdate"}[windows_browser]
        automatic = windows.registry(rf"HKLM\SOFTWARE\Policies\{vendor}", "UpdateDefault") == 1
    measured(
        f"{BROWSERS[windows_browser]}: automatische Updates {'fest vorgegeben' if automatic else 'nicht vorgegeben'}"
    )
    assert automatic


@requirement("KVWL-04")
@pytest.mark.parametrize("windows_browser", ["chrome", "edge", "firefox"], indirect=True)
def test_browser_blocks_advertising_on_windows(windows, windows_browser, measured):
    """Advertising networks deliver malware, and tell others which diseases a practice looks up."""
    listed = windows.browser_policy(windows_browser, "ExtensionInstallForcelist") or []
    settings = windows.browser_policy(windows_browser, "ExtensionSettings") or {}
    found = {entry.partition(";")[0] for entry in listed}
    found |= {name for name, entry in settings.items() if entry.get("installation_mode") == "force_installed"}
    if windows_browser == "edge" and not windows.is_member:  # others than its own store's are passed over
        found -= {entry.partition(";")[0] for entry in listed if "//edge.microsoft.com/" not in entry}
    found &= BLOCKERS
    measured(f"{BROWSERS[windows_browser]}, Werbeblocker: {', '.join(sorted(found)) or 'keiner'}")
    assert found


@requirement("2021-A1-08")
@pytest.mark.parametrize("browser", BROWSERS, indirect=True)
def test_browser_updates_itself(snapshot, browser, measured):
    """A browser meets the whole internet every day, an outdated one loses."""
    origin = {"chrome": "google", "edge": "microsoft"}.get(browser.name, "security")
    included = browser.snap or any(origin in entry.lower() for entry in snapshot.unattended_origins)
    automatic = browser.snap or snapshot.apt_every("Unattended-Upgrade") > 0
    measured(f"{BROWSERS[browser.name]}: automatische Updates {'an' if included and automatic else 'aus'}")
    assert automatic
    assert included


@requirement("KVWL-04")
@pytest.mark.parametrize("browser", BROWSERS, indirect=True)
def test_browser_blocks_advertising_and_foreign_scripts(snapshot, browser, measured):
    """Advertising networks deliver malware, and tell others which diseases a practice looks up."""
    listed = snapshot.policy(browser.name, "ExtensionInstallForcelist") or []
    settings = snapshot.policy(browser.name, "ExtensionSettings") or {}
    extensions = {entry.partition(";")[0] for entry in listed}
    extensions |= {
        name
        for name, entry in settings.items()
        if entry.get("installation_mode") in {"force_installed", "normal_installed"}
    }
    found = extensions & BLOCKERS | BLOCKER_PACKAGES.get(browser.name, set()) & snapshot.software
    measured(f"{BROWSERS[browser.name]}, Werbeblocker: {', '.join(sorted(found)) or 'keiner'}")
    assert found
