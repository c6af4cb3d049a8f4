"""How long things stay on the host, what a crash leaves behind, and what is reported to others."""

from __future__ import annotations

import os
import pwd
import stat
import time
from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import ini, lines, run

DAY = 86400
AGED = ("/tmp", "/var/tmp")  # noqa: S108 - looked at, not used


def retention() -> dict[str, Any]:
    """Ages after which systemd-tmpfiles removes files, and the age of the oldest thing in any trash, in seconds."""
    return {"ages": ages(), "oldest_trash": oldest_trash(), "connectivity_check": connectivity_check()}


def ages() -> dict[str, Any]:
    """The age in systemd's notation per folder, null if its files stay forever; the first line for a path decides."""
    found: dict[str, Any] = dict.fromkeys(AGED)
    seen = set()
    for line in lines(run("systemd-tmpfiles", "--cat-config") or ""):
        words = line.split()
        if len(words) > 1 and words[1] in found and words[0][0] in "dDeqQvC" and words[1] not in seen:
            seen.add(words[1])
            found[words[1]] = words[5] if len(words) > 5 and words[5] != "-" else None
    return found


def oldest_trash() -> Any:
    """How long the oldest thing has been lying in somebody's trash, null if all are empty."""
    oldest: list[float] = []
    for entry in pwd.getpwall():
        folder = Path(entry.pw_dir, ".local/share/Trash/info")
        if 1000 <= entry.pw_uid < 65000 or entry.pw_uid == 0:
            for path in folder.glob("*.trashinfo") if folder.is_dir() and not folder.is_symlink() else []:
                date = next((x[13:] for x in read_regular(path).splitlines() if x.startswith("DeletionDate=")), "")
                try:
                    oldest.append(time.mktime(time.strptime(date.strip()[:19], "%Y-%m-%dT%H:%M:%S")))
                except (ValueError, OverflowError):
                    continue
    return int(time.time() - min(oldest)) if oldest else None


def read_regular(path: Path) -> str:
    """Text of a file that is neither a link nor a pipe."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
            return file.read(65536) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else ""
    except (OSError, UnicodeDecodeError):
        return ""


def connectivity_check() -> Any:
    """Whether NetworkManager calls a server to see if there is an Internet; null without NetworkManager."""
    text = run("NetworkManager", "--print-config")
    if text is None:
        return None
    section = ""
    found: dict[str, str] = {}
    for line in lines(text):
        if line.startswith("["):
            section = line
        elif section == "[connectivity]":
            key, _, value = line.partition("=")
            found[key.strip()] = value.strip()
    return found.get("enabled", "true") not in ("false", "no", "0") and bool(found.get("uri"))


def crash_dumps() -> dict[str, Any]:
    """What becomes of the memory of a program that crashes: by systemd-coredump, in services, and those kept so far."""
    merged: dict[str, str] = {}
    folders = ("/usr/lib/systemd", "/usr/local/lib/systemd", "/run/systemd", "/etc/systemd")
    names = {path.name: path for folder in folders for path in Path(folder, "coredump.conf.d").glob("*.conf")}
    for path in [Path("/etc/systemd/coredump.conf"), *(names[name] for name in sorted(names))]:
        merged.update(ini(path).get("Coredump", {}))
    shown = run("systemctl", "show", "--property=DefaultLimitCORE") or ""
    kept = [path for folder in ("/var/lib/systemd/coredump", "/var/crash") for path in Path(folder).glob("*")]
    return {
        "storage": merged.get("Storage", "external"),
        "largest": merged.get("ProcessSizeMax"),
        "services": shown.strip().partition("=")[2] or None,
        "kept": len(kept),
    }
