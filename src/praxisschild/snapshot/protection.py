"""What protects the host against malware: ClamAV as it runs, what it looks at, and how fresh its signatures are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from praxisschild.snapshot.sections import Sections, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

_OWN_ACCOUNT = "clamav"
_READ_CLAMD = ("clamav-clamonacc.service", "clamav-daemon.service")
_CONTENT = ("ScanArchive", "ScanHTML", "ScanMail", "ScanOLE2", "ScanPDF", "ScanXMLDOCS")


@dataclass(frozen=True)
class Protection(Sections):
    """The malware scanner. Without one, nothing runs and nothing is watched."""

    @property
    def has_scanner(self) -> bool:
        return bool(self._scanner)

    @property
    def scanner_answers(self) -> bool:
        """Whether the running scanner itself replies."""
        return bool(self._scanner.get("answer") == "PONG")

    @property
    def signature_age(self) -> timedelta | None:
        """How long ago the signatures were built, as their maker says in them; None without signatures.

        Where ClamAV's own are in use, the age is that of the part that appears daily, whatever else is there.
        """
        found = self._scanner.get("databases", [])
        daily = [entry for entry in found if entry["name"].startswith("daily.")]
        built = [datetime.fromtimestamp(entry["built"], UTC) for entry in daily or found]
        return self.collected_at - max(built) if built else None

    @property
    def signature_count(self) -> int:
        """How many signatures the containers hold."""
        return sum(entry["signatures"] for entry in self._scanner.get("databases", []))

    @property
    def signature_checks_per_day(self) -> int:
        """How often the host looks for new signatures by itself; 0 if it does not."""
        if not self._process("clamav-freshclam.service"):
            return 0
        return int(self._first("freshclam", "Checks") or 0)

    @property
    def blocks_on_open(self) -> bool:
        """Whether a program waits for the scanner before it gets to read a file in a watched folder."""
        return bool(self._process("clamav-clamonacc.service")) and self.prevents

    @property
    def prevents(self) -> bool:
        """Whether on-access scans refuse the access, and do not only report it."""
        return self._first("clamd", "OnAccessPrevention") == "yes"

    @property
    def watched(self) -> tuple[str, ...]:
        """Folders whose files are scanned when they are opened, with all that lies below them."""
        if not self._process("clamav-clamonacc.service"):
            return ()
        return tuple(self._clamd("OnAccessIncludePath"))

    @property
    def watched_media(self) -> tuple[str, ...]:
        """Folders below which a mounted medium is watched as a whole as soon as it is there."""
        if not self._process("praxisschild-malware-media.service"):
            return ()
        return tuple(self._scanner.get("media", []))

    def watches(self, folder: str) -> bool:
        path = PurePosixPath(folder)
        return any(path.is_relative_to(watched) for watched in self.watched)

    @property
    def malware_exclusions(self) -> tuple[str, ...]:
        """Everything that the scanner lets pass unseen: folders, accounts, signatures, and a command line's list."""
        self._process("clamav-daemon.service")
        found = {*self._clamd("OnAccessExcludePath"), *map(_folder, self._clamd("ExcludePath"))}
        found |= {f"Konto {name}" for name in self._clamd("OnAccessExcludeUname") if name != _OWN_ACCOUNT}
        found |= {f"Konto Nr. {number}" for number in self._clamd("OnAccessExcludeUID")}
        if self._first("clamd", "OnAccessExcludeRootUID") == "yes":
            found.add("Konto root")
        found |= {f"Signaturen in {name}" for name in self._scanner.get("ignored_signatures", [])}
        arguments = (self._process("clamav-clamonacc.service") or {}).get("arguments", [])
        found |= {argument for argument in arguments if argument.startswith(("-e", "--exclude-list"))}
        return tuple(sorted(found))

    @property
    def unscanned_content(self) -> tuple[str, ...]:
        """Kinds of content that the scanner does not look into, as its options name them."""
        return tuple(name for name in _CONTENT if self._first("clamd", name) != "yes")

    @property
    def reports_findings(self) -> bool:
        """Whether the scanner starts a program for each finding, and there is one."""
        return bool(self._clamd("VirusEvent")) and bool(self._scanner.get("hook_exists"))

    @property
    def scanner_socket_mode(self) -> int | None:
        """Who may command the scanner; None without a socket."""
        found = self._scanner.get("socket")
        return int(found["mode"], 8) if found else None

    @property
    def last_full_scan(self) -> Mapping[str, Any] | None:
        """The result of the last scan of the disks."""
        found: Mapping[str, Any] | None = self._scanner.get("last_scan")
        return found

    @property
    def full_scan_age(self) -> timedelta | None:
        """How long ago the disks were last scanned to the end; None if they never were."""
        found = self.last_full_scan
        if not found or found.get("result") != "success":
            return None
        return self.collected_at - datetime.fromisoformat(found["ended"])

    @property
    def _scanner(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._section("protection", absent={})
        return found

    def _process(self, unit: str) -> Mapping[str, Any] | None:
        """The running service; None if it does not run.

        Raises:
            Unreadable: it reads other options than those in the snapshot.
        """
        found: Mapping[str, Any] | None = self._scanner.get("processes", {}).get(unit)
        if found and any(argument.startswith(("-c", "--config-file")) for argument in found["arguments"]):
            raise Unreadable(f"{unit} läuft mit einer eigenen Konfiguration, die nicht gelesen wird.")
        configured = self._scanner.get("configured")
        if found and unit in _READ_CLAMD and configured and (found["started"] or 0) < configured - 1:
            raise Unreadable(f"Die Konfiguration wurde geändert, seit {unit} läuft.")
        return found

    def _clamd(self, option: str) -> list[str]:
        found: list[str] = self._scanner.get("clamd", {}).get(option, [])
        return found

    def _first(self, file: str, option: str) -> str | None:
        return next(iter(self._scanner.get(file, {}).get(option, [])), None)


def _folder(pattern: str) -> str:
    """The folder that an expression of ExcludePath means; another expression stays as it is."""
    found = re.fullmatch(r"\^((?:[\w/-]|\\.)+?)(?:\(/\|\$\)|/)", pattern)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else pattern
