"""The effective state of one host as the collector read it, with the conclusions that checks draw from it.

Values keep the collector's units: durations in seconds, sizes in characters, instants as aware datetimes, modes as
octal text. Whatever the collector could not read raises `Unreadable`, so that a check ends as not tested and never as
passed.
"""

from __future__ import annotations

import ast
import ipaddress
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from praxisschild.packet_filter import Ruleset

SCHEMA_VERSION = 1
TLS_1_2 = 0x0303
_UPKEEP = re.compile(r"check|forget|prune|restore|test|verify")
# borg and rsnapshot can also store in the clear
ALWAYS_ENCRYPTED = {"restic", "kopia"}


class SnapshotError(ValueError):
    """A document is no snapshot that this version understands."""


class Unreadable(LookupError):  # noqa: N818 - a state of the host, not a fault of the program
    """A section could not be read on the host; the text is a reason in German for the report."""


class Password(StrEnum):
    """What stands where an account's password hash would be; unknown without an entry of its own."""

    SET = "set"
    LOCKED = "locked"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Account:
    """One account as the host resolves it."""

    name: str
    uid: int
    shell: str
    home: str
    home_mode: int | None
    home_uid: int | None
    groups: frozenset[str]
    password: Password
    expires: date | None
    authorized_keys: int

    @property
    def has_login_shell(self) -> bool:
        return bool(self.shell) and not self.shell.endswith(("nologin", "false", "sync", "shutdown", "halt"))

    @property
    def is_open(self) -> bool:
        """Whether no password is asked for."""
        return self.password is Password.EMPTY

    def can_log_in(self, today: date) -> bool:
        """Whether a password or a key opens a shell on that day."""
        expired = self.expires is not None and self.expires <= today
        return (
            self.has_login_shell
            and not expired
            and (self.password in {Password.SET, Password.EMPTY} or self.authorized_keys > 0)
        )


@dataclass(frozen=True)
class PamEntry:
    """One line of a PAM stack in running order, includes resolved; `module` without path and suffix."""

    type: str
    control: str
    module: str
    arguments: tuple[str, ...]

    def argument(self, name: str) -> str | None:
        """Value of ``name=value``, empty for a bare ``name``, None if it is not given."""
        for word in self.arguments:
            key, _, value = word.partition("=")
            if key == name:
                return value
        return None


@dataclass(frozen=True)
class Lockout:
    """What pam_faillock does: after `attempts` failures within `interval` seconds the account is closed.

    `unlock_after` is in seconds, 0 means until an administrator opens it.
    """

    attempts: int
    interval: int
    unlock_after: int


@dataclass(frozen=True)
class PasswordRule:
    """What a new password must fulfil; `min_length` in characters, 0 where nothing is enforced."""

    min_length: int
    min_classes: int
    dictionary: bool
    module: str


@dataclass(frozen=True)
class ScreenLock:
    """What no user of a desktop can change: seconds of idleness until the screen goes dark, and from there to the lock.

    None stands for "never", or for a value that the user may choose.
    """

    after: int | None
    delay: int | None


@dataclass(frozen=True)
class Browser:
    """An installed browser and its managed policies; a `snap` updates itself, `readable` means by its users."""

    name: str
    program: str
    snap: bool
    policies: Mapping[str, Any]
    files: tuple[str, ...]
    readable: bool


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
class BackupReport:
    """What a job of the backup left when it ended; `target` is ``local``, ``server`` or ``medium``."""

    job: str
    target: str
    succeeded: bool
    last_success: datetime | None
    keep: Mapping[str, int]

    @property
    def stores(self) -> bool:
        """Whether the job writes a backup; the others check one or read one back."""
        return not self.reads_back and not _UPKEEP.search(self.job)

    @property
    def reads_back(self) -> bool:
        return self.job.startswith("restore")


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
class SudoRule:
    """Who may run what as whom, aliases expanded; users are names, groups carry a leading ``%``."""

    users: tuple[str, ...]
    commands: tuple[str, ...]
    run_as: tuple[str, ...]
    authenticate: bool

    @property
    def is_everything(self) -> bool:
        """Whether the rule makes its users administrators."""
        return "ALL" in self.commands and (not self.run_as or bool({"ALL", "root"} & set(self.run_as)))


@dataclass(frozen=True)
class Share:
    """A folder that Samba offers to the network; `mode` of the folder itself, None if there is no such folder."""

    name: str
    path: str | None
    writable: bool
    guests: bool
    mode: int | None


@dataclass(frozen=True)
class Snapshot:
    """One host's effective state. Attributes are read from the document when they are asked for."""

    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, document: Mapping[str, Any] | str | bytes) -> Self:
        """The snapshot in a collector's output, as text or already parsed.

        Raises:
            SnapshotError: it is none, or another version of the collector wrote it.
        """
        if isinstance(document, str | bytes):
            try:
                document = json.loads(document)
            except ValueError as error:
                raise SnapshotError(f"no JSON document: {error}") from None
        if not isinstance(document, Mapping) or "schema_version" not in document:
            raise SnapshotError("no snapshot: the document has no schema_version")
        if document["schema_version"] != SCHEMA_VERSION:
            raise SnapshotError(
                f"snapshot has schema version {document['schema_version']}, this program reads {SCHEMA_VERSION}: "
                "take a new snapshot, or judge it with the version that took it"
            )
        return cls(document)

    def _section(self, name: str, *, absent: Any = None) -> Any:
        """A section of the document; `absent` is returned if the host has nothing to read there."""
        found = self.document.get(name)
        if found is not None:
            return found
        if name in self.document and absent is not None and not self._errors_of(name):
            return absent
        raise Unreadable(
            f"Zustand „{name}“ konnte auf dem Host nicht gelesen werden: {self._errors_of(name) or 'fehlt'}"
        )

    def _errors_of(self, name: str) -> str:
        tools = {"nftables": "nft", "sudo": "cvtsudoers", "network": "ip "}
        wanted = (name, tools.get(name, name))
        return "; ".join(error["message"] for error in self.errors if error["section"].startswith(wanted))

    # -- the host ----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return str(self._section("host")["name"])

    @property
    def collected_at(self) -> datetime:
        """When the state was read (UTC)."""
        return datetime.fromisoformat(self.document["collected_at"])

    @property
    def today(self) -> date:
        """The day of the snapshot, by which dates in it are judged."""
        return self.collected_at.date()

    @property
    def errors(self) -> list[dict[str, str]]:
        """What could not be read: `section` and `message`."""
        return list(self.document["errors"])

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
    def desktop(self) -> tuple[str, ...]:
        """Graphical environments whose settings the host has: ``gnome``, ``kde``; empty without."""
        return tuple(self._section("desktop")["environments"])

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
    def cameras(self) -> tuple[str, ...]:
        return tuple(self._section("modules")["cameras"])

    @property
    def blocked_modules(self) -> Mapping[str, str]:
        """Kernel modules that are not loaded when a device asks for them: ``install`` (never) or ``blacklist``."""
        found: Mapping[str, str] = self._section("modules")["blocked"]
        return found

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
    def world_writable(self) -> tuple[str, ...]:
        """Folders for data that everybody on the host may change, the sticky ones not counted."""
        return tuple(self._section("world_writable"))

    # -- ways in -----------------------------------------------------------------------------------------------------

    @property
    def accounts(self) -> Mapping[str, Account]:
        return {entry["name"]: _account(entry) for entry in self._section("accounts")}

    @property
    def login_accounts(self) -> Mapping[str, Account]:
        """Accounts that open a shell with a password or a key."""
        return {name: account for name, account in self.accounts.items() if account.can_log_in(self.today)}

    @property
    def sudo_rules(self) -> tuple[SudoRule, ...]:
        policy = self._section("sudo", absent={})
        return tuple(
            _sudo_rule(specification, commands)
            for specification in policy.get("User_Specs", [])
            for commands in specification["Cmnd_Specs"]
        )

    @property
    def sudo_defaults(self) -> Mapping[str, Any]:
        """Options of sudo that hold for everybody."""
        return {
            key: value
            for entry in self._section("sudo", absent={}).get("Defaults", [])
            if not entry.get("Binding")
            for option in entry["Options"]
            for key, value in option.items()
        }

    def _users_of(self, rule: SudoRule) -> set[str]:
        groups = {user[1:] for user in rule.users if user.startswith("%")}
        if "ALL" in rule.users:
            return set(self.accounts)
        return {
            name
            for name, account in self.accounts.items()
            if name in rule.users or f"#{account.uid}" in rule.users or groups & account.groups
        }

    @property
    def admins(self) -> frozenset[str]:
        """Login accounts that can become root, root itself not counted."""
        found = {name for rule in self.sudo_rules if rule.is_everything for name in self._users_of(rule)}
        found |= {name for name, account in self.accounts.items() if account.uid == 0}
        return frozenset(found & set(self.login_accounts)) - {"root"}

    @property
    def sudo_without_password(self) -> frozenset[str]:
        """Login accounts that some command asks for no password."""
        if self.sudo_defaults.get("authenticate") is False:
            return frozenset(self.login_accounts) - {"root"}
        found = {name for rule in self.sudo_rules if not rule.authenticate for name in self._users_of(rule)}
        return frozenset(found & set(self.login_accounts)) - {"root"}

    @property
    def sshd(self) -> Mapping[str, Any] | None:
        """Options of the SSH server by lower-case name (``sshd -T``); None if none is installed."""
        found: Mapping[str, Any] | None = self._section("sshd", absent={}).get("options")
        return found

    def sshd_for(self, account: str) -> Mapping[str, Any]:
        """Options of the SSH server as this account meets them."""
        found = self._section("sshd")
        return {**found["options"], **found["per_account"].get(account, {})}

    def pam(self, service: str, kind: str, *, fallback: bool = True) -> tuple[PamEntry, ...]:
        """A stack in running order; kind is auth, account, password or session.

        A service without a file has the stack of `other`, or none without `fallback`.
        """
        services = self._section("pam")["services"]
        entries = services.get(service, services.get("other", []) if fallback else [])
        return tuple(
            PamEntry(entry["type"], entry["control"], entry["module"], tuple(entry["arguments"]))
            for entry in entries
            if entry["type"] == kind
        )

    def lockout(self, service: str) -> Lockout | None:
        """How failed logins close an account for this service, None if they do not."""
        stack = self.pam(service, "auth")
        position = {
            stage: index
            for index, entry in enumerate(stack)
            if entry.module == "pam_faillock"
            for stage in ("preauth", "authfail")
            if stage in entry.arguments
        }
        password = next((index for index, entry in enumerate(stack) if entry.module == "pam_unix"), None)
        if password is None or not position.get("preauth", password) < password < position.get("authfail", -1):
            return None
        entry = stack[position["authfail"]]
        settings = self._section("pam")["faillock"]

        def setting(name: str, default: int) -> int:
            value = entry.argument(name) or settings.get(name) or str(default)
            return 0 if value == "never" else int(value)

        return Lockout(setting("deny", 3), setting("fail_interval", 900), setting("unlock_time", 600))

    @property
    def password_rule(self) -> PasswordRule:
        """What `passwd` and PAM's password changes demand of a new password."""
        settings = self._section("pam")["pwquality"]
        for entry in self.pam("passwd", "password"):
            if entry.module == "pam_pwquality" and settings is not None:
                given = {key: int(found) for key in settings if (found := entry.argument(key))}
                effective = {**settings, **given}
                # a positive credit lets a character of that class count twice
                credit = sum(max(0, effective[key]) for key in ("dcredit", "ucredit", "lcredit", "ocredit"))
                if not effective["enforcing"] or entry.control == "optional":
                    return PasswordRule(0, 0, dictionary=False, module=entry.module)
                return PasswordRule(
                    effective["minlen"] - credit, effective["minclass"], bool(effective["dictcheck"]), entry.module
                )
            if entry.module == "pam_unix":
                return PasswordRule(int(entry.argument("minlen") or 6), 0, dictionary=False, module=entry.module)
        return PasswordRule(0, 0, dictionary=False, module="")

    @property
    def empty_passwords_accepted(self) -> frozenset[str]:
        """Services whose PAM stack opens an account without a password."""
        services = ("login", "sshd", "su", "sudo", "gdm-password", "lightdm", "sddm")
        known = self._section("pam")["services"]
        return frozenset(
            service
            for service in services
            if service in known
            and any(entry.module == "pam_unix" and "nullok" in entry.arguments for entry in self.pam(service, "auth"))
        )

    @property
    def automatic_logins(self) -> tuple[str, ...]:
        """Display managers that open a session without asking."""
        found = self._section("desktop")
        daemon = {key.lower(): value.lower() for key, value in found["gdm"].get("daemon", {}).items()}
        managers = ["gdm"] if "true" in {daemon.get("automaticloginenable"), daemon.get("timedloginenable")} else []
        if any(re.match(r"autologin-user\s*=\s*\S", line) for line in found["lightdm"]):
            managers.append("lightdm")
        return tuple(managers)

    # -- sessions ----------------------------------------------------------------------------------------------------

    @property
    def login_umask(self) -> int:
        """The umask of a login shell."""
        return int(self._section("shell")["login"]["umask"], 8)

    @property
    def shell_timeout(self) -> int | None:
        """Seconds after which an idle text session ends and that its user cannot change; None if it never does."""
        shell = self._section("shell")["login"]
        by_shell = shell["timeout"] if shell["timeout"] and shell["timeout_fixed"] else None
        by_logind = seconds(self._section("logind", absent={}).get("StopIdleSessionSec", ""))
        return min((found for found in (by_shell, by_logind) if found), default=None)

    @cached_property
    def dconf(self) -> Mapping[str, Any]:
        """Values that every user of the desktop starts from, by path without a leading slash."""
        found = self._section("dconf", absent={"values": {}, "locked": []})
        return {key: gvariant(value) for key, value in found["values"].items()}

    @property
    def dconf_locked(self) -> frozenset[str]:
        """Paths that a user cannot change."""
        return frozenset(self._section("dconf", absent={"values": {}, "locked": []})["locked"])

    @property
    def dconf_enforced(self) -> Mapping[str, Any]:
        """The values that a user cannot change."""
        locks = self.dconf_locked
        return {
            path: value
            for path, value in self.dconf.items()
            if path in locks or any(path.startswith(f"{lock}/") for lock in locks)
        }

    @property
    def screen_lock(self) -> ScreenLock | None:
        """The weakest screen lock among the host's graphical environments; None without any."""
        environments = {"gnome": self._gnome_lock, "kde": self._kde_lock}
        found = [environments[name]() for name in self.desktop]
        return max(found, key=lambda lock: (lock.after or math.inf, lock.delay or 0), default=None)

    def _gnome_lock(self) -> ScreenLock:
        enforced = self.dconf_enforced
        asks = enforced.get("org/gnome/desktop/screensaver/lock-enabled") is True
        return ScreenLock(
            after=enforced.get("org/gnome/desktop/session/idle-delay") or None,
            delay=enforced.get("org/gnome/desktop/screensaver/lock-delay") if asks else None,
        )

    def _kde_lock(self) -> ScreenLock:
        sections = self._section("desktop")["kscreenlocker"]
        whole = sections.get("Daemon][$i")
        fixed = whole or {
            key.removesuffix("[$i]"): value for key, value in sections.get("Daemon", {}).items() if key.endswith("[$i]")
        }
        locks = fixed.get("Autolock", "").lower() == "true"
        minutes, grace = fixed.get("Timeout", ""), fixed.get("LockGrace", "")
        return ScreenLock(
            after=int(minutes) * 60 or None if locks and minutes.isdigit() else None,
            delay=int(grace) if locks and grace.isdigit() else None,
        )

    # -- browsers ----------------------------------------------------------------------------------------------------

    @property
    def browsers(self) -> Mapping[str, Browser]:
        """Installed browsers: ``chromium``, ``chrome``, ``edge``, ``firefox``."""
        return {
            name: Browser(
                name, entry["program"], entry["snap"], entry["policies"], tuple(entry["files"]), entry["readable"]
            )
            for name, entry in self._section("browsers").items()
        }

    def policy(self, browser: str, *path: str) -> Any:
        """Value of a managed policy, None if it is not set; further words lead into an object."""
        found = self.browsers[browser]
        value: Any = found.policies if found.readable else {}
        for word in path:
            value = value.get(word) if isinstance(value, Mapping) else None
        return value

    # -- services ----------------------------------------------------------------------------------------------------

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
        return {entry["timer"]: _timer(entry) for entry in self._section("timers")}

    @property
    def sockets(self) -> tuple[Socket, ...]:
        return tuple(
            Socket(entry["protocol"], entry["address"], entry["port"], entry["process"])
            for entry in self._section("listening")
        )

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
        return self.collected_at - _instant(refreshed)

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

    # -- backup ------------------------------------------------------------------------------------------------------

    @property
    def backup_timers(self) -> tuple[Timer, ...]:
        """Timers that start a backup program to store something, not to check or read back what is stored."""
        jobs = (_timer(entry) for entry in self._section("backup")["jobs"])
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
    def backup_password_modes(self) -> Mapping[str, tuple[int, int] | None]:
        """Mode and owner of the files that hold a backup's password; None for a missing file."""
        return {
            path: (int(found["mode"], 8), found["uid"]) if found else None
            for path, found in self._section("backup")["password_files"].items()
        }

    # -- packet filter -----------------------------------------------------------------------------------------------

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


def gvariant(text: str) -> Any:
    """A value in GVariant's text form as a Python value; what is not understood stays text."""
    text = re.sub(r"^(@\S+|byte|u?int(16|32|64)|double|handle|objectpath|signature)\s+", "", text.strip())
    if text in {"true", "false"}:
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


_UNITS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600, "d": 86400, "w": 604800}


def seconds(text: str) -> int | None:
    """A systemd time span such as ``10min`` or ``1h 30s`` in seconds; None for infinity and for no span."""
    parts = re.findall(r"(\d+)\s*([a-z]*)", text.strip().lower())
    if not parts or any(unit not in _UNITS for _, unit in parts):
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


_WEEKDAY = re.compile(r"^((mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]*)+", re.IGNORECASE)
_DATE = re.compile(r"(?:([\d*]+)-)?([\d*,./~]+)[-~]([\d*,./]+)(?:\s|$)")
_NAMED = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=31),
    "quarterly": timedelta(days=92),
    "semiannually": timedelta(days=184),
    "yearly": timedelta(days=366),
}


def calendar_period(expression: str) -> timedelta | None:
    """The longest time between two runs that a systemd calendar expression describes, None if not understood.

    Covers what backups use: every hour, day, week, month or year, on named days and at named times.
    """
    text = expression.strip()
    if text.lower() in _NAMED:
        return _NAMED[text.lower()]
    weekday = _WEEKDAY.match(text)
    found = _DATE.match(text[weekday.end() :].strip() if weekday else text)
    year, month, day = (found.group(1) or "*", found.group(2), found.group(3)) if found else ("*", "*", "*")
    if year != "*" or (weekday and month != "*"):
        return None
    if weekday and day == "*":
        return _between_weekdays(weekday.group(0))
    return timedelta(days=366 if month != "*" else 31 if day != "*" else 1)


def _between_weekdays(text: str) -> timedelta:
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    days: set[int] = set()
    for part in filter(None, text.lower().split(",")):
        first, _, last = part.partition("..")
        start, end = names.index(first[:3]), names.index((last or first)[:3])
        days |= {number % 7 for number in range(start, end + 1 if end >= start else end + 8)}
    ordered = sorted(days)
    gaps = [later - earlier for earlier, later in zip(ordered, [*ordered[1:], ordered[0] + 7], strict=True)]
    return timedelta(days=max(gaps))


def _instant(value: int) -> datetime:
    return datetime.fromtimestamp(value, UTC)


def _maybe_instant(value: int | None) -> datetime | None:
    return None if value is None else _instant(value)


def _account(entry: Mapping[str, Any]) -> Account:
    home = entry["home_permissions"]
    return Account(
        name=entry["name"],
        uid=entry["uid"],
        shell=entry["shell"],
        home=entry["home"],
        home_mode=int(home["mode"], 8) if home else None,
        home_uid=home["uid"] if home else None,
        groups=frozenset(entry["groups"]),
        password=Password(entry["password"] or "unknown"),
        expires=date(1970, 1, 1) + timedelta(days=entry["expires"]) if entry["expires"] is not None else None,
        authorized_keys=entry["authorized_keys"],
    )


def _timer(entry: Mapping[str, Any]) -> Timer:
    return Timer(
        timer=entry["timer"],
        service=entry["service"],
        calendar=tuple(entry["calendar"]),
        persistent=entry["persistent"],
        next=_maybe_instant(entry["next"]),
        last=_maybe_instant(entry["last"]),
        command=entry["command"],
        result=entry["result"],
        exit_status=entry["exit_status"],
        ended=_maybe_instant(entry["ended"]),
        tool=entry.get("tool"),
        keep=entry.get("keep", {}),
    )


def _backup_report(name: str, entry: Mapping[str, Any]) -> BackupReport:
    succeeded = entry.get("result") == "success"
    last = entry.get("last_success") or (entry.get("ended") if succeeded else None)
    return BackupReport(
        job=str(entry.get("job", name)),
        target=str(entry.get("target", "")),
        succeeded=succeeded,
        last_success=datetime.fromisoformat(last) if last else None,
        keep=entry.get("keep", {}),
    )


def _sudo_rule(specification: Mapping[str, Any], commands: Mapping[str, Any]) -> SudoRule:
    users = [
        "%" + user["usergroup"] if "usergroup" in user else str(user.get("username", f"#{user.get('userid')}"))
        for user in specification["User_List"]
        if not user.get("negated")
    ]
    options = {key: value for option in commands.get("Options", []) for key, value in option.items()}
    return SudoRule(
        users=tuple(users),
        commands=tuple(str(command.get("command")) for command in commands["Commands"] if not command.get("negated")),
        run_as=tuple(str(user.get("username")) for user in commands.get("runasusers", [])),
        authenticate=options.get("authenticate", True),
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
    )
