"""Screens, sensors, software, and the settings of SSH and TLS."""

from __future__ import annotations

from tests.lab.mutations import Mutation

DCONF = "/etc/dconf/db/local.d/10-praxisschild"
LOCKS = "/etc/dconf/db/local.d/locks/10-praxisschild"
SSHD = "/etc/ssh/sshd_config.d/00-praxisschild.conf"
OPENSSL = "/etc/ssl/openssl.cnf"


def installed(package: str) -> str:
    """An empty package of that name: what is measured is that it is there, and the lab is not on the internet."""
    control = f"Package: {package}\\nVersion: 99\\nArchitecture: all\\nMaintainer: lab\\nDescription: lab\\n"
    return (
        f"folder=$(mktemp -d) && mkdir $folder/DEBIAN && printf '{control}' > $folder/DEBIAN/control "
        "&& dpkg-deb --build $folder $folder.deb && dpkg --install $folder.deb; rm -r $folder $folder.deb"
    )


MUTATIONS = {
    "screen locks after an hour": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/idle-delay=uint32 .*/idle-delay=uint32 3600/' {DCONF} && dconf update",
        frozenset({"test_desktop_locks_itself_within_ten_minutes"}),
        "endpoint_hardening",
    ),
    "everybody may choose when the screen locks": Mutation(
        "arbeitsplatz-2",
        f"sed -i '/idle-delay/d' {LOCKS} && dconf update",
        frozenset({"test_desktop_locks_itself_within_ten_minutes"}),
        "endpoint_hardening",
    ),
    "a dark screen opens without a password for five minutes": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/lock-delay=uint32 .*/lock-delay=uint32 300/' {DCONF} && dconf update",
        frozenset({"test_dark_screen_asks_for_a_password_at_once"}),
        "endpoint_hardening",
    ),
    "text sessions stay open": Mutation(
        "arbeitsplatz-1",
        "rm /etc/profile.d/praxisschild-idle.sh",
        frozenset({"test_forgotten_text_session_ends_itself"}),
        "endpoint_hardening",
    ),
    "the camera's driver may be loaded": Mutation(
        "arbeitsplatz-1",
        "rm /etc/modprobe.d/praxisschild-camera.conf",
        frozenset({"test_camera_stays_off"}),
        "endpoint_hardening",
    ),
    "programs may listen to the microphone": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/disable-microphone=true/disable-microphone=false/' {DCONF} && dconf update",
        frozenset({"test_desktop_gives_no_program_the_camera_or_microphone"}),
        "endpoint_hardening",
    ),
    "the desktop reports how it is used": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/send-software-usage-stats=false/send-software-usage-stats=true/' {DCONF} && dconf update",
        frozenset({"test_desktop_sends_no_reports_about_its_users"}),
        "endpoint_hardening",
    ),
    "the trash waits for a year": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/old-files-age=uint32 .*/old-files-age=uint32 365/' {DCONF} && dconf update",
        frozenset({"test_trash_empties_itself"}),
        "endpoint_hardening",
    ),
    "somebody installs a cloud's client": Mutation(
        "arbeitsplatz-1",
        installed("onedrive"),
        frozenset({"test_no_program_copies_files_into_a_cloud"}),
        "endpoint_hardening",
    ),
    "somebody installs telnet": Mutation(
        "arbeitsplatz-1",
        installed("telnet"),
        frozenset({"test_no_program_is_installed_that_nobody_needs"}),
        "endpoint_hardening",
    ),
    "an old device makes somebody allow TLS 1.0": Mutation(
        "arbeitsplatz-1",
        f"cp -a {OPENSSL} {OPENSSL}.before && sed -i '/^\\[openssl_init\\]/a ssl_conf = old' {OPENSSL} "
        f"&& printf '\\n[old]\\nsystem_default = older\\n[older]\\nMinProtocol = TLSv1\\n' >> {OPENSSL}",
        frozenset({"test_programs_refuse_outdated_tls"}),
        "endpoint_hardening",
        undo=f"mv {OPENSSL}.before {OPENSSL}",  # Debian's own default; the role leaves the file alone
    ),
    "an old client makes somebody add a cipher to SSH": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/^Ciphers .*/&,aes128-cbc/' {SSHD} && systemctl reload ssh",
        frozenset({"test_ssh_offers_no_weak_algorithm"}),
        "endpoint_hardening",
    ),
    "SSH takes short keys": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/^RequiredRSASize .*/RequiredRSASize 1024/' {SSHD} && systemctl reload ssh",
        frozenset({"test_ssh_refuses_short_rsa_keys"}),
        "endpoint_hardening",
    ),
    "root may come in over SSH with a key": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/^PermitRootLogin .*/PermitRootLogin prohibit-password/' {SSHD} && systemctl reload ssh",
        frozenset({"test_nobody_logs_in_over_ssh_as_root"}),
        "endpoint_hardening",
    ),
    "the file share takes clients that do not encrypt": Mutation(
        "server-1",
        "sed -i 's/server smb encrypt = required/server smb encrypt = desired/' /etc/samba/smb.conf",
        frozenset({"test_file_shares_are_encrypted"}),
        "endpoint_hardening",
        undo="sed -i 's/server smb encrypt = desired/server smb encrypt = required/' /etc/samba/smb.conf",
    ),
    "a shell stays open when it is left alone": Mutation(
        "arbeitsplatz-1",
        "rm /etc/profile.d/praxisschild-idle.sh",
        frozenset({"test_shell_left_alone_ends", "test_user_cannot_lift_the_shell_limit"}),
        "endpoint_hardening",
        probe=True,
    ),
    "a user may lift the limit of the shell": Mutation(
        "arbeitsplatz-1",
        "sed -i '/readonly TMOUT/d' /etc/profile.d/praxisschild-idle.sh",
        frozenset({"test_user_cannot_lift_the_shell_limit"}),
        "endpoint_hardening",
        probe=True,
    ),
    "a session over SSH stays open when it is left alone": Mutation(
        "arbeitsplatz-1",
        f"sed -i '/^ChannelTimeout/d' {SSHD} && systemctl reload ssh",
        frozenset({"test_ssh_session_left_alone_ends"}),
        "endpoint_hardening",
        probe=True,
    ),
    "a user may switch the screen lock off": Mutation(
        "arbeitsplatz-1",
        f"sed -i '/lock-enabled/d' {LOCKS} && dconf update",
        frozenset({"test_user_cannot_lift_the_screen_lock"}),
        "endpoint_hardening",
        probe=True,
    ),
}
