"""A new practice's folder from answers: the template `inventories/vorlage` with names, addresses and choices filled in.

Every comment of the template stays, so that whoever opens the files finds the fields that no question asked for.
"""

from __future__ import annotations

import ipaddress
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from praxisschild.errors import InputError, RunError
from praxisschild.i18n import _
from praxisschild.rules import MANAGEMENT, PEOPLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROLES = {"arbeitsplatz": "arbeitsplaetze", "server": "server"}
SYSTEMS = ("debian", "ubuntu", "windows")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FACTS = "group_vars/all/praxis.yml"
_ACCESS = "group_vars/all/zugang.yml"
_WINDOWS = "group_vars/windows.yml"


@dataclass(frozen=True)
class Host:
    """One host: `role` is a key of `ROLES`, `system` one of `SYSTEMS`."""

    name: str
    address: str
    role: str = "arbeitsplatz"
    system: str = "debian"

    @property
    def is_windows(self) -> bool:
        """Whether it is reached over WinRM and not over SSH."""
        return self.system == "windows"


@dataclass(frozen=True)
class Answers:
    """What is known of a new practice; an empty text is a question that was passed over."""

    name: str
    people: int
    hosts: tuple[Host, ...]
    network: str
    control: str
    admin: str
    features: Mapping[str, bool] = field(default_factory=dict)
    ssh_key: str = ""
    persons: tuple[str, ...] = ()
    file_server: str = ""
    backup_target: str = ""
    medium_host: str = ""
    medium_device: str = ""
    log_host: str = ""
    alarm_mail: str = ""
    smtp_host: str = ""

    @property
    def size(self) -> str:
        """The directive's size for so many people who regularly process data."""
        return next((size for size, most in PEOPLE.items() if self.people <= most), "gross")

    @property
    def has_windows(self) -> bool:
        return any(host.is_windows for host in self.hosts)


def host_of(text: str) -> Host:
    """A host as an option writes it: `name=anmeldung,address=192.168.10.11,role=arbeitsplatz,os=debian`.

    Raises:
        ValueError: in the language of the program.
    """
    given: dict[str, str] = {}
    for part in text.split(","):
        key, separator, value = (one.strip() for one in part.partition("="))
        if not separator or key not in {"name", "address", "role", "os"}:
            raise ValueError(_("{part!r} is none of name=…, address=…, role=…, os=…", part=part))
        given[key] = value
    for key in ("name", "address"):
        if not given.get(key):
            raise ValueError(_("{key}= is missing", key=key))
    host = Host(given["name"], given["address"], given.get("role", "arbeitsplatz"), given.get("os", "debian"))
    return checked_host(host)


def checked_host(host: Host) -> Host:
    """The host itself, once its parts have been found possible.

    Raises:
        ValueError: in the language of the program.
    """
    checked_name(host.name)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.:_-]*", host.address):
        raise ValueError(_("{address!r} is neither an IP address nor a host name", address=host.address))
    if host.role not in ROLES:
        raise ValueError(_("{word!r} is none of {known}", word=host.role, known=", ".join(ROLES)))
    if host.system not in SYSTEMS:
        raise ValueError(_("{word!r} is none of {known}", word=host.system, known=", ".join(SYSTEMS)))
    return host


def checked_name(name: str) -> str:
    """A name of a host or login.

    Raises:
        ValueError: in the language of the program.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(_("{name!r} is no name: letters, digits, hyphens and dots make one", name=name))
    return name


def checked_network(text: str) -> str:
    """A network in the form that the firewall takes.

    Raises:
        ValueError: in the language of the program.
    """
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError(_("{text!r} is no network; write it like 192.168.10.0/24", text=text)) from None


def make_practice(folder: Path, answers: Answers, template: Path) -> None:
    """Write the folder: it appears as a whole, and nothing that is there already is touched.

    Raises:
        InputError: the folder is there already, or cannot be written.
    """
    if folder.exists():
        raise already_there(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as hidden_name:
            hidden = folder.parent / hidden_name / folder.name
            shutil.copytree(template, hidden)
            for name, text in _files(answers, hidden, folder).items():
                path = hidden / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            if not answers.has_windows:
                (hidden / _WINDOWS).unlink()
            hidden.rename(folder)
    except FileExistsError:
        raise already_there(folder) from None
    except OSError as error:
        reason = _("cannot be written ({error})", error=error.strerror or error)
        raise InputError(folder, "", reason, _("check space and permissions")) from None


def already_there(folder: Path) -> InputError:
    """What to say of a folder that init will not overwrite."""
    return InputError(
        folder, "", _("there is something of this name already"), _("name another folder; init overwrites nothing")
    )


def _files(answers: Answers, template: Path, folder: Path) -> dict[str, str]:
    files = {
        "hosts.yml": _hosts(answers),
        _FACTS: _facts(answers, (template / _FACTS).read_text(encoding="utf-8")),
        _ACCESS: _access(answers, (template / _ACCESS).read_text(encoding="utf-8"), folder),
    }
    if any(host.role == "server" for host in answers.hosts):
        files["group_vars/server.yml"] = (
            "# Nobody works at a server's screen.\nendpoint_hardening_desktop: false\noffice_and_mail_desktop: false\n"
        )
    if answers.medium_host and answers.medium_device:
        files[f"host_vars/{answers.medium_host}.yml"] = (
            "# The removable medium of the weekly backup is plugged in here.\n"
            + _dumped({"backup_schedule_medium_device": answers.medium_device})
        )
    return files


def _hosts(answers: Answers) -> str:
    groups: dict[str, Any] = {}
    for host in answers.hosts:
        hosts = groups.setdefault(ROLES[host.role], {"hosts": {}})["hosts"]
        hosts[host.name] = {"ansible_host": host.address}
    text = "# The hosts of the practice. Group names are yours to choose; the roles do not read them.\n"
    if answers.has_windows:
        text += f"# {_WINDOWS} says how those of the group `windows` are reached.\n"
        groups["windows"] = {"hosts": {host.name: {} for host in answers.hosts if host.is_windows}}
    return text + _dumped({"all": {"children": groups}})


def _facts(answers: Answers, text: str) -> str:
    values: dict[str, Any] = {
        "name": answers.name,
        "size": answers.size,
        "networks": {"praxis": answers.network, MANAGEMENT: answers.control},
        "services": _services(answers),
        "accounts": [
            {"name": answers.admin, "kind": "admin", "purpose": "IT-Dienstleister"},
            *({"name": name, "kind": "person", "purpose": "Praxis"} for name in answers.persons),
        ],
    }
    features = dict(answers.features)
    if answers.has_windows:
        features["windows"] = True
    if features:
        values["features"] = features
    if answers.log_host:
        values["log_host"] = answers.log_host
    if answers.alarm_mail and answers.smtp_host:
        values["alarm"] = {
            "mail_to": answers.alarm_mail,
            "smtp_host": answers.smtp_host,
            "smtp_port": 587,
            "smtp_security": "starttls",
        }
    for key, value in values.items():
        text = _put(text, key, value)
    return text


def _services(answers: Answers) -> list[dict[str, Any]]:
    wanted = (
        (answers.file_server, 445, "Dateifreigabe"),
        (answers.backup_target, 22, "Datensicherung der Arbeitsplätze"),
        (answers.log_host if len(answers.hosts) > 1 else "", 6514, "Protokolle"),
    )
    return [
        {"host": host, "port": port, "from": ["praxis"], "purpose": purpose} for host, port, purpose in wanted if host
    ]


def _access(answers: Answers, text: str, folder: Path) -> str:
    user = _dumped({"ansible_user": answers.admin}).strip()
    if answers.ssh_key:
        user += "\n" + _dumped({"ansible_ssh_private_key_file": answers.ssh_key}).strip()
    text, count = re.subn(r"^ansible_user:.*$", lambda _found: user, text, count=1, flags=re.MULTILINE)
    if not count:
        raise _changed_template("ansible_user")
    return text.replace("inventories/<folder>", str(folder))


def _put(text: str, key: str, value: Any) -> str:
    """The text with another value of a field of `praxis`, which the template has, perhaps as a comment only."""
    lines = text.splitlines(keepends=True)
    for begin, more in ((f"  {key}:", r" {3,}\S"), (f"  # {key}:", r"  #(?:  | -).*\S")):
        place = next((number for number, line in enumerate(lines) if line.startswith(begin)), None)
        if place is None:
            continue
        end = place + 1
        while end < len(lines) and re.match(more, lines[end]):
            end += 1
        block = "".join(f"  {line}\n" for line in _dumped({key: value}).splitlines())
        return "".join([*lines[:place], block, *lines[end:]])
    raise _changed_template(f"praxis.{key}")


def _changed_template(what: str) -> RunError:
    return RunError(_("inventories/vorlage has no field {what} any more", what=what), _("restore it from the checkout"))


class _Dumper(yaml.SafeDumper):
    """Writes lists indented below their key, as the template does."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - yaml's own
        super().increase_indent(flow, False)


def _dumped(value: Mapping[str, Any]) -> str:
    return yaml.dump(dict(value), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)
