"""Who may come in from outside, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from praxisschild.packet_filter import Ruleset
from praxisschild.snapshot.sections import Sections

_SETS = "fernwartung"


@dataclass(frozen=True)
class Window:
    """Addresses that the packet filter lets in, and the seconds until it no longer does; None means forever."""

    addresses: str
    seconds: int | None


@dataclass(frozen=True)
class RemoteAccess(Sections):
    """Remote maintenance: its programs, and its windows in the packet filter."""

    @property
    def remote_tools(self) -> frozenset[str]:
        """Programs for remote access that came past the package manager, installed or running."""
        found = self._section("remote_access")
        return frozenset([*found["installed"], *found["running"]])

    @property
    def _window_sets(self) -> list[dict[str, Any]]:
        items = self._section("nftables", absent=[])
        return [item["set"] for item in items if "set" in item and item["set"]["name"].startswith(_SETS)]

    @property
    def windows_end_by_themselves(self) -> bool:
        """Whether the packet filter has sets for windows, and removes what is in them when its time has come."""
        sets = self._window_sets
        return bool(sets) and all("timeout" in entry.get("flags", []) for entry in sets)

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows that were open when the state was read."""
        return tuple(_window(element) for entry in self._window_sets for element in entry.get("elem", []))

    @cached_property
    def ruleset_outside_windows(self) -> Ruleset:
        """The live packet filter as it is once every window has closed."""
        items = self._section("nftables", absent=[])
        return Ruleset.from_json([_emptied(item) for item in items])


def _emptied(item: dict[str, Any]) -> dict[str, Any]:
    if "set" in item and item["set"]["name"].startswith(_SETS):
        return {"set": {**item["set"], "elem": []}}
    return item


def _window(element: Any) -> Window:
    inner = element["elem"] if isinstance(element, dict) and "elem" in element else {"val": element}
    value = inner["val"]
    match value:
        case {"prefix": {"addr": str(address), "len": int(length)}}:
            text = f"{address}/{length}"
        case {"range": [str(low), str(high)]}:
            text = f"{low}-{high}"
        case _:
            text = str(value)
    return Window(text, inner.get("expires"))
