"""What a practice writes about its smartphones and tablets: the field `mobile_devices` of its inventory."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator, model_validator

from praxisschild.i18n import _
from praxisschild.mdm.topics import Topic

FOLDER = "mobilgeraete"  # the one folder of a practice, besides attestations, that ansible.cfg leaves out
Owner = Literal["company", "personal"]
Platform = Literal["ios", "android"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]+$")]
AppleApp = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]
Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$")]
Version = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+){0,3}$")]
HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$", max_length=253)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MobileDevice(_Model):
    """A smartphone or tablet by the name that the device list of its management shows."""

    name: Name
    platform: Platform
    owner: Owner | None = None


class AndroidApp(_Model):
    """An app that was examined and approved, and the runtime permissions it gets; all others are denied."""

    package: Package
    permissions: list[Package] = []

    @property
    def grants(self) -> list[dict[str, str]]:
        """As the Android Management API writes them (`PermissionGrant`)."""
        return [{"permission": one, "policy": "GRANT"} for one in self.permissions]


class Apps(_Model):
    """The approved apps. Naming any means that there are no others (iOS: besides telephone and settings)."""

    ios: list[AppleApp] = []
    android: list[AndroidApp] = []


class Vpn(_Model):
    """The way into the practice's network: an IKEv2 gateway for iOS, an always-on app for Android."""

    server: HostName | None = None
    android_app: Package | None = None

    @property
    def servers(self) -> list[str]:
        return [self.server] if self.server else []


class CurrentSystem(_Model):
    """The version that carries all security updates, and the day on which somebody looked that up."""

    version: Version
    checked: date


class MobileDevices(_Model):
    """The practice's smartphones and tablets, and where the device lists of their management lie.

    `exports` are files, or folders with nothing else in them; a relative one lies in the practice's folder.
    `supervised` says whether iOS devices were set up as supervised ones. `compliance_covers` names what the compliance
    policy in the management demands: only then does "compliant" in a device list prove it. `current_os` is needed
    where a list tells a version instead of a patch day.
    """

    owner: Owner = "company"
    supervised: bool = True
    devices: list[MobileDevice] = []
    exports: list[Annotated[str, StringConstraints(min_length=1)]] = [FOLDER]
    compliance_covers: list[Topic] = []
    current_os: dict[Platform, CurrentSystem] = {}
    apps: Apps = Apps()
    wlan: list[Annotated[str, StringConstraints(min_length=1, max_length=32)]] = []
    vpn: Vpn = Vpn()

    @field_validator("exports")
    @classmethod
    def _where_ansible_does_not_look(cls, exports: list[str]) -> list[str]:
        for one in map(PurePosixPath, exports):
            if not one.is_absolute() and one.parts[:1] != (FOLDER,):
                reason = _(
                    "{file!r} lies among the files that Ansible reads as inventory; put it into {folder}/",
                    file=str(one),
                    folder=FOLDER,
                )
                raise ValueError(reason)
        return exports

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        twice = [name for name, count in Counter(one.name for one in self.devices).items() if count > 1]
        if twice:
            raise ValueError(_("device {name!r} is named twice", name=twice[0]))
        return self

    def owner_of(self, device: MobileDevice) -> Owner:
        return device.owner or self.owner

    def owners(self, platform: Platform) -> list[Owner]:
        """Whose devices of this platform there are; where no device is named, those of the practice's kind."""
        found = {self.owner_of(one) for one in self.devices if one.platform == platform}
        if not self.devices:
            found = {self.owner}
        return [owner for owner in ("company", "personal") if owner in found]
