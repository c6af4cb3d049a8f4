"""Radios and the networks they join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from praxisschild.snapshot.sections import Sections, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

_WITH_RSN = {"wpa-psk": "WPA2", "wpa-eap": "WPA2"}
_ALONE = {"sae": "WPA3", "wpa-eap-suite-b-192": "WPA3"}
WPS_DISABLED = 1


@dataclass(frozen=True)
class Radio:
    """A radio and whether its switch is off."""

    kind: str
    blocked: bool


@dataclass(frozen=True)
class WlanProfile:
    """A network that the host knows; `passphrase` is the length of the secret, None if it has none or another kind."""

    ssid: str
    mode: str
    key_management: str
    protocols: str
    wps: int
    autoconnect: bool
    passphrase: int | None

    @property
    def protection(self) -> str:
        """The weakest protection that this profile accepts: ``offen``, ``WEP``, ``WPA``, ``WPA2`` or ``WPA3``."""
        if self.key_management in _ALONE:
            return _ALONE[self.key_management]
        if self.key_management in _WITH_RSN:
            return _WITH_RSN[self.key_management] if self.protocols == "rsn" else "WPA"
        return "WEP" if self.key_management in {"none", "ieee8021x"} else "offen"

    @property
    def opens_a_network(self) -> bool:
        return self.mode not in {"", "infrastructure"}


@dataclass(frozen=True)
class Wireless(Sections):
    """The radios of the host; a container has none."""

    @property
    def radios(self) -> tuple[Radio, ...]:
        return tuple(Radio(entry["type"], entry["blocked"]) for entry in self._section("wireless")["radios"])

    @property
    def radio_switch_mode(self) -> int | None:
        """Permissions of the device that switches radios; None without one."""
        found = self._section("wireless")["switch"]
        return int(found["mode"], 8) if found else None

    @property
    def wlan_roles(self) -> Mapping[str, str | None]:
        """What each WLAN interface does: ``managed`` for a client, ``AP`` for an access point."""
        return {entry["name"]: entry["type"] for entry in self._section("wireless")["interfaces"]}

    @property
    def joined_networks(self) -> frozenset[str]:
        """Names of the networks that the host is in right now."""
        return frozenset(entry["ssid"] for entry in self._section("wireless")["interfaces"] if entry["ssid"])

    @property
    def wlan_profiles(self) -> tuple[WlanProfile, ...]:
        """The networks that NetworkManager knows."""
        found = self._section("wireless")["profiles"]
        if found is None:
            raise Unreadable("NetworkManager läuft nicht; die WLAN-Profile sind unbekannt.")
        return tuple(WlanProfile(**{name: entry.get(name) for name in WlanProfile.__annotations__}) for entry in found)

    @property
    def network_rights(self) -> Mapping[str, str]:
        """What somebody without any group may do with NetworkManager: yes, no or auth."""
        found: Mapping[str, str] | None = self._section("wireless")["permissions"]
        if found is None:
            raise Unreadable("NetworkManager läuft nicht oder nennt die Rechte nicht.")
        return found
