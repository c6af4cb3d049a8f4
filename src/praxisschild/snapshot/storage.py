"""File shares and backups."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from praxisschild.snapshot.sections import Sections, Unreadable
from praxisschild.snapshot.system import Timer, timer_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_UPKEEP = re.compile(r"check|forget|prune|restore|test|verify")

ALWAYS_ENCRYPTED = {"restic", "kopia"}


@dataclass(frozen=True)
class BackupReport:
    """What a job of the backup left when it ended; `target` is ``local``, ``server``, ``medium`` or ``image``.

    `files` and `size` (bytes) are what it took in, `compared` how many files it held against the originals; None if the
    job does not say.
    """

    job: str
    target: str
    succeeded: bool
    last_success: datetime | None
    keep: Mapping[str, int]
    files: int | None = None
    size: int | None = None
    compared: int | None = None

    @property
    def stores(self) -> bool:
        """Whether the job writes a backup; the others check one or read one back."""
        return not self.reads_back and not _UPKEEP.search(self.job)

    @property
    def reads_back(self) -> bool:
        return self.job.startswith("restore")


@dataclass(frozen=True)
class MailStore:
    """Places of one kind that hold mails, and how many of them the data backup takes in."""

    kind: str
    count: int
    backed_up: int


@dataclass(frozen=True)
class Share:
    """A folder that Samba offers to the network; `mode` of the folder itself, None if there is no such folder.

    `users` are accounts, or groups with a leading ``@``, ``+`` or ``&``; none means everybody who logs in.
    """

    name: str
    path: str | None
    writable: bool
    guests: bool
    mode: int | None
    users: tuple[str, ...] = ()


@dataclass(frozen=True)
class Storage(Sections):
    """What the host shares and what it keeps."""

    @property
    def samba(self) -> Mapping[str, str] | None:
        """Samba's effective global options; None if no Samba server is installed."""
        found: Mapping[str, str] | None = self._section("samba", absent={}).get("options")
        return found

    @property
    def shares(self) -> tuple[Share, ...]:
        """Folders in the network, printers not counted."""
        shares = self._section("samba", absent={"shares": {}})["shares"]
        return tuple(_share(name, entry) for name, entry in shares.items() if not _yes(entry.get("printable")))

    @property
    def backup_timers(self) -> tuple[Timer, ...]:
        """Timers that start a backup program to store something, not to check or read back what is stored."""
        jobs = (timer_of(entry) for entry in self._section("backup")["jobs"])
        return tuple(timer for timer in jobs if not _UPKEEP.search(timer.timer))

    @property
    def backup_reports(self) -> tuple[BackupReport, ...]:
        """The last report of every job."""
        return tuple(_backup_report(name, entry) for name, entry in self._section("backup")["status"].items())

    def age(self, reports: Iterable[BackupReport]) -> timedelta | None:
        """How long ago one of these jobs last succeeded; None if none ever did."""
        successes = [report.last_success for report in reports if report.last_success]
        return self.collected_at - max(successes) if successes else None

    @property
    def backups_are_encrypted(self) -> bool:
        """Whether every backup program in use encrypts what it stores."""
        return bool(self.backup_timers) and {timer.tool for timer in self.backup_timers} <= ALWAYS_ENCRYPTED

    @property
    def backups_kept(self) -> Mapping[str, int]:
        """How many backups stay per ``daily``, ``weekly`` and ``monthly`` when old ones are removed; 0 if unknown."""
        sources = [*(timer.keep for timer in self.backup_timers), *(report.keep for report in self.backup_reports)]
        return {
            period: max((source.get(period, 0) for source in sources), default=0)
            for period in ("daily", "weekly", "monthly")
        }

    @property
    def mail_stores(self) -> tuple[MailStore, ...]:
        """Where mails lie on the host, by kind.

        Without any backup, none of them is backed up; with a backup program that this project does not set up, nothing
        tells what it takes in.
        """
        found = self._section("mail_stores")
        if any(entry["backed_up"] is None for entry in found) and self.backup_timers:
            raise Unreadable("Welche Ordner das Sicherungsprogramm dieses Hosts mitnimmt, lässt sich nicht lesen.")
        return tuple(MailStore(entry["kind"], entry["count"], entry["backed_up"] or 0) for entry in found)

    @property
    def backup_password_modes(self) -> Mapping[str, tuple[int, int] | None]:
        """Mode and owner of the files that hold a backup's password; None for a missing file."""
        return {
            path: (int(found["mode"], 8), found["uid"]) if found else None
            for path, found in self._section("backup")["password_files"].items()
        }


def _backup_report(name: str, entry: Mapping[str, Any]) -> BackupReport:
    succeeded = entry.get("result") == "success"
    last = entry.get("last_success") or (entry.get("ended") if succeeded else None)
    return BackupReport(
        job=str(entry.get("job", name)),
        target=str(entry.get("target", "")),
        succeeded=succeeded,
        last_success=datetime.fromisoformat(last) if last else None,
        keep=entry.get("keep", {}),
        files=entry.get("files"),
        size=entry.get("bytes"),
        compared=entry.get("compared"),
    )


def _yes(value: str | None) -> bool:
    return (value or "").lower() in {"yes", "true", "1"}


def _share(name: str, entry: Mapping[str, Any]) -> Share:
    found = entry["path permissions"]
    return Share(
        name=name,
        path=entry.get("path"),
        writable=entry.get("read only", "Yes").lower() == "no",
        guests=_yes(entry.get("guest ok")),
        mode=int(found["mode"], 8) if found else None,
        users=tuple((entry.get("valid users") or "").replace(",", " ").split()),
    )
