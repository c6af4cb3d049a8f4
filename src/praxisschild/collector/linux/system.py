"""The host itself: network, services, timers, kernel, disks."""

from __future__ import annotations

import json
import platform
import re
import stat
from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import (
    by_id,
    in_container,
    instant,
    lines,
    masked,
    needed,
    permissions,
    read,
    run,
    show,
)

SYSCTLS = [
    "fs.protected_fifos",
    "fs.protected_hardlinks",
    "fs.protected_regular",
    "fs.protected_symlinks",
    "fs.suid_dumpable",
    "kernel.dmesg_restrict",
    "kernel.kexec_load_disabled",
    "kernel.kptr_restrict",
    "kernel.randomize_va_space",
    "kernel.sysrq",
    "kernel.unprivileged_bpf_disabled",
    "kernel.yama.ptrace_scope",
    "net.ipv4.conf.all.accept_redirects",
    "net.ipv4.conf.all.accept_source_route",
    "net.ipv4.conf.all.forwarding",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.all.send_redirects",
    "net.ipv4.conf.default.accept_redirects",
    "net.ipv4.conf.default.rp_filter",
    "net.ipv4.icmp_echo_ignore_broadcasts",
    "net.ipv4.ip_forward",
    "net.ipv4.tcp_syncookies",
    "net.ipv6.conf.all.accept_redirects",
    "net.ipv6.conf.all.disable_ipv6",
    "net.ipv6.conf.all.forwarding",
    "net.ipv6.conf.default.accept_redirects",
]

PSEUDO_FILESYSTEMS = {
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "securityfs",
    "squashfs",
    "sysfs",
    "tracefs",
}

FIREWALL_TOOLS = re.compile(r"(?<![\w.-])(nft|ufw|ufw-init|firewalld|iptables-restore|netfilter-persistent)(?![\w.-])")


def host() -> dict[str, Any]:
    """What kind of host it is."""
    release = {}
    for line in lines(read("/etc/os-release")):
        key, _, value = line.partition("=")
        release[key.lower()] = value.strip("\"'")
    container = in_container()
    return {
        "name": platform.node(),
        "os": {key: release.get(key) for key in ("id", "id_like", "version_id", "version_codename", "pretty_name")},
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "virtualization": (run("systemd-detect-virt") or "none").strip(),
        "own_kernel": container == "none",
        "uptime": int(float((read("/proc/uptime") or "0").split()[0])),
        "reboot_required": Path("/run/reboot-required").exists(),
    }


def network() -> Any:
    """Addresses per interface, and the one that answers to the rest of the network."""
    text = run("ip", "-j", "address", "show", strict=True)
    if text is None:
        return None
    interfaces = {
        link["ifname"]: [f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if one["scope"] == "global"]
        for link in json.loads(text)
    }
    routes = json.loads(run("ip", "-j", "route", "show", "default") or "[]")
    outward = next((route.get("dev") for route in routes), None)
    addresses = [*interfaces.get(outward, []), *[one for found in interfaces.values() for one in found]]
    return {
        "interfaces": interfaces,
        "outward": outward,
        "address": next((one.partition("/")[0] for one in addresses), None),
        "wireless": sorted(path.parent.name for path in Path("/sys/class/net").glob("*/wireless")),
    }


def nftables() -> Any:
    """The live packet filter, null without nft."""
    text = run("nft", "-j", "list", "ruleset", strict=True)
    return json.loads(text)["nftables"] if text else None


def listening() -> Any:
    """Sockets that wait for somebody, null without ss."""
    text = run("ss", "-H", "-tulnp")
    if text is None:
        return None
    found = []
    for line in text.splitlines():
        fields = line.split(None, 6)
        address, _, port = fields[4].rpartition(":")
        process = re.search(r'\(\("([^"]+)"', line)
        found.append(
            {
                "protocol": fields[0],
                "address": address.strip("[]").partition("%")[0],
                "port": int(port),
                "process": process.group(1) if process else None,
            }
        )
    return found


def sysctl() -> dict[str, Any]:
    """Live kernel parameters."""
    return {name: read("/proc/sys/" + name.replace(".", "/")).strip() or None for name in SYSCTLS}


def units() -> dict[str, Any]:
    """Services, sockets and timers: `enabled` as systemd names it (null without a file), `active`, `sub`."""
    kinds = "--type=service,socket,timer"
    files = json.loads(needed("systemctl", "list-unit-files", kinds, "--no-pager", "-o", "json") or "[]")
    loaded = json.loads(needed("systemctl", "list-units", "--all", kinds, "--no-pager", "-o", "json") or "[]")
    found = {entry["unit_file"]: {"enabled": entry["state"], "active": "inactive", "sub": "dead"} for entry in files}
    for entry in loaded:
        if entry["load"] in ("loaded", "masked"):
            known = found.setdefault(entry["unit"], {"enabled": None})
            known.update(active=entry["active"], sub=entry["sub"])
    return found


def firewall_services() -> list[str]:
    """Services that bring up a packet filter when the host starts."""
    found = set()
    for folder in ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"):
        for link in [*Path(folder).glob("*.wants/*.service"), *Path(folder).glob("*.requires/*.service")]:
            own = Path("/etc/systemd/system", link.name)
            masked_out = own.is_symlink() and str(own.readlink()) == "/dev/null"
            commands = [line for line in lines(read(link)) if line.startswith("ExecStart=")]
            if not masked_out and FIREWALL_TOOLS.search("\n".join(commands)):
                found.add(link.name)
    return sorted(found)


def timers() -> list[dict[str, Any]]:
    """Timers with their schedule and the last run of what they start; times in seconds since 1970."""
    listed = json.loads(needed("systemctl", "list-timers", "--all", "--no-pager", "-o", "json") or "[]")
    names = {name for entry in listed for name in (entry["unit"], entry["activates"]) if name}
    schedule = "TimersCalendar,TimersMonotonic,Persistent"
    last_run = "Result,ExecMainStatus,ExecMainStartTimestamp,ExecMainExitTimestamp,ExecStart"
    shown = by_id(show(*sorted(names), properties=f"Id,{schedule},{last_run}"))
    found = []
    for entry in listed:
        times, service = shown.get(entry["unit"], {}), shown.get(entry["activates"], {})
        command = re.search(r"argv\[\]=(.*?) ;", service.get("ExecStart", ""))
        found.append(
            {
                "timer": entry["unit"],
                "service": entry["activates"],
                "calendar": re.findall(r"OnCalendar=(.*?) ;", times.get("TimersCalendar", "")),
                "monotonic": re.findall(r"{ (On\w+)=", times.get("TimersMonotonic", "")),
                "persistent": times.get("Persistent") == "yes",
                "next": entry["next"] // 1_000_000 if entry["next"] else None,
                "last": entry["last"] // 1_000_000 if entry["last"] else None,
                "command": masked(command.group(1)) if command else None,
                "result": service.get("Result"),
                "exit_status": int(service.get("ExecMainStatus") or 0),
                "started": instant(service.get("ExecMainStartTimestamp", "")),
                "ended": instant(service.get("ExecMainExitTimestamp", "")),
            }
        )
    return found


def mounts() -> list[dict[str, Any]]:
    """Mounted file systems without the kernel's own."""
    found = []
    for line in read("/proc/self/mounts").splitlines():
        source, target, kind, options = line.split()[:4]
        if kind not in PSEUDO_FILESYSTEMS:
            target = target.replace("\\040", " ")
            flags = [option for option in options.split(",") if "=" not in option]
            found.append({"source": masked(source), "target": target, "type": kind, "options": flags})
    return found


def block_devices() -> Any:
    """Devices of this host; in a container lsblk would show somebody else's."""
    if in_container() != "none":
        return None
    text = run("lsblk", "--json", "-o", "NAME,TYPE,FSTYPE,MOUNTPOINT,RM,RO", strict=True)
    return json.loads(text)["blockdevices"] if text else None


def world_writable() -> list[str]:
    """Folders that hold people's or programs' data and that everybody may write to (the first two levels only)."""
    found = []
    for parent in ("/", "/home", "/srv", "/opt", "/mnt", "/media", "/var", "/usr/local"):
        for path in sorted(Path(parent).glob("*")):
            if path.is_symlink() or not path.is_dir():
                continue
            mode = path.stat().st_mode
            if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                found.append(str(path))
    return found


def system_files() -> dict[str, Any]:
    """Who may read and write the files on which logins depend."""
    paths = [
        "/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow", "/etc/ssh/sshd_config", "/etc/sudoers",
        *map(str, sorted(Path("/etc/ssh").glob("ssh_host_*_key"))), *map(str, sorted(Path("/etc/sudoers.d").glob("*"))),
    ]  # fmt: skip
    return {path: permissions(path) for path in paths}


def modules() -> dict[str, Any]:
    """Kernel modules that are refused or loaded, and the cameras and microphones there are."""
    files: dict[str, Path] = {}
    for folder in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"):
        for path in Path(folder, "modprobe.d").glob("*.conf"):
            files.setdefault(path.name, path)
    blocked: dict[str, str] = {}
    for name in sorted(files):
        for line in lines(read(files[name])):
            words = line.split()
            refused = words[0] == "install" and len(words) > 2 and Path(words[2]).name in ("false", "true")
            if refused or words[0] == "blacklist":
                module = words[1].replace("-", "_")
                if blocked.get(module) != "install":
                    blocked[module] = words[0]
    return {
        "blocked": blocked,
        "loaded": sorted(line.split()[0] for line in read("/proc/modules").splitlines()),
        "cameras": sorted(str(path) for path in Path("/dev").glob("video*")),
        "microphones": sorted(str(path) for path in Path("/dev/snd").glob("pcm*c")),
    }
