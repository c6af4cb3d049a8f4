"""Things that stay although nobody needs them."""

from __future__ import annotations

from tests.lab.mutations import Mutation

CLEANER = "/usr/local/sbin/praxisschild-aufraeumen"
ASIDE = "/root/beiseite"
OLD_TRASH = (
    "t=/root/.local/share/Trash; mkdir -p $t/files $t/info; touch $t/files/Befund; "
    "printf '[Trash Info]\\nPath=/Befund\\nDeletionDate=2020-01-01T00:00:00\\n' > $t/info/Befund.trashinfo"
)

MUTATIONS = {
    "nobody empties the trashes": Mutation(
        "arbeitsplatz-1",
        "systemctl disable --now praxisschild-aufraeumen.timer",
        frozenset({"test_trash_of_every_home_is_emptied_every_day"}),
        "data_minimisation",
    ),
    "a finding lies in the trash for years": Mutation(
        "arbeitsplatz-1",
        OLD_TRASH,
        frozenset({"test_nothing_old_lies_in_a_trash"}),
        "data_minimisation",
        undo="systemctl start praxisschild-aufraeumen.service",
    ),
    "temporary files stay": Mutation(
        "arbeitsplatz-1",
        "sed -i 's/ [0-9]*d$/ -/' /etc/tmpfiles.d/00-praxisschild.conf",
        frozenset({"test_temporary_files_do_not_stay"}),
        "data_minimisation",
    ),
    "crashes are kept": Mutation(
        "arbeitsplatz-1",
        "sed -i 's/Storage=none/Storage=external/' /etc/systemd/coredump.conf.d/10-praxisschild.conf",
        frozenset({"test_a_crash_leaves_no_copy_of_the_memory"}),
        "data_minimisation",
    ),
    "the host reports about itself": Mutation(
        "arbeitsplatz-1",
        "systemctl unmask motd-news.timer",
        frozenset({"test_no_program_reports_about_the_host"}),
        "data_minimisation",
    ),
    "an assistant listens": Mutation(
        "arbeitsplatz-1",
        "mkdir -p /var/lib/flatpak/app/ai.mycroft.mycroft",
        frozenset({"test_no_voice_assistant_is_installed"}),
        "data_minimisation",
        undo="rm -r /var/lib/flatpak/app/ai.mycroft.mycroft",  # flatpaks are nobody's packages
    ),
    "the cleaner throws nothing away": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/if deleted_at(info, item) < before and/if False and/' {CLEANER}",
        frozenset({"test_old_trash_goes_and_fresh_trash_stays"}),
        "data_minimisation",
        probe=True,
    ),
    "the cleaner follows links": Mutation(
        "arbeitsplatz-1",
        f"sed -i 's/path.lstat()/path.stat()/; s/os.setresuid(.*/pass/; s/os.setresgid(.*/pass/' {CLEANER}",
        frozenset({"test_links_in_a_trash_lead_nowhere"}),
        "data_minimisation",
        probe=True,
        alone=True,  # one that throws nothing away follows nothing
    ),
    "programs may leave dumps": Mutation(
        "arbeitsplatz-1",
        f"mkdir -p {ASIDE} && mv /etc/security/limits.d/*praxisschild* {ASIDE} && "
        "rm /etc/systemd/system.conf.d/10-praxisschild.conf && systemctl daemon-reexec && systemctl restart ssh",
        frozenset({"test_a_crash_leaves_no_copy_of_the_memory", "test_crashed_program_leaves_nothing_behind"}),
        "data_minimisation",
        # one of the limits is another role's
        undo=f"mv {ASIDE}/10-praxisschild.conf /etc/security/limits.d/ ; rm -r {ASIDE}; systemctl restart ssh",
        probe=True,
    ),
}
