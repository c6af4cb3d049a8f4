"""Which old protocols a Windows host still speaks, and whom it believes."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, requirement


@requirement("2021-A1-17", "2021-A3-12")
def test_smb_1_is_gone(windows, measured):
    """The worm of 2017 that stopped hospitals came through it."""
    found = windows.smb1_features
    measured(f"SMB 1: {', '.join(found) or 'nicht vorhanden'}")
    assert not found


@requirement("2021-A1-17", "2021-A3-12")
@pytest.mark.parametrize("service", ["LanmanServer", "LanmanWorkstation"])
def test_file_traffic_is_signed(windows, service, measured):
    """Whoever sits in between changes a finding, or passes a log-in on to another host."""
    signed = windows.signs_files(service)
    german = {"LanmanServer": "als Server", "LanmanWorkstation": "als Client"}[service]
    measured(f"SMB-Signatur {german}: {'verlangt' if signed else 'nicht verlangt'}")
    assert signed


@requirement("2021-A1-17", "2021-A3-12")
def test_no_files_from_servers_without_a_log_in(windows, measured):
    """A server that lets everybody in may be anybody's."""
    allowed = windows.asks_guests_in
    measured(f"Unsichere Gastanmeldungen: {'erlaubt' if allowed else 'gesperrt'}")
    assert not allowed


@requirement("2025-A1-26", "2021-A3-12")
def test_nobody_else_answers_for_a_name(windows, measured):
    """A mistyped server name sends the password to whoever answers first."""
    found = windows.asks_everybody_for_names
    measured(f"Namensauflösung durch Rundruf: {', '.join(found) or 'aus'}")
    assert not found


@requirement("2025-A1-26", "2021-A2-05")
def test_only_ntlmv2_is_spoken(windows, measured):
    """What its predecessors send is turned into the password in hours."""
    level, keeps = windows.lan_manager_level, windows.keeps_lan_manager_hashes
    measured(f"LAN-Manager-Authentifizierungsebene: {level} von 5; LM-Hashes: {'gespeichert' if keeps else 'keine'}")
    assert level == 5
    assert not keeps


@requirement("2021-A2-03", "2021-A3-12")
def test_windows_refuses_outdated_tls(windows, measured):
    """TLS 1.0 and 1.1 can be listened to."""
    allowed = set(bound("2021-A2-03", "tls_version").one_of) & set(bound("2021-A3-12", "tls_version").one_of)
    found = [one for one in windows.outdated_tls if one.partition(" (")[0].replace("TLS ", "TLSv") not in allowed]
    measured(f"Veraltete Fassungen von TLS, die Windows spricht: {', '.join(found) or 'keine'}")
    assert not found
