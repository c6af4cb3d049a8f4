"""Radios: whether they are on, and which networks the host joins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import in_container, ini, permissions, read, run

PROFILE_FIELDS = {
    "connection.uuid": "uuid",
    "connection.autoconnect": "autoconnect",
    "802-11-wireless.ssid": "ssid",
    "802-11-wireless.mode": "mode",
    "802-11-wireless-security.key-mgmt": "key_management",
    "802-11-wireless-security.proto": "protocols",
    "802-11-wireless-security.wps-method": "wps",
}
KEYFILES = ("/etc/NetworkManager/system-connections", "/run/NetworkManager/system-connections")


def wireless() -> dict[str, Any]:
    """The host's radios; a container has none of its own, whatever the machine below it has."""
    if in_container() != "none":
        return {"radios": [], "interfaces": [], "switch": None, "profiles": None, "permissions": None}
    radios = [
        {
            "type": read(path / "type").strip(),
            "blocked": read(path / "soft").strip() == "1" or read(path / "hard").strip() == "1",
        }
        for path in sorted(Path("/sys/class/rfkill").glob("*"))
    ]
    managed = (run("systemctl", "is-active", "NetworkManager.service") or "").strip() == "active"
    return {
        "radios": radios,
        "interfaces": interfaces(),
        "switch": permissions("/dev/rfkill"),
        "profiles": profiles() if managed else None,
        "permissions": rights() if managed else None,
    }


def interfaces() -> list[dict[str, Any]]:
    """What each radio does: ``managed`` is a client, ``AP`` an access point; the network it is in."""
    found = [
        {"name": path.parent.name, "type": None, "ssid": None} for path in Path("/sys/class/net").glob("*/phy80211")
    ]
    known = {entry["name"]: entry for entry in found}
    current: dict[str, Any] = {}
    for line in (run("iw", "dev") or "").splitlines():
        words = line.strip().split(" ", 1)
        if words[0] == "Interface":
            current = known.get(words[1], {})
        elif words[0] == "Unnamed/non-netdev":
            current = {}  # the radio's side for Wi-Fi Direct
        elif words[0] in ("type", "ssid") and len(words) == 2:
            current[words[0]] = words[1]
    return sorted(found, key=lambda entry: str(entry["name"]))


def profiles() -> list[dict[str, Any]]:
    """The networks that NetworkManager would join, without their secrets: of a passphrase only the length."""
    listed = run("nmcli", "-t", "-e", "no", "-f", "UUID,TYPE", "connection", "show") or ""
    wanted = [uuid for uuid, _, kind in (line.partition(":") for line in listed.splitlines()) if "wireless" in kind]
    if not wanted:
        return []
    found: list[dict[str, Any]] = []
    text = run("nmcli", "-t", "-e", "no", "-f", ",".join(PROFILE_FIELDS), "connection", "show", *wanted) or ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == "connection.uuid":
            found.append({})
        if found and key in PROFILE_FIELDS:
            found[-1][PROFILE_FIELDS[key]] = value
    lengths = passphrase_lengths()
    for entry in found:
        match = re.match(r"(?:0x)?(\d+)", entry.get("wps") or "0")
        entry["wps"] = int(match.group(1)) if match else 0
        entry["autoconnect"] = entry.get("autoconnect") == "yes"
        entry["passphrase"] = lengths.get(entry.pop("uuid", ""))
    return found


def passphrase_lengths() -> dict[str, int]:
    """How many characters the passphrases have, by the profile's UUID."""
    found = {}
    for folder in KEYFILES:
        for path in Path(folder).glob("*.nmconnection"):
            content = ini(path)
            secret = content.get("wifi-security", {}).get("psk")
            if secret is not None:
                found[content.get("connection", {}).get("uuid", "")] = len(secret)
    return found


def rights() -> dict[str, str] | None:
    """What NetworkManager allows somebody without any group: yes, no or auth; None if it does not tell."""
    for _ in range(3):
        text = run("nmcli", "-t", "-f", "PERMISSION,VALUE", "general", "permissions", user="nobody") or ""
        found = {name: value for name, _, value in (line.partition(":") for line in text.splitlines())}
        # on a busy host the answers arrive later than nmcli prints them
        if found and "unknown" not in found.values():
            return found
    return None
