"""What kind of Windows a host is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from praxisschild.snapshot.sections import Sections

WORKSTATION = 1
# first build → name. Source: Microsoft's release information of Windows 10, 11 and Windows Server
CLIENTS = {10240: "Windows 10", 22000: "Windows 11"}
SERVERS = {
    14393: "Windows Server 2016",
    17763: "Windows Server 2019",
    20348: "Windows Server 2022",
    26100: "Windows Server 2025",
}
EDITIONS = {"Professional": "Pro", "Core": "Home", "CoreCountrySpecific": "Home", "CoreSingleLanguage": "Home"}


@dataclass(frozen=True)
class Host(Sections):
    """Product, edition, build and place in the network."""

    PLATFORM = "windows"

    @property
    def _computer(self) -> dict[str, Any]:
        found: dict[str, Any] = self._section("computer")
        return found

    @property
    def is_server(self) -> bool:
        """Windows Server, domain controllers included."""
        return bool(self._computer["product_type"] != WORKSTATION)

    @property
    def is_member(self) -> bool:
        """Whether a domain's policies reach this host."""
        return bool(self._computer["domain_role"] in {1, 3, 4, 5})

    @property
    def edition(self) -> str:
        """EditionID, as in `Professional`, `Enterprise`, `Core` (Home), `ServerStandard`."""
        return str(self._computer["edition"])

    @property
    def is_home(self) -> bool:
        """Windows Home: no group policy engine, no BitLocker administration, no domain."""
        return EDITIONS.get(self.edition) == "Home"

    @property
    def build(self) -> int:
        """Number of the build, 26100 for Windows 11 24H2 and Windows Server 2025."""
        return int(self._computer["build"])

    @property
    def revision(self) -> int | None:
        """Number behind the build: the update that is installed."""
        found: int | None = self._computer["revision"]
        return found

    @property
    def is_stand_in(self) -> bool:
        """Whether the lab's stand-in gave these answers, and no real Windows."""
        return bool(self._computer["stand_in"])

    @property
    def distribution(self) -> str:
        """Name for people, as in `Windows 11 Pro 24H2 (Build 26100.7171)`."""
        names = SERVERS if self.is_server else CLIENTS
        known = [build for build in names if build <= self.build]
        name = names[max(known)] if known else "Windows"
        edition = EDITIONS.get(self.edition, self.edition.removeprefix("Server"))
        revision = "" if self.revision is None else f".{self.revision}"
        return f"{name} {edition} {self._computer['display_version'] or ''} (Build {self.build}{revision})".replace(
            "  ", " "
        )

    @property
    def addresses(self) -> list[str]:
        """Addresses of all network cards."""
        return list(self._section("network")["addresses"])

    @property
    def address(self) -> str:
        """First IPv4 address that a network card has."""
        return next((one for one in self.addresses if ":" not in one), next(iter(self.addresses), ""))
