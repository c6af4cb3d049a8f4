"""What an untouched host of the lab fulfils: nothing but this."""

from __future__ import annotations

# Checks that pass there, on one host or on all (None), each with the reason why it cannot be red.
PASSES_UNTOUCHED = {
    ("test_programs_refuse_outdated_tls", None): "Debian builds OpenSSL so that TLS 1.2 is the least it offers",
    ("test_no_security_update_waits", None): "the lab's images are built from the packages of the day",
    ("test_no_package_is_held_back", None): "nobody has put one on hold yet",
    ("test_packages_come_signed", None): "Debian's sources are signed, and apt asks for it unless told otherwise",
    ("test_software_of_others_is_updated_too", None): "the lab's hosts have Debian's sources only",
    ("test_release_gets_security_updates_or_is_separated", None): "the lab's releases are supported",
    ("test_clean_files_can_be_opened", None): "a host without a scanner keeps nobody from any file",
    ("test_declared_service_answers_the_neighbour", None): "a host without a packet filter blocks nobody",
    ("test_journal_survives_a_restart", None): "Debian creates the folder in which journald keeps the journal",
    ("test_shared_folders_are_for_named_groups", None): "the share is set up by hand, and well; no role touches it yet",
    ("test_file_shares_are_encrypted", "server-1"): "the share is set up by hand, and well; no role touches it yet",
    ("test_home_directories_are_closed_to_others", "arbeitsplatz-2"): "Debian 13 creates homes with mode 0700",
    ("test_no_program_copies_files_into_a_cloud", "server-1"): "nobody installs a desktop's cloud client on a server",
    ("test_encrypted_file_is_readable_with_the_password_alone", None): "GnuPG comes with Debian; 7-Zip's half is red",
    ("test_no_way_in_from_outside_is_installed_that_nobody_agreed_upon", None): "Debian installs no remote access",
    ("test_nothing_waits_for_a_helper_while_no_window_is_open", None): "Debian installs no remote access",
    ("test_nothing_old_lies_in_a_trash", None): "nobody has thrown anything away yet",
    ("test_temporary_files_do_not_stay", "arbeitsplatz-2"): "Debian 13 removes them after 10 and 30 days",
    ("test_no_voice_assistant_is_installed", None): "Debian has none",
    ("test_no_service_speaks_in_the_clear", None): "what the images bring along speaks no such protocol, or can do TLS",
}
