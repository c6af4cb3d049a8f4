"""Packages of a batch: one dpkg-query to compare, one apt-get transaction to settle."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

from ansible.module_utils.praxisschild.files import BatchError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str]]

NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?")
FRESH = 86400  # seconds that downloaded package lists count as up to date
PATIENCE = 24  # tries, five seconds apart, while unattended-upgrades or a person holds one of apt's locks
APT = [
    "apt-get",
    "--yes",
    "--quiet",
    "--no-install-recommends",
    "-o",
    "DPkg::Lock::Timeout=300",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
]


def installed(names: list[str], run: Run) -> set[str]:
    """Those of the packages that are installed and configured."""
    for name in names:
        if not NAME.fullmatch(name):
            raise BatchError(f"{name!r} is not the name of a package")
    if not names:
        return set()
    # dpkg-query ends with 1 if it does not know one of the names, and still answers for the others
    _code, output = run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}|${Package}|${Architecture}\\n", *names]
    )
    found = set()
    for line in output.splitlines():
        state, _bar, rest = line.partition("|")
        if state[1:2] == "i" and rest:
            package, _bar, architecture = rest.partition("|")
            found |= {package, f"{package}:{architecture}"}
    return found.intersection(names)


def install(names: list[str], run: Run) -> None:
    """Install the packages in one transaction, with fresh lists if those at hand are old or do not know a package."""
    if time.time() - _lists_date() > FRESH:
        _apt(["update"], run)
    code, output = _apt(["install", "--", *names], run)
    if code and re.search(
        r"Unable to locate package|no installation candidate|Unable to fetch|Failed to fetch", output
    ):
        _apt(["update"], run)
        code, output = _apt(["install", "--", *names], run)
    if code:
        raise BatchError(f"apt-get install {' '.join(names)} ended with {code}; no file was changed:\n{_tail(output)}")


def remove(names: list[str], run: Run) -> None:
    """Remove the packages in one transaction; their configuration stays."""
    code, output = _apt(["remove", "--", *names], run)
    if code:
        raise BatchError(f"apt-get remove {' '.join(names)} ended with {code}:\n{_tail(output)}")


def removed_along(names: list[str], run: Run) -> list[str]:
    """Other packages that would go with these."""
    _code, output = run([*APT, "--simulate", "remove", "--", *names])
    going = re.findall(r"^Remv (\S+)", output, re.MULTILINE)
    return sorted(set(going) - {name.partition(":")[0] for name in names})


def _apt(arguments: list[str], run: Run) -> tuple[int, str]:
    code, output = 1, ""
    for attempt in range(PATIENCE):
        if attempt:
            time.sleep(5)
        code, output = run([*APT, *arguments], timeout=1800)
        if code and "dpkg --configure -a" in output:  # an earlier transaction was cut off, for example by a power cut
            run(["dpkg", "--configure", "--pending", "--force-confdef", "--force-confold"], timeout=1800)
        elif not code or "Could not get lock" not in output:
            break
    return code, output


def _lists_date() -> float:
    marks = ("/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists")
    return max((os.path.getmtime(path) for path in marks if os.path.exists(path)), default=0.0)


def _tail(output: str) -> str:
    return "\n".join(output.strip().splitlines()[-20:])
