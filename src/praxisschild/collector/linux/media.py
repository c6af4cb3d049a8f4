"""Removable media and the encryption of disks."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import in_container, ini, read, run, show

RULE_FOLDERS = ("/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d")

# A rule for block devices that starts a unit of the host's own: RUN with systemctl, or SYSTEMD_WANTS.
STARTED = re.compile(
    r"""(?:systemctl\s[^"]*?\b(?:re)?start\s+|ENV\{SYSTEMD_WANTS\}\+?="(?:[^"]*\s)?)([\w:.\\-]+@?)[^\s"]*\.service"""
)

ERASERS = ("blkdiscard", "hdparm", "nvme", "nwipe", "shred")

RECORD = Path("/var/log/praxisschild/medien.log")

DISK_COLUMNS = "NAME,KNAME,TYPE,FSTYPE,MOUNTPOINTS,RM,RO,TRAN"


def media() -> Any:
    """What happens to a medium that is plugged in, and what is; null in a container, where no devices come and go."""
    if in_container() != "none":
        return None
    return {
        "examiners": examiners(),
        "scanners": [name for name in ("clamdscan", "clamscan") if shutil.which(name)],
        "scanner_answers": "PONG" in (run("clamdscan", "--ping", "1") or ""),
        "udisks_installed": bool(shutil.which("udisksctl")),
        "udisks": ini(Path("/etc/udisks2/mount_options.conf")).get("defaults", {}),
        "usbguard": usbguard(),
        "plugged": plugged(),
    }


def examiners() -> list[dict[str, Any]]:
    """Units that udev starts for block devices, and the programs they run."""
    names: dict[str, Path] = {}
    for folder in reversed(RULE_FOLDERS):
        names.update({path.name: path for path in sorted(Path(folder).glob("*.rules"))})
    found = []
    for name, path in sorted(names.items()):
        text = read(path)
        if 'SUBSYSTEM!="block"' not in text and 'SUBSYSTEM=="block"' not in text:
            continue
        for template in sorted(set(STARTED.findall(text))):
            shown = show(
                f"{template}{'probe' if template.endswith('@') else ''}.service", properties="LoadState,ExecStart"
            )
            program = re.search(r"path=(\S+)", (shown[0] if shown else {}).get("ExecStart", ""))
            script = read(program[1]) if program else ""
            found.append(
                {
                    "rule": name,
                    "unit": template,
                    "loaded": bool(shown) and shown[0].get("LoadState") == "loaded",
                    "scans": bool(re.search(r"\bclamd?scan\b", script)),
                    "hides": "UDISKS_IGNORE" in text,
                }
            )
    return found


def usbguard() -> dict[str, Any]:
    """Whether USBGuard watches over the ports, and what it does with devices that nobody knows."""
    daemon = Path("/etc/usbguard/usbguard-daemon.conf")
    options = dict(re.findall(r"^(\w+)=(.*)$", read(daemon), re.MULTILINE))
    state = show("usbguard.service", properties="ActiveState")
    return {
        "active": bool(state) and state[0].get("ActiveState") == "active",
        "default": options.get("ImplicitPolicyTarget", ""),
    }


def plugged() -> list[dict[str, Any]]:
    """Removable media that are plugged in, part by part; no names, no serial numbers."""
    found = []
    for device in flat(blocks()):
        properties = dict(
            line.partition("=")[::2]
            for line in (
                run("udevadm", "info", "--query=property", f"--name=/dev/{device['kname']}") or ""
            ).splitlines()
        )
        if not (properties.get("ID_BUS") == "usb" or device.get("rm") or properties.get("PRAXISSCHILD_MEDIUM") == "1"):
            continue
        found.append(
            {
                "device": device["kname"],
                "type": device["type"],
                "file_system": device["fstype"],
                "read_only": bool(device["ro"]),
                "hidden": properties.get("UDISKS_IGNORE") == "1",
                "mounted": [place for place in device["mountpoints"] if place],
            }
        )
    return found


def blocks() -> list[dict[str, Any]]:
    """Block devices as a tree."""
    text = run("lsblk", "--json", "-o", DISK_COLUMNS, strict=True)
    tree: list[dict[str, Any]] = json.loads(text)["blockdevices"] if text else []
    return tree


def flat(tree: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same devices as a list, each once."""
    found: dict[str, dict[str, Any]] = {}
    for device in tree:
        found.setdefault(device["kname"], device)
        for child in flat(device.get("children", [])):
            found.setdefault(child["kname"], child)
    return list(found.values())


def media_tools() -> dict[str, Any]:
    """Programs that erase media and that make and verify checksums, and the record of what was erased."""
    record: Any = None
    if RECORD.exists():
        entries = []
        for line in read(RECORD).splitlines():
            try:
                entries.append(json.loads(line))
            except ValueError:
                entries.append({})
        flags = (run("lsattr", "-d", str(RECORD)) or "").split()
        last = entries[-1] if entries else {}
        # no names: who did it stands in the record on the host
        record = {
            "entries": len(entries),
            "broken": sum(1 for entry in entries if "result" not in entry),
            "append_only": "a" in flags[0] if flags else None,
            "last": last.get("at"),
        }
    return {
        "erasers": [name for name in ERASERS if shutil.which(name)],
        "practice": [name for name in ("praxisschild-medium", "praxisschild-pruefsumme") if shutil.which(name)],
        "checksums": [name for name in ("sha256sum", "gpg") if shutil.which(name)],
        "record": record,
    }


def disks() -> Any:
    """Where folders and swap lie, and the encryption beneath them; null in a container, whose disks are another's."""
    if in_container() != "none":
        return None
    tree = blocks()
    containers = {}
    for device in flat(tree):
        if device["fstype"] == "crypto_LUKS":
            containers[device["kname"]] = luks(f"/dev/{device['kname']}")
    parents: dict[str, list[str]] = {}
    remember_parents(tree, [], parents)
    mounted = {}
    for device in flat(tree):
        for place in device["mountpoints"]:
            if place:
                chain = [device["kname"], *parents.get(device["kname"], [])]
                mounted[place] = {
                    "device": device["kname"],
                    "encrypted_by": [name for name in chain if name in containers],
                    "removable": bool(device.get("rm")) or device.get("tran") == "usb",
                }
    return {
        "mounted": mounted,
        "containers": containers,
        "zram": any(d["kname"].startswith("zram") for d in flat(tree)),
    }


def remember_parents(tree: list[dict[str, Any]], above: list[str], parents: dict[str, list[str]]) -> None:
    """For every device, those that it lies on."""
    for device in tree:
        parents.setdefault(device["kname"], []).extend(name for name in above if name not in parents[device["kname"]])
        remember_parents(device.get("children", []), [device["kname"], *above], parents)


def luks(device: str) -> Any:
    """Parameters of an encrypted container, as its header tells; null if it does not."""
    dump = run("cryptsetup", "luksDump", device)
    if not dump:
        return None
    version = re.search(r"^Version:\s+(\d)", dump, re.MULTILINE)
    segments = dump.partition("Data segments:")[2].partition("Keyslots:")[0] or dump
    slots = dump.partition("Keyslots:")[2].partition("Tokens:")[0]
    cipher = re.search(r"^\s*[Cc]ipher:\s+(\S+)", segments, re.MULTILINE)
    old = re.search(r"^Cipher name:\s+(\S+)\s+Cipher mode:\s+(\S+)", dump, re.MULTILINE)  # LUKS1
    bits = [int(size) for size in re.findall(r"^\s*(?:Cipher key|Key|MK bits):\s+(\d+)", dump, re.MULTILINE)]
    return {
        "version": int(version[1]) if version else None,
        "cipher": cipher[1] if cipher else f"{old[1]}-{old[2]}" if old else None,
        "key_bits": min(bits) if bits else None,
        "kdf": sorted(set(re.findall(r"^\s*PBKDF:\s+(\S+)", slots, re.MULTILINE))),
        "slots": len(re.findall(r"^\s+\d+: luks", slots, re.MULTILINE)),
    }
