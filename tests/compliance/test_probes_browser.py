"""The installed browsers, started as an ordinary user and asked what they obey; see ``praxisschild.probes``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import Measured, bound, not_applicable, requirement
from praxisschild.probes import ask

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost

pytestmark = pytest.mark.probe

# Chromium no longer runs extensions of the old kind (Manifest V2), so uBlock Origin itself does not count there.
BLOCKERS = {
    "ddkjiahejlhfcafbddmgiahcphecmpfh": "uBlock Origin Lite",
    "bgnkhhnnamicmpeenaelnjfhikgbkllg": "AdGuard",
    "uBlock0@raymondhill.net": "uBlock Origin",
    "uBOLite@raymondhill.net": "uBlock Origin Lite",
    "adguardadblocker@adguard.com": "AdGuard",
    "{73a6fe31-595d-460b-a920-fcc0f8843232}": "NoScript",
}
FORCED = {"force_installed", "normal_installed"}
CLEARED_BY_CHROMIUM = {
    "autofill",
    "browsing_history",
    "cached_images_and_files",
    "cookies_and_other_site_data",
    "download_history",
    "password_signin",
}
FIREFOX_PREFERENCES = [
    pytest.param("signon.rememberSignons", False, marks=requirement("2021-A1-08")),
    pytest.param("browser.formfill.enable", False, marks=requirement("2021-A1-08")),
    pytest.param("extensions.formautofill.addresses.enabled", False, marks=requirement("2021-A1-08")),
    pytest.param("extensions.formautofill.creditCards.enabled", False, marks=requirement("2021-A1-08")),
    pytest.param("privacy.sanitize.sanitizeOnShutdown", True, marks=requirement("2021-A1-08")),
    pytest.param("dom.security.https_only_mode", True, marks=requirement("2021-A1-10")),
    pytest.param("permissions.default.camera", 2, marks=requirement("2021-A1-12")),
    pytest.param("permissions.default.microphone", 2, marks=requirement("2021-A1-12")),
    pytest.param("browser.safebrowsing.malware.enabled", True, marks=requirement("2021-A1-19")),
    pytest.param("browser.safebrowsing.phishing.enabled", True, marks=requirement("2021-A1-19")),
]
# What is cleared on exit, each under its present name and under that of older releases; the first that exists counts.
CLEARED_BY_FIREFOX = [
    ("browsingHistoryAndDownloads", "historyFormDataAndDownloads"),
    ("formdata", "historyFormDataAndDownloads"),
    ("cookiesAndStorage",),
    ("cache",),
]
ON_EXIT = "privacy.clearOnShutdown_v2."


@pytest.fixture
def chromium(remote: RemoteHost) -> dict[str, Any]:
    """What Chromium says and does, after one start."""
    answer: dict[str, Any] = ask(remote, "chromium_policies")
    if not answer["installed"]:
        not_applicable("Auf diesem Host ist kein Chromium installiert.")
    return answer


@pytest.fixture
def firefox(remote: RemoteHost) -> dict[str, Any]:
    """What Firefox says and does, after one start."""
    names = {ON_EXIT + name for names in CLEARED_BY_FIREFOX for name in names}
    names |= {str(row.values[0]) for row in FIREFOX_PREFERENCES}
    answer: dict[str, Any] = ask(remote, "firefox_policies", *sorted(names))
    if not answer["installed"]:
        not_applicable("Auf diesem Host ist kein Firefox installiert.")
    return answer


@pytest.fixture(params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest, host_name: str) -> dict[str, Any]:
    """Each browser of the host in turn, for what both report in the same words."""
    answer: dict[str, Any] = request.getfixturevalue(request.param)
    return answer


def said_by(chromium: dict[str, Any], name: str) -> Any:
    """The policy's value if Chromium obeys it for everybody on the host; None otherwise."""
    policy = chromium["policies"].get(name, {})
    obeyed = not policy.get("error") and policy.get("level") == "mandatory" and policy.get("scope") == "machine"
    return policy.get("value") if obeyed else None


@pytest.mark.parametrize(
    ("policy", "accepted"),
    [
        pytest.param("PasswordManagerEnabled", [False], marks=requirement("2021-A1-08")),
        pytest.param("AutofillAddressEnabled", [False], marks=requirement("2021-A1-08")),
        pytest.param("AutofillCreditCardEnabled", [False], marks=requirement("2021-A1-08")),
        pytest.param("SyncDisabled", [True], marks=requirement("2021-A1-08")),
        pytest.param("HttpsOnlyMode", ["force_enabled"], marks=requirement("2021-A1-10")),
        pytest.param("VideoCaptureAllowed", [False], marks=requirement("2021-A1-12")),
        pytest.param("AudioCaptureAllowed", [False], marks=requirement("2021-A1-12")),
        pytest.param("SafeBrowsingProtectionLevel", [1, 2], marks=requirement("2021-A1-19")),
        pytest.param("DisableSafeBrowsingProceedAnyway", [True], marks=requirement("2021-A1-19")),
    ],
)
def test_chromium_says_that_it_obeys(
    chromium: dict[str, Any], policy: str, accepted: list[object], measured: Measured
) -> None:
    """A policy in a file protects nobody if the browser does not read it, or no longer knows it."""
    answer = chromium["policies"].get(policy, {"value": None, "error": "nicht gesetzt"})
    measured(f"{chromium['version']}: {policy} = {answer['value']} ({answer.get('error') or 'befolgt'})")
    value = said_by(chromium, policy)
    # False == 0 in Python, but not in a policy
    assert (type(value), value) in [(type(one), one) for one in accepted]


@requirement("2021-A1-08")
def test_chromium_says_that_it_forgets_on_exit(chromium: dict[str, Any], measured: Measured) -> None:
    """The next person at this workstation finds what the last one looked up."""
    cleared = said_by(chromium, "ClearBrowsingDataOnExitList") or []
    measured(f"beim Beenden gelöscht: {', '.join(cleared) or 'nichts'}")
    assert set(cleared) >= CLEARED_BY_CHROMIUM


@requirement("2021-A1-07")
def test_chromium_says_that_it_ends_idle_sessions(chromium: dict[str, Any], measured: Measured) -> None:
    """Whoever comes to a workstation that was left goes on where the last one was logged in."""
    minutes = said_by(chromium, "IdleTimeout")
    actions = said_by(chromium, "IdleTimeoutActions") or []
    measured(f"nach {minutes or 'unbegrenzt vielen'} Minuten ohne Eingabe: {', '.join(actions) or 'nichts'}")
    assert minutes
    assert 0 < minutes * 60 <= bound("2021-A1-07", "session_timeout").at_most
    assert "clear_cookies_and_other_site_data" in actions


@requirement("2021-A1-08", "2021-A1-10")
def test_chromium_understands_every_policy(chromium: dict[str, Any], measured: Measured) -> None:
    """A misspelt or outdated policy looks like protection and is none."""
    complaints = {name: policy["error"] for name, policy in chromium["policies"].items() if policy.get("error")}
    measured(f"{len(chromium['policies'])} Richtlinien, davon beanstandet: {', '.join(complaints) or 'keine'}")
    assert chromium["policies"]
    assert not complaints


@pytest.mark.parametrize(("preference", "value"), FIREFOX_PREFERENCES)
def test_firefox_has_the_preference_locked(
    firefox: dict[str, Any], preference: str, value: object, measured: Measured
) -> None:
    """What a user can switch back on is a suggestion, not a setting."""
    found = firefox["preferences"][preference]
    state = "gesperrt" if found["locked"] else "änderbar"
    measured(f"Firefox {firefox['version']}: {preference} = {found['value']} ({state})")
    assert found == {"value": value, "locked": True}


@requirement("2021-A1-08")
def test_firefox_forgets_on_exit(firefox: dict[str, Any], measured: Measured) -> None:
    """The next person at this workstation finds what the last one looked up."""
    kept = []
    for names in CLEARED_BY_FIREFOX:
        found = [firefox["preferences"][ON_EXIT + name] for name in names]
        current = next((one for one in found if one["value"] is not None), None)
        if current != {"value": True, "locked": True}:
            kept.append(names[0])
    measured(f"beim Beenden nicht sicher gelöscht: {', '.join(kept) or 'nichts'}")
    assert not kept


@requirement("2021-A1-08")
def test_firefox_copies_nothing_to_an_account(firefox: dict[str, Any], measured: Measured) -> None:
    """Synchronisation carries passwords and history to devices outside the practice."""
    policies = firefox["policies"]
    off = policies.get("DisableFirefoxAccounts") is True or policies.get("DisableAccounts") is True
    measured(f"Abgleich mit einem Konto: {'abgeschaltet' if off else 'möglich'}")
    assert off


@requirement("2021-A1-08", "2021-A1-10")
def test_firefox_understands_every_policy(firefox: dict[str, Any], measured: Measured) -> None:
    """A misspelt or outdated policy looks like protection and is none."""
    measured(f"{len(firefox['policies'])} Richtlinien, Beanstandungen: {'; '.join(firefox['errors']) or 'keine'}")
    assert firefox["policies"]
    assert not firefox["errors"]


@requirement("2021-A1-07", "2021-A1-08")
def test_browser_keeps_nothing_that_a_page_stored(browser: dict[str, Any], measured: Measured) -> None:
    """The next person at this workstation is still logged in where the last one was."""
    kept = browser["kept_after_exit"]
    measured(f"Cookie und Webspeicher nach dem Beenden: {'noch da' if kept else 'gelöscht'}")
    assert not kept


@requirement("2021-A1-10")
def test_browser_sends_nothing_in_the_clear(browser: dict[str, Any], measured: Measured) -> None:
    """Whoever listens on the way reads what is sent over plain HTTP."""
    measured(f"unverschlüsselte Anfragen beim Aufruf einer http-Adresse: {len(browser['plain_requests'])}")
    assert browser["offered_tls"] or browser["plain_requests"], "the page was not asked for at all"
    assert not browser["plain_requests"]


@requirement("2021-A2-03")
def test_browser_offers_only_current_tls(browser: dict[str, Any], measured: Measured) -> None:
    """A server that speaks only outdated TLS would be talked to in a way that can be broken."""
    offered = sorted({f"TLSv{version}" for hello in browser["offered_tls"] for version in hello})
    measured(f"angeboten: {', '.join(offered) or 'keine verschlüsselte Verbindung versucht'}")
    assert offered
    assert all(bound("2021-A2-03", "tls_version").admits(version) for version in offered)


@requirement("2021-A1-12")
def test_web_page_is_denied_camera_and_microphone(browser: dict[str, Any], measured: Measured) -> None:
    """One hasty click on "allow" would open the treatment room to a web page."""
    measured(f"Kamera: {browser['devices']['camera']}, Mikrofon: {browser['devices']['microphone']}")
    assert browser["devices"] == {"camera": "denied", "microphone": "denied"}


@requirement("KVWL-04")
def test_chromium_has_an_ad_blocker(chromium: dict[str, Any], measured: Measured) -> None:
    """Malware arrives through advertisements on pages that everybody trusts."""
    forced = {entry.partition(";")[0] for entry in said_by(chromium, "ExtensionInstallForcelist") or []}
    settings = said_by(chromium, "ExtensionSettings") or {}
    forced |= {name for name, rule in settings.items() if rule.get("installation_mode") in FORCED}
    forced |= {extension["id"] for extension in chromium["extensions"] if extension["enabled"]}
    found = sorted(BLOCKERS[name] for name in forced & set(BLOCKERS))
    measured(f"Werbeblocker: {', '.join(found) or 'keiner'}")
    assert found


@requirement("KVWL-04")
def test_firefox_has_an_ad_blocker(firefox: dict[str, Any], measured: Measured) -> None:
    """Malware arrives through advertisements on pages that everybody trusts."""
    rules = firefox["policies"].get("ExtensionSettings") or {}
    forced = {name for name, rule in rules.items() if rule.get("installation_mode") in FORCED}
    forced |= {extension["id"] for extension in firefox["extensions"] if extension["enabled"]}
    found = sorted(BLOCKERS[name] for name in forced & set(BLOCKERS))
    measured(f"Werbeblocker: {', '.join(found) or 'keiner'}")
    assert found
