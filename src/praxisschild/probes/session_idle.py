"""Open sessions as a temporary user, leave them alone, and watch whether the host's own limits end them.

The limits are the host's, only their number is made smaller: in a copy of the shell's start-up files that a private
mount namespace puts in their place, and in the configuration of a second sshd that serves a single pipe. Prints

``{"shell": {"limit": int, "changeable": bool, "ended_after": float | null}``: an interactive shell, 0 for no limit;
``"ssh": {"supported": bool, "limit": str, "ended_after": float | null}``: a shell over SSH, and sshd's ChannelTimeout;
``"desktop": {key: {"value": str, "changeable": bool}} | null}``: as the user reads and may write; null without dconf.
``ended_after`` is in seconds, and null if the session outlived its limit or had none.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shlex
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from praxisschild.probes.host import ProbeError, Sshd, TemporaryUser, probe, read_terminal, run, terminal

SHORT = 2
PATIENCE = 12
CLONE_NEWNS = 0x00020000
START_UP = ("/etc/profile", "/etc/bash.bashrc", "/etc/environment", "/etc/profile.d")
DESKTOP = {
    "/org/gnome/desktop/session/idle-delay": "uint32 0",
    "/org/gnome/desktop/screensaver/lock-enabled": "false",
    "/org/gnome/desktop/screensaver/lock-delay": "uint32 3600",
}


def as_user(user: TemporaryUser, *command: str) -> subprocess.CompletedProcess[str]:
    """The finished command of the user, both outputs in one."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=20,
        check=False,
        **user.credentials,
    )


def shell(user: TemporaryUser) -> dict[str, Any]:
    """The limit of an interactive login shell, whether its user can lift it, and what a shorter one does."""
    ask = 'echo "limit=${TMOUT:-0}"; (TMOUT=0; [ "$TMOUT" = 0 ]) && echo changeable; (unset TMOUT) && echo changeable'
    said = as_user(user, "bash", "-l", "-i", "-c", ask).stdout
    found = re.search(r"limit=(\d+)", said)
    limit = int(found[1]) if found else 0
    if not limit:
        return {"limit": 0, "changeable": True, "ended_after": None}
    shorten_in_private(user.home, limit)
    return {"limit": limit, "changeable": "changeable" in said, "ended_after": leave_shell_alone(user)}


def shorten_in_private(folder: str, limit: int) -> None:
    """Let this process and its children see start-up files in which the limit is a shorter one."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        raise ProbeError("no private mount namespace")
    run(["mount", "--make-rprivate", "/"])
    files = [file for path in map(Path, START_UP) for file in (path.glob("*") if path.is_dir() else [path])]
    for number, file in enumerate(file for file in files if file.is_file()):
        text = file.read_text(encoding="utf-8", errors="replace")
        lines = [
            re.sub(rf"\b{limit}\b", str(SHORT), line) if "TMOUT" in line else line for line in text.splitlines(True)
        ]
        if "".join(lines) != text:
            copy = Path(folder, f"start-up-{number}")
            copy.write_text("".join(lines), encoding="utf-8")
            copy.chmod(0o644)
            mounted = run(["mount", "--bind", str(copy), str(file)])
            if mounted.returncode:
                raise ProbeError(f"mount: {mounted.stderr.strip()}")


def leave_shell_alone(user: TemporaryUser) -> float | None:
    """Seconds until a login shell at a terminal ends by itself; None if it does not."""
    begun = time.monotonic()
    with terminal(["bash", "-l"], user) as (process, descriptor):
        while process.poll() is None and time.monotonic() - begun < PATIENCE:
            read_terminal(descriptor, 0.1)
        return round(time.monotonic() - begun, 1) if process.poll() is not None else None


def over_ssh(user: TemporaryUser) -> dict[str, Any]:
    """The service's ChannelTimeout, and what it does to a shell when it is shorter."""
    sshd = Sshd()
    limit = sshd.setting("ChannelTimeout")
    if not limit or limit == "none":
        known = run([sshd.program, "-t", "-o", "ChannelTimeout=session:shell=600"]).returncode == 0
        return {"supported": known, "limit": "", "ended_after": None}
    key = Path(user.home, "key")
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", user.name, "-f", str(key)])
    second = sshd.second(
        user.home,
        ChannelTimeout=re.sub(r"=\S+", f"={SHORT}", limit),
        AuthenticationMethods="any",
        PubkeyAuthentication="yes",
        AuthorizedKeysFile=f"{key}.pub",
        StrictModes="no",
    )
    user.own(f"{key}.pub")
    return {"supported": True, "limit": limit, "ended_after": leave_ssh_alone(user, second, key)}


def leave_ssh_alone(user: TemporaryUser, second: list[str], key: Path) -> float | None:
    """Seconds until a shell over SSH in which nothing happens is closed; None if it is not.

    Raises:
        ProbeError: the shell did not come up.
    """
    options = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=ERROR", "IdentitiesOnly=yes"]
    command = ["ssh", "-F", "/dev/null", "-tt", "-i", str(key), "-l", user.name]
    command += [part for option in options for part in ("-o", option)]
    command += ["-o", f"ProxyCommand={shlex.join(second)}", "localhost"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        if process.stdin is None or process.stdout is None:
            raise ProbeError("ssh has no pipes")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"echo ready-$((6 * 7))\n")
            process.stdin.flush()
        shown = b""
        while b"ready-42" not in shown:
            chunk = os.read(process.stdout.fileno(), 4096)
            if not chunk:
                raise ProbeError(f"no shell over SSH: {shown.decode(errors='replace').strip()[-300:]}")
            shown += chunk
        begun = time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=PATIENCE)
        return round(time.monotonic() - begun, 1) if process.poll() is not None else None
    finally:
        process.kill()
        process.communicate()


def desktop(user: TemporaryUser) -> dict[str, Any] | None:
    """The lock screen's settings as the user's own programs read them, and whether the user can change them."""
    if not shutil.which("dconf"):
        return None
    keys = {}
    for key, weaker in DESKTOP.items():
        value = as_user(user, "dconf", "read", key).stdout.strip()
        refused = "non-writable" in as_user(user, "dconf", "write", key, weaker).stdout
        keys[key.strip("/")] = {"value": value, "changeable": not refused}
    return keys


def experiment() -> dict[str, Any]:
    """The whole probe."""
    with TemporaryUser() as user, ThreadPoolExecutor() as pool:
        ssh = pool.submit(over_ssh, user)
        settings = desktop(user)
        limited = shell(user)
        return {"shell": limited, "ssh": ssh.result(), "desktop": settings}


if __name__ == "__main__":
    probe(experiment, 50)
