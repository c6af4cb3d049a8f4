"""What is installed, and how it is kept up to date."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import masked, modified, run


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
