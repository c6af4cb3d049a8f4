"""What the lab's parts share: running a command, saying something, and the error a person can act upon."""

from __future__ import annotations

import subprocess
import sys

# The operator's account on a host: with sudo, a password and a key.
ACCOUNT = r"""id {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --groups sudo {user}
printf '%s:%s\n' {user} '{password}' | chpasswd
install -d -m 0700 -o {user} -g {user} /home/{user}/.ssh
printf '%s\n' '{key}' > /home/{user}/.ssh/authorized_keys
chown {user}: /home/{user}/.ssh/authorized_keys
chmod 0600 /home/{user}/.ssh/authorized_keys
"""


class LabError(Exception):
    """Something a person can act upon; the text says what."""


def note(message: str) -> None:
    print(f"lab: {message}", file=sys.stderr, flush=True)


def run(command: list[str], stdin: str | None = None, *, quiet: bool = False) -> str:
    """Standard output of the command.

    Raises:
        LabError: the command failed; the text holds its last lines.
    """
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        if quiet:
            return ""
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise LabError(f"`{' '.join(command[:4])} …` ended with {done.returncode}:\n{tail}")
    return done.stdout
