"""Where mails lie on the host, and whether the data backup reaches them: stores are counted, not named."""

from __future__ import annotations

import pwd
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from praxisschild.collector.linux.reading import policy_file

CONFIG = Path("/etc/praxisschild/backup/config.json")

# Folders and files that hold mails: below a person's home, and of the whole host. A cache of an IMAP account counts: it
# may be all that is left once the provider has lost the account.
OF_PEOPLE = {
    "Thunderbird": (
        ".thunderbird/*/Mail",
        ".thunderbird/*/ImapMail",
        "snap/thunderbird/common/.thunderbird/*/Mail",
        "snap/thunderbird/common/.thunderbird/*/ImapMail",
        ".var/app/*/.thunderbird/*/Mail",
        ".var/app/*/.thunderbird/*/ImapMail",
    ),
    "Evolution": (".local/share/evolution/mail/local", ".cache/evolution/mail/*"),
    "KMail": (".local/share/local-mail", ".local/share/akonadi/file_db_data"),
    "Claws Mail": (".claws-mail/imapcache",),
    "Postfach im eigenen Ordner": ("Mail", "Maildir", "mbox"),
}
OF_THE_HOST = {
    "Postfach des Systems": ("/var/mail/*", "/var/spool/mail/*"),
    "Mailserver": ("/var/vmail/*", "/var/lib/vmail/*", "/srv/vmail/*", "/var/spool/cyrus/mail/*", "/var/lib/cyrus/*"),
}


def mail_stores() -> Any:
    """Per kind of store how many there are, and how many of them the data backup takes in; null if nothing tells it."""
    found: dict[str, set[Path]] = {}
    for entry in pwd.getpwall():
        home = Path(entry.pw_dir)
        if 1000 <= entry.pw_uid < 65000 and home.is_dir() and home != Path("/"):
            for kind, patterns in OF_PEOPLE.items():
                found.setdefault(kind, set()).update(stores(home, patterns))
    for kind, patterns in OF_THE_HOST.items():
        found.setdefault(kind, set()).update(stores(Path("/"), [pattern.lstrip("/") for pattern in patterns]))
    config = policy_file(CONFIG) if CONFIG.exists() else None
    return [
        {
            "kind": kind,
            "count": len(places),
            "backed_up": sum(is_backed_up(place, config) for place in places) if isinstance(config, dict) else None,
        }
        for kind, places in sorted(found.items())
        if places
    ]


def stores(folder: Path, patterns: Any) -> set[Path]:
    """Places below the folder that hold something, links resolved; an empty one holds no mail."""
    found = set()
    for pattern in patterns:
        for path in folder.glob(pattern):
            try:
                if next(path.iterdir(), None) if path.is_dir() else path.stat().st_size:
                    found.add(path.resolve())
            except OSError:
                continue
    return found


def is_backed_up(place: Path, config: dict[str, Any]) -> bool:
    """Whether the place lies in what is backed up, and none of the patterns leaves it or a folder above it out."""
    inside = any(place == Path(path) or Path(path) in place.parents for path in config.get("paths", []))
    return inside and not any(leaves_out(str(pattern), place) for pattern in config.get("exclude", []))


def leaves_out(pattern: str, place: Path) -> bool:
    """As restic reads a pattern: from the root if it begins with one, else anywhere; `**` is any number of folders."""
    wanted = [part for part in PurePosixPath(pattern).parts if part != "/"]
    parts = list(place.parts[1:])
    starts = [0] if pattern.startswith("/") else range(len(parts))
    return any(begins_with(parts[start:], wanted) for start in starts)


def begins_with(parts: list[str], wanted: list[str]) -> bool:
    """Whether the first folders of a path match the parts of a pattern."""
    if not wanted:
        return True
    if wanted[0] == "**":
        return any(begins_with(parts[skipped:], wanted[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], wanted[0]) and begins_with(parts[1:], wanted[1:])
