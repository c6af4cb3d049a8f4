"""One row of a role in the words of a group policy, or why there are none."""

from __future__ import annotations

import re
import struct
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml

from praxisschild.gpo.model import AuditEntry, Entry, Reason, RegistryEntry, Scope, TemplateLine
from praxisschild.i18n import N_
from praxisschild.rows import truth

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

Row = dict[str, Any]
Translation = tuple[tuple[Entry, ...], tuple[Reason, ...]]

# what a Registry.pol may hold: MS-GPREG 2.2.1
KINDS = {"string": 1, "expand_string": 2, "binary": 3, "dword": 4, "multi_string": 7, "qword": 11}
LARGEST = 0xFFFF
LONGEST_NAME = 259
_KEY = re.compile(r"[\x20-\x5b\x5d-\x7e]+(?:\\[\x20-\x5b\x5d-\x7e]+)*")
_NAME = re.compile(r"[\x20-\x7e]+")
# of HKLM\SOFTWARE, what programs of 32 and 64 bit share
_SHARED = re.compile(r"software\\policies(?:\\|$)|(?!software\\)", re.IGNORECASE)
_SID = re.compile(r"S-1(?:-\d+){2,}", re.IGNORECASE)
_RIGHT = re.compile(r"Se[A-Za-z]+(?:Privilege|Right)", re.IGNORECASE)
# MS-GPSB 2.2.8: what may stand in a service's name, and the numbers of its start types
_SERVICE = re.compile(r"[!#-+\-.:-@\[\]-`{-~A-Za-z0-9]{1,256}")
STARTS = {"auto": 2, "delayed": 2, "manual": 3, "disabled": 4}

SECRET = N_("secret: a domain policy can be read by everybody in the domain")
ONE_USER = N_("is about one user's part of the registry; a policy's user part is for everybody it applies to")
NOT_CARRIED = N_("Registry.pol cannot hold it: {what}")
NO_LIST_OF_OTHERS = N_(
    "adds accounts to a right or takes them away (mode {mode}); a policy replaces the whole list, and would end what "
    "others have entered on the host"
)
NOT_STOPPED = N_("the policy sets how the service starts; only a direct run stops it at once")
NOT_STARTED = N_("the policy sets how the service starts; only a direct run starts it at once")
ONLY_STATE = N_("no policy starts or stops a service")
NOT_DELAYED = N_("the policy says automatic; delayed is more than it knows")
KEEPS_OTHERS = N_("leaves values alone that others may set in this key ({names}); a policy can only clear it all")
NO_ACCOUNT = N_("accounts of single hosts are not a domain's policy")
NO_GROUP = N_(
    "who belongs to a local group: a policy knows no accounts of a single host, and would take out whom the host needs"
)
NO_FILE = N_("files would be Group Policy Preferences, which are not written here")
NO_POLICY = N_("group policies have no such thing")
NO_FEATURE = N_("no policy switches optional features of Windows")
NO_TASK = N_("scheduled tasks would be Group Policy Preferences, which are not written here")
SERVICE_NAME = N_("GptTmpl.inf cannot hold the service's name")
DEFAULT_VALUE = N_("a key's default value")
NO_TYPE = N_("a value without type, or of no length")
TOO_LONG = N_("more than {most} bytes")
BAD_NAME = N_("a name with other characters than those of ASCII, beginning with **, or longer than {most}")


class _NotCarriedError(Exception):
    """Why a policy cannot say what a row says."""

    def __init__(self, message: str, **values: object) -> None:
        super().__init__()
        self.reason = Reason(message, values)


def translate(kind: str, row: Row, beside: Collection[str] = ()) -> Translation:
    """A row as windows_rows has collected it: entries of the policy, and what it cannot say.

    Both may be there: a service's start type is carried, that it should stop now is not. ``beside`` are the names of
    the values that other rows set in the same key of the registry.
    """
    try:
        if truth(row.get("secret", False)):
            raise _NotCarriedError(SECRET)
        if kind == "registry":
            return _registry(row, beside)
        return _BY_KIND[kind](row)
    except _NotCarriedError as found:
        return (), (found.reason,)


def _registry(row: Row, beside: Collection[str]) -> Translation:
    root, _separator, path = str(row["key"]).partition("\\")
    root = root.rstrip(":").upper()
    if root == "HKU":
        raise _NotCarriedError(ONE_USER)
    scope: Scope = "user" if root == "HKCU" else "machine"
    if not _KEY.fullmatch(path):
        raise _impossible(BAD_NAME, most=LONGEST_NAME)
    # spelt as Microsoft's editor spells it: Windows does not care, other readers compare letter by letter
    path = re.sub(r"^software\\", r"Software\\", path, flags=re.IGNORECASE)
    others = {str(name).lower() for name in row.get("only") or ()} - {name.lower() for name in beside}
    if others:
        raise _NotCarriedError(KEEPS_OTHERS, names=", ".join(sorted(others)))
    return tuple(_entry(scope, key, row) for key in _keys(scope, path, str(row.get("view") or "64"))), ()


def _keys(scope: Scope, path: str, view: str) -> list[str]:
    """Where 64-bit Windows keeps a key that programs of 64 bit, of 32 bit or of both see."""
    if view == "64" or scope == "user" or _SHARED.match(path):
        return [path]
    redirected = re.sub(r"^software\\", r"Software\\WOW6432Node\\", path, flags=re.IGNORECASE)
    return [redirected] if view == "32" else [path, redirected]


def _entry(scope: Scope, key: str, row: Row) -> Entry:
    name = row.get("name")
    present = row.get("state", "present") == "present"
    if name is None:
        return _of_key(scope, key, row, present=present)
    if name == "":
        raise _impossible(DEFAULT_VALUE)
    if not _NAME.fullmatch(name) or name.startswith("**") or len(name) > LONGEST_NAME:
        raise _impossible(BAD_NAME, most=LONGEST_NAME)
    if not present:
        return RegistryEntry(scope, key, f"**del.{name}", KINDS["string"], _text(" "))
    option = _security_option(key, name, row) if scope == "machine" else None
    return option or _of_value(scope, key, name, row)


def _of_key(scope: Scope, key: str, row: Row, *, present: bool) -> RegistryEntry:
    if present and row.get("only") is not None:
        return RegistryEntry(scope, key, "**delvals.", KINDS["string"], _text(" "))
    if present:  # neither name nor type nor data: the key alone is created
        return RegistryEntry(scope, key, "", 0, b"")
    parent, _separator, last = key.rpartition("\\")
    if ";" in last:  # separates the names of keys
        raise _impossible(BAD_NAME, most=LONGEST_NAME)
    return RegistryEntry(scope, parent, "**DeleteKeys", KINDS["string"], _text(last))


def _of_value(scope: Scope, key: str, name: str, row: Row) -> RegistryEntry:
    data = data_of(row)
    if row["type"] == "none" or not data:
        raise _impossible(NO_TYPE)
    if len(data) > LARGEST:
        raise _impossible(TOO_LONG, most=LARGEST)
    return RegistryEntry(scope, key, name, KINDS[row["type"]], data)


def _impossible(what: str, **values: object) -> _NotCarriedError:
    return _NotCarriedError(NOT_CARRIED, what=Reason(what, values))


def data_of(row: Mapping[str, Any]) -> bytes:
    """A value as the registry keeps it."""
    value = row["value"]
    match row["type"]:
        case "dword":
            return struct.pack("<I", _number(value))
        case "qword":
            return struct.pack("<Q", _number(value))
        case "multi_string":
            return b"".join(_text(str(one)) for one in value) + _text("")
        case "binary" | "none":
            return _bytes(value)
    return _text(str(value))


def _number(value: Any) -> int:
    return int(str(value).strip(), 0)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return bytes.fromhex(re.sub(r"[\s,]", "", value))
    return bytes(_number(one) for one in value or ())


def _text(text: str) -> bytes:
    return f"{text}\0".encode("utf-16-le")


def _security_option(key: str, name: str, row: Row) -> TemplateLine | None:
    """The line in [Registry Values] if this is a security option of a type that such a line can hold."""
    if (key.lower(), name.lower()) not in security_options():
        return None
    value = row["value"]
    if row["type"] == "dword":
        shown = str(_number(value))
    elif row["type"] in {"string", "expand_string"} and not re.search(r'["\r\n]', str(value)):
        shown = f'"{value}"'
    elif row["type"] == "multi_string" and not any(re.search(r'[",\r\n]', str(one)) for one in value):
        shown = ",".join(str(one) for one in value)
    else:
        return None
    return TemplateLine("Registry Values", f"MACHINE\\{key}\\{name}={KINDS[row['type']]},{shown}")


@cache
def security_options() -> frozenset[tuple[str, str]]:
    """Key and name, in small letters, of every registry value that is a security option of Windows."""
    text = resources.files("praxisschild.gpo").joinpath("security_options.yml").read_text(encoding="utf-8")
    return frozenset((key.lower(), name.lower()) for key, names in yaml.safe_load(text).items() for name in names)


def _security(row: Row) -> Translation:
    name, value = str(row["name"]), row["value"]
    if not _RIGHT.fullmatch(name):
        shown = f'"{value}"' if name.lower() in {"newadministratorname", "newguestname"} else str(_number(value))
        return (TemplateLine("System Access", f"{name} = {shown}"),), ()
    mode = row.get("mode", "exact")
    if mode != "exact":
        raise _NotCarriedError(NO_LIST_OF_OTHERS, mode=mode)
    accounts = [str(one).lstrip("*") for one in value]
    shown = ",".join(f"*{one.upper()}" if _SID.fullmatch(one) else one for one in accounts)
    return (TemplateLine("Privilege Rights", f"{name} = {shown}".rstrip()),), ()


def _audit(row: Row) -> Translation:
    setting = truth(row["success"]) + 2 * truth(row["failure"])
    guid = f"{{{str(row['subcategory']).strip('{}').upper()}}}"
    return (AuditEntry(guid, str(row.get("name") or ""), setting or 4),), ()


def _component(row: Row) -> Translation:
    if row["kind"] != "service":
        raise _NotCarriedError(_NOT_IN_POLICIES.get(row["kind"], NO_POLICY))
    start, state = row.get("start"), row.get("state")
    if not start:
        raise _NotCarriedError(ONLY_STATE)
    if not _SERVICE.fullmatch(str(row["name"])):
        raise _NotCarriedError(SERVICE_NAME)
    missing = [Reason(NOT_DELAYED)] if start == "delayed" else []
    missing += [Reason(NOT_STOPPED if state == "stopped" else NOT_STARTED)] if state else []
    # an empty security descriptor leaves the service's own alone
    return (TemplateLine("Service General Setting", f'"{row["name"]}",{STARTS[start]},""'),), tuple(missing)


_NOT_IN_POLICIES = {"feature": NO_FEATURE, "task": NO_TASK, "file": NO_FILE, "account": NO_ACCOUNT, "group": NO_GROUP}
_BY_KIND: dict[str, Callable[[Row], Translation]] = {
    "security": _security,
    "audit": _audit,
    "components": _component,
}
