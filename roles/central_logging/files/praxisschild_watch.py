#!/usr/bin/python3
"""Follow the log of the practice and tell by mail what somebody has to look at.

One alarm path for everything: each host of the practice has a folder below /var/log/praxis, with the line format of the
role's rsyslog template. What was read and what has still to be told is kept in /var/lib/praxisschild/alarm/state.json:
a restart neither loses an alarm nor sends it twice.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

STORE = Path("/var/log/praxis")
CONFIG = Path("/etc/praxisschild/alarm/config.json")
MSMTP = Path("/etc/praxisschild/alarm/msmtprc")
STATE = Path("/var/lib/praxisschild/alarm/state.json")

EVERY = 1.0  # seconds between two looks at the log
WINDOW = 600  # seconds in which failed logins are counted
SAME_AGAIN = 3600  # seconds until the same thing is told once more
# Whoever attacks must not be able to bury the practice in mail: so many at once, then one per five minutes, and each
# carries everything that came together meanwhile.
BURST, REFILL = 20, 300
SHOWN = 100  # events per mail; the rest is counted
RETRY = 60  # seconds after a mail that could not be handed over

KINDS = {
    "failed-login": "Anmeldeversuche",
    "malware": "Schadprogramm",
    "backup": "Datensicherung",
    "new-admin": "Neuer Administrator",
    "usb": "USB-Medium",
    "silence": "Host schweigt",
}

LINE = re.compile(r"^(?P<time>\S+) \S+ (?P<priority>\S+) (?P<tag>[^\s:]+):?\s*(?P<text>.*)$")
ALARM = re.compile(r'^kind=(?P<kind>[\w-]+)(?:\s+host=(?P<host>\S+))?(?:\s+what="(?P<what>[^"]*)")?')
FAILED = re.compile(
    r"(?:authentication failure|(?P<more>\d+) more authentication failures?);.*?rhost=(?P<address>\S*)"
    r"(?:.*?\buser=(?P<user>\S+))?"
)
INVALID = re.compile(r"^Invalid user (?P<user>.*) from (?P<address>\S+)")
LOCKED = re.compile(r"Consecutive login failures for user (?P<user>\S+) account temporarily locked")
ADDED = (
    re.compile(r"add '(?P<user>[^']+)' to (?:shadow )?group '(?P<group>[^']+)'"),
    re.compile(r"user (?P<user>\S+) added by \S+ to group (?P<group>\S+)"),
    re.compile(r"members of group (?P<group>\S+) set by \S+ to (?P<user>\S+)"),
)


@dataclass(frozen=True)
class Event:
    """Something to be told; `subject` tells one of a kind from another on the same host."""

    kind: str
    host: str
    subject: str
    what: str
    at: float


def say(text: str) -> None:
    """A line in the host's log."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def clean(text: str) -> str:
    """The text as it may stand in a mail: whoever attacks chooses some of it."""
    return "".join(char if char.isprintable() else "?" for char in text)[:300]


class Recognizer:
    """Tells from the lines of all hosts what is an event."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.limit = int(config["failed_logins"])
        self.admin_groups = set(config["admin_groups"])
        self.failures: dict[tuple[str, str], deque[float]] = {}

    def events(self, host: str, line: str, now: float) -> Iterator[Event]:
        """What the line says, or completes."""
        found = LINE.match(line)
        if not found:
            return
        program, text = found["tag"].partition("[")[0], found["text"]
        if program == "praxisschild-alarm":
            told = ALARM.match(text)
            if told:
                yield Event(told["kind"], host, clean(told["what"] or ""), clean(told["what"] or text), now)
        elif found["priority"].startswith("auth"):
            yield from self._failed_logins(host, text, now)
            yield from self._new_admins(host, text, now)

    def _failed_logins(self, host: str, text: str, now: float) -> Iterator[Event]:
        locked = LOCKED.search(text)
        if locked:
            user = clean(locked["user"])
            yield Event("failed-login", host, f"gesperrt: {user}", f"Konto {user} nach Fehlversuchen gesperrt", now)
            return
        found = INVALID.search(text) or FAILED.search(text)
        if not found:
            return
        groups = found.groupdict()
        sources = {f"Konto {clean(groups['user'])}"} if groups.get("user") else set()
        if groups["address"] and not groups["address"].startswith(("127.", "::1")):
            sources.add(f"Adresse {clean(groups['address'])}")
        for source in sources or {"unbekanntes Konto"}:
            times = self.failures.setdefault((host, source), deque(maxlen=1000))
            times.extend([now] * int(groups.get("more") or 1))
            while times and times[0] < now - WINDOW:
                times.popleft()
            if len(times) >= self.limit:
                what = f"{len(times)} fehlgeschlagene Anmeldungen in {WINDOW // 60} Minuten: {source}"
                yield Event("failed-login", host, source, what, now)

    def _new_admins(self, host: str, text: str, now: float) -> Iterator[Event]:
        for pattern in ADDED:
            found = pattern.search(text)
            if found and found["group"] in self.admin_groups:
                who = f"{clean(found['user'])} in der Gruppe {clean(found['group'])}"
                yield Event("new-admin", host, who, f"Aufgenommen: {who}", now)

    def forget(self, now: float) -> None:
        """Drop counts that ran out, so that an attack with many names does not fill the memory."""
        self.failures = {key: times for key, times in self.failures.items() if times and times[-1] > now - WINDOW}


class Follower:
    """Reads each host's log from where it left off, over rotations too."""

    def __init__(self, places: dict[str, list[int]], *, from_end: bool) -> None:
        self.places = places
        self.from_end = from_end

    def lines(self) -> Iterator[tuple[str, str]]:
        """Host and line, for every complete line since the last time."""
        for path in sorted(STORE.glob("*/messages.log")):
            host = path.parent.name
            try:
                yield from ((host, line) for line in self._of(host, path))
            except OSError as error:
                say(f"{path}: {error.strerror}")
        self.from_end = False

    def _of(self, host: str, path: Path) -> Iterator[str]:
        found = path.stat()
        known = self.places.get(host)
        if known is None:
            self.places[host] = [found.st_ino, found.st_size if self.from_end else 0]
        elif known[0] != found.st_ino:
            rotated = [one for one in path.parent.glob("messages.log-*") if one.stat().st_ino == known[0]]
            for old in rotated:
                yield from self._rest(host, old)
            self.places[host] = [found.st_ino, 0]
        elif found.st_size < known[1]:
            known[1] = 0
        if self.places[host][1] < found.st_size:
            yield from self._rest(host, path)

    def _rest(self, host: str, path: Path) -> Iterator[str]:
        with path.open("rb") as file:
            file.seek(self.places[host][1])
            for raw in file:
                if not raw.endswith(b"\n"):
                    break
                self.places[host][1] += len(raw)
                yield raw.decode(errors="replace").rstrip("\n")


class Letterbox:
    """What has still to be told, and how often mail may go."""

    def __init__(self, config: dict[str, Any], state: dict[str, Any]) -> None:
        self.config = config
        self.state = state

    def put(self, event: Event) -> None:
        """Keep the event for the next mail, unless the same was told or noted within the hour."""
        key = json.dumps([event.kind, event.host, event.subject])
        if event.at - self.state["told"].get(key, 0) >= SAME_AGAIN:
            self.state["told"][key] = event.at
            self.state["pending"].append(asdict(event))
            say(f"noted: kind={event.kind} host={event.host}")

    def empty(self, now: float) -> None:
        """Send everything in one mail, if there is something, and mail may go."""
        state = self.state
        state["told"] = {key: at for key, at in state["told"].items() if now - at < SAME_AGAIN}
        earned = int((now - state["refilled"]) // REFILL)
        if earned > 0:
            state["mails_left"] = min(BURST, state["mails_left"] + earned)
            state["refilled"] = now
        pending = state["pending"]
        if not pending or state["mails_left"] < 1 or now < state["retry_at"]:
            return
        failed = self._send(pending)
        if failed:
            state["retry_at"] = now + RETRY
            state["undelivered_since"] = state["undelivered_since"] or now
            say(f"mail could not be handed over: {failed}")
            return
        state["mails_left"] -= 1
        state.update(undelivered_since=None, retry_at=0, pending=[])
        told = [{key: event[key] for key in ("kind", "host", "subject", "at")} | {"sent": now} for event in pending]
        state["sent"] = [*state["sent"], *told][-200:]
        say(f"mail handed over: {len(pending)} events")

    def _send(self, events: list[dict[str, Any]]) -> str:
        """Hand the mail to the practice's mail server; why it did not take it, empty if it did."""
        kinds = list(dict.fromkeys(KINDS.get(event["kind"], event["kind"]) for event in events))
        hosts = list(dict.fromkeys(event["host"] for event in events))
        mail = EmailMessage()
        mail["Subject"] = f"[Praxisschild] {', '.join(kinds[:4])}: {', '.join(hosts[:4])}"
        mail["To"] = self.config["mail_to"]
        mail["Date"] = formatdate(localtime=True)
        mail["Message-ID"] = make_msgid(domain="praxisschild.invalid")
        mail["Auto-Submitted"] = "auto-generated"
        shown = [
            f"{datetime.fromtimestamp(event['at']):%d.%m.%Y %H:%M:%S}  {event['host']}  "
            f"{KINDS.get(event['kind'], event['kind'])}: {event['what']}"
            for event in events[:SHOWN]
        ]
        if len(events) > SHOWN:
            shown.append(f"und {len(events) - SHOWN} weitere")
        text = [f"Praxis: {self.config['practice']}", "", *shown, ""]
        text += ["Die vollständigen Meldungen liegen auf dem Protokollserver unter /var/log/praxis."]
        mail.set_content("\n".join(text) + "\n")
        command = ["msmtp", f"--file={MSMTP}", "--", self.config["mail_to"]]
        try:
            done = subprocess.run(command, input=mail.as_bytes(), capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        return done.stderr.decode(errors="replace").strip()[-300:] or "msmtp failed" if done.returncode else ""


class Watch:
    """The whole service: reads, recognizes, tells, and misses those who say nothing."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = json.loads(CONFIG.read_text(encoding="utf-8"))
        self.state = load_state()
        self.recognizer = Recognizer(self.config)
        self.follower = Follower(self.state["places"], from_end=self.state.pop("new"))
        self.letterbox = Letterbox(self.config, self.state)
        self.saved = ""

    def look(self, now: float) -> None:
        """One round."""
        for host, line in self.follower.lines():
            self.state["heard"][host] = now
            for event in self.recognizer.events(host, line, now):
                self.letterbox.put(event)
        self.miss(now)
        self.recognizer.forget(now)
        self.letterbox.empty(now)
        self.save()

    def miss(self, now: float) -> None:
        """Tell once of each host that has said nothing for longer than it may."""
        heard = self.state["heard"]
        for host, hours in self.config["hosts"].items():
            last = heard.setdefault(host, now)
            if now - last > float(hours) * 3600 and host not in self.state["missed"]:
                self.state["missed"].append(host)
                since = datetime.fromtimestamp(last)
                self.letterbox.put(Event("silence", host, "", f"keine Meldung seit {since:%d.%m.%Y %H:%M}", now))
        self.state["missed"] = [
            host
            for host in self.state["missed"]
            if host in self.config["hosts"] and now - heard[host] > float(self.config["hosts"][host]) * 3600
        ]

    def save(self) -> None:
        """Write the state if it has changed, whole or not at all."""
        text = json.dumps(self.state, ensure_ascii=False)
        if text != self.saved:
            temporary = STATE.with_suffix(".new")
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(STATE)
            self.saved = text


def load_state() -> dict[str, Any]:
    """What the last run left; a first run begins with what comes from now on."""
    empty = {
        "places": {}, "heard": {}, "missed": [], "told": {}, "pending": [], "sent": [],
        "mails_left": BURST, "refilled": time.time(), "retry_at": 0, "undelivered_since": None,
    }  # fmt: skip
    try:
        return {**empty, **json.loads(STATE.read_text(encoding="utf-8")), "new": False}
    except FileNotFoundError:
        return {**empty, "new": True}


def main() -> None:
    """Run until stopped."""
    watch = Watch()
    while True:
        watch.look(time.time())
        time.sleep(EVERY)


if __name__ == "__main__":
    main()
