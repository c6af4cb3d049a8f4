"""The host itself: its kernel, network, services and packet filter."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from praxisschild.packet_filter import Ruleset
from praxisschild.snapshot.notation import calendar_period, maybe_instant
from praxisschild.snapshot.sections import Sections, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta


@dataclass(frozen=True)
class Timer:
    """A systemd timer, its schedule in systemd's calendar notation, and the last run of the service it starts."""

    timer: str
    service: str | None
    calendar: tuple[str, ...]
    persistent: bool
    next: datetime | None
    last: datetime | None
    command: str | None
    result: str | None
    exit_status: int
    ended: datetime | None
    tool: str | None = None
    keep: Mapping[str, int] = field(default_factory=dict)

    @property
    def every(self) -> timedelta | None:
        """The longest time between two runs that the calendar leaves; None if it has none that is understood."""
        found = [period for entry in self.calendar if (period := calendar_period(entry))]
        return min(found) if found else None


@dataclass(frozen=True)
class Socket:
    """A socket that waits for connections or packets."""

    protocol: str
    address: str
    port: int
    process: str | None

    @property
    def is_local(self) -> bool:
        """Whether only this host itself can reach it."""
        return self.address != "*" and ipaddress.ip_address(self.address).is_loopback


@dataclass(frozen=True)
class System(Sections):
    """What the host is and what runs on it."""

    @property
    def name(self) -> str:
        return str(self._section("host")["name"])

    @property
    def distribution(self) -> str:
        """Name and version, for example ``debian 12``."""
        release = self._section("host")["os"]
        return f"{release['id']} {release['version_id']}"

    @property
    def own_kernel(self) -> bool:
        """False in a container, which shares its kernel and its devices with another machine."""
        return bool(self._section("host")["own_kernel"])

    @property
    def address(self) -> str:
        """The address by which the rest of the network reaches the host."""
        found = self._section("network")["address"]
        if not found:
            raise Unreadable("Der Host hat keine Netzwerkadresse.")
        return str(found)

    @property
    def interfaces(self) -> Mapping[str, tuple[str, ...]]:
        """Addresses with prefix length per network interface, those of the loopback not counted."""
        return {name: tuple(found) for name, found in self._section("network")["interfaces"].items()}

    @property
    def outward(self) -> str | None:
        """The interface that leads to everybody else."""
        found: str | None = self._section("network")["outward"]
        return found

    @property
    def cameras(self) -> tuple[str, ...]:
        return tuple(self._section("modules")["cameras"])

    @property
    def blocked_modules(self) -> Mapping[str, str]:
        """Kernel modules that are not loaded when a device asks for them: ``install`` (never) or ``blacklist``."""
        found: Mapping[str, str] = self._section("modules")["blocked"]
        return found

    @property
    def world_writable(self) -> tuple[str, ...]:
        """Folders for data that everybody on the host may change, the sticky ones not counted."""
        return tuple(self._section("world_writable"))

    @property
    def units(self) -> Mapping[str, Mapping[str, str | None]]:
        """Services, sockets and timers: `enabled` as systemd names it, `active`, `sub`."""
        found: Mapping[str, Mapping[str, str | None]] = self._section("units")
        return found

    def is_active(self, unit: str) -> bool:
        return self.units.get(unit, {}).get("active") == "active"

    def is_enabled(self, unit: str) -> bool:
        return self.units.get(unit, {}).get("enabled") in {"enabled", "enabled-runtime", "static", "alias", "generated"}

    @property
    def timers(self) -> Mapping[str, Timer]:
        """Loaded timers by name."""
        return {entry["timer"]: timer_of(entry) for entry in self._section("timers")}

    @property
    def sockets(self) -> tuple[Socket, ...]:
        return tuple(
            Socket(entry["protocol"], entry["address"], entry["port"], entry["process"])
            for entry in self._section("listening")
        )

    @cached_property
    def ruleset(self) -> Ruleset:
        """The live packet filter; without nft there is none."""
        return Ruleset.from_json(self._section("nftables", absent=[]))

    @property
    def firewall_services(self) -> tuple[str, ...]:
        """Services that bring up a packet filter when the host starts."""
        return tuple(self._section("firewall_services"))

    def forwards(self, version: int) -> bool:
        """Whether the kernel passes packets of this IP version on to other networks."""
        name = "net.ipv4.ip_forward" if version == 4 else "net.ipv6.conf.all.forwarding"
        return bool(self._section("sysctl").get(name) == "1")


def timer_of(entry: Mapping[str, Any]) -> Timer:
    """The timer in one of the collector's entries."""
    return Timer(
        timer=entry["timer"],
        service=entry["service"],
        calendar=tuple(entry["calendar"]),
        persistent=entry["persistent"],
        next=maybe_instant(entry["next"]),
        last=maybe_instant(entry["last"]),
        command=entry["command"],
        result=entry["result"],
        exit_status=entry["exit_status"],
        ended=maybe_instant(entry["ended"]),
        tool=entry.get("tool"),
        keep=entry.get("keep", {}),
    )
