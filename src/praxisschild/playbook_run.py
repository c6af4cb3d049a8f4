"""What came of a playbook run, host by host, from the events of the callback plugin `praxisschild_events`."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from praxisschild import windows_messages
from praxisschild.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RECORD_SEPARATOR = "\x1e"
Effect = Literal["new", "changed", "removed", "unchanged"]
HostStatus = Literal["changed", "unchanged", "failed", "unreachable"]
_ID = re.compile(r"20\d\d-A[1-9]-(?:\d\d|X\d)|KVWL-\d\d")
_WRAPPERS = re.compile(r"^(?:Task failed|Action failed|Module failed|Failed to connect to the host via ssh)[^:]*: ")

# Ansible's or a program's words, what they mean, and the way out
_MEANINGS = (
    (
        r"not confirmed over a new connection",
        N_("after the change nobody could log in any more; the host puts its earlier files back by itself"),
        N_("look with `praxisschild plan --diff` what was to change; at the host: `journalctl -u praxisschild-revert`"),
    ),
    (
        r"Permission denied|Authentication failed|no such identity",
        N_("the host refuses the login"),
        N_("check ansible_user and its SSH key: `ssh USER@ADDRESS` has to work from this machine"),
    ),
    (
        r"Host key verification failed|HOST IDENTIFICATION HAS CHANGED",
        N_("the host's key is not known here, or another one than before"),
        N_("compare the fingerprint at the host's own screen, then log in once with `ssh USER@ADDRESS`"),
    ),
    (
        r"timed out|No route to host|Connection refused|resolve hostname|Network is unreachable|connect to host",
        N_("the host cannot be reached"),
        N_("is it switched on, is ansible_host its address, does SSH run there and let this machine in?"),
    ),
    (
        r"(?:Missing|Incorrect) sudo password|sudo: .*password|Missing become password",
        N_("sudo on the host does not take the password"),
        N_("correct vault_become_password: `ansible-vault edit …/group_vars/all/vault.yml`"),
    ),
    (
        r"vault|vault_become_password|vault_backup_password",
        N_("a secret from the vault is missing or stays locked"),
        N_("create …/group_vars/all/vault.yml with ansible-vault, and set ANSIBLE_VAULT_PASSWORD_FILE"),
    ),
    (
        r"No space left on device",
        N_("the host's disk is full"),
        N_("make room there (`df -h`), then run again"),
    ),
    (
        r"Could not get lock|dpkg frontend lock",
        N_("another program is installing packages on the host"),
        N_("wait until it has finished, then run again"),
    ),
    (
        r"Unable to locate package|Failed to fetch|apt-get|Unmet dependencies",
        N_("the host cannot install a package"),
        N_("`sudo apt-get update` on the host says why: most often its package sources or its way to the Internet"),
    ),
    (
        r"python3?: (?:not found|command not found)|No such file or directory.*python|No python interpreters",
        N_("the host has no Python"),
        N_("install it there: `sudo apt-get install python3`"),
    ),
)


@dataclass(frozen=True)
class Item:
    """One file, package, unit, handler or step on one host, and what the run did to it, or would do."""

    kind: str
    name: str
    effect: Effect
    role: str
    requirements: tuple[str, ...] = ()
    state: str = ""
    note: str = ""
    deferred: str = ""


@dataclass(frozen=True)
class Failure:
    """Where a host's run ended, why in the language of the program, what to do, and Ansible's own words."""

    role: str
    task: str
    reason: str
    way_out: str
    detail: str


@dataclass
class HostOutcome:
    """What is known of one host so far."""

    name: str
    items: list[Item] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    diffs: list[dict[str, Any]] = field(default_factory=list)
    failure: Failure | None = None
    reached: bool = True
    role: str = ""

    @property
    def changes(self) -> list[Item]:
        return [item for item in self.items if item.effect != "unchanged"]

    @property
    def status(self) -> HostStatus:
        if not self.reached:
            return "unreachable"
        if self.failure:
            return "failed"
        return "changed" if self.changes else "unchanged"


@dataclass
class PlaybookRun:
    """A run as far as its events have come; `refused` is preflight's objection, which no host has seen."""

    is_check: bool = False
    roles: list[str] = field(default_factory=list)
    hosts: dict[str, HostOutcome] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    refused: str = ""
    ended: bool = False

    def feed(self, event: Mapping[str, Any]) -> None:
        """Take in the next event."""
        kind = event["event"]
        if kind == "play":
            self.roles += [role for role in event["roles"] if role not in self.roles]
        elif kind == "stats":
            self.ended = True
            for name in event["hosts"]:
                self._host(name)
        elif kind == "start":
            if not _is_preflight(event):
                self._host(event["host"]).role = event["role"]
        elif kind in {"ok", "failed", "unreachable"}:
            self._result(kind, event)

    def _host(self, name: str) -> HostOutcome:
        return self.hosts.setdefault(name, HostOutcome(name))

    def _result(self, kind: str, event: Mapping[str, Any]) -> None:
        self.hints += [hint for hint in event.get("warnings", ()) if hint not in self.hints]
        if _is_preflight(event):
            if kind == "failed":
                self.refused = _plain(event["result"])
            return
        host = self._host(event["host"])
        if kind == "ok":
            self._settled(host, event)
            return
        detail = _plain(event["result"])
        reason, way_out = explain(detail)
        host.failure = Failure(event["role"], event["task"], reason, way_out, detail)
        host.reached = kind != "unreachable" and not windows_messages.is_late(detail)

    def _settled(self, host: HostOutcome, event: Mapping[str, Any]) -> None:
        result = event["result"]
        diffs = result.get("diff") or []
        host.diffs += diffs if isinstance(diffs, list) else [diffs]
        host.dropped += result.get("dropped") or []
        if isinstance(result.get("items"), list):
            host.items += [_item(one, event["role"], host.diffs) for one in result["items"]]
        elif result.get("changed"):
            requirements = tuple(tag for tag in event["tags"] if _ID.fullmatch(tag))
            host.items.append(Item("step", event["task"], "changed", event["role"], requirements))

    @property
    def exit_code(self) -> int:
        """0 in order, 1 a host failed, 2 the inventory is wrong, 3 a host was not reached."""
        if self.refused:
            return 2
        found = {host.status for host in self.hosts.values()}
        return 3 if "unreachable" in found else 1 if "failed" in found else 0

    def as_dict(self, *, with_diffs: bool = False) -> dict[str, Any]:
        """For a program: every host with status, items, what was left out, and where it failed."""
        return {
            "check": self.is_check,
            "refused": self.refused or None,
            "hints": self.hints,
            "hosts": [
                {
                    "name": host.name,
                    "status": host.status,
                    "failure": asdict(host.failure) if host.failure else None,
                    "items": [asdict(item) for item in host.items],
                    "dropped": host.dropped,
                    **({"diff": host.diffs} if with_diffs else {}),
                }
                for host in self.hosts.values()
            ],
        }


def parse(line: str) -> dict[str, Any] | None:
    """The event in a line of the run's output; None for a line that is something else."""
    if not line.startswith(RECORD_SEPARATOR):
        return None
    try:
        event = json.loads(line[1:])
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def explain(detail: str) -> tuple[str, str]:
    """What Ansible's words mean to a technician, and the way out."""
    if windows := windows_messages.meaning(detail):
        return windows
    for pattern, reason, way_out in _MEANINGS:
        if re.search(pattern, detail, re.IGNORECASE):
            return _(reason), _(way_out)
    first = next(iter(detail.strip().splitlines()), "")
    return first or _("Ansible gives no reason"), _("--plain shows Ansible's own output, -vvv all of it")


def _is_preflight(event: Mapping[str, Any]) -> bool:
    return str(event.get("action", "")).rpartition(".")[2] == "preflight"


def _plain(result: Mapping[str, Any]) -> str:
    """The message without the layers that Ansible wraps it in, and what a program said about it."""
    text = str(result.get("msg") or result.get("censored") or "").strip()
    while unwrapped := _WRAPPERS.match(text):
        text = text[unwrapped.end() :]
    more = str(result.get("stderr") or result.get("module_stderr") or "").strip()
    return f"{text}\n{more}" if more and more not in text else text


def _value(side: Any) -> Any:
    """A registry value without its type."""
    return side["value"] if isinstance(side, dict) and set(side) == {"type", "value"} else side


def _values(found: Mapping[str, Any]) -> str:
    """What a setting of Windows is and is to be; nothing where that is more than a word or number."""
    values = [_value(found.get(side)) for side in ("before", "after")]
    if not found["changed"] or values[1] is None or any(isinstance(one, list | dict) for one in values):
        return ""
    return " → ".join("–" if one is None else str(one) for one in values)


def _item(found: Mapping[str, Any], role: str, diffs: Iterable[Mapping[str, Any]]) -> Item:
    name, state = str(found["name"]), str(found.get("state") or "")
    effect: Effect = "unchanged"
    if found["changed"]:
        absent = f"{name} (absent)"
        is_new = (
            any(diff.get("before_header") == absent for diff in diffs)
            or (found["kind"] == "package" and state == "present")
            or ("before" in found and found["before"] is None)
        )
        effect = "removed" if state == "absent" else "new" if is_new else "changed"
    return Item(
        kind=str(found["kind"]),
        name=name,
        effect=effect,
        role=role,
        requirements=tuple(str(one) for one in found.get("requirements") or ()),
        state=state,
        note=str(found.get("note") or "") or _values(found),
        deferred=str(found.get("deferred") or ""),
    )
