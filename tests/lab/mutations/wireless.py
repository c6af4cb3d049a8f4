"""Radio networks and switches that a careless hand leaves open, on the host with radios."""

from __future__ import annotations

from tests.lab.mutations import Mutation

HOST, ROLE = "notebook-1", "wireless"
PROFILE = "praxisschild-Hausbesuch"
RULES = "/etc/udev/rules.d/72-praxisschild-funk.rules"
# else what somebody adds is removed before anybody sees it
UNWATCHED = "systemctl stop praxisschild-wlan.path"
STRONG = (
    "wifi-sec.key-mgmt wpa-psk wifi-sec.proto rsn wifi-sec.wps-method disabled "
    "wifi-sec.psk Wellensittich-Kanarienvogel-7"
)


def _added(name: str, settings: str, red: str) -> Mutation:
    """One more network, as well protected as the agreed one."""
    command = f"nmcli connection add type wifi ifname wlan0 con-name {name} autoconnect no {settings} {STRONG}"
    return Mutation(HOST, f"{UNWATCHED}; {command}", frozenset({red}), ROLE)


def _weakened(setting: str, red: str) -> Mutation:
    """The agreed network, with one setting changed."""
    command = f"nmcli connection modify {PROFILE} wifi-sec.{setting}"
    return Mutation(HOST, f"{UNWATCHED}; {command}", frozenset({red}), ROLE)


MUTATIONS = {
    "a coffee shop's network is known": _added("cafe", "ssid Cafe", "test_only_the_agreed_radio_networks_are_joined"),
    "the notebook opens a network": _added(
        "hotspot", "ssid Hausbesuch wifi.mode ap", "test_nobody_opens_a_radio_network_of_their_own"
    ),
    "the first WPA will do": _weakened("proto wpa,rsn", "test_wlan_is_joined_with_wpa2_or_better"),
    "a button lets anybody in": _weakened("wps-method pbc", "test_no_button_lets_others_into_the_wlan"),
    "the passphrase is short": _weakened("psk Sommer-2026", "test_passphrase_of_the_wlan_is_long"),
    "everybody may open a network": Mutation(
        HOST,
        "rm /etc/polkit-1/rules.d/49-praxisschild-wlan.rules; systemctl restart polkit.service",
        frozenset({"test_nobody_opens_a_radio_network_of_their_own"}),
        ROLE,
    ),
    "everybody may press the radio's switch": Mutation(
        HOST,
        f'sed -i \'/KERNEL=="rfkill"/s/MODE="0600"/MODE="0666"/\' {RULES}; udevadm control --reload; '
        "udevadm trigger --settle --action=change --subsystem-match=misc",
        frozenset({"test_only_administrators_switch_a_radio_on"}),
        ROLE,
    ),
    # the kernel simulates a Bluetooth radio for as long as somebody holds it open
    "Bluetooth is on though nobody needs it": Mutation(
        HOST,
        f"sed -i '/\"bluetooth\"/d' {RULES}; udevadm control --reload; modprobe hci_vhci; "
        "systemd-run --quiet --collect --unit=lab-bluetooth sh -c 'exec 3<>/dev/vhci; sleep infinity'; sleep 3",
        frozenset({"test_radio_is_off_where_nobody_needs_it"}),
        ROLE,
        undo="systemctl stop lab-bluetooth.service; modprobe --remove hci_vhci",
    ),
}
