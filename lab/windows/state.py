"""What a stand-in host is: ``state.json`` in its folder, strict in shape, edited under a lock, written atomically.

Standard library only: each model program reads it in a process of its own. The registry lies beside it (registry.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER_VARIABLE = "PRAXISSCHILD_WINDOWS_STATE"
FILE = "state.json"


class StateError(ValueError):
    """The state is not of the shape that the model knows; the text says where."""


class Each:
    """A table whose values have one shape, and whose names match a pattern."""

    def __init__(self, shape: Any, names: str = ".+") -> None:
        self.shape = shape
        self.names = names

    def check(self, value: Any, where: str) -> None:
        """Raise StateError for a value that is not of this shape."""
        for name, one in _table(value, where).items():
            if not re.fullmatch(self.names, name):
                raise StateError(f"{where}: {name} is no name here: {self.names}")
            check(one, self.shape, f"{where}.{name}")


class Maybe:
    """A part of a closed table that may be missing."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape

    def check(self, value: Any, where: str) -> None:
        """Raise StateError for a value that is not of this shape."""
        check(value, self.shape, where)


class Text:
    """Text that matches a pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def check(self, value: Any, where: str) -> None:
        """Raise StateError for a value that is not of this shape."""
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value):
            raise StateError(f"{where}: {value!r} does not match {self.pattern}")


class OneOf:
    """One of a few values."""

    def __init__(self, *values: str | int) -> None:
        self.values = values

    def check(self, value: Any, where: str) -> None:
        """Raise StateError for a value that is not of this shape."""
        if value not in self.values or isinstance(value, bool):
            raise StateError(f"{where}: {value!r} is none of {', '.join(map(str, self.values))}")


_SID = Text(r"S-1-\d+(-\d+)+")
_GUID = r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}"
_DATE = Text(r"|\d{4}-\d\d-\d\d")
# [System Access] of secedit; what is missing is not defined there either
_SECURITY = {
    **dict.fromkeys(
        (
            *("MinimumPasswordAge", "MaximumPasswordAge", "MinimumPasswordLength", "PasswordComplexity"),
            *("PasswordHistorySize", "LockoutBadCount", "RequireLogonToChangePassword", "ForceLogoffWhenHourExpire"),
            *("ClearTextPassword", "LSAAnonymousNameLookup", "EnableAdminAccount", "EnableGuestAccount"),
        ),
        int,
    ),
    **dict.fromkeys(("ResetLockoutCount", "LockoutDuration", "AllowAdministratorLockout"), Maybe(int)),
    "NewAdministratorName": str,
    "NewGuestName": str,
}
_PROFILE = {
    "enabled": bool,
    "inbound": OneOf("block", "allow"),
    "outbound": OneOf("block", "allow"),
    "notify": bool,
    "log_allowed": bool,
    "log_blocked": bool,
    "log_size": int,
    "log_file": str,
}
# section by section: a type, [shape], Each(shape), OneOf(…) or a closed table of shapes
SHAPE: dict[str, Any] = {
    "kind": str,
    "computer": {
        "name": str,
        "product": str,
        "edition": str,
        "build": int,
        "language": str,
        "role": OneOf("workstation", "member_workstation", "server", "member_server"),
        "sid": _SID,
        "tpm": bool,
        "language_mode": OneOf("FullLanguage", "ConstrainedLanguage"),
    },
    # what a domain's group policy puts in place again; empty outside of a domain
    "domain": {"name": str, "netbios": str, "sid": str, "security": Each((int, str)), "registry": Each((int, str))},
    "security": _SECURITY,
    "rights": Each([_SID], r"Se\w+(Right|Privilege)"),
    "audit": Each({"category": str, "name": str, "setting": OneOf(0, 1, 2, 3)}, _GUID),
    "services": Each(
        {
            "display": str,
            "start": OneOf("auto", "delayed", "manual", "disabled", "boot", "system"),
            "state": OneOf("running", "stopped"),
            "account": str,
        }
    ),
    "features": Each(OneOf("enabled", "disabled", "removed")),
    "tasks": Each({"enabled": bool, "xml": str}),
    "users": Each(
        {
            "sid": _SID,
            "full_name": str,
            "enabled": bool,
            "locked": bool,
            "locked_until": Maybe(str),
            "password_required": bool,
            "password_expires": bool,
            "last_logon": _DATE,
        }
    ),
    "groups": Each({"sid": _SID, "members": [_SID]}),
    "shares": Each({"path": str, "encrypted": bool, "access": Each(OneOf("read", "change", "full"), _SID.pattern)}),
    "firewall": {
        "profiles": {"domain": _PROFILE, "private": _PROFILE, "public": _PROFILE},
        "rules": Each(
            {
                "name": str,
                "enabled": bool,
                "direction": OneOf("in", "out"),
                "action": OneOf("allow", "block"),
                "protocol": str,
                "ports": [str],
                "remote": [str],
                "profiles": [OneOf("domain", "private", "public", "any")],
                "program": str,
            }
        ),
    },
    "defender": {
        "service": bool,
        "real_time": bool,
        "tamper_protected": bool,
        "signature_age_days": int,
        "full_scan_age_days": int,
        "exclusions": [str],
        "other_products": Each(OneOf("on", "outdated", "off")),
    },
    "bitlocker": Each(
        {"type": OneOf("system", "fixed", "removable"), "encrypted_percent": int, "protected": bool, "method": str}
    ),
    "images": Each({"target": str, "items": [str]}, r"\d\d/\d\d/\d{4}-\d\d:\d\d"),
    "drives": Each(str, "[D-Z]"),
    "updates": {
        "last_installed": _DATE,
        "search_age_hours": int,
        # by number of its article: how grave Microsoft calls it, and for how long it has been out
        "pending": Each(
            {"severity": OneOf("Critical", "Important", "Moderate", "Low", ""), "security": bool, "age_days": int},
            r"KB\d+",
        ),
        "pending_reboot": bool,
        "managed_by": str,
    },
}


def check(value: Any, shape: Any = None, where: str = "") -> None:
    """Compare a state, or the part of one named by ``where``, with its shape.

    Raises:
        StateError: a name, a type or a value that the model does not know.
    """
    shape = SHAPE if shape is None else shape
    if isinstance(shape, dict):
        _check_closed(_table(value, where), shape, where)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise StateError(f"{where}: {value!r} is no list")
        for number, one in enumerate(value):
            check(one, shape[0], f"{where}.{number}")
    elif isinstance(shape, type | tuple):
        if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
            names = [kind.__name__ for kind in (shape if isinstance(shape, tuple) else (shape,))]
            raise StateError(f"{where}: {value!r} is no {' or '.join(names)}")
    else:
        shape.check(value, where)


def _check_closed(value: dict[str, Any], shape: dict[str, Any], where: str) -> None:
    if unknown := sorted(set(value) - set(shape)):
        raise StateError(f"{where or 'state'}: unknown {', '.join(unknown)}; there is {', '.join(shape)}")
    if missing := sorted(name for name in set(shape) - set(value) if not isinstance(shape[name], Maybe)):
        raise StateError(f"{where or 'state'}: {', '.join(missing)} missing")
    for name, one in value.items():
        check(one, shape[name], f"{where}.{name}".lstrip("."))


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise StateError(f"{where or 'state'}: {value!r} is no table")
    return value


def folder() -> Path:
    """The folder of the host that this program runs on.

    Raises:
        StateError: it runs on none.
    """
    found = os.environ.get(FOLDER_VARIABLE)
    if not found:
        raise StateError(f"{FOLDER_VARIABLE} is not set: this program runs on no stand-in host")
    return Path(found)


def load(host: Path) -> dict[str, Any]:
    """The whole state, checked.

    Raises:
        StateError: there is none, or it is not of the model's shape.
    """
    try:
        found: dict[str, Any] = json.loads((host / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StateError(f"{host / FILE} is missing: the host was never started") from None
    except ValueError as error:
        raise StateError(f"{host / FILE} is no JSON: {error}") from None
    check(found)
    return found


def save(host: Path, state: dict[str, Any]) -> None:
    """Write the whole state atomically; hold the lock, or be the only one there is (see ``editing``)."""
    check(state)
    temporary = host / f".{FILE}.{os.getpid()}"
    temporary.write_text(json.dumps(state, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(host / FILE)


@contextlib.contextmanager
def editing(host: Path) -> Iterator[dict[str, Any]]:
    """The state under the host's lock; what was changed is written at the end, and nothing after an exception."""
    with (host / ".state.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = load(host)
        before = json.dumps(state, sort_keys=True)
        yield state
        if json.dumps(state, sort_keys=True) != before:
            save(host, state)


def steps_of(path: str) -> list[str]:
    """The names of a dotted path; a name with dots of its own stands in double quotes."""
    names, rest = [], path
    while rest:
        if rest.startswith('"'):
            name, closed, rest = rest[1:].partition('"')
            if not closed:
                raise StateError(f"{path}: a quotation mark is open")
            rest = rest.removeprefix(".")
        else:
            name, _, rest = rest.partition(".")
        names.append(name)
    return names


def show(state: dict[str, Any], path: str) -> Any:
    """The part of a state that a path names, as in ``services.Spooler.start``.

    Raises:
        StateError: there is no such part; the text names what there is.
    """
    current: Any = state
    for name in steps_of(path):
        if not isinstance(current, dict) or name not in current:
            there = ", ".join(sorted(current)) if isinstance(current, dict) else repr(current)
            raise StateError(f"{path}: no {name}; there is {there}")
        current = current[name]
    return current


def put(state: dict[str, Any], path: str, text: str) -> None:
    """Set the part that a path names to a value written as JSON, or as plain text where that is none.

    Raises:
        StateError: the model knows no such part, or no such value of it.
    """
    *above, last = steps_of(path)
    owner = show(state, ".".join(f'"{name}"' for name in above))
    if not isinstance(owner, dict):
        raise StateError(f"{path}: {owner!r} has no parts")
    try:
        owner[last] = json.loads(text)
    except ValueError:
        owner[last] = text
    check(state)


def drop(state: dict[str, Any], path: str) -> None:
    """Remove the part that a path names.

    Raises:
        StateError: it is not there, or the model cannot do without it.
    """
    *above, last = steps_of(path)
    owner = show(state, ".".join(f'"{name}"' for name in above))
    if not isinstance(owner, dict) or last not in owner:
        raise StateError(f"{path}: there is nothing to remove")
    del owner[last]
    check(state)


def sid_of(state: dict[str, Any], name: str) -> str | None:
    """The SID of a local account or group by its (German) name, without regard to case and without its computer."""
    wanted = name.rpartition("\\")[2].lower()
    for section in ("users", "groups"):
        for one, entry in state[section].items():
            if one.lower() == wanted:
                return str(entry["sid"])
    return None


def name_of(state: dict[str, Any], sid: str) -> str | None:
    """The German name of a local account or group by its SID."""
    for section in ("users", "groups"):
        for one, entry in state[section].items():
            if entry["sid"] == sid:
                return str(one)
    return None
