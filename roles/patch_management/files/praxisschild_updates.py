#!/usr/bin/python3
# Verwaltet von Praxisschild: Änderungen hier werden überschrieben.
"""See how the host's updates go, keep account of it in /var/lib/praxisschild/updates/status.json, and raise the alarm.

Runs after each of apt's daily jobs, whatever became of them, and once a day by its own timer, which notices that apt's
no longer run. What no single look can tell is the account's purpose: since when an update has been waiting, and since
when a service has been running with a library that was replaced.

Usage: praxisschild-updates DAYS    (after how many days what waits is an alarm)
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

STATUS = Path("/var/lib/praxisschild/updates/status.json")
LISTS = Path("/var/lib/apt/lists")
PERIODIC = Path("/var/lib/apt/periodic")
LOG = Path("/var/log/unattended-upgrades/unattended-upgrades.log")
UPGRADE = "apt-daily-upgrade.service"
DAY = 86400
KERNEL = "Kernel"
OUTDATED = {2, 3}  # what needrestart says of a kernel when a newer one is installed
SUPPORT_TYPES = ("ended", "earlyend", "limited")


def output(*command: str, refused: str = "", **options: Any) -> str:
    """What a command prints; `refused` if there is no such command or it fails."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            check=False, timeout=300, **options,
        )  # fmt: skip
    except FileNotFoundError:
        return refused
    return refused if done.returncode else done.stdout


def written(moment: float) -> str:
    """An instant as ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def modified(path: Path) -> float:
    """When the file was last written; 0 if there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0


def before() -> dict[str, Any]:
    """The account of the last time."""
    try:
        found = json.loads(STATUS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def archive_date() -> float:
    """The day that the newest security archive in the lists states for itself; 0 if none does.

    An update that is new in these lists was published then at the latest.
    """
    dates = []
    for path in LISTS.glob("*Release"):
        head = path.read_text(encoding="utf-8", errors="replace")[:2000]
        stated = re.search(r"^Date: (.+)$", head, re.MULTILINE)
        if stated and re.search(r"^(Label|Suite|Codename): .*security", head, re.MULTILINE | re.IGNORECASE):
            dates.append(parsedate_to_datetime(stated[1].strip().replace("UTC", "GMT")).timestamp())
    return max(dates, default=0)


def pending(known: dict[str, Any], now: float) -> dict[str, dict[str, str]]:
    """Security updates that wait: version, and since when at the latest it has been available."""
    shown = output("apt-get", "-s", "-qq", "-o", "Debug::NoLocking=true", "dist-upgrade", user=65534, group=65534)
    new = written(min(archive_date() or now, now))
    found = {}
    for name, version, origin in re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ([^)\[]*)", shown, re.MULTILINE):
        if "security" in origin.lower():
            old = known.get(name, {})
            available = old["available"] if old.get("version") == version else new
            found[name] = {"version": version, "available": available}
    return found


def running() -> tuple[dict[str, Any] | None, set[str]]:
    """The kernel as needrestart judges it, None in a container; and services in the version from before an update.

    `state`: 1 the newest installed kernel runs, 2 and 3 a newer one is installed, 0 not known.
    """
    shown = output("needrestart", "-b", "-r", "l", "-k", "-l")
    told = dict(line.partition(": ")[::2] for line in shown.splitlines() if line.startswith("NEEDRESTART-K"))
    kernel = None
    if "NEEDRESTART-KSTA" in told:
        newest, state = told.get("NEEDRESTART-KEXP"), int(told["NEEDRESTART-KSTA"])
        kernel = {"running": told.get("NEEDRESTART-KCUR"), "newest": newest, "state": state}
    return kernel, set(re.findall(r"^NEEDRESTART-SVC: *(\S+)", shown, re.MULTILINE))


def unsupported() -> dict[str, list[str]] | None:
    """Source packages that the security team supports no longer, or not fully; None where nobody keeps such a list."""
    found = {}
    for kind in SUPPORT_TYPES:
        shown = output("check-support-status", "--no-heading", "--type", kind, refused="no answer")
        if shown == "no answer":
            return None
        found[kind] = sorted(set(re.findall(r"^\* Source:([^,\s]+)", shown, re.MULTILINE)))
    return found


def last_run(known: dict[str, Any]) -> dict[str, Any]:
    """How the last unattended installation ended: ``success``, ``failed``, or ``none`` if there was none yet.

    apt's job ends well whatever unattended-upgrade says, but leaves its stamp only after a success, and tries once on
    each calendar day.
    """
    properties = ("ExecMainStartTimestamp", "ExecMainExitTimestamp", "Result")
    lines = output("systemctl", "show", "--timestamp=unix", f"--property={','.join(properties)}", UPGRADE).splitlines()
    shown = dict(line.partition("=")[::2] for line in lines)
    started, ended = (float(shown.get(name, "").lstrip("@") or 0) for name in properties[:2])
    stamp = modified(PERIODIC / "upgrade-stamp")
    success = written(stamp) if stamp else None
    day_of_stamp, day_of_run = (time.localtime(moment)[:3] for moment in (stamp, started))
    if ended and (shown.get("Result") != "success" or day_of_stamp < day_of_run):
        lines = LOG.read_text(encoding="utf-8", errors="replace").splitlines() if LOG.exists() else []
        said = [line for line in lines if re.search(r" (ERROR|WARNING) ", line)]
        return {"result": "failed", "last_success": success, "message": said[-1][-300:] if said else ""}
    if not ended and known.get("result") == "failed" and known.get("last_success") == success:
        return known  # nobody has tried again since the host was started
    return {"result": "success" if stamp else "none", "last_success": success, "message": ""}


def sourceless() -> list[str]:
    """Installed packages that no archive offers: nobody sends updates for them."""
    shown = output("apt", "list", "--installed", user=65534, group=65534)
    return sorted(re.findall(r"^([^/\s]+)/.*\[installed,local\]", shown, re.MULTILINE))


def overdue(moment: str, now: float, days: int) -> bool:
    """Whether more than so many days have gone by since then."""
    return moment < written(now - days * DAY)


def troubles(status: dict[str, Any], now: float, days: int) -> list[str]:
    """What somebody has to look after, in German."""
    found = []
    run = status["run"]
    if run["result"] == "failed":
        found.append(f"Automatische Installation gescheitert: {run['message'] or 'siehe journalctl -u ' + UPGRADE}")
    if overdue(run["last_success"] or status["watched_since"], now, days):
        found.append(f"Seit mehr als {days} Tagen keine erfolgreiche automatische Installation")
    waiting = [name for name, entry in status["pending"].items() if overdue(entry["available"], now, days)]
    if waiting:
        found.append(f"Sicherheitsupdates warten seit mehr als {days} Tagen: {', '.join(waiting)}")
    lists = modified(PERIODIC / "update-success-stamp") or modified(LISTS)
    if lists < now - days * DAY:
        found.append(f"Paketlisten sind älter als {days} Tage")
    running = [name for name, since in status["outdated"].items() if overdue(since, now, days)]
    if running:
        found.append(f"Läuft seit mehr als {days} Tagen in alter Fassung: {', '.join(running)}")
    return found


def tell(text: str, priority: str, identifier: str) -> None:
    """Write a line to the log."""
    subprocess.run(["logger", "--tag", identifier, "--priority", priority, "--", text], check=False, timeout=30)


def main(arguments: list[str]) -> int:
    """Exit code: 0 looked, whatever was found; 2 misuse."""
    if len(arguments) != 1 or not arguments[0].isdigit():
        sys.stderr.write(__doc__ or "")
        return 2
    days, now, known = int(arguments[0]), time.time(), before()
    kernel, services = running()
    outdated = sorted(services | ({KERNEL} if kernel and kernel["state"] in OUTDATED else set()))
    status = {
        "watched_since": known.get("watched_since", written(now)),
        "checked": written(now),
        "pending": pending(known.get("pending", {}), now),
        "kernel": kernel,
        "outdated": {name: known.get("outdated", {}).get(name, written(now)) for name in outdated},
        "run": last_run(known.get("run", {})),
        "unsupported": unsupported(),
        "sourceless": sourceless(),
    }
    found = troubles(status, now, days)
    temporary = STATUS.with_suffix(".new")
    temporary.write_text(json.dumps(status, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(STATUS)
    for trouble in found:
        what = trouble.replace('"', "'")
        tell(f'kind=update host={socket.gethostname()} what="{what}"', "user.alert", "praxisschild-alarm")
    waits = len(status["pending"])
    tell(f"Ausstehende Sicherheitsupdates: {waits}; Störungen: {len(found)}", "user.info", "praxisschild-updates")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
