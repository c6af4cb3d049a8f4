"""Updates of a Windows host, its data backup, and until when its software is looked after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from praxisschild import windows_releases
from praxisschild.snapshot.sections import Unreadable
from praxisschild.snapshot.storage import BackupReport
from praxisschild.snapshot.windows.host import Host

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Windows Update calls everything an update: what is of the category, or what Microsoft rated, closes a hole
_RATED = {"Critical", "Important", "Moderate", "Low"}


@dataclass(frozen=True)
class Upkeep(Host):
    """What goes on by itself, or should."""

    @property
    def release_support(self) -> tuple[str, date]:
        """The release's name and its last day of security updates for this edition.

        Raises:
            Unreadable: the table knows no such build or edition.
        """
        found = (
            windows_releases.server(self.build) if self.is_server else windows_releases.client(self.build, self.edition)
        )
        if found is None:
            raise Unreadable(f"Für {self.distribution} ist kein Ende der Sicherheitsupdates bekannt.")
        return found

    @property
    def knows_release(self) -> bool:
        """Whether it is known until when this release gets updates."""
        try:
            return bool(self.release_support)
        except Unreadable:
            return False

    @property
    def programs_without_updates(self) -> tuple[str, ...]:
        """Installed programs whose maker no longer repairs them, as far as they are known by name."""
        found = {
            one["name"].strip(): windows_releases.program(one["name"].strip()) for one in self._section("software")
        }
        return tuple(sorted(name for name, until in found.items() if until is not None and until < self.today))

    @property
    def programs(self) -> int:
        """How many installed programs Windows lists."""
        return len(self._section("software"))

    @property
    def update_search_age(self) -> timedelta | None:
        """Time since Windows Update last looked with success; None if it never has."""
        return self._since(self._section("updates")["last_searched"])

    @property
    def update_installation_age(self) -> timedelta | None:
        """Time since Windows Update last installed something; None if it never has."""
        return self._since(self._section("updates")["last_installed"])

    @property
    def waits_for_restart(self) -> bool:
        """Whether something that was installed takes effect only after a restart."""
        return bool(self._section("updates")["pending_reboot"])

    @property
    def security_update_ages(self) -> Mapping[str, timedelta]:
        """Security updates that were found and are not installed, by article, each with the time since its release."""
        return {
            one["article"]: self._since(one["published"]) or timedelta(0)
            for one in self._section("updates")["pending"]
            if one["security"] or one["severity"] in _RATED
        }

    @property
    def backup_reports(self) -> tuple[BackupReport, ...]:
        """What the jobs of the data backup left."""
        reports = self._backup["reports"]
        return tuple(_report(name, reports[name]) for name in sorted(reports))

    @property
    def backup_image_drive(self) -> str | None:
        """Where the image of the whole server goes; None if it makes none."""
        found = ((self._backup["config"] or {}).get("image") or {}).get("target")
        return str(found) if found else None

    @property
    def backup_keeps(self) -> Mapping[str, int]:
        """How many states are kept by `daily`, `weekly` and `monthly`; none that is not declared."""
        return {name: int(count) for name, count in ((self._backup["config"] or {}).get("keep") or {}).items()}

    @property
    def backup_is_set_up(self) -> bool:
        """Whether the program of the backup knows what to do, and with which password."""
        return bool(self._backup["config"] and self._backup["password"])

    @property
    def has_backup_program(self) -> bool:
        """Whether restic is where the configuration says."""
        return bool(self._backup["program"])

    @property
    def backup_is_private(self) -> bool:
        """Whether only SYSTEM and administrators can read configuration and password of the backup, or write them."""
        return bool(self._backup["protected"])

    def age(self, reports: Iterable[BackupReport]) -> timedelta | None:
        """Time since the youngest success among the reports; None if there is none."""
        found = [report.last_success for report in reports if report.last_success]
        return max(self.collected_at - max(found), timedelta(0)) if found else None

    @property
    def _backup(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._section("backup")
        return found

    def _since(self, moment: str | None) -> timedelta | None:
        return None if moment is None else max(self.collected_at - datetime.fromisoformat(moment), timedelta(0))


def _report(name: str, found: Mapping[str, Any]) -> BackupReport:
    last = found.get("last_success")
    return BackupReport(
        job=name,
        target=str(found.get("target") or ""),
        succeeded=found.get("result") == "success",
        last_success=datetime.fromisoformat(last) if last else None,
        keep=found.get("keep") or {},
        files=found.get("files"),
        size=found.get("bytes"),
        compared=found.get("compared"),
    )
