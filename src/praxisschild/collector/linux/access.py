"""Ways in: SSH, PAM, passwords, accounts, sudo."""

from __future__ import annotations

import ctypes
import grp
import json
import pwd
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import errors, key_values, lines, masked, permissions, read, run

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


def logind() -> Any:
    """Settings of the login manager, drop-ins included."""
    text = run("systemd-analyze", "cat-config", "systemd/logind.conf")
    return None if text is None else {k: v for k, v in key_values(text).items() if not k.startswith("[")}
