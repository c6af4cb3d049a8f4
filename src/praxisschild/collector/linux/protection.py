"""What protects the host against malware."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import instant, modified, permissions, policy_file, read, run, show

CLAMD = Path("/usr/sbin/clamd")

LAST_SCAN = Path("/var/lib/praxisschild-malware/scan.json")

MEDIA = Path("/etc/praxisschild/malware.json")

UNITS = (
    "clamav-daemon.service",
    "clamav-clamonacc.service",
    "clamav-freshclam.service",
    "praxisschild-malware-media.service",
)


def protection() -> Any:
    """ClamAV as it runs: options, answers, signatures and the last scan; null without ClamAV."""
    if not CLAMD.exists():
        return None
    options = clamconf(run("clamconf") or "")
    clamd = options.get("clamd.conf", {})
    folder = Path((clamd.get("DatabaseDirectory") or ["/var/lib/clamav"])[0])
    listening = (clamd.get("LocalSocket") or [""])[0]
    hook = (clamd.get("VirusEvent") or [""])[0]
    return {
        "clamd": clamd,
        "freshclam": options.get("freshclam.conf", {}),
        "configured": modified("/etc/clamav/clamd.conf"),
        "processes": processes(),
        "answer": asked(listening, "PING"),
        "version": asked(listening, "VERSION"),
        "socket": permissions(listening) if listening else None,
        "hook_exists": bool(hook) and Path(hook.split()[0]).exists(),
        "databases": databases(folder),
        "ignored_signatures": sorted(
            path.name for path in folder.glob("*") if path.suffix in (".fp", ".ign", ".ign2", ".sfp")
        ),
        "media": (policy_file(MEDIA) or {}).get("media", []) if MEDIA.exists() else [],
        "last_scan": policy_file(LAST_SCAN) if LAST_SCAN.exists() else None,
    }


def clamconf(text: str) -> dict[str, dict[str, list[str]]]:
    """Effective options of each configuration file; an option that is off has no values."""
    found: dict[str, dict[str, list[str]]] = {}
    current: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("Config file: "):
            current = found.setdefault(line.partition(": ")[2].strip(), {})
        elif line == "Software settings":
            break
        else:
            name, separator, values = line.partition(" = ")
            if separator:
                current[name] = re.findall(r'"([^"]*)"', values)
            elif line.endswith(" disabled"):
                current[line[: -len(" disabled")]] = []
    return found


def processes() -> dict[str, Any]:
    """When each of the services started, and its command line; null where it does not run."""
    found = {}
    for unit in show(*UNITS, properties="Id,MainPID,ExecMainStartTimestamp"):
        pid = unit.get("MainPID", "0")
        found[unit["Id"]] = (
            None
            if pid == "0"
            else {
                "started": instant(unit.get("ExecMainStartTimestamp", "")),
                "arguments": read(f"/proc/{pid}/cmdline").rstrip("\0").split("\0"),
            }
        )
    return found


def asked(path: str, command: str) -> Any:
    """The running scanner's own answer, null if it gives none."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(path)
            connection.sendall(f"z{command}\0".encode())
            return connection.recv(4096).decode(errors="replace").rstrip("\0")
    except OSError:
        return None


def databases(folder: Path) -> list[dict[str, Any]]:
    """Signature containers with what their headers say (https://docs.clamav.net/manual/Signatures.html)."""
    found = []
    for path in sorted(folder.glob("*.c[lvu]d")):
        with path.open("rb") as file:
            header = file.read(512).decode("ascii", errors="replace").strip().split(":")
        if len(header) > 8 and header[0] == "ClamAV-VDB" and header[8].isdigit():
            built, version, signatures = int(header[8]), int(header[2]), int(header[3])
            found.append({"name": path.name, "built": built, "version": version, "signatures": signatures})
    return found
