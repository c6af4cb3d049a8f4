"""Read the effective state of a Linux host and print it as one JSON document.

Runs as root on the host, is sent there as text and therefore stands alone: standard library only, Python 3.9 or newer.
It changes nothing, reads no personal data and no secrets (a password is "set", "locked" or "empty"), and never fails:
what cannot be read is null, and `errors` says why.
"""

from __future__ import annotations

import configparser
import ctypes
import grp
import json
import os
import platform
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
COMMAND_TIMEOUT = 15  # seconds; a hanging tool costs its own section, not the snapshot

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
PAM_SERVICES = [
    "sshd",
    "login",
    "su",
    "su-l",
    "sudo",
    "sudo-i",
    "passwd",
    "chpasswd",
    "other",
    "common-auth",
    "common-account",
    "common-password",
    "common-session",
    "gdm-password",
    "gdm-autologin",
    "lightdm",
    "lightdm-autologin",
    "sddm",
    "sddm-autologin",
    "kde",
    "xscreensaver",
    "cups",
    "xrdp-sesman",
]
SSHD_LISTS = {"acceptenv", "allowgroups", "allowusers", "denygroups", "denyusers", "hostkey", "listenaddress", "port"}
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
BACKUP_TOOLS = re.compile(r"(?<![\w.-])(restic|borg|borgmatic|rsnapshot|duplicity|kopia)(?![\w.-])")
FIREWALL_TOOLS = re.compile(r"(?<![\w.-])(nft|ufw|ufw-init|firewalld|iptables-restore|netfilter-persistent)(?![\w.-])")
BACKUP_STATUS = Path("/var/lib/praxisschild/backup")
KEPT = re.compile(r"--keep-(daily|weekly|monthly)[ =](\d+)")
PASSWORD_FILES = re.compile(r"(?:RESTIC_PASSWORD_FILE=|--password-file[= ])[\"']?(/[^\s\"';]+)")
SECRETS = re.compile(
    r"(?i)((?:pass(?:word|wd|phrase)?|secret|token|api_?key|credentials?)[\"']?\s*[=:]\s*|--pass(?:word|wd|phrase)?\s+)"
    r"([^\s,;\"'}]+|\"[^\"]*\"|'[^']*')"
)
CREDENTIALS_IN_URL = re.compile(r"(?<=://)([^/\s:@]+):[^/\s@]+@")

# number of a setting in libpwquality's public header, and its name in pwquality.conf
PWQUALITY_SETTINGS = {
    1: "difok",
    3: "minlen",
    4: "dcredit",
    5: "ucredit",
    6: "lcredit",
    7: "ocredit",
    8: "minclass",
    9: "maxrepeat",
    11: "maxclassrepeat",
    12: "gecoscheck",
    14: "maxsequence",
    15: "dictcheck",
    16: "usercheck",
    17: "enforcing",
    18: "retry",
    19: "enforce_for_root",
    20: "local_users_only",
    21: "usersubstr",
}

errors: list[dict[str, str]] = []


def run(*command: str, user: str = "", env: Any = None, umask: int = -1, strict: bool = False) -> Any:
    """Standard output of a command; null if it is not installed or, when strict, if it fails."""
    if not shutil.which(command[0]):
        return None
    options: dict[str, Any] = {}
    if user:
        entry = pwd.getpwnam(user)
        options = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    if umask >= 0:
        options["umask"] = umask
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(env or {})},
        timeout=COMMAND_TIMEOUT,
        check=False,
        **options,
    )
    if strict and done.returncode:
        errors.append({"section": " ".join(command), "message": masked((done.stderr or done.stdout).strip()[-300:])})
        return None
    return done.stdout


def read(path: Path | str) -> str:
    """Text of a file, empty if it does not exist."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def lines(text: str) -> list[str]:
    """Lines without comments and blanks."""
    return [line for raw in text.splitlines() if (line := raw.strip()) and not line.startswith(("#", ";"))]


def masked(value: Any) -> Any:
    """The same value without anything that looks like a secret."""
    if isinstance(value, str):
        return CREDENTIALS_IN_URL.sub(r"\1:***@", SECRETS.sub(r"\1***", value))
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, dict):
        secret = re.compile(r"(?i)^(password|passphrase|secret|token|api_?key)$")
        return {key: "***" if secret.match(str(key)) else masked(item) for key, item in value.items()}
    return value


def permissions(path: Path | str) -> Any:
    """Mode, owner and group of a path, null if it does not exist."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return {"mode": f"{stat.S_IMODE(found.st_mode):04o}", "uid": found.st_uid, "gid": found.st_gid}


def modified(path: Path | str) -> Any:
    """Seconds since 1970 of a path's last change, null if it does not exist."""
    try:
        return int(Path(path).stat().st_mtime)
    except OSError:
        return None


def in_container() -> str:
    """Kind of container, `none` on a host with a kernel of its own."""
    return (run("systemd-detect-virt", "--container") or "none").strip()


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


def login_names() -> list[str]:
    """Accounts whose shell lets somebody in."""
    closed = ("nologin", "false", "sync", "shutdown", "halt")
    return [entry.pw_name for entry in pwd.getpwall() if not entry.pw_shell.endswith(closed) and entry.pw_shell]


def sshd_options(user: str) -> Any:
    """The SSH server's options as it would use them for this account."""
    program = "/usr/sbin/sshd"
    spec = ["-C", f"user={user},host=client,addr=192.0.2.1,laddr=192.0.2.2,lport=22"] if user else []
    text = run(program, "-T", *spec, strict=True)
    if text is None:
        return None
    found: dict[str, Any] = {}
    for line in lines(text):
        key, _, value = line.partition(" ")
        if key in SSHD_LISTS:
            found.setdefault(key, []).append(value)
        else:
            found[key] = value
    return found


def sshd() -> Any:
    """The SSH server's options, and per login account those that differ."""
    if not Path("/usr/sbin/sshd").exists():
        return None
    with ThreadPoolExecutor(4) as pool:
        found = dict(pool.map(lambda name: (name, sshd_options(name)), ["", *login_names()]))
    default = found.pop("")
    if default is None:
        return None
    return {
        "options": default,
        "per_account": {
            name: {key: value for key, value in options.items() if default.get(key) != value}
            for name, options in found.items()
            if options is not None
        },
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


def show(*units: str, properties: str) -> list[dict[str, str]]:
    """`systemctl show`, one mapping per unit."""
    if not units:
        return []
    text = run("systemctl", "show", "--no-pager", "--timestamp=unix", f"--property={properties}", "--", *units) or ""
    return [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.strip().split("\n\n")
        if block
    ]


def by_id(shown: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    """The same, by name."""
    return {unit["Id"]: unit for unit in shown if "Id" in unit}


def units() -> dict[str, Any]:
    """Services, sockets and timers: `enabled` as systemd names it (null without a file), `active`, `sub`."""
    kinds = "--type=service,socket,timer"
    files = json.loads(run("systemctl", "list-unit-files", kinds, "--no-pager", "-o", "json") or "[]")
    loaded = json.loads(run("systemctl", "list-units", "--all", kinds, "--no-pager", "-o", "json") or "[]")
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


def instant(value: str) -> Any:
    """Seconds since 1970 of a systemd timestamp."""
    return int(value[1:]) if value.startswith("@") and value[1:].isdigit() else None


def timers() -> list[dict[str, Any]]:
    """Timers with their schedule and the last run of what they start; times in seconds since 1970."""
    listed = json.loads(run("systemctl", "list-timers", "--all", "--no-pager", "-o", "json") or "[]")
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


def pam_file(name: str) -> Path:
    """Where PAM finds a service."""
    own = Path("/etc/pam.d", name)
    return own if own.exists() else Path("/usr/lib/pam.d", name)


def pam_entries(name: str, only: str = "", depth: int = 0) -> list[dict[str, Any]]:
    """The entries of a PAM service in the order in which they run, includes resolved."""
    found: list[dict[str, Any]] = []
    if depth > 8:
        return found
    for line in lines(read(pam_file(name)).replace("\\\n", " ")):
        if line.startswith("@include"):
            found += pam_entries(line.split()[1], only, depth + 1)
            continue
        match = re.match(r"-?(auth|account|password|session)\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)", line)
        if not match or (only and match.group(1) != only):
            continue
        kind, control, module, rest = match.groups()
        if control in ("include", "substack"):
            found += pam_entries(module, kind, depth + 1)
        else:
            arguments = re.findall(r"\[[^\]]*\]|\S+", rest.partition(" #")[0])
            entry = {"type": kind, "control": control, "module": Path(module).stem, "arguments": arguments}
            found.append(masked(entry))
    return found


def key_values(text: str) -> dict[str, str]:
    """`name = value` and bare `name` lines, later ones win."""
    found = {}
    for line in lines(text):
        key, _, value = line.partition("#")[0].partition("=")
        found[key.strip()] = value.strip()
    return found


def pwquality() -> Any:
    """Settings as libpwquality itself reads them, drop-ins included; null without the library."""
    try:
        library = ctypes.CDLL("libpwquality.so.1")
    except OSError:
        return None
    library.pwquality_default_settings.restype = ctypes.c_void_p
    settings = ctypes.c_void_p(library.pwquality_default_settings())
    problem = ctypes.c_void_p()
    if library.pwquality_read_config(settings, None, ctypes.byref(problem)):
        errors.append({"section": "pwquality", "message": "libpwquality cannot read its configuration"})
        return None
    found = {}
    number = ctypes.c_int()
    for setting, name in PWQUALITY_SETTINGS.items():
        if library.pwquality_get_int_value(settings, setting, ctypes.byref(number)) == 0:
            found[name] = number.value
    library.pwquality_free_settings(settings)
    return found


def pam() -> dict[str, Any]:
    """PAM stacks in running order, and the settings that their modules read elsewhere."""
    return {
        "services": {name: pam_entries(name) for name in PAM_SERVICES if pam_file(name).exists()},
        "pwquality": pwquality(),
        "faillock": key_values(read("/etc/security/faillock.conf")),
        "pwhistory": key_values(read("/etc/security/pwhistory.conf")),
    }


def login_defs() -> dict[str, str]:
    """Settings of the shadow tools."""
    return {fields[0]: fields[1] for line in lines(read("/etc/login.defs")) if len(fields := line.split()) >= 2}


def session_umask() -> int:
    """The umask that PAM gives a person's session over SSH before the shell starts (pam_umask(8))."""
    defaults = login_defs()
    mask = 0o022
    for entry in pam_entries("sshd", "session"):
        if entry["module"] != "pam_umask":
            continue
        words = entry["arguments"]
        given = next((word[6:] for word in words if word.startswith("umask=")), defaults.get("UMASK"))
        if given:
            mask = int(given, 8)
        own_groups = defaults.get("USERGROUPS_ENAB") == "yes" and "nousergroups" not in words
        if own_groups or "usergroups" in words:
            # a person has a group of the same name, which then may do what the person may
            mask = mask & ~0o070 | mask >> 3 & 0o070
    return mask


def shell() -> Any:
    """What a system-wide login shell sets, seen by an account without files of its own."""
    script = "umask; declare -p TMOUT HISTFILESIZE 2>/dev/null; true"
    environment = {"HOME": "/nonexistent", "TERM": "dumb", "USER": "nobody", "LOGNAME": "nobody"}
    start = session_umask()
    found: dict[str, Any] = {"session_umask": f"{start:04o}"}
    for name, flags in (("login", "-lic"), ("interactive", "-ic")):
        text = run("bash", flags, script, user="nobody", env=environment, umask=start)
        if text is None:
            return None
        mask = re.search(r"^([0-7]{3,4})$", text, re.MULTILINE)
        timeout = re.search(r'^declare -(\S+) TMOUT="(\d+)"', text, re.MULTILINE)
        found[name] = {
            "umask": mask.group(1).zfill(4) if mask else None,
            "timeout": int(timeout.group(2)) if timeout else None,
            "timeout_fixed": bool(timeout and "r" in timeout.group(1)),
        }
    return found


def dconf() -> Any:
    """Values and locks that an account without settings of its own sees."""
    if not shutil.which("dconf"):
        return None
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="praxisschild-") as home:
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        environment = {"HOME": home, "XDG_RUNTIME_DIR": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
        dump = run("dconf", "dump", "/", user="nobody", env=environment, strict=True)
        locks = run("dconf", "list-locks", "/", user="nobody", env=environment, strict=True)
    if dump is None or locks is None:
        return None
    values = {}
    folder = ""
    for line in lines(dump):
        if line.startswith("["):
            folder = line.strip("[]")
        else:
            key, _, value = line.partition("=")
            values[f"{folder}/{key}" if folder != "/" else key] = value
    return {"values": values, "locked": [line.strip("/") for line in lines(locks)]}


class CaseSensitive(configparser.RawConfigParser):
    """KDE's files tell keys apart by case."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def ini(path: Path) -> dict[str, dict[str, str]]:
    """Sections of an ini file."""
    parser = CaseSensitive(strict=False, delimiters=("=",))
    try:
        parser.read_string(read(path))
    except configparser.Error as error:
        errors.append({"section": str(path), "message": str(error)[:200]})
    return {section: dict(parser.items(section)) for section in parser.sections()}


def desktop() -> dict[str, Any]:
    """Graphical environments, and the settings that are not in dconf."""
    sessions = [
        path.stem
        for folder in ("/usr/share/xsessions", "/usr/share/wayland-sessions")
        for path in sorted(Path(folder).glob("*.desktop"))
    ]
    schema = Path("/usr/share/glib-2.0/schemas/org.gnome.desktop.screensaver.gschema.xml")
    environments = []
    if schema.exists() and any(Path("/usr/lib").glob("*/gio/modules/libdconfsettings.so")):
        environments.append("gnome")
    if shutil.which("plasmashell") or any(Path("/usr/lib").glob("*/libexec/kscreenlocker_greet")):
        environments.append("kde")
    return {
        "sessions": sessions,
        "environments": environments,
        "kscreenlocker": ini(Path("/etc/xdg/kscreenlockerrc")),
        "gdm": ini(Path("/etc/gdm3/daemon.conf")),
        "lightdm": [
            line
            for path in [*sorted(Path("/etc/lightdm/lightdm.conf.d").glob("*.conf")), Path("/etc/lightdm/lightdm.conf")]
            for line in lines(read(path))
            if line.startswith("autologin")
        ],
    }


# per browser: the names of its program, and the folders of its managed policies (the snap's last)
CHROMIUM_LIKE = {
    "chromium": (
        ["chromium", "chromium-browser"],
        ["/etc/chromium/policies/managed", "/etc/chromium-browser/policies/managed"],
    ),
    "chrome": (["google-chrome", "google-chrome-stable"], ["/etc/opt/chrome/policies/managed"]),
    "edge": (["microsoft-edge", "microsoft-edge-stable"], ["/etc/opt/edge/policies/managed"]),
}
# The first file that exists counts, alone (observed with Firefox 153 on Debian); the snap sees the host's /etc/firefox.
FIREFOX_POLICIES = [
    "/etc/firefox/policies/policies.json",
    "/usr/share/{name}/distribution/policies.json",
    "/usr/lib/{name}/distribution/policies.json",
    "/opt/{name}/distribution/policies.json",
]


def policy_file(path: Path) -> Any:
    """A JSON document, null and an error if it is broken."""
    try:
        return json.loads(read(path))
    except ValueError as error:
        errors.append({"section": str(path), "message": f"no valid JSON: {error}"})
        return None


def chromium_policies(folders: list[str]) -> dict[str, Any]:
    """Managed policies of Chromium and its relatives: of the files in the folder the last in order wins per policy."""
    folder = next((Path(name) for name in folders if Path(name).is_dir()), Path(folders[0]))
    files = sorted(path for path in folder.glob("*") if path.is_file())
    policies: dict[str, Any] = {}
    for path in files:
        found = policy_file(path)
        if isinstance(found, dict):
            policies.update(found)
    readable = bool(files) and all(path.stat().st_mode & stat.S_IROTH for path in files)
    return {"policies": policies, "files": [str(path) for path in files], "readable": readable}


def firefox_policies(name: str) -> dict[str, Any]:
    """Policies of Firefox: of the places it looks in, the first file counts."""
    candidates = [Path(path.format(name=name)) for path in FIREFOX_POLICIES]
    path = next((path for path in candidates if path.exists()), None)
    found = policy_file(path) if path else None
    return {
        "policies": found.get("policies", {}) if isinstance(found, dict) else {},
        "files": [str(path)] if path else [],
        "readable": bool(path and path.stat().st_mode & stat.S_IROTH),
    }


def browsers() -> dict[str, Any]:
    """Installed browsers and the managed policies that each would read."""
    found = {}
    for browser, (programs, folders) in CHROMIUM_LIKE.items():
        program = next((path for name in programs if (path := shutil.which(name))), None)
        if program:
            snap = "/snap/" in program or Path("/snap", browser).is_dir()
            found[browser] = {"program": program, "snap": snap, **chromium_policies(folders[::-1] if snap else folders)}
    for name in ("firefox-esr", "firefox"):
        program = shutil.which(name)
        if program and "firefox" not in found:
            snap = "/snap/" in program or Path("/snap/firefox").is_dir()
            found["firefox"] = {"program": program, "snap": snap, **firefox_policies(name)}
    return found


def password_states() -> dict[str, dict[str, Any]]:
    """Per account whether there is a password, never the password's hash."""
    found = {}
    for line in read("/etc/shadow").splitlines():
        fields = [*line.split(":"), *[""] * 9]
        secret = fields[1]
        found[fields[0]] = {
            "password": "empty" if not secret else "locked" if secret[0] in "!*" else "set",
            "scheme": secret.split("$")[1] if secret.startswith("$") else None,
            "changed": int(fields[2]) if fields[2] else None,
            "max_days": int(fields[4]) if fields[4] else None,
            "expires": int(fields[7]) if fields[7] else None,
        }
    return found


def count_keys(home: Path) -> int:
    """How many SSH keys open the account."""
    return sum(len(lines(read(home / ".ssh" / name))) for name in ("authorized_keys", "authorized_keys2"))


def accounts() -> list[dict[str, Any]]:
    """Every account with its groups and ways in; dates in days since 1970."""
    states = password_states()
    unknown = {"password": None, "scheme": None, "changed": None, "max_days": None, "expires": None}
    groups: dict[str, list[str]] = {}
    for group in grp.getgrall():
        for member in group.gr_mem:
            groups.setdefault(member, []).append(group.gr_name)
    found = []
    for entry in pwd.getpwall():
        try:
            primary = grp.getgrgid(entry.pw_gid).gr_name
        except KeyError:
            primary = str(entry.pw_gid)
        found.append(
            {
                "name": entry.pw_name,
                "uid": entry.pw_uid,
                "shell": entry.pw_shell,
                "home": entry.pw_dir,
                "primary_group": primary,
                "groups": sorted({primary, *groups.get(entry.pw_name, [])}),
                "home_permissions": permissions(entry.pw_dir),
                "authorized_keys": count_keys(Path(entry.pw_dir)) if entry.pw_dir.startswith("/") else 0,
                **states.get(entry.pw_name, unknown),
            }
        )
    return found


def groups() -> dict[str, Any]:
    """Every group."""
    return {group.gr_name: {"gid": group.gr_gid, "members": group.gr_mem} for group in grp.getgrall()}


def sudo() -> Any:
    """The whole sudo policy with included files and expanded aliases."""
    text = run("cvtsudoers", "-e", "-f", "json", "/etc/sudoers", strict=True)
    return masked(json.loads(text)) if text else None


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


def apt() -> Any:
    """Settings of apt for updates without an operator."""
    text = run("apt-config", "dump")
    if text is None:
        return None
    wanted = ("APT::Periodic::", "Unattended-Upgrade::")
    found: dict[str, Any] = {}
    for line in text.splitlines():
        match = re.match(r'(\S+) "(.*)";$', line)
        if match and match.group(1).startswith(wanted):
            key, value = match.groups()
            if key.endswith("::"):
                items = found.get(key[:-2])
                found[key[:-2]] = [*(items if isinstance(items, list) else []), value]
            elif value or key not in found:
                found[key] = value
    return masked(found)


def packages() -> Any:
    """Installed packages and their versions."""
    text = run("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\\n")
    if text is None:
        return None
    found = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[0][1] == "i":
            found[fields[1]] = fields[2]
    return found


def other_software() -> dict[str, list[str]]:
    """Software that came past the distribution's package manager."""
    return {
        "snaps": sorted({path.name.rsplit("_", 1)[0] for path in Path("/var/lib/snapd/snaps").glob("*.snap")}),
        "flatpaks": sorted(path.name for path in Path("/var/lib/flatpak/app").glob("*")),
    }


def updates() -> Any:
    """Pending updates as apt sees them with the lists it has; nothing is fetched."""
    text = run("apt-get", "-s", "-qq", "-o", "Debug::NoLocking=true", "dist-upgrade", user="nobody")
    if text is None:
        return None
    pending = [match.groups() for match in re.finditer(r"^Inst (\S+) (?:\[\S+\] )?\((\S+ [^)\[]*)", text, re.MULTILINE)]
    periodic = Path("/var/lib/apt/periodic")
    return {
        "pending": sorted(name for name, _ in pending),
        "pending_security": sorted(name for name, origin in pending if "security" in origin.lower()),
        "lists_refreshed": modified(periodic / "update-success-stamp") or modified("/var/lib/apt/lists"),
        "last_unattended": modified(periodic / "unattended-upgrades-stamp"),
    }


def tls() -> dict[str, Any]:
    """What OpenSSL's configuration makes every program start from."""
    try:
        library = ctypes.CDLL("libssl.so.3")
    except OSError:
        return {"openssl": None}
    for function in (library.TLS_client_method, library.SSL_CTX_new):
        function.restype = ctypes.c_void_p
    library.SSL_CTX_new.argtypes = [ctypes.c_void_p]
    library.SSL_CTX_free.argtypes = [ctypes.c_void_p]
    library.SSL_CTX_ctrl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
    library.SSL_CTX_ctrl.restype = ctypes.c_long
    library.SSL_CTX_get_security_level.argtypes = [ctypes.c_void_p]
    context = library.SSL_CTX_new(library.TLS_client_method())
    get_min_proto_version = 130
    found = {
        "min_protocol": library.SSL_CTX_ctrl(context, get_min_proto_version, 0, None),
        "security_level": library.SSL_CTX_get_security_level(context),
    }
    library.SSL_CTX_free(context)
    return {"openssl": found}


def logind() -> Any:
    """Settings of the login manager, drop-ins included."""
    text = run("systemd-analyze", "cat-config", "systemd/logind.conf")
    return None if text is None else {k: v for k, v in key_values(text).items() if not k.startswith("[")}


def samba() -> Any:
    """Samba's effective global options and its shares; null without Samba."""
    if not Path("/usr/sbin/smbd").exists():
        return None
    options = sections(run("testparm", "-s", "-v", "--section-name=global") or "").get("global", {})
    wanted = (
        "client min protocol",
        "guest ok",
        "map to guest",
        "ntlm auth",
        "restrict anonymous",
        "server min protocol",
        "server signing",
        "server smb encrypt",
        "smb encrypt",
        "usershare allow guests",
        "usershare max shares",
    )
    shares = sections(run("testparm", "-s") or "")
    shares.pop("global", None)
    for share in shares.values():
        share["path permissions"] = permissions(share["path"]) if "path" in share else None
    return {"options": {key: options[key] for key in wanted if key in options}, "shares": masked(shares)}


def sections(text: str) -> dict[str, dict[str, Any]]:
    """Sections of testparm's output."""
    found: dict[str, dict[str, Any]] = {}
    current: dict[str, Any] = {}
    for line in lines(text):
        if line.startswith("["):
            current = found.setdefault(line.strip("[]"), {})
        elif "=" in line:
            key, _, value = line.partition("=")
            current[key.strip()] = value.strip()
    return found


def backup_tool(timer: dict[str, Any]) -> tuple[str, str]:
    """Name of the backup program that a timer's service runs, and the text of its script."""
    command = timer["command"] or ""
    text = command
    for word in command.split():
        path = Path(word)
        if path.is_absolute() and path.is_file() and path.stat().st_size < 200_000:
            content = read(path)
            if content.startswith("#!"):
                text += "\n" + content
    match = BACKUP_TOOLS.search(text)
    return (match.group(1) if match else "", text)


def backup(found_timers: list[dict[str, Any]]) -> dict[str, Any]:
    """Timers that run a backup program, and what the last runs left as their result."""
    jobs = []
    secret_paths = set()
    for timer in found_timers:
        tool, text = backup_tool(timer)
        if not tool:
            continue
        keep = {period: int(number) for period, number in KEPT.findall(text)}
        jobs.append({"tool": tool, "keep": keep, **timer})
        environment = "".join(
            read(path)
            for entry in show(timer["service"] or "", properties="Id,EnvironmentFiles,Environment")
            for path in [*re.findall(r"(/\S+) \(ignore", entry.get("EnvironmentFiles", ""))]
        )
        secret_paths.update(PASSWORD_FILES.findall(text + "\n" + environment))
    status = {}
    for path in sorted(BACKUP_STATUS.glob("*.json")):
        found = policy_file(path)
        if found is not None:
            status[path.stem] = masked(found)
    return {
        "jobs": jobs,
        "status": status,
        "password_files": {path: permissions(path) for path in sorted(secret_paths)},
        "tools": [tool for tool in ("restic", "borg") if shutil.which(tool)],
    }


def guarded(name: str, collect: Any, *arguments: Any) -> Any:
    """A section, or null with the reason among the errors."""
    try:
        return collect(*arguments)
    except Exception as error:  # the one place where a fault of any kind must not cost the other sections
        errors.append({"section": name, "message": f"{type(error).__name__}: {error}"[:300]})
        return None


def main() -> None:
    """Read every section side by side and print the document."""
    started = time.monotonic()
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    # the slow ones first, so that nothing waits for them at the end
    collectors = [
        updates, units, timers, shell, sshd, nftables, listening, dconf, sudo, packages, apt, samba, host, logind,
        network, block_devices, tls, pam, login_defs, desktop, browsers, accounts, groups, mounts, modules, sysctl,
        system_files, other_software, world_writable, firewall_services,
    ]  # fmt: skip
    with ThreadPoolExecutor(6) as pool:
        futures = {collect.__name__: pool.submit(guarded, collect.__name__, collect) for collect in collectors}
        snapshot = {name: future.result() for name, future in futures.items()}
    snapshot["backup"] = guarded("backup", backup, snapshot["timers"] or [])
    document = {
        "schema_version": SCHEMA_VERSION,
        "platform": "linux",
        "collected_at": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        "duration": round(time.monotonic() - started, 3),
        **dict(sorted(snapshot.items())),
        "errors": errors,
    }
    json.dump(document, sys.stdout, ensure_ascii=False, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
