"""Where messages go and how long they stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from praxisschild.snapshot.sections import Sections, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEEPS_RUNNING = {"ignore", "syslog", "email", "exec", "suspend", "rotate", "keep_logs"}


@dataclass(frozen=True)
class Forward:
    """A host to which messages are sent; `peers` are the names its certificate may bear, none if it is not checked."""

    target: str
    port: int
    acknowledged: bool
    encrypted: bool
    peers: tuple[str, ...]
    spool: str | None
    patient: bool


@dataclass(frozen=True)
class LogInput:
    """A port on which messages of other hosts are taken; `peers` as in `Forward`."""

    module: str
    port: int
    encrypted: bool
    peers: tuple[str, ...]


@dataclass(frozen=True)
class LogCertificate:
    """How the host proves to others who it is; `until` is None if the file cannot be read."""

    path: str
    key_path: str
    names: tuple[str, ...]
    until: datetime | None
    key_is_private: bool


@dataclass(frozen=True)
class LogStore:
    """What a log host keeps of others: when each was last heard, and after how many days all is removed."""

    folder: str
    heard: Mapping[str, datetime]
    oldest: datetime | None
    exposed: tuple[str, ...]
    keeps: timedelta | None


@dataclass(frozen=True)
class Audit:
    """What the kernel records, and whether a full disk or a full queue could stop the host."""

    recording: bool
    rules: tuple[str, ...]
    halting: tuple[str, ...]

    def watches(self, path: str) -> bool:
        """Whether changes to this path are recorded, with a key to find them by."""
        return any(
            f" {path} " in f"{rule} ".replace("path=", "").replace("dir=", "") and "key=" in rule.replace("-k ", "key=")
            for rule in self.rules
        )

    def records_call(self, name: str) -> bool:
        """Whether this system call is recorded."""
        return any(
            name in part.split(",")
            for rule in self.rules
            for option, part in zip(rule.split(), rule.split()[1:], strict=False)
            if option == "-S"
        )


@dataclass(frozen=True)
class Alarm:
    """What raises an alarm, and whether it gets through."""

    recipient: bool
    failed_logins: int
    silent_hours: Mapping[str, float]
    missed: tuple[str, ...]
    undelivered_since: datetime | None
    encrypted: bool


def _at(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None


@dataclass(frozen=True)
class Logs(Sections):
    """The host's messages."""

    @property
    def _logs(self) -> Any:
        return self._section("logs")

    @property
    def journal_on_disk(self) -> bool:
        """Whether the journal survives a restart."""
        journal = self._logs["journal"]
        return bool(journal["on_disk"]) and journal["storage"] in {"persistent", "auto"}

    @property
    def journal_retention(self) -> timedelta | None:
        """The most that an entry of the journal grows old; None if time does not limit it."""
        journal = self._logs["journal"]
        if journal["retention"] is None or journal["file_span"] is None:
            raise Unreadable("Die Aufbewahrungsdauer des Journals ist nicht lesbar angegeben.")
        # files are removed as a whole, when their newest entry is too old
        return timedelta(seconds=journal["retention"] + journal["file_span"]) if journal["retention"] else None

    @property
    def log_forwards(self) -> tuple[Forward, ...]:
        """Hosts to which the host's syslog service sends messages."""
        return tuple(Forward(**{**one, "peers": tuple(one["peers"])}) for one in self._logs["forwards"])

    @property
    def log_connections(self) -> tuple[int, ...]:
        """Remote ports to which the syslog service is connected now."""
        found = self._logs["connections"]
        if found is None:
            raise Unreadable("Die Verbindungen des Protokolldienstes sind nicht lesbar (ss fehlt).")
        return tuple(found)

    @property
    def log_inputs(self) -> tuple[LogInput, ...]:
        """Ports on which the syslog service takes messages of others."""
        return tuple(LogInput(**{**one, "peers": tuple(one["peers"])}) for one in self._logs["inputs"])

    @property
    def log_certificates(self) -> tuple[LogCertificate, ...]:
        """By which the syslog service proves to others who it is."""
        return tuple(
            LogCertificate(
                path=one["path"],
                key_path=one["key_path"],
                names=tuple(one["names"]),
                until=_at(one["until"]),
                key_is_private=bool(one["key"]) and not int(one["key"]["mode"], 8) & 0o077 and one["key"]["uid"] == 0,
            )
            for one in self._logs["certificates"]
        )

    @cached_property
    def log_store(self) -> LogStore | None:
        """What is kept of the practice's hosts here; None where nothing is."""
        found = self._logs["store"]
        if found is None:
            return None
        hosts = found["hosts"]
        times = [one["oldest"] for one in hosts.values() if one["oldest"] is not None]
        return LogStore(
            folder=found["folder"],
            heard={name: heard for name, one in hosts.items() if (heard := _at(one["newest"]))},
            oldest=_at(min(times, default=None)),
            exposed=tuple(found["exposed"]),
            keeps=timedelta(days=found["keeps_days"]) if found["keeps_days"] else None,
        )

    @property
    def audit(self) -> Audit | None:
        """The kernel's audit; None in a container, which has no kernel of its own."""
        found = self._section("logs")["audit"]
        if found is None:
            return None
        actions = {key: value for key, value in found["daemon"].items() if key.endswith("_action")}
        halting = [key for key, value in actions.items() if (value or "").lower().split(" ")[0] not in _KEEPS_RUNNING]
        return Audit(
            recording=found["enabled"] > 0,
            rules=tuple(found["rules"]),
            halting=(*halting, *(["failure"] if found["failure"] == 2 else [])),
        )

    @property
    def alarm(self) -> Alarm | None:
        """The alarm that this host raises; None where it raises none."""
        found = self._logs["alarm"]
        if found is None:
            return None
        return Alarm(
            recipient=found["recipient"],
            failed_logins=int(found["failed_logins"]),
            silent_hours={name: float(hours) for name, hours in found["silent_hours"].items()},
            missed=tuple(found["missed"]),
            undelivered_since=_at(found["undelivered_since"]),
            encrypted=found["encrypted"],
        )
