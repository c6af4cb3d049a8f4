"""What is installed, and how it is kept up to date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from praxisschild.snapshot.notation import instant
from praxisschild.snapshot.sections import Sections, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

TLS_1_2 = 0x0303


@dataclass(frozen=True)
class Software(Sections):
    """Packages, their updates, and the TLS that programs start from."""

    @property
    def packages(self) -> Mapping[str, str]:
        """Version of every installed package."""
        found: Mapping[str, str] = self._section("packages")
        return found

    @property
    def software(self) -> frozenset[str]:
        """Names of everything installed: packages, snaps and flatpaks."""
        other = self._section("other_software")
        return frozenset([*self.packages, *other["snaps"], *other["flatpaks"]])

    @property
    def openssl_min_protocol(self) -> int:
        """The oldest TLS version that OpenSSL offers unasked, as in the protocol (TLS 1.2 is 0x0303).

        From security level 1 on, OpenSSL 3 refuses TLS 1.0 and 1.1 without being told.
        """
        found = self._section("tls")["openssl"]
        if found is None:
            raise Unreadable("OpenSSL 3 ist auf dem Host nicht installiert.")
        return int(found["min_protocol"] or (TLS_1_2 if found["security_level"] >= 1 else 0x0300))

    @property
    def apt(self) -> Mapping[str, Any]:
        """Settings below ``APT::Periodic`` and ``Unattended-Upgrade``; lists are lists."""
        found: Mapping[str, Any] = self._section("apt")
        return found

    def apt_every(self, job: str) -> float:
        """Days between two runs of one of apt's periodic jobs, 0 for never."""
        enabled = self.apt.get("APT::Periodic::Enable", "1") != "0"
        value = str(self.apt.get(f"APT::Periodic::{job}", "0")) if enabled else "0"
        found = re.fullmatch(r"(\d+)([a-z]?)", "1d" if value == "always" else value)
        days = {"": 1, "d": 1, "h": 1 / 24, "m": 1 / 1440, "s": 1 / 86400}
        return int(found.group(1)) * days.get(found.group(2), 0) if found else 0

    @property
    def unattended_origins(self) -> tuple[str, ...]:
        """Patterns of the package sources whose updates are installed without an operator."""
        names = ("Unattended-Upgrade::Origins-Pattern", "Unattended-Upgrade::Allowed-Origins")
        return tuple(origin for name in names for origin in self.apt.get(name, []))

    @property
    def pending_security_updates(self) -> tuple[str, ...]:
        """Packages for which the host's package lists offer a security update."""
        return tuple(self._section("updates")["pending_security"])

    @property
    def package_lists_age(self) -> timedelta:
        """How long ago the package lists were fetched."""
        refreshed = self._section("updates")["lists_refreshed"]
        if refreshed is None:
            raise Unreadable("Der Host hat noch nie Paketlisten geholt.")
        return self.collected_at - instant(refreshed)
