"""How a workstation or server is set up: locked screens, quiet sensors, encrypted ways in."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, requirement

TLS_VERSIONS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
# BSI TR-02102-4 lists none of these
WEAK_SSH = ("sha1", "md5", "cbc", "3des", "arcfour", "umac-64", "ripemd", "ssh-dss", "group1-")
CLOUD_STORAGE = {
    "dropbox",
    "gnome-online-accounts",
    "google-drive-ocamlfuse",
    "insync",
    "kio-gdrive",
    "megasync",
    "nautilus-dropbox",
    "onedrive",
    "com.dropbox.Client",
}
UNNEEDED = {
    "finger",
    "inetutils-telnet",
    "inetutils-telnetd",
    "nis",
    "rsh-client",
    "rsh-redone-client",
    "rsh-server",
    "talk",
    "talkd",
    "telnet",
    "telnetd",
    "tftp",
    "tftpd-hpa",
    "xinetd",
}
PRIVACY = "org/gnome/desktop/privacy"


@pytest.fixture
def screen_lock(snapshot):
    """The weakest screen lock that users of the host cannot loosen."""
    lock = snapshot.screen_lock
    if lock is None:
        not_applicable("Auf diesem Host ist keine grafische Oberfläche installiert.")
    return lock


@pytest.fixture
def gnome(snapshot):
    """Settings of the GNOME desktop that its users cannot change."""
    if "gnome" not in snapshot.desktop:
        not_applicable("Auf diesem Host ist keine GNOME-Oberfläche installiert.")
    return snapshot.dconf_enforced


@pytest.fixture
def sshd(snapshot):
    """Options that the SSH server obeys."""
    if snapshot.sshd is None:
        not_applicable("Auf diesem Host ist kein SSH-Server installiert.")
    return snapshot.sshd


@requirement("2021-A1-13")
def test_desktop_locks_itself_within_ten_minutes(screen_lock, measured):
    """An unattended workstation in a treatment room shows patient data."""
    limit = bound("2021-A1-13", "lock_after").at_most
    measured(
        f"Bildschirmsperre nach {screen_lock.after} s Untätigkeit, fest vorgegeben"
        if screen_lock.after
        else "keine fest vorgegebene Bildschirmsperre"
    )
    assert screen_lock.after is not None
    assert screen_lock.after <= limit


@requirement("2021-A1-13")
def test_dark_screen_asks_for_a_password_at_once(screen_lock, measured):
    """A screen that only goes dark lets the next passer-by in."""
    limit = bound("2021-A1-13", "lock_delay").at_most
    measured(
        "keine fest vorgegebene Passwortabfrage"
        if screen_lock.delay is None
        else f"Passwortabfrage {screen_lock.delay} s nach dem Abdunkeln, fest vorgegeben"
    )
    assert screen_lock.delay is not None
    assert screen_lock.delay <= limit


@requirement("2021-A1-13")
def test_forgotten_text_session_ends_itself(snapshot, measured):
    """A console or SSH session left open is an unlocked door without a screen."""
    timeout, limit = snapshot.shell_timeout, bound("2021-A1-13", "lock_after").at_most
    measured(f"Textsitzung endet nach {timeout} s Untätigkeit" if timeout else "Textsitzungen enden nie von selbst")
    assert timeout is not None
    assert timeout <= limit


@requirement("2021-A1-12")
def test_camera_stays_off(snapshot, measured):
    """A camera in the consulting room that somebody else switches on breaks medical confidentiality."""
    refused = snapshot.blocked_modules.get("uvcvideo")
    measured(f"Kameratreiber: {'gesperrt' if refused else 'wird geladen'}; Kameras: {len(snapshot.cameras)}")
    assert refused
    assert not snapshot.cameras


@requirement("2021-A1-12")
@pytest.mark.parametrize("device", ["camera", "microphone"])
def test_desktop_gives_no_program_the_camera_or_microphone(gnome, device, measured):
    """A program that asks must be told no without anybody having to think about it."""
    refused = gnome.get(f"{PRIVACY}/disable-{device}")
    german = {"camera": "Kamera", "microphone": "Mikrofon"}[device]
    measured(f"{german} für Programme der Oberfläche: {'gesperrt' if refused else 'frei'}")
    assert refused is True


@requirement("2021-A1-18")
@pytest.mark.parametrize("setting", ["report-technical-problems", "send-software-usage-stats"])
def test_desktop_sends_no_reports_about_its_users(gnome, setting, measured):
    """A crash report carries what was on the screen, a patient's name included."""
    value = gnome.get(f"{PRIVACY}/{setting}")
    measured(f"{setting}: {'fest abgeschaltet' if value is False else 'nicht fest abgeschaltet'}")
    assert value is False


@requirement("KVWL-01")
def test_trash_empties_itself(gnome, measured):
    """A deleted finding that waits in the trash for years has not been deleted."""
    limit = bound("KVWL-01", "trash_age").at_most
    age = gnome.get(f"{PRIVACY}/old-files-age") if gnome.get(f"{PRIVACY}/remove-old-trash-files") else None
    measured("Papierkorb wird nicht von selbst geleert" if age is None else f"Papierkorb: Löschung nach {age} Tagen")
    assert age is not None
    assert age <= limit


@requirement("2021-A1-05", "2025-A1-50")
def test_no_program_copies_files_into_a_cloud(snapshot, practice, measured):
    """A synchronised folder carries patient data out of the practice without anybody pressing a button."""
    found = (CLOUD_STORAGE & snapshot.software | snapshot.cloud_mounts) - practice.cloud_packages(snapshot.today)
    allowed = practice.cloud_services_until(snapshot.today)
    names = ", ".join(f"{one.name} (C5 bis {one.c5_until:%d.%m.%Y})" for one in allowed)
    measured(f"Cloud-Speicher: {', '.join(sorted(found)) or 'keine'}; erlaubt: {names or 'keiner'}")
    assert not found


@requirement("KVWL-08")
def test_no_program_is_installed_that_nobody_needs(snapshot, measured):
    """Relics of the unencrypted network are attack surface and nothing else."""
    unneeded = UNNEEDED | (set() if {"nfs-common", "nfs-kernel-server"} & snapshot.software else {"rpcbind"})
    found = unneeded & snapshot.software
    measured(f"Unnötige Programme: {', '.join(sorted(found)) or 'keine'}")
    assert not found


@requirement("2021-A2-03", "2021-A3-12")
def test_programs_refuse_outdated_tls(snapshot, measured):
    """TLS 1.0 and 1.1 can be listened to."""
    oldest = snapshot.openssl_min_protocol
    name = next((name for name, number in TLS_VERSIONS.items() if number == oldest), f"älter als {min(TLS_VERSIONS)}")
    allowed = set(bound("2021-A2-03", "tls_version").one_of) & set(bound("2021-A3-12", "tls_version").one_of)
    measured(f"Älteste TLS-Fassung, die OpenSSL von sich aus anbietet: {name}")
    assert name in allowed


@requirement("2021-A3-12")
def test_ssh_offers_no_weak_algorithm(sshd, measured):
    """Whoever records the administrator's session today should not be able to read it tomorrow."""
    offered = {
        name for kind in ("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms") for name in sshd[kind].split(",")
    }
    weak = {name for name in offered if any(mark in name for mark in WEAK_SSH)}
    measured(f"Veraltete SSH-Verfahren: {', '.join(sorted(weak)) or 'keine'}")
    assert not weak


@requirement("2021-A3-12")
def test_ssh_refuses_short_rsa_keys(sshd, measured):
    """A short key can be computed from its public half."""
    bits, limit = int(sshd.get("requiredrsasize", 1024)), bound("2021-A3-12", "rsa_key").at_least
    rsa_possible = "rsa" in sshd["pubkeyacceptedalgorithms"]
    measured(f"RSA-Schlüssel ab {bits} Bit" if rsa_possible else "keine RSA-Schlüssel zugelassen")
    assert not rsa_possible or bits >= limit


@requirement("2021-A3-12")
def test_file_shares_are_encrypted(snapshot, measured):
    """Findings and letters travel through the practice's network in the clear otherwise."""
    samba = snapshot.samba
    if samba is None:
        not_applicable("Auf diesem Host ist kein Dateiserver (Samba) installiert.")
    protocol, encryption = samba["server min protocol"], samba["server smb encrypt"]
    allowed = bound("2021-A3-12", "smb_protocol").one_of
    measured(f"Dateifreigabe: mindestens {protocol}, Verschlüsselung: {encryption}")
    assert protocol in allowed
    assert encryption in {"required", "mandatory"}


@requirement("2021-A2-04", "2025-A1-26")
def test_nobody_logs_in_over_ssh_as_root(snapshot, sshd, measured):
    """Root is nobody: afterwards it cannot be told who it was."""
    mode = snapshot.sshd_for("root")["permitrootlogin"]
    measured(f"Anmeldung als root über SSH: {'gesperrt' if mode == 'no' else mode}")
    assert mode in {"no", "forced-commands-only"}
