"""What gets updates and until when; nothing is fetched.

What takes seconds to find out or needs a memory, the host finds out itself after each of apt's daily jobs, see the role
patch_management: its account is read here, and says how old it is.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import lines, masked, read, run, show

STATUS = Path("/var/lib/praxisschild/updates/status.json")
DISTRO_INFO = Path("/usr/share/distro-info")
TRUST = ("APT::Get::AllowUnauthenticated", "Acquire::AllowInsecureRepositories", "Acquire::AllowWeakRepositories")


def support() -> dict[str, Any]:
    """Everything about updates that the lists of packages and apt's periodic jobs do not tell."""
    return {
        "release": release(),
        "held": held(),
        "kept_back": read("/var/lib/unattended-upgrades/kept-back").split(),
        "sources": sources(),
        "trust": trust(),
        "archives": archives(),
        "watched_by": watched_by(),
        "status": status(),
    }


def release() -> Any:
    """The row of this release in distro-info-data, days as it writes them; null without that package."""
    described = dict(line.partition("=")[::2] for line in lines(read("/etc/os-release")))
    found = {key: value.strip("\"'") for key, value in described.items()}
    text = read(DISTRO_INFO / f"{found.get('ID', '')}.csv")
    for row in csv.DictReader(text.splitlines()):
        if row["series"] == found.get("VERSION_CODENAME"):
            return {key: value or None for key, value in row.items() if key}
    return None


def sources() -> list[dict[str, Any]]:
    """Enabled package sources of both notations; `options` as apt names them, keys themselves left out."""
    found = []
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.list"))]:
        for line in lines(read(path)):
            match = re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)", line)
            if match:
                options = dict(option.lower().partition("=")[::2] for option in (match[1] or "").split())
                found.append(source(path, options, match[2].split(), match[3].split()))
    for path in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", read(path)):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
            options = {key.lower(): value.strip() for key, value in fields.items()}
            if "deb" in options.get("types", "").split() and options.get("enabled", "yes").lower() not in (
                "no",
                "false",
            ):
                found.append(source(path, options, options.get("uris", "").split(), options.get("suites", "").split()))
    return found


def source(path: Path, options: dict[str, str], uris: list[str], suites: list[str]) -> dict[str, Any]:
    """One source; who signs it is told, with which key is not."""
    wanted = ("trusted", "allow-insecure", "allow-weak", "allow-downgrade-to-insecure")
    return {
        "file": str(path),
        "uris": masked(uris),
        "suites": suites,
        "signed_by": "signed-by" in options,
        "options": {name: options[name].lower() for name in wanted if name in options},
    }


def trust() -> dict[str, bool]:
    """Whether apt takes what nobody has signed."""
    text = run("apt-config", "dump", *TRUST) or ""
    values = dict(re.findall(r'^(\S+) "(.*)";$', text, re.MULTILINE))
    return {name: values.get(name, "").lower() in ("1", "yes", "true", "on", "with", "enable") for name in TRUST}


def archives() -> list[dict[str, str]]:
    """What the archives in the package lists say of themselves; `site` is empty for a folder."""
    found = set()
    for path in Path("/var/lib/apt/lists").glob("*Release"):
        head = read(path).partition("SHA256:")[0]
        fields = dict(re.findall(r"^(Origin|Label|Suite|Codename): *(.*)$", head, re.MULTILINE))
        named = (fields.get(name, "").strip() for name in ("Origin", "Label", "Suite", "Codename"))
        found.add((*named, path.name.partition("_")[0]))
    return [
        {"origin": origin, "label": label, "archive": suite, "codename": codename, "site": site}
        for origin, label, suite, codename, site in sorted(found)
    ]


def held() -> list[str]:
    """Packages that somebody has put on hold."""
    text = run("dpkg-query", "-W", "-f", "${db:Status-Want} ${Package}\\n") or ""
    return sorted(line.partition(" ")[2] for line in text.splitlines() if line.startswith("hold "))


def watched_by() -> dict[str, list[str]]:
    """The units that systemd starts after apt's installation, by how it ended."""
    shown = show("apt-daily-upgrade.service", properties="OnFailure,OnSuccess")
    return {name: shown[0].get(name, "").split() if shown else [] for name in ("OnFailure", "OnSuccess")}


def status() -> Any:
    """The account that the host keeps of its updates; null if it keeps none."""
    text = read(STATUS)
    return masked(json.loads(text)) if text else None
