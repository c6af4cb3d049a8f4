"""File shares and backups."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import lines, masked, permissions, policy_file, read, run, show

BACKUP_TOOLS = re.compile(r"(?<![\w.-])(restic|borg|borgmatic|rsnapshot|duplicity|kopia)(?![\w.-])")

BACKUP_STATUS = Path("/var/lib/praxisschild/backup")

KEPT = re.compile(r"--keep-(daily|weekly|monthly)[ =](\d+)")

PASSWORD_FILES = re.compile(r"(?:RESTIC_PASSWORD_FILE=|--password-file[= ])[\"']?(/[^\s\"';]+)")


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


def backup(found_timers: Any) -> dict[str, Any]:
    """Timers that run a backup program, and what the last runs left as their result.

    Raises:
        RuntimeError: the timers are null, that is nobody knows whether one of them runs a backup.
    """
    if found_timers is None:
        raise RuntimeError("the timers could not be read")
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
            for entry in show(*filter(None, [timer["service"]]), properties="Id,EnvironmentFiles,Environment")
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
