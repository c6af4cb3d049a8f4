"""What the desktop and the browsers obey."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import ini, lines, policy_file, read, run


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
