"""What the desktop and the browsers obey."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from praxisschild.snapshot.notation import gvariant
from praxisschild.snapshot.sections import Sections


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
class Desktop(Sections):
    """Settings of graphical environments and of browsers."""

    @property
    def desktop(self) -> tuple[str, ...]:
        """Graphical environments whose settings the host has: ``gnome``, ``kde``; empty without."""
        return tuple(self._section("desktop")["environments"])

    @property
    def automatic_logins(self) -> tuple[str, ...]:
        """Display managers that open a session without asking."""
        found = self._section("desktop")
        daemon = {key.lower(): value.lower() for key, value in found["gdm"].get("daemon", {}).items()}
        managers = ["gdm"] if "true" in {daemon.get("automaticloginenable"), daemon.get("timedloginenable")} else []
        if any(re.match(r"autologin-user\s*=\s*\S", line) for line in found["lightdm"]):
            managers.append("lightdm")
        return tuple(managers)

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
