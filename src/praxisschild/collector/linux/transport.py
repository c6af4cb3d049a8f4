"""What travels between this host and others, and how well it is protected."""

from __future__ import annotations

from typing import Any

from praxisschild.collector.linux.reading import masked, read, run

NETWORK_FILESYSTEMS = {"9p", "cifs", "fuse.curlftpfs", "fuse.sshfs", "nfs", "nfs4", "smb3", "smbfs"}
PROTECTING = ("sec", "vers", "xprtsec")


def transport() -> dict[str, Any]:
    """What the SSH client offers (null without one), and the folders mounted from other hosts."""
    return {"ssh_client": ssh_client(), "network_mounts": network_mounts()}


def ssh_client() -> Any:
    """The options that the SSH client obeys for a host that nobody has named, null without a client."""
    text = run("ssh", "-G", "-F", "/etc/ssh/ssh_config", "praxisschild.invalid")
    if text is None:
        return None
    wanted = ("ciphers", "hostkeyalgorithms", "kexalgorithms", "macs", "stricthostkeychecking")
    return {key: value for key, _, value in (line.partition(" ") for line in text.splitlines()) if key in wanted}


def network_mounts() -> list[dict[str, Any]]:
    """Mounted folders of other hosts with the options that decide about encryption."""
    found = []
    for line in read("/proc/self/mounts").splitlines():
        source, target, kind, options = line.split()[:4]
        if kind in NETWORK_FILESYSTEMS:
            pairs = dict(option.partition("=")[::2] for option in options.split(","))
            chosen = {key: value for key, value in pairs.items() if key in PROTECTING or key == "seal"}
            found.append({"source": masked(source), "target": target, "type": kind, "options": chosen})
    return found
