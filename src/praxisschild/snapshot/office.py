"""What the office suite and the mail program obey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from praxisschild.snapshot.sections import Sections

# File systems that can lie with a provider on the internet; the program that mounts them is named as its package.
_REMOTE = {"davfs": "davfs2", "fuse.davfs": "davfs2", "fuse.sshfs": "sshfs"}
_REMOTE |= {f"fuse.{name}": name for name in ("gcsfuse", "google-drive-ocamlfuse", "onedriver", "rclone", "s3fs")}


@dataclass(frozen=True)
class Office(Sections):
    """Policies of LibreOffice and Thunderbird."""

    @property
    def has_office(self) -> bool:
        """Whether LibreOffice is installed."""
        return self._section("office")["libreoffice"] is not None

    @property
    def has_mail(self) -> bool:
        """Whether Thunderbird is installed."""
        return self._section("office")["thunderbird"] is not None

    @property
    def cloud_mounts(self) -> frozenset[str]:
        """Packages whose file systems make somebody's storage look like a folder of this host."""
        return frozenset(_REMOTE[mount["type"]] for mount in self._section("mounts") if mount["type"] in _REMOTE)

    def office_option(self, path: str) -> Any:
        """The value of a LibreOffice option that no user can change, as text or a list; None if there is none.

        The order of the registry's files is not defined: where two contradict each other, nothing is certain.
        """
        found = [option for option in self._section("office")["libreoffice"]["options"] if option["path"] == path]
        values = [option["value"] for option in found]
        final = bool(found) and all(option["final"] for option in found)
        return values[0] if final and all(value == values[0] for value in values) else None

    @property
    def disabled_office_commands(self) -> frozenset[str]:
        """Menu commands that LibreOffice offers to nobody."""
        options = self._section("office")["libreoffice"]["options"]
        return frozenset(
            str(option["value"])
            for option in options
            if option["path"].startswith("Commands/Execute/Disabled/") and option["final"]
        )

    def mail_policy(self, *path: str) -> Any:
        """Value of a Thunderbird policy, None if it is not set; further words lead into an object."""
        found = self._section("office")["thunderbird"]
        value: Any = found["policies"] if found["readable"] else {}
        for word in path:
            value = value.get(word) if isinstance(value, Mapping) else None
        return value

    def mail_preference(self, name: str) -> Any:
        """Value of a preference that a policy has locked; None if users may change it."""
        found = self.mail_policy("Preferences", name)
        if isinstance(found, Mapping):
            return found.get("Value") if found.get("Status") == "locked" else None
        return found  # the short form locks, too
