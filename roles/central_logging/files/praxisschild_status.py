#!/usr/bin/python3
"""State of this host's logging and scheduled jobs, for Icinga, Nagios or any other monitoring that calls plugins.

One line and an exit code as the Monitoring Plugins guidelines want them: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
Needs root, because the log and the spool are for root alone: `sudo praxisschild-status`, over SSH, NRPE or the agent.
"""

from __future__ import annotations

import calendar
import json
import os
import subprocess
import sys
import time
from pathlib import Path

OK, WARNING, CRITICAL, UNKNOWN = range(4)
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
CERTIFICATE = Path("/etc/rsyslog.d/praxisschild/host.pem")
SPOOL = Path("/var/spool/rsyslog")
ALARM_CONFIG = Path("/etc/praxisschild/alarm/config.json")
ALARM_STATE = Path("/var/lib/praxisschild/alarm/state.json")

DAYS_WARNING, DAYS_CRITICAL = 60, 14
SPOOL_WARNING, SPOOL_CRITICAL = 10_000_000, 250_000_000  # bytes that wait for the log host
UNDELIVERED_CRITICAL = 3600  # seconds for which alarm mail could not be handed over


def run(*command: str) -> str:
    """Output of a command; empty if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    return done.stdout if done.returncode == 0 else ""


class Status:
    """The worst that was found, in words and figures."""

    def __init__(self) -> None:
        self.code = OK
        self.words: list[str] = []
        self.figures: list[str] = []

    def find(self, code: int, words: str) -> None:
        """Note a finding."""
        self.code = max(self.code, code)
        self.words.append(words)

    def measure(self, name: str, value: int, unit: str, warning: int, critical: int) -> None:
        """A figure of which more is worse."""
        self.figures.append(f"{name}={value}{unit};{warning};{critical};0")
        if value >= warning:
            self.find(CRITICAL if value >= critical else WARNING, f"{name} {value}{unit}")


def judge(status: Status, now: float) -> None:
    """Look at everything."""
    for unit in ("rsyslog.service", *(["praxisschild-watch.service"] if ALARM_CONFIG.exists() else [])):
        if run("systemctl", "is-active", unit).strip() != "active":
            status.find(CRITICAL, f"{unit} läuft nicht")
    failed = run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "praxisschild-*").split("\n")
    names = [line.split()[0] for line in failed if line.strip()]
    status.measure("failed_jobs", len(names), "", 1, 1)
    if names:
        status.find(CRITICAL, f"gescheitert: {', '.join(names)}")
    waiting = sum(path.stat().st_size for path in SPOOL.glob("praxisschild.*"))
    status.measure("spool", waiting, "B", SPOOL_WARNING, SPOOL_CRITICAL)
    if CERTIFICATE.exists():
        certificate(status, now)
    if ALARM_CONFIG.exists():
        alarms(status, now)


def certificate(status: Status, now: float) -> None:
    """How long the certificate of the log transport is valid."""
    end = run("openssl", "x509", "-in", str(CERTIFICATE), "-noout", "-enddate").partition("=")[2].strip()
    moment = calendar.timegm(time.strptime(end, "%b %d %H:%M:%S %Y GMT"))
    days = int((moment - now) // 86400)
    # less is worse: the range from the figure upwards is good
    status.figures.append(f"certificate_days={days};{DAYS_WARNING}:;{DAYS_CRITICAL}:")
    if days < DAYS_WARNING:
        status.find(CRITICAL if days < DAYS_CRITICAL else WARNING, f"Zertifikat noch {days} Tage gültig")


def alarms(status: Status, now: float) -> None:
    """Whom the log host misses, and whether alarms get through."""
    state = json.loads(ALARM_STATE.read_text(encoding="utf-8"))
    status.measure("silent_hosts", len(state["missed"]), "", 1, 1_000_000)
    if state["missed"]:
        status.find(WARNING, f"schweigt: {', '.join(state['missed'])}")
    since = state["undelivered_since"]
    status.measure("undelivered", int(now - since) if since else 0, "s", 300, UNDELIVERED_CRITICAL)


def main() -> int:
    """Print the line; return the exit code."""
    status = Status()
    try:
        if os.geteuid() != 0:
            raise PermissionError("braucht root: sudo praxisschild-status")
        judge(status, time.time())
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
        status.code = UNKNOWN
        status.words = [str(error)]
    words = "; ".join(status.words) or "alles in Ordnung"
    sys.stdout.write(f"PRAXISSCHILD {WORDS[status.code]} - {words} | {' '.join(status.figures)}\n")
    return status.code


if __name__ == "__main__":
    sys.exit(main())
