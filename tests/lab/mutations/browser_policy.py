"""Policies of Chromium and Firefox: in their files, and as the started browsers obey them."""

from __future__ import annotations

from tests.lab.mutations import Mutation

CHROMIUM = "/etc/chromium/policies/managed/praxisschild.json"
FIREFOX = "/etc/firefox/policies/policies.json"


def chromium(change: str, *red: str) -> Mutation:
    """A change to Chromium's policies, in sed's words, and what the started browser shows of it."""
    command = f"sed -i '{change}' {CHROMIUM}"
    return Mutation("arbeitsplatz-1", command, frozenset(red), "browser_policy", probe=True, only="chromium")


def firefox(change: str, *red: str) -> Mutation:
    """A change to Firefox's policies, in sed's words, and what the started browser shows of it."""
    command = f"sed -i '{change}' {FIREFOX}"
    return Mutation("arbeitsplatz-2", command, frozenset(red), "browser_policy", probe=True, only="firefox")


MUTATIONS = {
    "Chromium takes any certificate": Mutation(
        "arbeitsplatz-1",
        f"sed -i '/SSLErrorOverrideAllowed/s/false/true/' {CHROMIUM}",
        frozenset({"test_browser_obeys_the_practice"}),
        "browser_policy",
    ),
    "Firefox speaks TLS 1.0": Mutation(
        "arbeitsplatz-2",
        f"sed -i '/SSLVersionMin/s/tls1.2/tls1/' {FIREFOX}",
        frozenset({"test_browser_obeys_the_practice"}),
        "browser_policy",
    ),
    "a second file lets Chromium keep passwords": Mutation(
        "arbeitsplatz-2",
        f"echo '{{\"PasswordManagerEnabled\": true}}' > {CHROMIUM.replace('praxisschild', 'zz')}",
        frozenset({"test_browser_obeys_the_practice"}),
        "browser_policy",
        undo=f"rm {CHROMIUM.replace('praxisschild', 'zz')}",
    ),
    "the forced extension is another one": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/ddkjiahejlhfcafbddmgiahcphecmpfh/ghbmnnjooekpmoecnnnilnnbdlolhkhi/' {CHROMIUM}",
        frozenset({"test_browser_blocks_advertising_and_foreign_scripts"}),
        "browser_policy",
    ),
    "Chromium keeps addresses": chromium("/AutofillAddressEnabled/s/false/true/", "test_chromium_says_that_it_obeys"),
    "Chromium keeps what was downloaded": chromium(
        '/"download_history"/d', "test_chromium_says_that_it_forgets_on_exit"
    ),
    "Chromium keeps cookies": chromium(
        '/"cookies_and_other_site_data"/d',
        "test_chromium_says_that_it_forgets_on_exit",
        "test_browser_keeps_nothing_that_a_page_stored",
    ),
    "Chromium stays logged in for an hour": Mutation(
        "arbeitsplatz-1",
        f"sed -i '/IdleTimeout\"/s/10/60/' {CHROMIUM}",
        frozenset({"test_browser_obeys_the_practice"}),
        "browser_policy",
    ),
    "Chromium ends no session by itself": chromium(
        's/"IdleTimeout": [0-9]*/"IdleTimeout": 600/', "test_chromium_says_that_it_ends_idle_sessions"
    ),
    "a policy of Chromium is misspelt": chromium(
        '1a "PasswordManagerEnabeld": false,', "test_chromium_understands_every_policy"
    ),
    "Chromium installs no ad blocker": chromium(
        "s/ddkjiahejlhfcafbddmgiahcphecmpfh/ghbmnnjooekpmoecnnnilnnbdlolhkhi/", "test_chromium_has_an_ad_blocker"
    ),
    "a web site gets the camera": chromium(
        's#"VideoCaptureAllowedUrls": ..#"VideoCaptureAllowedUrls": ["http://*", "https://*"]#',
        "test_web_page_is_denied_camera_and_microphone",
    ),
    "a web site is excused from encryption": chromium(
        's/"HttpAllowlist": ../"HttpAllowlist": ["praxis.test"]/',
        "test_browser_sends_nothing_in_the_clear",
        "test_browser_offers_only_current_tls",  # none was offered
    ),
    "Firefox remembers forms": firefox("/DisableFormHistory/s/true/false/", "test_firefox_has_the_preference_locked"),
    "Firefox keeps cookies": firefox(
        '/"Cookies"/s/true/false/', "test_firefox_forgets_on_exit", "test_browser_keeps_nothing_that_a_page_stored"
    ),
    "Firefox may be copied to an account": firefox(
        "/DisableFirefoxAccounts/s/true/false/", "test_firefox_copies_nothing_to_an_account"
    ),
    "a policy of Firefox is misspelt": firefox(
        '2a "DisableFormHistori": true,', "test_firefox_understands_every_policy"
    ),
    "Firefox offers TLS 1.0": firefox("/SSLVersionMin/s/tls1.2/tls1/", "test_browser_offers_only_current_tls"),
    "Firefox installs no ad blocker": firefox(
        "s/uBlock0@raymondhill.net/other@example.org/", "test_firefox_has_an_ad_blocker"
    ),
}
