"""Updates that fail, wait or stay away; see ``tests.lab.mutations``."""

from __future__ import annotations

from praxisschild.probes import script
from tests.lab.mutations import Mutation

# one that is under way has perhaps looked already
QUIET = "while systemctl is-active praxisschild-updates.service | grep -q ^activating; do sleep 1; done"
LOOK = f"{QUIET}; systemctl start praxisschild-updates.service"
ACCOUNT = "/var/lib/praxisschild/updates/status.json"
HELD, LOOSE = "/etc/apt/apt.conf.d/98local", "/etc/apt/apt.conf.d/99local"
ENDED = "/usr/share/debian-security-support/security-support-ended.deb12"
RELEASES = "/usr/share/distro-info/debian.csv"
ARCHIVE = "/srv/archive"
SOURCE = "/etc/apt/sources.list.d/archive.list"
UNSIGNED = "/etc/apt/sources.list.d/unsigned.list"
ONLY_IT = f"-o Dir::Etc::sourcelist={SOURCE} -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0"


def _python(program: str) -> str:
    return f"python3 - <<'END'\n{program}\nEND\n"


def _in_the_account(change: str) -> str:
    """A change to the host's account of its updates; `long_ago` is a month back."""
    return _python(
        "import json, time\n"
        f"account = json.load(open('{ACCOUNT}'))\n"
        "long_ago = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() - 30 * 86400))\n"
        f"{change}\n"
        f"json.dump(account, open('{ACCOUNT}', 'w'))"
    )


def _archive(**release: str) -> str:
    """An old package is installed, and a signed archive in a folder offers the new one: built as the probe does it."""
    parts = script("updates").replace('scope = {"__name__": "__main__"}', 'scope = {"__name__": "archive"}')
    offer = f"""
import pathlib
described = dict(scope["security_archive"](), **{release!r})
scope["security_archive"] = lambda: described
pathlib.Path("{ARCHIVE}").mkdir(mode=0o755)
archive = scope["Archive"](pathlib.Path("{ARCHIVE}"))
old, new = archive.build("1"), archive.build("2")
archive.offer(new)
scope["checked"](["dpkg", "--install", str(old)])
pathlib.Path("{SOURCE}").write_text("deb [signed-by={ARCHIVE}/key.gpg] file:{ARCHIVE}/archive probe main\\n")
"""
    return f"umask 022; {_python(parts + offer)}apt-get -qq {ONLY_IT} update\n"


ARCHIVE_GOES = (
    f"dpkg --purge praxisschild-probe; rm -rf {ARCHIVE} {SOURCE} /var/lib/apt/lists/*archive_dists_probe*\n"
    + _in_the_account("account['pending'].pop('praxisschild-probe', None)")
)

NEWER_KERNEL = _python(
    """
import pathlib, platform
running = platform.release()
newer = running.replace("-", "-9", 1)
image = bytearray(pathlib.Path("/boot", f"vmlinuz-{running}").read_bytes())
# where the version stands: kernel_version in the boot protocol, Documentation/arch/x86/boot.rst
start = int.from_bytes(image[0x20E:0x210], "little") + 0x200
end = image.index(0, start)
text = image[start:end].replace(running.encode(), newer.encode())[: end - start]
image[start:end] = text.ljust(end - start)
pathlib.Path("/boot", f"vmlinuz-{newer}").write_bytes(image)
"""
)

MUTATIONS: dict[str, Mutation] = {
    "updates are only downloaded": Mutation(
        "arbeitsplatz-1",
        "sed -i '/Periodic::Unattended-Upgrade/s/1/0/' /etc/apt/apt.conf.d/52praxisschild",
        frozenset({"test_security_updates_install_themselves", "test_browser_updates_itself"}),
        "patch_management",
    ),
    "a security update waits for a month": Mutation(
        "arbeitsplatz-1",
        _archive()
        + _in_the_account("account['pending']['praxisschild-probe'] = {'version': '2', 'available': long_ago}"),
        frozenset({"test_no_security_update_waits"}),
        "patch_management",
        undo=ARCHIVE_GOES,
    ),
    "the installation fails": Mutation(
        "arbeitsplatz-1",
        "cd /usr/bin; mv unattended-upgrade unattended-upgrade.whole; cp false unattended-upgrade; "
        f"rm -f /var/lib/apt/periodic/upgrade-stamp; systemctl start apt-daily-upgrade.service; {LOOK}",
        frozenset({"test_last_automatic_installation_went_well"}),
        "patch_management",
        # one that ends well does so for the account whatever it installs
        undo=f"{QUIET}; cd /usr/bin; cp true unattended-upgrade; systemctl start apt-daily-upgrade.service; "
        f"mv unattended-upgrade.whole unattended-upgrade; {LOOK}",
    ),
    "nobody looks after the installation": Mutation(
        "arbeitsplatz-1",
        "rm /etc/systemd/system/apt-daily-upgrade.service.d/praxisschild.conf; systemctl daemon-reload",
        frozenset({"test_somebody_notices_when_an_installation_fails"}),
        "patch_management",
    ),
    "the host has not looked for a month": Mutation(
        "arbeitsplatz-1",
        _in_the_account("account['checked'] = long_ago"),
        frozenset({"test_somebody_notices_when_an_installation_fails", "test_software_without_updates_is_identified"}),
        "patch_management",
        undo=LOOK,
    ),
    "a package is put on hold": Mutation(
        "arbeitsplatz-1",
        "apt-mark hold bash",
        frozenset({"test_no_package_is_held_back"}),
        "patch_management",
        undo="apt-mark unhold bash",
    ),
    "a source is trusted without a signature": Mutation(
        "arbeitsplatz-1",
        f"echo 'deb [trusted=yes] http://archive.praxis.test/ ./' > {UNSIGNED}",
        frozenset({"test_packages_come_signed"}),
        "patch_management",
        undo=f"rm {UNSIGNED}",
    ),
    "software of others is never updated": Mutation(
        "arbeitsplatz-1",
        _archive(Origin="Praxissoftware", Label="Praxissoftware", Codename="stable", Suite="stable"),
        frozenset({"test_software_of_others_is_updated_too"}),
        "patch_management",
        undo=ARCHIVE_GOES,
        alone=True,  # there is one archive
    ),
    "a repaired kernel waits for a restart": Mutation(
        "notebook-1",
        f"{NEWER_KERNEL}{LOOK}\n" + _in_the_account("account['outdated']['Kernel'] = long_ago"),
        frozenset({"test_newest_kernel_runs"}),
        "patch_management",
        undo=f"rm /boot/vmlinuz-*-9*; {LOOK}",
    ),
    "a service runs on after its update": Mutation(
        "arbeitsplatz-1",
        f"cd /usr/sbin; cp -p cron cron.new; mv cron.new cron; {LOOK}\n"
        + _in_the_account("account['outdated']['cron.service'] = long_ago"),
        frozenset({"test_services_run_with_updated_libraries"}),
        "patch_management",
        undo=f"systemctl restart cron.service; {LOOK}",
    ),
    "the release is at its end": Mutation(
        "arbeitsplatz-1",
        f"cp -p {RELEASES} /run/releases.csv; sed -i '/,bookworm,/s/20[23][0-9]-/2020-/g' {RELEASES}",
        frozenset({"test_release_gets_security_updates_or_is_separated"}),
        "patch_management",
        undo=f"mv /run/releases.csv {RELEASES}",
    ),
    "a program is given up": Mutation(
        "arbeitsplatz-1",
        f"cp -p {ENDED} /run/ended; echo 'bash 99 2026-01-01' >> {ENDED}; {LOOK}",
        frozenset({"test_no_program_without_security_updates_is_in_use"}),
        "patch_management",
        undo=f"mv /run/ended {ENDED}; {LOOK}",
    ),
    "nothing is ever updated": Mutation(
        "arbeitsplatz-1",
        f"""echo 'Unattended-Upgrade::Package-Blacklist {{ ".*"; }};' > {HELD}""",
        frozenset({"test_waiting_security_update_is_installed"}),
        "patch_management",
        undo=f"rm {HELD}",
        probe=True,
    ),
    "anybody's signature will do": Mutation(
        "arbeitsplatz-1",
        """printf '%s "true";\\n' APT::Get::AllowUnauthenticated Acquire::AllowInsecureRepositories """
        f"Acquire::AllowDowngradeToInsecureRepositories > {LOOSE}",
        frozenset({"test_packages_come_signed", "test_update_that_somebody_else_signed_is_refused"}),
        "patch_management",
        undo=f"rm {LOOSE}",
        probe=True,
    ),
}
