"""The interview about a new practice: its questions at the terminal, how answers are read, and where they are kept.

Answers are kept beside the folder while it is not there yet: whoever breaks off goes on where they stopped.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from typing import TYPE_CHECKING, Any

import typer

from praxisschild.cli_common import notes
from praxisschild.errors import InputError
from praxisschild.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from praxisschild.new_practice import Answers, Host

_YES, _NO = {"j", "ja", "y", "yes", "true", "1"}, {"n", "nein", "no", "false", "0"}


class Interview:
    """The questions, what has been answered by options, before, or now, and where that is kept."""

    def __init__(self, folder: Path, given: dict[str, Any]) -> None:
        self._kept_in = folder.parent / f".{folder.name}.init.json"
        self._said: dict[str, Any] = {}
        self._given = given
        if self._kept_in.exists():
            self._said = self._earlier()

    def _earlier(self) -> dict[str, Any]:
        try:
            said = json.loads(self._kept_in.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            said = None
        if not isinstance(said, dict):
            raise InputError(
                self._kept_in,
                "",
                _("the answers of an earlier call cannot be read"),
                _("remove the file to begin anew"),
            )
        return said

    def forget(self) -> None:
        """The practice is there: nothing is left to go on with."""
        self._kept_in.unlink(missing_ok=True)

    def _keep(self) -> None:
        try:
            self._kept_in.parent.mkdir(parents=True, exist_ok=True)
            self._kept_in.write_text(json.dumps(self._said, ensure_ascii=False), encoding="utf-8")
        except OSError as error:
            reason = _("cannot be written ({error})", error=error.strerror or error)
            raise InputError(self._kept_in, "", reason, _("check space and permissions")) from None

    def answers(self, *, asks: bool) -> Answers:
        """Every answer, asked for or not.

        Raises:
            InputError: an option or an earlier answer is wrong, or missing and not to be asked for.
        """
        if self._said and asks:
            notes.print(_("Going on where the last call stopped; {file} keeps the answers.", file=self._kept_in))
        found: dict[str, Any] = {}
        try:
            for question in QUESTIONS:
                if question.when is None or question.when(found):
                    found[question.key] = self._answer(question, found, asks=asks)
        except typer.Abort:
            notes.print(_("\nThe answers so far are kept; the same command goes on here."))
            raise
        return _answers(found)

    def _answer(self, question: Question, found: dict[str, Any], *, asks: bool) -> Any:
        for source in (self._given, self._said):
            if question.key in source:
                return self._parsed(question, source[question.key], found)
        if not asks:
            default = question.default(found)
            if default is None:
                raise InputError(
                    question.option, "", _("is missing"), _("give it, or leave out --non-interactive and be asked")
                )
            return self._parsed(question, default, found)
        self._said[question.key] = answer = question.ask(question, found)
        self._keep()
        return question.parse(answer, found)

    def _parsed(self, question: Question, text: Any, found: dict[str, Any]) -> Any:
        try:
            return question.parse(text, found)
        except ValueError as error:
            raise InputError(question.option, "", str(error), question.example) from None


class Question:
    """One question: its option, its words, how an answer is read, and what it is when nobody says anything."""

    def __init__(
        self,
        key: str,
        option: str,
        words: str,
        parse: Callable[[Any, dict[str, Any]], Any],
        default: Callable[[dict[str, Any]], Any],
        ask: Callable[[Question, dict[str, Any]], Any] | None = None,
        when: Callable[[dict[str, Any]], bool] | None = None,
    ) -> None:
        self.key, self.option, self.words = key, option, words
        self.parse, self.default, self.when = parse, default, when
        self.ask = ask or ask_once

    @property
    def example(self) -> str:
        return _("correct it; `praxisschild init --help` shows the form")


def ask_once(question: Question, found: dict[str, Any]) -> str:
    """Ask until the answer can be read."""
    default = question.default(found)
    while True:
        words = _(question.words)
        text = str(typer.prompt(words, default="" if default is None else default, show_default=bool(default))).strip()
        try:
            question.parse(text, found)
        except ValueError as error:
            notes.print(str(error), style="red", markup=False)
        else:
            return text


def ask_hosts(question: Question, found: dict[str, Any]) -> list[str]:
    """Host by host, until an empty name."""
    from praxisschild.new_practice import ROLES, SYSTEMS

    hosts: list[str] = []
    while True:
        name = str(typer.prompt(_("Host (empty: no more)"), default="", show_default=False)).strip()
        if not name and hosts:
            return hosts
        parts = [f"name={name}"]
        if name:
            address = str(typer.prompt(_("  IP address or name in the network"))).strip()
            role = _one_of(_("  Role"), tuple(ROLES), "server" if "server" in name else "arbeitsplatz")
            system = _one_of(_("  Operating system"), SYSTEMS, "debian")
            parts += [f"address={address}", f"role={role}", f"os={system}"]
        try:
            question.parse([*hosts, ",".join(parts)], found)
        except ValueError as error:
            notes.print(str(error), style="red", markup=False)
        else:
            hosts.append(",".join(parts))


def _one_of(words: str, known: tuple[str, ...], default: str) -> str:
    while True:
        text = str(typer.prompt(f"{words} ({', '.join(known)})", default=default)).strip().lower()
        fitting = [one for one in known if text and one.startswith(text)]
        if len(fitting) == 1:
            return fitting[0]
        notes.print(_("Please one of: {known}", known=", ".join(known)), markup=False)


def ask_persons(question: Question, found: dict[str, Any]) -> list[str]:
    """Login by login, until an empty one."""
    names: list[str] = []
    while True:
        name = str(typer.prompt(_(question.words), default="", show_default=False)).strip()
        if not name:
            return names
        try:
            question.parse([*names, name], found)
        except ValueError as error:
            notes.print(str(error), style="red", markup=False)
        else:
            names.append(name)


def ask_features(question: Question, _found: dict[str, Any]) -> list[str]:
    """Every feature of the catalogue, with its default."""
    from praxisschild.catalogue import load_catalogue

    said = []
    notes.print(_(question.words))
    for name, one in load_catalogue().features.items():
        hint = _("Y/n") if one.default else _("y/N")
        while True:
            text = str(typer.prompt(f"  {one.label} [{hint}]", default="", show_default=False)).strip().lower()
            if not text or text in _YES | _NO:
                break
            notes.print(_("Please answer yes or no."))
        yes = one.default if not text else text in _YES
        said.append(f"{name}={'yes' if yes else 'no'}")
    return said


def _text(text: str, _found: dict[str, Any]) -> str:
    if not text.strip():
        raise ValueError(_("this cannot be left empty"))
    return text.strip()


def _optional(text: str, _found: dict[str, Any]) -> str:
    return text.strip()


def _people(text: str, _found: dict[str, Any]) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:7]) < 100_000 or len(text) > 6:
        raise ValueError(_("{text!r} is no number of people", text=text))
    return int(text)


def _hosts(texts: Any, _found: dict[str, Any]) -> tuple[Host, ...]:
    from praxisschild.new_practice import host_of

    hosts = tuple(host_of(str(text)) for text in texts)
    names = [host.name for host in hosts]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(_("{name!r} stands there twice", name=name))
    return hosts


def _network(text: str, _found: dict[str, Any]) -> str:
    from praxisschild.new_practice import checked_network

    return checked_network(text.strip())


def _login(text: str, _found: dict[str, Any]) -> str:
    from praxisschild.new_practice import checked_name

    return checked_name(text.strip())


def _persons(texts: Any, found: dict[str, Any]) -> tuple[str, ...]:
    names = tuple(_login(str(text), found) for text in texts)
    taken = [name for name in names if names.count(name) > 1 or name == found["admin"]]
    if taken:
        raise ValueError(_("{name!r} stands there twice", name=taken[0]))
    return names


def _features(texts: Any, _found: dict[str, Any]) -> dict[str, bool]:
    from praxisschild.catalogue import load_catalogue

    known = load_catalogue().features
    found = {}
    for text in texts:
        name, _separator, word = str(text).partition("=")
        if name not in known:
            raise ValueError(_("{word!r} is none of {known}", word=name, known=", ".join(known)))
        if word.lower() not in _YES | _NO:
            raise ValueError(_("{text!r}: write {name}=yes or {name}=no", text=text, name=name))
        found[name] = word.lower() in _YES
    return found


def _host(text: str, found: dict[str, Any]) -> str:
    return _one_host(text, [host.name for host in found["hosts"]])


def _linux_host(text: str, found: dict[str, Any]) -> str:
    """What takes in the backups of others, and media for them, runs on Linux."""
    return _one_host(text, [host.name for host in found["hosts"] if not host.is_windows])


def _one_host(text: str, names: list[str]) -> str:
    if text.strip() and text.strip() not in names:
        raise ValueError(_("{word!r} is none of {known}", word=text, known=", ".join(names)))
    return text.strip()


def _medium(text: str, found: dict[str, Any]) -> tuple[str, str]:
    host, _separator, device = text.strip().partition(":")
    if not host and not device:
        return "", ""
    if not device.startswith("/"):
        raise ValueError(_("write HOST:DEVICE, for example praxisserver:/dev/disk/by-label/SICHERUNG"))
    return _linux_host(host, found), device


def _mail(text: str, _found: dict[str, Any]) -> str:
    if text.strip() and "@" not in text:
        raise ValueError(_("{text!r} is no mail address", text=text))
    return text.strip()


def _near_network(found: dict[str, Any]) -> str | None:
    try:
        address = ipaddress.ip_address(found["hosts"][0].address)
    except ValueError:
        return None
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))


def _own_address(found: dict[str, Any]) -> str | None:
    """The address of this machine on the way to the first host; connecting a datagram socket sends nothing."""
    try:
        host = ipaddress.ip_address(found["hosts"][0].address)
        family = socket.AF_INET if host.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(host), 22))
            own = ipaddress.ip_address(probe.getsockname()[0])
    except (OSError, ValueError):
        return None
    return f"{own}/{own.max_prefixlen}"


def _first_server(found: dict[str, Any]) -> str:
    return next((host.name for host in found["hosts"] if host.role == "server"), "")


def _first_linux_server(found: dict[str, Any]) -> str:
    return next((host.name for host in found["hosts"] if host.role == "server" and not host.is_windows), "")


def _needs_log_host(found: dict[str, Any]) -> str:
    return _first_linux_server(found) or _first_server(found) if found["people"] > 5 else ""


QUESTIONS = (
    Question("name", "--name", N_("Name of the practice"), _text, lambda _found: None),
    Question("people", "--people", N_("How many people regularly process data there?"), _people, lambda _found: None),
    Question(
        "features",
        "--feature",
        N_("What does the practice have?"),
        _features,
        lambda _found: [],
        ask=ask_features,
    ),
    Question("hosts", "--host", N_("Host"), _hosts, lambda _found: None, ask=ask_hosts),
    Question("network", "--network", N_("Network of the practice"), _network, _near_network),
    Question(
        "control", "--control", N_("Address of this control node (only it may reach SSH)"), _network, _own_address
    ),
    Question("admin", "--admin", N_("Login of the operator on the hosts"), _login, lambda _found: "betreuung"),
    Question(
        "ssh_key",
        "--ssh-key",
        N_("File with the private SSH key (empty: SSH's own choice)"),
        _optional,
        lambda _found: "",
    ),
    Question(
        "persons",
        "--person",
        N_("Login of one person (empty: no more)"),
        _persons,
        lambda _found: [],
        ask=ask_persons,
    ),
    Question("file_server", "--file-server", N_("Host that offers file shares (empty: none)"), _host, _first_server),
    Question(
        "backup_target",
        "--backup-target",
        N_("Host that keeps the backups of the others (empty: none)"),
        _linux_host,
        _first_linux_server,
    ),
    Question(
        "medium",
        "--medium",
        N_("Removable backup medium, HOST:DEVICE (empty: later)"),
        _medium,
        lambda _found: "",
    ),
    Question(
        "log_host",
        "--log-host",
        N_("Host that keeps the logs of the others (empty: none)"),
        _host,
        _needs_log_host,
    ),
    Question(
        "alarm_mail",
        "--alarm-mail",
        N_("Mail address that alarms go to (empty: later)"),
        _mail,
        lambda _found: "",
    ),
    Question(
        "smtp_host",
        "--smtp-host",
        N_("Mail server for alarms"),
        _text,
        lambda _found: None,
        when=lambda found: bool(found["alarm_mail"]),
    ),
)


def _answers(found: dict[str, Any]) -> Answers:
    from praxisschild.new_practice import Answers

    medium_host, medium_device = found.pop("medium")
    return Answers(**found, medium_host=medium_host, medium_device=medium_device)
