"""What gets updates and until when, and what an update has not reached yet."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from praxisschild.snapshot.sections import Unreadable
from praxisschild.snapshot.software import Software
from praxisschild.snapshot.system import System

if TYPE_CHECKING:
    from collections.abc import Mapping

# Rows of distro-info-data 0.58+deb12u6 for a host that does not have the package itself.
RELEASES = {
    "bullseye": {"eol": "2024-08-14", "eol-lts": "2026-08-31", "eol-elts": "2031-06-30"},
    "bookworm": {"eol": "2026-07-11", "eol-lts": "2028-06-30", "eol-elts": "2033-06-30"},
    "trixie": {"eol": "2028-08-09", "eol-lts": "2030-06-30", "eol-elts": "2035-06-30"},
}
# https://wiki.debian.org/LTS: the architectures that Debian's LTS team builds for
LTS_ARCHITECTURES = {"x86_64", "aarch64", "i686", "armv7l"}
OWN_ORIGINS = {("Debian", "Debian"), ("Debian", "Debian-Security"), ("Ubuntu", "Ubuntu")}
_NO_DATE = date.min


@dataclass(frozen=True)
class SecuritySupport:
    """Until which day the release gets security updates here; `kind`: ``regulär``, ``LTS``, ``ELTS``, ``ESM``."""

    release: str
    until: date
    kind: str


@dataclass(frozen=True)
class Support(System, Software):
    """Security updates as a matter of time: the release's, the packages', and what still runs without them."""

    @property
    def security_support(self) -> SecuritySupport:
        """The longest security support that reaches this host.

        Debian's LTS sends its updates through the security archive and counts wherever that is a source. Extended
        support counts only where its own archive is one: Freexian's for Debian, ESM for Ubuntu.
        """
        row = self._support["release"] or RELEASES.get(self._codename)
        if row is None:
            raise Unreadable(f"Für „{self.distribution}“ ist kein Ende der Sicherheitsupdates bekannt.")
        label = "Ubuntu" if self.distribution.startswith("ubuntu") else "Debian"
        name = f"{label} {self.distribution.split()[-1]}"
        days = {
            kind: date.fromisoformat(row[column])
            for column, kind, reaches in self._ways_of_support
            if reaches and row.get(column)
        }
        kind = max(days, key=days.__getitem__, default="")
        return SecuritySupport(name, days.get(kind, _NO_DATE), kind)

    @property
    def _ways_of_support(self) -> tuple[tuple[str, str, bool], ...]:
        archives = self.archives
        codename, machine = self._codename, self._section("host")["architecture"]
        if self.distribution.startswith("ubuntu"):
            security = any(a["origin"] == "Ubuntu" and a["archive"] == f"{codename}-security" for a in archives)
            esm = any(a["origin"] == "UbuntuESM" for a in archives)
            return (("eol", "regulär", security), ("eol-esm", "ESM", esm))
        security = any(a["label"] == "Debian-Security" and a["codename"] == f"{codename}-security" for a in archives)
        extended = any(a["site"].endswith("freexian.com") for a in archives)
        return (
            ("eol", "regulär", security),
            ("eol-lts", "LTS", security and machine in LTS_ARCHITECTURES),
            ("eol-elts", "ELTS", extended),
        )

    @property
    def archives(self) -> tuple[Mapping[str, str], ...]:
        """What the archives in the host's package lists say of themselves."""
        return tuple(self._support["archives"])

    @property
    def archives_without_automatic_updates(self) -> tuple[str, ...]:
        """Archives of others than the distribution whose updates nobody installs without being asked."""
        return tuple(
            f"{archive['origin'] or 'ohne Herkunft'} ({archive['site'] or 'lokal'})"
            for archive in self.archives
            if (archive["origin"], archive["label"]) not in OWN_ORIGINS and not self._is_updated(archive)
        )

    @property
    def security_archive_is_updated(self) -> bool:
        """Whether unattended-upgrades takes what the release's own security archive offers."""
        return any(
            self._is_updated(archive)
            for archive in self.archives
            if f"{self._codename}-security" in {archive["codename"], archive["archive"]}
        )

    def _is_updated(self, archive: Mapping[str, str]) -> bool:
        return any(_matches(pattern, archive, self._codename) for pattern in self.unattended_origins)

    @property
    def unauthenticated_sources(self) -> tuple[str, ...]:
        """Sources, and options of apt, that let in packages which nobody has signed."""
        loose = {"trusted", "allow-insecure", "allow-weak", "allow-downgrade-to-insecure"}
        sources = {
            f"{source['file']}: {name}={value}"
            for source in self._support["sources"]
            for name, value in source["options"].items()
            if name in loose and value in {"yes", "true", "1"}
        }
        return tuple(sorted([*sources, *(name for name, allowed in self._support["trust"].items() if allowed)]))

    @property
    def held_back(self) -> tuple[str, ...]:
        """Packages that somebody has put on hold, or that the automatic installation leaves to a person."""
        return tuple(sorted({*self._support["held"], *self._support["kept_back"]}))

    @property
    def updates_watched_by(self) -> Mapping[str, list[str]]:
        """Units that systemd starts after apt's installation: ``OnFailure``, ``OnSuccess``."""
        found: Mapping[str, list[str]] = self._support["watched_by"]
        return found

    @property
    def keeps_account(self) -> bool:
        """Whether the host keeps an account of its updates at all."""
        return self._support["status"] is not None

    @property
    def account_age(self) -> timedelta:
        """How long ago the host last looked at its updates."""
        return self._since(self._account["checked"])

    @property
    def security_update_ages(self) -> Mapping[str, timedelta]:
        """Pending security updates by package, each with the time for which it has been available at the least.

        The time begins with the date of the security archive in which the host first saw the update, so it is never
        longer than the truth. What the account does not name has come up since it was written.
        """
        pending = self.pending_security_updates
        known = self._account["pending"] if pending else {}
        return {name: self._since(known[name]["available"]) if name in known else self.account_age for name in pending}

    @property
    def last_installation(self) -> tuple[str, timedelta]:
        """How the last unattended installation ended: ``success``, ``failed``, ``none``; and the time since a good one.

        As long as there has been none, that is the time since the host has been watched.
        """
        run = self._account["run"]
        return str(run["result"]), self._since(run["last_success"] or self._account["watched_since"])

    @property
    def outdated_kernel(self) -> tuple[str, str] | None:
        """The running kernel and the newer one that is installed; None if the newest one runs."""
        kernel = self._account["kernel"]
        if kernel is None or kernel["state"] not in {1, 2, 3}:
            raise Unreadable("Ob der neueste installierte Kernel läuft, konnte der Host nicht feststellen.")
        return (kernel["running"], kernel["newest"]) if kernel["state"] != 1 else None

    @property
    def outdated_for(self) -> Mapping[str, timedelta]:
        """What runs in the version from before its update, services or ``Kernel``, and for how long at least."""
        return {name: self._since(since) for name, since in self._account["outdated"].items()}

    @property
    def unsupported_packages(self) -> Mapping[str, list[str]]:
        """Source packages whose security support has ``ended``, will soon (``earlyend``), or is ``limited``."""
        found: Mapping[str, list[str]] | None = self._account["unsupported"]
        if found is None:
            raise Unreadable("Der Host führt keine Liste der Pakete ohne Sicherheitsupdates (check-support-status).")
        return found

    @property
    def packages_without_source(self) -> tuple[str, ...]:
        """Installed packages that no archive offers, and therefore updates for them neither."""
        return tuple(self._account["sourceless"])

    @property
    def _support(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._section("support")
        return found

    @property
    def _account(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] | None = self._support["status"]
        if found is None:
            raise Unreadable("Der Host führt nicht Buch über seine Updates.")
        return found

    @property
    def _codename(self) -> str:
        return str(self._section("host")["os"]["version_codename"])

    def _since(self, moment: str) -> timedelta:
        return max(self.collected_at - datetime.fromisoformat(moment), timedelta(0))


def _matches(pattern: str, archive: Mapping[str, str], codename: str) -> bool:
    """Whether an archive meets a pattern of unattended-upgrades, in either of its notations.

    Source: ``match_whitelist_string`` and the comments in 50unattended-upgrades.
    """
    short = {"o": "origin", "l": "label", "a": "archive", "suite": "archive", "n": "codename"}
    pattern = pattern.replace("${distro_codename}", codename)
    if "=" not in pattern:  # Allowed-Origins
        origin, _, suite = pattern.partition(":")
        origin = origin.replace("${distro_id}", archive["origin"])
        return (origin, suite) == (archive["origin"], archive["archive"])
    for part in pattern.split(","):
        key, _, wanted = (word.strip() for word in part.partition("="))
        wanted = wanted.replace("${distro_id}", archive["origin"])
        found = archive.get(short.get(key, key))
        if found is None or not fnmatch.fnmatch(found, wanted):
            return False
    return True
