"""A systemd timer on the control node that finds and corrects a practice's drift every day."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from praxisschild.errors import InputError, RunError
from praxisschild.i18n import _

_SERVICE = """\
[Unit]
Description=Praxisschild: Abweichungen finden und berichtigen ({practice})
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
WorkingDirectory={project}
Environment=PATH={path}
Environment=PYTHONUNBUFFERED=1
{environment}ExecStart={praxisschild} drift {folder}
TimeoutStartSec=2h
"""
_TIMER = """\
[Unit]
Description=Praxisschild: täglicher Lauf ({practice})

[Timer]
OnCalendar={calendar}
Persistent=true
RandomizedDelaySec=10min

[Install]
WantedBy=timers.target
"""
# What the person who installs the timer has set, and what the runs without that person need too.
_KEPT = ("ANSIBLE_VAULT_PASSWORD_FILE", "LAB_INSTANCE")


@dataclass(frozen=True)
class Units:
    """The timer and service of one practice: the machine's for root, otherwise the user's own."""

    name: str
    folder: Path
    systemctl: tuple[str, ...]

    @classmethod
    def of(cls, practice: Path) -> Units:
        name = f"praxisschild-{re.sub(r'[^a-z0-9-]+', '-', practice.resolve().name.lower())}"
        if os.geteuid() == 0:
            return cls(name, Path("/etc/systemd/system"), ("systemctl",))
        home = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
        return cls(name, home / "systemd/user", ("systemctl", "--user"))

    @property
    def service(self) -> Path:
        return self.folder / f"{self.name}.service"

    @property
    def timer(self) -> Path:
        return self.folder / f"{self.name}.timer"

    def control(self, *arguments: str) -> None:
        done = subprocess.run([*self.systemctl, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RunError(
                _("systemctl {arguments} failed: {error}", arguments=" ".join(arguments), error=done.stderr.strip()), ""
            )


def calendar_of(at: str) -> str:
    """systemd's normal form of a time of day or a calendar expression.

    Raises:
        InputError: systemd does not understand it.
        RunError: this machine does not run systemd.
    """
    if not shutil.which("systemd-analyze") or not Path("/run/systemd/system").exists():
        raise RunError(_("this machine does not run systemd"), _("install the schedule on a control node that does"))
    done = subprocess.run(["systemd-analyze", "calendar", at], capture_output=True, text=True, check=False)
    normal = re.search(r"Normalized form: (.+)", done.stdout)
    if done.returncode or not normal:
        raise InputError("--at", at, _("systemd does not understand this time"), _('write "12:30" or "Mon..Fri 12:30"'))
    return normal.group(1)


def install(practice: Path, at: str, project: Path) -> Units:
    """Write and start the practice's timer; a second call replaces the first. Runs never overlap."""
    units, calendar = Units.of(practice), calendar_of(at)
    scripts = Path(sys.executable).parent
    values = {
        "practice": practice.resolve().name,
        "folder": practice.resolve(),
        "project": project,
        "praxisschild": scripts / "praxisschild",
        "path": f"{scripts}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "calendar": calendar,
        "environment": "".join(f"Environment={name}={os.environ[name]}\n" for name in _KEPT if name in os.environ),
    }
    units.folder.mkdir(parents=True, exist_ok=True)
    units.service.write_text(_SERVICE.format(**values), encoding="utf-8")
    units.timer.write_text(_TIMER.format(**values), encoding="utf-8")
    units.control("daemon-reload")
    units.control("enable", "--now", units.timer.name)
    return units


def remove(practice: Path) -> bool:
    """Stop and remove the practice's timer; False if there was none."""
    units = Units.of(practice)
    if not units.timer.exists():
        return False
    units.control("disable", "--now", units.timer.name)
    for path in (units.timer, units.service):
        path.unlink(missing_ok=True)
    units.control("daemon-reload")
    return True
