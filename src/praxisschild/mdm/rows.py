"""The setting rows of mobile devices: read, filtered for a practice, and resolved with its choices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from praxisschild.applicability import dropped_requirements
from praxisschild.i18n import _
from praxisschild.mdm.declared import MobileDevices, Owner, Platform
from praxisschild.mdm.topics import Topic
from praxisschild.rows import reason_to_drop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from praxisschild.catalogue import Catalogue
    from praxisschild.practice import Practice

ROWS = Path(__file__).with_name("rows.yml")
EVERY_DEVICE = "*"  # a host name that no deviation can name: only those from everything cover it
Needs = Literal["any", "device", "supervised"]
_CHOICE = re.compile(r"\{([a-z_.]+)\}")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AppleKey(_Model):
    """One key of an Apple payload or declaration; `key` is dotted, `element` tells several payloads of a type apart."""

    payload: str
    key: str
    value: Any
    since: str
    needs: Needs = "any"
    element: str = ""


class Row(_Model):
    """One purpose and what each platform sets for it; the file's head says what every field means."""

    name: str
    topic: Topic
    requirements: tuple[str, ...]
    owner: Owner | None = None
    for_each: str | None = None
    apple: tuple[AppleKey, ...] = ()
    declaration: tuple[AppleKey, ...] = ()
    android: dict[str, Any] = Field(default_factory=dict)

    def settles(self, platform: Platform) -> bool:
        """Whether the row sets anything on this platform."""
        return bool(self.android if platform == "android" else self.apple or self.declaration)


class Unenforceable(_Model):
    """What no management can enforce on these platforms, why, and what settles it instead (German)."""

    what: str
    platforms: tuple[Platform, ...]
    concerns: tuple[str, ...]
    why: str
    way_out: str


class _File(_Model):
    rows: tuple[Row, ...]
    unenforceable: tuple[Unenforceable, ...]


@cache
def load_rows() -> _File:
    """The whole file; a mistake in it is one of this project, not of a user."""
    return _File.model_validate(yaml.safe_load(ROWS.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class LeftOut:
    """A row or a key that this group of devices does not get, and why (German)."""

    name: str
    requirements: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Selection:
    """What one group of devices (same platform, same owner) gets."""

    platform: Platform
    owner: Owner
    supervised: bool
    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]
    unenforceable: tuple[Unenforceable, ...]

    @property
    def requirements(self) -> list[str]:
        """Every requirement that the group's settings serve, sorted."""
        return sorted({one for row in self.rows for one in row.requirements})


def select(practice: Practice, catalogue: Catalogue, platform: Platform, owner: Owner, today: date) -> Selection:
    """The rows for one group of the practice's devices, their values resolved, and what is left out.

    A row is dropped like a role's: when the practice's size, features or edition, or a deviation for all of it, drops
    every requirement that the row serves. Keys are dropped that these devices do not obey: those for supervised devices
    elsewhere, those for any enrolment but a user enrolment on private devices.
    """
    devices = practice.mobile_devices or MobileDevices()
    dropped = dropped_requirements(catalogue, practice, [EVERY_DEVICE], today)[EVERY_DEVICE]
    kept: list[Row] = []
    left_out: list[LeftOut] = []
    supervised = devices.supervised and owner == "company"
    for row in load_rows().rows:
        if row.owner not in {None, owner} or not row.settles(platform):
            continue
        reason = reason_to_drop(row.requirements, dropped)
        if reason:
            left_out.append(LeftOut(row.name, row.requirements, reason))
            continue
        resolved = _resolved(row, devices, platform)
        reachable, refused = _obeyed(resolved, owner, supervised=supervised)
        if refused:
            names = ", ".join(one.key for one in refused)
            where = "auf privaten Geräten" if owner == "personal" else "ohne Betreuung (supervised)"
            left_out.append(LeftOut(row.name, row.requirements, f"{names}: wirkt {where} nicht"))
        elif not resolved.settles(platform):
            left_out.append(LeftOut(row.name, row.requirements, f"keine Angabe: mobile_devices.{_choice_of(row)}"))
        if reachable.settles(platform):
            served = tuple(one for one in row.requirements if one not in dropped)
            kept.append(reachable.model_copy(update={"requirements": served}))
    applicable = [
        one
        for one in load_rows().unenforceable
        if platform in one.platforms and not all(concern in dropped for concern in one.concerns)
    ]
    return Selection(platform, owner, supervised, tuple(kept), tuple(left_out), tuple(applicable))


def _obeyed(row: Row, owner: Owner, *, supervised: bool) -> tuple[Row, list[AppleKey]]:
    possible: set[Needs] = {"any"} if owner == "personal" else {"any", "device"}
    if supervised:
        possible.add("supervised")
    refused = [one for one in (*row.apple, *row.declaration) if one.needs not in possible]
    kept = {
        "apple": tuple(one for one in row.apple if one not in refused),
        "declaration": tuple(one for one in row.declaration if one not in refused),
    }
    return row.model_copy(update=kept), refused


def _resolved(row: Row, devices: MobileDevices, platform: Platform) -> Row:
    """The row with the practice's choices in place of `{…}`; what has no choice is left out."""
    items = list(_look_up(devices, row.for_each)) if row.for_each else [None]
    apple: list[AppleKey] = []
    android: dict[str, Any] = {}
    for item in items:
        for one in row.apple if platform == "ios" else ():
            value = _filled(one.value, devices, item)
            if value is not None and value != []:
                apple.append(one.model_copy(update={"value": value, "element": _filled(one.element, devices, item)}))
        entries = {
            _filled(field, devices, item): _filled(value, devices, item)
            for field, value in (row.android.items() if platform == "android" else ())
        }
        # an entry whose choice is empty takes its neighbours along: they speak of the same thing
        if None not in entries.values():
            android |= {field: value for field, value in entries.items() if value != []}
    declaration = row.declaration if platform == "ios" else ()
    return row.model_copy(update={"apple": tuple(apple), "declaration": declaration, "android": android})


def _filled(written: Any, devices: MobileDevices, item: Any) -> Any:
    if not isinstance(written, str):
        return written
    whole = _CHOICE.fullmatch(written)
    if whole:
        return _look_up(devices, whole[1], item)
    return _CHOICE.sub(lambda match: str(_look_up(devices, match[1], item)), written)


def _look_up(devices: MobileDevices, path: str, item: Any = None) -> Any:
    first, *rest = path.split(".")
    found = item if first == "item" else getattr(devices, first)
    for name in rest:
        found = getattr(found, name)
    return found


def _choice_of(row: Row) -> str:
    """The practice's choice that the row waits for."""
    if row.for_each:
        return {"vpn.servers": "vpn.server"}.get(row.for_each, row.for_each)
    texts = [str(one.value) for one in row.apple] + [str(value) for value in row.android.values()]
    return next((match[1] for text in texts if (match := _CHOICE.fullmatch(text))), "")


def fields_of(topic: Topic, platform: Platform) -> set[str]:
    """Top-level policy fields (Android) or keys (iOS) that settle the topic, whoever owns the device."""
    rows = [row for row in load_rows().rows if row.topic is topic]
    if platform == "android":
        return {re.split(r"[.\[]", field)[0] for row in rows for field in row.android}
    return {one.key for row in rows for one in row.apple}


def apps_of(topic: Topic) -> set[str]:
    """The Android apps that the topic's rows name."""
    values = [value for row in load_rows().rows if row.topic is topic for value in row.android.items()]
    return {str(value) for field, value in values if field.endswith("].packageName") and "{" not in str(value)}


def nested(entries: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Dotted names as nested objects; `[word]` is an element of a list, lists of several rows are joined.

    Raises:
        ValueError: two entries contradict each other.
    """
    tree: dict[str, Any] = {}
    elements: dict[tuple[int, str], dict[str, Any]] = {}
    for name, value in entries:
        node = tree
        *parents, last = _parts(name)
        for part, word in parents:
            if word is None:
                node = node.setdefault(part, {})
            else:
                owner = node.setdefault(part, [])
                if (id(owner), word) not in elements:
                    elements[id(owner), word] = {}
                    owner.append(elements[id(owner), word])
                node = elements[id(owner), word]
        key = last[0]
        if isinstance(value, list) and isinstance(node.get(key), list):
            node[key] += [one for one in value if one not in node[key]]
        elif key in node and node[key] != value:
            raise ValueError(
                _("{name}: {one!r} and {other!r} contradict each other", name=name, one=node[key], other=value)
            )
        else:
            node[key] = list(value) if isinstance(value, list) else value
    return tree


def _parts(name: str) -> Iterator[tuple[str, str | None]]:
    for match in re.finditer(r"([A-Za-z0-9_-]+)(?:\[([^\]]*)\])?(?:\.|$)", name):
        yield match[1], match[2]


def flattened(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The reverse for looking names up: dotted, every element of a list of objects as `[]`."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield key, value
            yield from ((f"{key}.{name}", inner) for name, inner in flattened(value))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield key, value
            for element in value:
                yield from ((f"{key}[].{name}", inner) for name, inner in flattened(element))
        else:
            yield key, value
