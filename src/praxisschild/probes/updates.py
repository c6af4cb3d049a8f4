"""Install an old package, offer its update from an archive of the probe's own, and let the host update itself.

The package is empty and the probe's own. The archive lies in a folder, is signed with a key made for it, and calls
itself the distribution's security archive; unattended-upgrades runs for real and with the host's own settings, but sees
no other archive: it can update nothing else. Nothing of the host's is written but dpkg's database and its log. What
could restart, remove, repair or mail anything is switched off for the run. Package, archive and key go in every case.

Prints ``{"installed": true, "pending": bool, "forged": "refused" | "installed", "version": str, "exit": int,
"says": str, "clean": bool}``: whether apt saw the update, what became of it while its archive was signed by somebody
else, the version afterwards (``2`` is the update), and unattended-upgrade's exit code and last words. On a host without
unattended-upgrades ``{"installed": false}``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisschild.probes.host import ProbeError, probe, run

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "praxisschild-probe"
KEPT_BACK = Path("/var/lib/unattended-upgrades/kept-back")
HOOKS = ("DPkg::Pre-Invoke", "DPkg::Post-Invoke", "DPkg::Pre-Install-Pkgs", "APT::Update", "APT::Install")
SWITCHED_OFF = (
    "Automatic-Reboot", "AutoFixInterruptedDpkg", "InstallOnShutdown", "OnlyOnACPower",
    "Remove-New-Unused-Dependencies", "Remove-Unused-Dependencies", "Remove-Unused-Kernel-Packages",
    "Skip-Updates-On-Metered-Connections", "SyslogEnable",
)  # fmt: skip


def security_archive() -> dict[str, str]:
    """What the distribution's security archive says of itself in its Release file."""
    text = Path("/etc/os-release").read_text(encoding="utf-8")
    release = {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in text.splitlines())}
    name = release.get("VERSION_CODENAME", "")
    if release.get("ID") == "ubuntu":
        return {"Origin": "Ubuntu", "Label": "Ubuntu", "Suite": f"{name}-security", "Codename": name}
    suite = f"{name}-security"
    return {"Origin": "Debian", "Label": "Debian-Security", "Suite": suite, "Codename": suite}


def checked(command: list[str], environment: dict[str, str] | None = None) -> str:
    """Output of a command that has to work."""
    done = run(command, environment=environment, timeout=60)
    if done.returncode:
        raise ProbeError(f"{command[0]}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


class Archive:
    """A folder with two versions of the package, of which the newer one is offered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keyring = folder / "key.gpg"
        self._gnupg = {"GNUPGHOME": str(folder / "gnupg")}
        self._architecture = checked(["dpkg", "--print-architecture"]).strip()

    def build(self, version: str) -> Path:
        """The package in this version."""
        tree = self.folder / f"tree-{version}"
        control = tree / "DEBIAN/control"
        control.parent.mkdir(parents=True)
        tree.chmod(0o755)
        control.write_text(
            f"Package: {PACKAGE}\nVersion: {version}\nArchitecture: all\nSection: admin\nPriority: optional\n"
            "Maintainer: Praxisschild <root@localhost>\nDescription: experiment, removed within a minute\n",
            encoding="utf-8",
        )
        package = self.folder / f"{PACKAGE}_{version}_all.deb"
        checked(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(package)])
        return package

    def offer(self, package: Path) -> None:
        """Write the index and sign it."""
        described = checked(["dpkg-deb", "--field", str(package)])
        content = package.read_bytes()
        pool = self.folder / "archive/pool"
        index = self.folder / f"archive/dists/probe/main/binary-{self._architecture}/Packages"
        pool.mkdir(parents=True)
        index.parent.mkdir(parents=True)
        shutil.copy(package, pool)
        index.write_text(
            f"{described}Filename: pool/{package.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n",
            encoding="utf-8",
        )
        path = index.relative_to(self.folder / "archive/dists/probe")
        release = {
            **security_archive(), "Date": formatdate(usegmt=True), "Architectures": self._architecture,
            "Components": "main",
            "SHA256": f"\n {hashlib.sha256(index.read_bytes()).hexdigest()} {index.stat().st_size} {path}",
        }  # fmt: skip
        text = self.folder / "archive/dists/probe/Release"
        text.write_text("".join(f"{key}: {value}\n" for key, value in release.items()), encoding="utf-8")
        self.sign(text)

    def sign(self, text: Path) -> None:
        """With a key that nobody else will ever have."""
        (self.folder / "gnupg").mkdir(mode=0o700)
        name = f"{PACKAGE}@localhost"
        quiet = ["gpg", "--batch", "--quiet", "--no-autostart"]
        try:
            making = [word for word in quiet if word != "--no-autostart"]
            checked([*making, "--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", "1d"], self._gnupg)
            checked([*making, "--digest-algo", "SHA512", "--clearsign", "--output", f"{text.parent}/InRelease",
                     str(text)], self._gnupg)  # fmt: skip
            checked([*quiet, "--output", str(self.keyring), "--export", name], self._gnupg)
        finally:
            run(["gpgconf", "--kill", "all"], environment=self._gnupg)
        text.unlink()


def settings(folder: Path, keyring: Path) -> dict[str, str]:
    """Environment in which apt has the host's own settings and this archive alone."""
    parts = folder / "apt.conf.d"
    if not parts.exists():
        shutil.copytree("/etc/apt/apt.conf.d", parts)
    for name in ("state/lists/partial", "state/periodic", "cache/archives/partial", "log", "no-sources"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    source = f"deb [signed-by={keyring}] file:{folder}/archive probe main\n"
    (folder / "sources.list").write_text(source, encoding="utf-8")
    lines = [
        *(f"#clear {hook};" for hook in HOOKS),
        "#clear Unattended-Upgrade::Update-Days;",
        *(f'Unattended-Upgrade::{name} "false";' for name in SWITCHED_OFF),
        'Unattended-Upgrade::Mail "";',
        f'Unattended-Upgrade::LogDir "{folder}/log";',
        f'Dir::Etc::sourcelist "{folder}/sources.list";',
        f'Dir::Etc::sourceparts "{folder}/no-sources";',
        f'Dir::State "{folder}/state";',
        'Dir::State::status "/var/lib/dpkg/status";',
        f'Dir::Cache "{folder}/cache";',
        f'Dir::Log "{folder}/log";',
    ]
    # the last file has the last word
    (parts / "zzzz-probe").write_text("\n".join(lines) + "\n", encoding="utf-8")
    first = folder / "first.conf"
    first.write_text(f'Dir::Etc::parts "{parts}";\n', encoding="utf-8")
    return {"APT_CONFIG": str(first), "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}


def version() -> str:
    """The installed version of the probe's package; empty if there is none."""
    shown = run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", PACKAGE])
    state, _, found = shown.stdout.partition(" ")
    return found.strip() if shown.returncode == 0 and state[1:2] == "i" else ""


@contextlib.contextmanager
def old_package(package: Path) -> Iterator[None]:
    """The outdated package, there for as long as the experiment lasts."""
    kept = KEPT_BACK.read_bytes() if KEPT_BACK.exists() else None
    try:
        checked(["dpkg", "--install", str(package)])
        yield
    finally:
        run(["dpkg", "--purge", PACKAGE], timeout=60)
        # unattended-upgrades keeps account of what it left out; its account of the probe's archive is not the host's
        if kept is not None:
            KEPT_BACK.write_bytes(kept)
        else:
            KEPT_BACK.unlink(missing_ok=True)


def experiment() -> dict[str, Any]:
    """The whole probe."""
    if not shutil.which("unattended-upgrade"):
        return {"installed": False}
    if version():
        run(["dpkg", "--purge", PACKAGE], timeout=60)  # left behind by one that was killed
    folder = Path(tempfile.mkdtemp(prefix="praxisschild-probe-", dir="/var/tmp"))
    folder.chmod(0o755)  # apt reads as a user of its own
    os.umask(0o022)
    try:
        archive = Archive(folder)
        old, new = archive.build("1"), archive.build("2")
        archive.offer(new)
        with old_package(old):
            found = {"forged": forged(folder), **update(folder, archive.keyring)}
        return {"installed": True, **found, "clean": not version()}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def forged(folder: Path) -> str:
    """What becomes of the update while the host knows another key than the one the archive is signed with."""
    stranger = folder / "stranger.gpg"
    known = sorted(Path("/usr/share/keyrings").glob("*archive-keyring*")) or sorted(
        Path("/etc/apt/trusted.gpg.d").glob("*")
    )
    if not known:
        raise ProbeError("the distribution's keys are missing")
    shutil.copy(known[0], stranger)
    environment = settings(folder, stranger)
    run(["apt-get", "update"], environment=environment)
    run(["apt-get", "--yes", "--only-upgrade", "install", PACKAGE], environment=environment, timeout=60)
    if version() == "1":
        return "refused"
    checked(["dpkg", "--force-downgrade", "--install", str(folder / f"{PACKAGE}_1_all.deb")])
    return "installed"


def update(folder: Path, keyring: Path) -> dict[str, Any]:
    """Whether apt sees the update, and what unattended-upgrades makes of it."""
    shutil.rmtree(folder / "state")
    environment = settings(folder, keyring)
    checked(["apt-get", "update"], environment)
    planned = checked(["apt-get", "--simulate", "dist-upgrade"], environment)
    pending = re.search(rf"^Inst {PACKAGE} .*security", planned, re.MULTILINE | re.IGNORECASE) is not None
    done = run(["unattended-upgrade", "--verbose"], environment=environment, timeout=90)
    if re.search(r"[Ll]ock", done.stdout) and version() == "1":
        raise ProbeError("another package manager is running")
    return {"pending": pending, "version": version(), "exit": done.returncode, "says": done.stdout.strip()[-300:]}


if __name__ == "__main__":
    probe(experiment, 200)
