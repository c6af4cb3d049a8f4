"""Browsers, mail and office programs: which are there, and what they are told to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from praxisschild.snapshot.windows.settings import Data, Settings

_POLICIES = r"HKLM\SOFTWARE\Policies"
_BROWSERS = {
    "chrome": ("Google Chrome", rf"{_POLICIES}\Google\Chrome"),
    "edge": ("Microsoft Edge", rf"{_POLICIES}\Microsoft\Edge"),
    "firefox": ("Mozilla Firefox", rf"{_POLICIES}\Mozilla\Firefox"),
}
_THUNDERBIRD = rf"{_POLICIES}\Mozilla\Thunderbird"
_LIBREOFFICE = rf"{_POLICIES}\LibreOffice\org.openoffice.Office."
_OFFICE = r"Software\Policies\Microsoft\Office"


@dataclass(frozen=True)
class Programs(Settings):
    """Policies of the machine: a person's own have no say beside them."""

    @cached_property
    def software(self) -> frozenset[str]:
        """Names of the installed programs, as Settings shows them."""
        return frozenset(one["name"] for one in self._section("software") if one["name"])

    def installed(self, *prefixes: str) -> list[str]:
        """Installed programs whose names begin like that."""
        return sorted(name for name in self.software if name.startswith(prefixes))

    @property
    def browsers(self) -> frozenset[str]:
        """`chrome`, `edge`, `firefox`: which of them are installed."""
        return frozenset(browser for browser, (name, _) in _BROWSERS.items() if self.installed(name))

    def browser_policy(self, browser: str, *path: str) -> Any:
        """A policy as the browser reads it, None if not set. A switch is 0 or 1: the registry knows no booleans."""
        return _follow(self._tree(_BROWSERS[browser][1]), path)

    def mail_policy(self, *path: str) -> Any:
        """A policy of Thunderbird's, likewise."""
        return _follow(self._tree(_THUNDERBIRD), path)

    def mail_preference(self, name: str) -> Any:
        """A preference of Thunderbird's that nobody can change; None if there is none."""
        found = self.mail_policy("Preferences", name)
        return found.get("Value") if isinstance(found, Mapping) and found.get("Status") == "locked" else None

    def office_option(self, path: str) -> str | None:
        """A LibreOffice option below org.openoffice.Office that nobody can change, as text."""
        key = _LIBREOFFICE + path.replace("/", "\\")
        value = self.registry(key, "Value")
        return str(value) if value is not None and self.registry(key, "Final") == 1 else None

    @property
    def disabled_office_commands(self) -> frozenset[str]:
        """Menu commands that LibreOffice offers to nobody."""
        keys = self.registry_keys(rf"{_LIBREOFFICE}Commands\Execute\Disabled")
        found = [self.registry_values(key) for key in keys]
        return frozenset(str(values["value"]) for values in found if values.get("final") == 1 and "value" in values)

    def microsoft_office(self, program: str, name: str) -> dict[str, Data | None]:
        r"""A policy of Microsoft Office below `16.0\<program>` or `Common\<program>` for everybody, by SID."""
        return self.of_users(rf"{_OFFICE}\{program}", name)

    def _tree(self, key: str) -> dict[str, Any]:
        """Values and keys below a key as one object; values "1", "2", … are a list, several lines are JSON.

        Names of values are as they are written: Mozilla's programs tell them apart by case. Keys are in lower case.
        """
        tree: dict[str, Any] = {}
        for place, values in self._section("registry").items():
            if not f"{place}\\".lower().startswith(f"{key}\\".lower()):
                continue
            node = tree
            for part in place[len(key) :].lower().split("\\")[1:]:
                node = node.setdefault(part, {})
            node |= {name: _json(data) if isinstance(data, list) else data for name, (_, data) in values.items()}
        return tree


def _json(lines: list[str]) -> Any:
    """What a program reads out of a value of several lines; nothing if it is no JSON."""
    try:
        return json.loads("\n".join(lines))
    except ValueError:
        return None


def _follow(found: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name, found.get(name.lower()))
    if isinstance(found, dict) and found and all(name.isdigit() for name in found):
        return [found[name] for name in sorted(found, key=int)]
    return found
