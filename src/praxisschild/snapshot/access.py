"""Ways in: accounts, sudo, SSH, PAM and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from praxisschild.snapshot.notation import seconds
from praxisschild.snapshot.sections import Sections

if TYPE_CHECKING:
    from collections.abc import Mapping


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
class Access(Sections):
    """Who gets in, how, and what he may then."""

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
