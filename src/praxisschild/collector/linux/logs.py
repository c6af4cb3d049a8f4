"""Where the host's messages go, how long they stay, what the kernel records, and whom an alarm reaches."""

from __future__ import annotations

import calendar
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from praxisschild.collector.linux.reading import (
    in_container,
    key_values,
    lines,
    modified,
    permissions,
    policy_file,
    read,
    run,
)

ALARM_CONFIG = Path("/etc/praxisschild/alarm/config.json")
ALARM_MAIL = Path("/etc/praxisschild/alarm/msmtprc")
ALARM_STATE = Path("/var/lib/praxisschild/alarm/state.json")

SPANS = {"": 1, "s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400,
         "w": 604800, "week": 604800, "month": 2629800, "y": 31557600, "year": 31557600}  # fmt: skip
OBJECT = re.compile(r"\b(action|global|input|module|template)\s*\(")
PARAMETER = re.compile(r'([\w.]+)\s*=\s*("(?:[^"\\]|\\.)*"|\[[^\]]*\])')
LEGACY_FORWARD = re.compile(r"^\S+\s+(@{1,2})(?:\([^)]*\))?([^\s;]+)", re.MULTILINE)
AUDIT_ACTIONS = (
    "admin_space_left_action", "disk_error_action", "disk_full_action", "max_log_file", "max_log_file_action",
    "num_logs", "space_left_action",
)  # fmt: skip
PERIODS = {"hourly": 1, "daily": 1, "weekly": 7, "monthly": 31, "yearly": 366}


def logs() -> dict[str, Any]:
    """The section."""
    text = rsyslog_config()
    found = objects(text)
    return {
        "journal": journal(),
        "rsyslog": text is not None,
        "forwards": forwards(found, text or ""),
        "inputs": inputs(found),
        "connections": connections(),
        "certificates": [certificate(name, key) for name, key in certificates(found)],
        "store": store(found),
        "audit": audit(),
        "alarm": alarm(),
    }


def journal() -> dict[str, Any]:
    """journald's configuration as it takes effect, and whether a journal lies on disk."""
    settings = key_values(run("systemd-analyze", "cat-config", "systemd/journald.conf") or "")
    machine = read("/etc/machine-id").strip()
    return {
        "storage": settings.get("Storage", "auto"),
        "on_disk": bool(machine) and Path("/var/log/journal", machine).is_dir(),
        "retention": span(settings.get("MaxRetentionSec", "0")),
        "file_span": span(settings.get("MaxFileSec", "1month")),
        "max_use": settings.get("SystemMaxUse") or None,
    }


def span(text: str) -> Any:
    """Seconds of a systemd time span; null for one that this cannot read."""
    total = 0
    for number, unit in re.findall(r"(\d+)\s*([A-Za-z]*)", text):
        factor = SPANS.get(unit if unit in SPANS else unit.rstrip("s"))
        if factor is None:
            return None
        total += int(number) * factor
    return total


def rsyslog_config() -> Any:
    """rsyslog's whole configuration, null without rsyslog."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "full")
        # it is complete, and in force, also when rsyslog complains of a part of it
        if run("rsyslogd", "-N1", "-o", str(path)) is None:
            return None
        text = read(path)
    if not text:
        raise ValueError("rsyslogd does not tell its configuration")
    return "\n".join(lines(text))


def objects(text: Any) -> list[dict[str, Any]]:
    """The objects of rsyslog's configuration with their parameters in lower case; `object` is what each is."""
    found = []
    for match in OBJECT.finditer(text or ""):
        depth, quoted, end = 0, False, match.end()
        for end in range(match.end() - 1, len(text)):
            char = text[end]
            if char == '"' and text[end - 1] != "\\":
                quoted = not quoted
            elif not quoted:
                depth += {"(": 1, ")": -1}.get(char, 0)
                if depth == 0:
                    break
        parameters: dict[str, Any] = {"object": match.group(1)}
        for name, value in PARAMETER.findall(text[match.end() : end]):
            parts = re.findall(r'"((?:[^"\\]|\\.)*)"', value)
            parameters[name.lower()] = parts if value.startswith("[") else parts[0]
        found.append(parameters)
    return found


def as_list(value: Any) -> list[str]:
    """A parameter that may be one word or several."""
    return [value] if isinstance(value, str) else list(value or [])


def forwards(found: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """To whom rsyslog sends messages, and how."""
    sent = []
    for one in found:
        kind = one.get("type", "").lower()
        if one["object"] != "action" or kind not in ("omfwd", "omrelp"):
            continue
        relp = kind == "omrelp"
        mode = one.get("tls.authmode" if relp else "streamdriverauthmode", "")
        peers = as_list(one.get("tls.permittedpeer" if relp else "streamdriverpermittedpeers"))
        sent.append(
            {
                "target": one.get("target"),
                "port": int(one.get("port") or 514),
                "acknowledged": relp,
                "encrypted": one.get("tls") == "on" if relp else one.get("streamdrivermode") == "1",
                "peers": peers if mode in ("name", "x509/name") else [],
                "spool": one.get("queue.filename"),
                "patient": one.get("action.resumeretrycount") == "-1",
            }
        )
    for _, target in LEGACY_FORWARD.findall(text):
        name, _, port = target.partition(":")
        sent.append(
            {"target": name, "port": int(port or 514), "acknowledged": False, "encrypted": False, "peers": [],
             "spool": None, "patient": False}
        )  # fmt: skip
    return sent


def inputs(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where rsyslog listens to the network."""
    return [
        {
            "module": one["type"].lower(),
            "port": int(one.get("port") or 514),
            "encrypted": one.get("tls") == "on" or one.get("streamdriver.mode") == "1",
            "peers": as_list(one.get("tls.permittedpeer") or one.get("permittedpeer"))
            if one.get("tls.authmode", one.get("streamdriver.authmode", "")) in ("name", "x509/name")
            else [],
        }
        for one in found
        if one["object"] == "input" and one.get("type", "").lower() in ("imptcp", "imrelp", "imtcp", "imudp")
    ]


def connections() -> Any:
    """Ports of other hosts to which rsyslog holds a connection now; null without ss."""
    text = run("ss", "-H", "-t", "-n", "-p", "state", "established")
    if text is None:
        return None
    peers = [line.split()[3] for line in text.splitlines() if '"rsyslogd"' in line]
    return sorted({int(peer.rpartition(":")[2]) for peer in peers})


def certificates(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Certificate and key files that rsyslog uses towards others."""
    names = [("tls.mycert", "tls.myprivkey"), ("defaultnetstreamdrivercertfile", "defaultnetstreamdriverkeyfile")]
    pairs = {(one[a], one[b]) for one in found for a, b in names if a in one and b in one}
    return sorted(pairs)


def certificate(path: str, key: str) -> dict[str, Any]:
    """Until when it is valid (seconds since 1970, null if unreadable), for whom, and who may read its key."""
    text = run("openssl", "x509", "-in", path, "-noout", "-enddate", "-ext", "subjectAltName") or ""
    end = re.search(r"notAfter=(.*) GMT", text)
    until = calendar.timegm(time.strptime(end.group(1), "%b %d %H:%M:%S %Y")) if end else None
    return {
        "path": path,
        "key_path": key,
        "until": until,
        "names": re.findall(r"DNS:([^\s,]+)", text),
        "key": permissions(key),
    }


def store(found: list[dict[str, Any]]) -> Any:
    """What rsyslog keeps of other hosts, one folder each; null where it keeps nothing by name."""
    templates = {one.get("name"): one.get("string", "") for one in found if one["object"] == "template"}
    names = [templates.get(one["dynafile"], "") for one in found if one["object"] == "action" and "dynafile" in one]
    folders = {name.partition("%")[0].rpartition("/")[0] for name in names if name.startswith("/")}
    if not folders:
        return None
    folder = Path(min(folders))
    hosts = {}
    modes = {str(folder): permissions(folder)}
    for host in sorted(folder.glob("*/")):
        files = [path for path in host.rglob("*") if path.is_file()]
        for path in (host, *files):
            modes[str(path)] = permissions(path)
        times = [modified(path) for path in files if path.stat().st_size]
        hosts[host.name] = {"newest": max(times, default=None), "oldest": min(times, default=None)}
    exposed = sorted(path for path, one in modes.items() if one is None or one["uid"] or int(one["mode"], 8) & 0o077)
    return {"folder": str(folder), "hosts": hosts, "exposed": exposed, "keeps_days": kept_days(folder)}


def kept_days(folder: Path) -> Any:
    """After how many days logrotate removes what is in the folder; null if it does not."""
    for path in sorted(Path("/etc/logrotate.d").glob("*")):
        for names, body in re.findall(r"^([^{}#\n][^{}]*)\{([^}]*)\}", "\n".join(lines(read(path))), re.MULTILINE):
            if not any(name.startswith(f"{folder}/") for name in names.split()):
                continue
            words = [line.split() for line in body.splitlines() if line.strip()]
            period = next((PERIODS[one[0]] for one in words if one[0] in PERIODS), 7)
            numbers = {one[0]: int(one[1]) for one in words if one[0] in ("rotate", "maxage") and len(one) > 1}
            limits = [numbers["rotate"] * period] if "rotate" in numbers else []
            limits += [numbers["maxage"]] if "maxage" in numbers else []
            return min(limits, default=None)
    return None


def audit() -> Any:
    """The kernel's audit rules as loaded, and what auditd does when the disk is full; null in a container."""
    if in_container() != "none":
        return None
    state = dict(line.split(None, 1) for line in (run("auditctl", "-s") or "").splitlines() if len(line.split()) > 1)
    settings = {key.lower(): value for key, value in key_values(read("/etc/audit/auditd.conf")).items()}
    return {
        "enabled": int(state["enabled"]) if state.get("enabled", "").isdigit() else 0,
        "lost": int(state["lost"]) if state.get("lost", "").isdigit() else None,
        "failure": int(state["failure"]) if state.get("failure", "").isdigit() else None,
        "rules": [line for line in (run("auditctl", "-l") or "").splitlines() if line.startswith("-")],
        "daemon": {key: settings.get(key) for key in AUDIT_ACTIONS},
    }


def alarm() -> Any:
    """What raises an alarm and whether one gets through, without names or addresses; null where nothing does."""
    if not ALARM_CONFIG.exists():
        return None
    config = policy_file(ALARM_CONFIG) or {}
    state = (policy_file(ALARM_STATE) or {}) if ALARM_STATE.exists() else {}
    mail = dict(line.split(None, 1) for line in lines(read(ALARM_MAIL)) if len(line.split()) > 1)
    return {
        "recipient": bool(config.get("mail_to")),
        "failed_logins": config.get("failed_logins"),
        "silent_hours": config.get("hosts", {}),
        "heard": state.get("heard", {}),
        "missed": state.get("missed", []),
        "undelivered_since": state.get("undelivered_since"),
        "encrypted": mail.get("tls") == "on" or mail.get("host") in ("localhost", "127.0.0.1"),
    }
