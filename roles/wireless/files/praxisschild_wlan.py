#!/usr/bin/python3
# Verwaltet von Praxisschild: Änderungen hier werden überschrieben.
"""Remove every WLAN profile of NetworkManager that the practice has not agreed upon, or that is weak.

Runs whenever a profile appears, so that a network that somebody adds, or an image brings along, is not joined.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CONFIG = Path("/etc/praxisschild/wlan.json")
FIELDS = (
    "connection.uuid",
    "802-11-wireless.ssid",
    "802-11-wireless.mode",
    "802-11-wireless-security.key-mgmt",
    "802-11-wireless-security.proto",
)
STRONG_ALONE = {"sae", "wpa-eap-suite-b-192"}
STRONG_WITH_RSN = {"wpa-psk", "wpa-eap"}


def nmcli(*arguments: str) -> str:
    """What NetworkManager answers, in words that do not depend on the language."""
    command = ("nmcli", "--terse", "--escape", "no", *arguments)
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    ).stdout


def profiles() -> list[dict[str, str]]:
    """The WLAN profiles there are."""
    listed = [line.split(":", 1) for line in nmcli("--fields", "UUID,TYPE", "connection", "show").splitlines()]
    wanted = [uuid for uuid, kind in listed if kind == "802-11-wireless"]
    found: list[dict[str, str]] = []
    if wanted:
        for line in nmcli("--fields", ",".join(FIELDS), "connection", "show", *wanted).splitlines():
            key, _, value = line.partition(":")
            if key == FIELDS[0]:
                found.append({})
            if found and key in FIELDS:
                found[-1][key.rpartition(".")[2]] = value
    return found


def objection(profile: dict[str, str], agreed: list[str]) -> str:
    """Why this profile may not stay; empty if it may."""
    key, protocols = profile.get("key-mgmt", ""), profile.get("proto", "")
    if profile.get("mode") not in {"", "infrastructure"}:
        return "ein eigenes Funknetz"
    if profile.get("ssid") not in agreed:
        return "nicht vereinbart"
    if key in STRONG_ALONE or (key in STRONG_WITH_RSN and protocols == "rsn"):
        return ""
    return "schwächer als WPA2"


def main() -> None:
    """Remove what may not stay."""
    agreed = json.loads(CONFIG.read_text(encoding="utf-8"))["ssids"]
    for profile in profiles():
        reason = objection(profile, agreed)
        if reason:
            nmcli("connection", "delete", "uuid", profile["uuid"])
            sys.stderr.write(f"<4>WLAN-Profil für „{profile.get('ssid')}“ entfernt: {reason}\n")


if __name__ == "__main__":
    main()
