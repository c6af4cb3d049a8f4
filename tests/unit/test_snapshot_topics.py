"""What a snapshot says about remote maintenance, radios, leftovers and transport, from small hand-made documents."""

from __future__ import annotations

from datetime import timedelta

import pytest

from praxisschild.packet_filter import Packet
from praxisschild.snapshot import Snapshot, Unreadable
from praxisschild.snapshot.remote_access import Window
from praxisschild.snapshot.wireless import WlanProfile

CHAIN = {"family": "inet", "table": "praxisschild", "name": "input", "hook": "input", "prio": 0, "type": "filter"}


def snapshot(**sections):
    return Snapshot({"schema_version": 1, "errors": [], "collected_at": "2026-11-24T12:00:00+00:00", **sections})


def match(left, operator, right):
    return {"match": {"left": left, "op": operator, "right": right}}


def filter_with(elements, flags=("interval", "timeout")):
    entry = {"family": "inet", "table": "praxisschild", "name": "fernwartung4", "flags": list(flags), "elem": elements}
    source = {"payload": {"protocol": "ip", "field": "saddr"}}
    port = {"payload": {"protocol": "tcp", "field": "dport"}}
    in_set, no_mark = "@fernwartung4", match({"ct": {"key": "mark"}}, "==", 7)
    rules = [
        [no_mark, match(source, "!=", in_set), {"drop": None}],
        [match(source, "==", in_set), match(port, "==", 22), {"accept": None}],
    ]
    where = {key: CHAIN[key] for key in ("family", "table")}
    return [
        {"set": entry},
        {"chain": {**CHAIN, "policy": "drop"}},
        *({"rule": {**where, "chain": "input", "expr": rule}} for rule in rules),
    ]


OPEN = [{"elem": {"val": {"prefix": {"addr": "10.8.0.0", "len": 24}}, "timeout": 7200, "expires": 7100}}]


class TestWindows:
    def test_an_open_window_lets_in_and_says_how_long(self):
        found = snapshot(nftables=filter_with(OPEN))
        assert found.windows == (Window("10.8.0.0/24", 7100),)
        assert found.windows_end_by_themselves
        assert found.ruleset.accepts(Packet("10.8.0.9", port=22))

    def test_outside_of_it_the_same_filter_lets_nobody_in(self):
        found = snapshot(nftables=filter_with(OPEN))
        assert found.ruleset_outside_windows.drops(Packet("10.8.0.9", port=22))

    @pytest.mark.parametrize(
        ("element", "window"),
        [
            ("10.8.0.9", Window("10.8.0.9", None)),
            ({"range": ["10.8.0.1", "10.8.0.9"]}, Window("10.8.0.1-10.8.0.9", None)),
            ({"elem": {"val": "10.8.0.9", "timeout": 60, "expires": 5}}, Window("10.8.0.9", 5)),
        ],
    )
    def test_every_notation_of_an_element_is_understood(self, element, window):
        assert snapshot(nftables=filter_with([element])).windows == (window,)

    def test_a_set_without_timeouts_never_closes(self):
        assert not snapshot(nftables=filter_with([], flags=["interval"])).windows_end_by_themselves

    def test_without_a_set_there_is_no_window(self):
        assert not snapshot(nftables=[]).windows_end_by_themselves


class TestRadios:
    @pytest.mark.parametrize(
        ("key", "protocols", "protection"),
        [
            ("", "", "offen"),
            ("owe", "", "offen"),
            ("none", "", "WEP"),
            ("ieee8021x", "", "WEP"),
            ("wpa-psk", "", "WPA"),
            ("wpa-psk", "wpa,rsn", "WPA"),
            ("wpa-psk", "rsn", "WPA2"),
            ("wpa-eap", "rsn", "WPA2"),
            ("sae", "", "WPA3"),
        ],
    )
    def test_a_profile_is_as_strong_as_the_weakest_it_accepts(self, key, protocols, protection):
        assert WlanProfile("Praxis", "infrastructure", key, protocols, 1, True, 20).protection == protection

    def test_a_container_has_no_radio(self):
        found = snapshot(
            wireless={"radios": [], "interfaces": [], "switch": None, "profiles": None, "permissions": None}
        )
        assert (found.radios, found.radio_switch_mode, found.wlan_roles) == ((), None, {})

    @pytest.mark.parametrize("asked", ["wlan_profiles", "network_rights"])
    def test_without_network_manager_profiles_are_unknown(self, asked):
        with pytest.raises(Unreadable):
            getattr(snapshot(wireless={"profiles": None, "permissions": None}), asked)

    def test_an_access_point_is_seen(self):
        interfaces = [
            {"name": "wlan0", "type": "AP", "ssid": "Cafe"},
            {"name": "wlan1", "type": "managed", "ssid": None},
        ]
        found = snapshot(wireless={"interfaces": interfaces})
        assert found.wlan_roles == {"wlan0": "AP", "wlan1": "managed"}
        assert found.joined_networks == {"Cafe"}


class TestLeftovers:
    def test_ages_are_read_in_systemds_notation(self):
        found = snapshot(retention={"ages": {"/tmp": "10d", "/var/tmp": None}, "oldest_trash": None})  # noqa: S108
        assert found.temporary_age("/tmp") == timedelta(days=10)  # noqa: S108
        assert found.temporary_age("/var/tmp") is None  # noqa: S108
        assert found.oldest_trash == timedelta(0)


class TestTransport:
    @pytest.mark.parametrize(
        ("kind", "options", "encrypted"),
        [
            ("cifs", {"vers": "3.1.1", "seal": ""}, True),
            ("cifs", {"vers": "3.1.1"}, False),
            ("cifs", {"vers": "1.0", "seal": ""}, False),
            ("nfs4", {"sec": "krb5p"}, True),
            ("nfs4", {"sec": "krb5i"}, False),
            ("nfs4", {"sec": "sys", "xprtsec": "mtls"}, True),
            ("nfs", {}, False),
            ("fuse.sshfs", {}, True),
            ("9p", {}, False),
        ],
    )
    def test_a_mount_is_encrypted_or_not(self, kind, options, encrypted):
        mounts = [{"target": "/srv/x", "type": kind, "options": options, "source": "server:/x"}]
        (mount,) = snapshot(transport={"ssh_client": None, "network_mounts": mounts}).network_mounts
        assert mount.is_encrypted is encrypted
