"""What a Windows host serves to others, and to whom."""

from __future__ import annotations

from praxisschild.checks import not_applicable, requirement

SERVER = r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters"
LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
SMB_PORT = 445


@requirement("2021-A1-17", "2021-A2-04")
def test_windows_shares_are_for_named_groups(windows, measured):
    """What everybody may change, a single infected workstation encrypts for all."""
    found = {share.name: share.open_to for share in windows.shares if share.open_to}
    told = [f"{name} ({', '.join(groups)})" for name, groups in sorted(found.items())]
    measured(f"Freigaben für jedermann: {', '.join(told) or 'keine'}")
    assert not found


@requirement("2021-A1-17")
def test_windows_shares_exist_only_where_the_practice_needs_them(windows, practice, host_name, measured):
    """A folder that somebody once shared from a workstation is forgotten, and open."""
    named = any(service.port == SMB_PORT for service in practice.services_of(host_name))
    names = sorted(share.name for share in windows.shares)
    measured(f"Freigaben: {', '.join(names) or 'keine'}; Dateifreigabe laut Praxis: {'ja' if named else 'nein'}")
    assert named or not names


@requirement("2021-A1-17")
def test_windows_tells_and_gives_nothing_to_strangers(windows, measured):
    """Who logs in as nobody learns names of accounts and shares, and tries passwords for them."""
    values = {
        "anonyme Zugriffe": windows.registry(SERVER, "RestrictNullSessAccess") != 0,
        "Namen von Konten": windows.registry(LSA, "RestrictAnonymousSAM") != 0,
        "Namen von Freigaben": (windows.registry(LSA, "RestrictAnonymous") or 0) != 0,
        "Jeder ohne Anonyme": not windows.registry(LSA, "EveryoneIncludesAnonymous"),
        "keine freigegebenen Ausnahmen": not windows.registry(SERVER, "NullSessionShares")
        and not windows.registry(SERVER, "NullSessionPipes"),
        "eigene Anmeldung statt Gast": not windows.registry(LSA, "ForceGuest"),
    }
    missing = sorted(name for name, kept in values.items() if not kept)
    measured(f"Für Unbekannte offen: {', '.join(missing) or 'nichts'}")
    assert not missing


@requirement("2021-A3-12")
def test_windows_serves_files_encrypted(windows, measured):
    """Who plugs in at a socket in the corridor reads findings as they pass."""
    if not windows.shares:
        not_applicable("Dieser Host gibt keine Ordner frei.")
    everything = windows.registry(SERVER, "EncryptData") == 1
    refuses = windows.registry(SERVER, "RejectUnencryptedAccess") != 0
    open_shares = [] if everything else sorted(share.name for share in windows.shares if not share.encrypted)
    measured(
        f"Unverschlüsselte Freigaben: {', '.join(open_shares) or 'keine'}; "
        f"weist unverschlüsselte Zugriffe ab: {'ja' if refuses else 'nein'}"
    )
    assert not open_shares
    assert refuses
