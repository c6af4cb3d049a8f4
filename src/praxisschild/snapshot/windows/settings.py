"""Registry, security policy, audit policy, services, features and tasks: what most checks ask a Windows host for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from praxisschild.snapshot.sections import Sections

# what a value of the registry holds: a number, a text, texts, or bytes as hexadecimal digits
Data = int | str | list[str]
Values = dict[str, Data]


@dataclass(frozen=True)
class Service:
    """A service: `start` as in the registry (2 automatic, 3 manual, 4 disabled)."""

    start: int
    running: bool
    delayed: bool
    account: str | None

    @property
    def starts_with_windows(self) -> bool:
        """Whether it starts without anybody asking."""
        return self.start <= 2


@dataclass(frozen=True)
class Task:
    """A scheduled task; `xml` is its definition if it is one of ours."""

    enabled: bool
    xml: str | None


@dataclass(frozen=True)
class Settings(Sections):
    """Names of keys, values, rights and services have no case, as on Windows."""

    PLATFORM = "windows"

    @cached_property
    def _registry(self) -> dict[str, Values]:
        return _folded(self._section("registry"))

    @cached_property
    def _hives(self) -> dict[str, dict[str, Values]]:
        return {sid: _folded(keys) for sid, keys in self._section("hives").items()}

    def registry(self, key: str, name: str) -> Data | None:
        """A value below HKLM; None if it is not there."""
        return self._registry.get(key.lower(), {}).get(name.lower())

    def registry_values(self, key: str) -> Values:
        """All values of a key below HKLM, names in lower case."""
        return dict(self._registry.get(key.lower(), {}))

    def registry_keys(self, key: str) -> list[str]:
        """Keys with values anywhere below a key of HKLM, in lower case."""
        return sorted(one for one in self._registry if one.startswith(f"{key.lower()}\\"))

    def of_users(self, key: str, name: str) -> dict[str, Data | None]:
        """A value below HKCU for everybody: by SID, and `default` for accounts that are yet to come."""
        return {sid: keys.get(key.lower(), {}).get(name.lower()) for sid, keys in self._hives.items()}

    def security(self, name: str) -> int | str | None:
        """A setting of [System Access]; None if this Windows does not know it."""
        found: int | str | None = _fold(self._section("security")).get(name.lower())
        return found

    def right(self, name: str) -> frozenset[str]:
        """SIDs that hold a right (Se…Right, Se…Privilege)."""
        return frozenset(_fold(self._section("rights")).get(name.lower(), ()))

    def audit(self, subcategory: str) -> int:
        """What is recorded of a subcategory: 1 success, 2 failure, 3 both, 0 nothing."""
        return int(_fold(self._section("audit")).get(f"{{{subcategory.strip('{}').lower()}}}", 0))

    def service(self, name: str) -> Service | None:
        """None if there is no such service."""
        found = _fold(self._section("services")).get(name.lower())
        return Service(**found) if found else None

    def feature(self, name: str) -> bool:
        """Whether an optional feature is switched on; one that is not there is not."""
        return bool(_fold(self._section("features")).get(name.lower(), False))

    def task(self, name: str) -> Task | None:
        r"""A scheduled task by its path, as in \Praxisschild\Datensicherung; None if there is none."""
        found = _fold(self._section("tasks")).get(name.lower())
        return Task(**found) if found else None


def _fold(section: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in section.items()}


def _folded(keys: dict[str, dict[str, list[Any]]]) -> dict[str, Values]:
    return {key.lower(): {name.lower(): data for name, (_, data) in values.items()} for key, values in keys.items()}
