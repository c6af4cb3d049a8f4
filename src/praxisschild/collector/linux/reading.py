"""What the topics of the collector share: commands, files, secrets left out, faults told."""

from __future__ import annotations

import configparser
import json
import os
import pwd
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

COMMAND_TIMEOUT = 60  # seconds; a hanging tool costs its own section, not the snapshot

SECRETS = re.compile(
    r"(?i)((?:pass(?:word|wd|phrase)?|secret|token|api_?key|credentials?)[\"']?\s*[=:]\s*|--pass(?:word|wd|phrase)?\s+)"
    r"([^\s,;\"'}]+|\"[^\"]*\"|'[^']*')"
)

CREDENTIALS_IN_URL = re.compile(r"(?<=://)([^/\s:@]+):[^/\s@]+@")

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


def needed(*command: str) -> str:
    """Standard output of a command without which a section is unknown.

    Raises:
        RuntimeError: the command is not installed, or it failed; `guarded` makes null of it, with the reason.
    """
    output = run(*command, strict=True)
    if output is None:
        said = "; ".join(error["message"] for error in errors if error["section"] == " ".join(command))
        raise RuntimeError(f"{' '.join(command[:2])}: {said or 'not installed, or it failed'}")
    return str(output)


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


def show(*units: str, properties: str) -> list[dict[str, str]]:
    """`systemctl show`, one mapping per unit, also for one that does not exist.

    Raises:
        RuntimeError: systemd gave no answer, which is not the answer of a host without these units.
    """
    if not units:
        return []
    text = needed("systemctl", "show", "--no-pager", "--timestamp=unix", f"--property={properties}", "--", *units)
    return [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.strip().split("\n\n")
        if block
    ]


def by_id(shown: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    """The same, by name."""
    return {unit["Id"]: unit for unit in shown if "Id" in unit}


def instant(value: str) -> Any:
    """Seconds since 1970 of a systemd timestamp."""
    return int(value[1:]) if value.startswith("@") and value[1:].isdigit() else None


def key_values(text: str) -> dict[str, str]:
    """`name = value` and bare `name` lines, later ones win."""
    found = {}
    for line in lines(text):
        key, _, value = line.partition("#")[0].partition("=")
        found[key.strip()] = value.strip()
    return found


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


def policy_file(path: Path) -> Any:
    """A JSON document, null and an error if it is broken."""
    try:
        return json.loads(read(path))
    except ValueError as error:
        errors.append({"section": str(path), "message": f"no valid JSON: {error}"})
        return None


def guarded(name: str, collect: Any, *arguments: Any) -> Any:
    """A section, or null with the reason among the errors."""
    try:
        return collect(*arguments)
    except Exception as error:  # the one place where a fault of any kind must not cost the other sections
        errors.append({"section": name, "message": f"{type(error).__name__}: {error}"[:300]})
        return None
