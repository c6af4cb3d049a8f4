"""Who keeps the practice's logs and whom they alarm: the part of a practice's facts that logging needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, StringConstraints, model_validator

from praxisschild.errors import InputError
from praxisschild.i18n import _

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path
    from typing import Self

    from praxisschild.practice import Practice

TRANSPORT_PORT = 6514  # RFC 5425 registered it for syslog over TLS
COLLECTOR_PORTS = (5985, 5986)  # where a log host with Windows takes forwarded events
DEVICE_PORT = 514
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Alarm(_Model):
    """Where alarms go, and the mail server that takes them."""

    mail_to: Address
    mail_from: Address | None = None
    smtp_host: Name
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None

    @model_validator(mode="after")
    def _clear_text_stays_on_the_host(self) -> Self:
        if self.smtp_security == "none" and self.smtp_host not in {"localhost", "127.0.0.1"}:
            raise ValueError(_("without TLS mail is handed to a server on localhost only: use starttls or tls"))
        return self


class LogSender(_Model):
    """A device that can only send plain syslog, known by its address."""

    name: Name
    address: IPvAnyAddress


def check_log_host(practice: Practice, file: Path, hosts: Collection[str], obliged: Collection[str]) -> None:
    """Refuse facts with which the logs would arrive nowhere, or alarms at nobody.

    Args:
        hosts: all hosts of the inventory.
        obliged: those for which 2021-A2-11 applies, deviations taken off.

    Raises:
        InputError: with the way out.
    """
    log_host = practice.log_host
    if log_host is None:
        if obliged:
            raise InputError(
                file,
                "praxis.log_host",
                _(
                    "missing: a practice of this size keeps its logs in one place (2021-A2-11, for {hosts})",
                    hosts=", ".join(sorted(obliged)),
                ),
                _("name the host of the inventory that is to keep them, or write a deviation from 2021-A2-11"),
            )
        if practice.log_senders:
            raise InputError(
                file,
                "praxis.log_senders",
                _("there is no log host that could listen to devices"),
                _("name praxis.log_host"),
            )
        return
    if log_host not in hosts:
        way_out = _("name a host of the inventory: {hosts}", hosts=", ".join(sorted(hosts)))
        raise InputError(file, "praxis.log_host", _("unknown host {log_host!r}", log_host=log_host), way_out)
    if obliged and practice.alarm is None:
        raise InputError(
            file,
            "praxis.alarm",
            _("missing: the log host has nobody to tell (2021-A2-11 demands alarms)"),
            _("name at least mail_to and smtp_host; inventories/vorlage shows the fields"),
        )
    if len(hosts) > 1:
        _declared(practice, file, "praxis.log_host", TRANSPORT_PORT, "tcp", _("its hosts' logs"), COLLECTOR_PORTS)
    if practice.log_senders:
        _declared(practice, file, "praxis.log_senders", DEVICE_PORT, "udp", _("the devices' logs"))
    names = [sender.name for sender in practice.log_senders]
    taken = set(names) & set(hosts) or {name for name in names if names.count(name) > 1}
    if taken:
        raise InputError(
            file,
            "praxis.log_senders",
            _("the name {taken!r} stands for two senders", taken=min(taken)),
            _("give each a name of its own"),
        )


def _declared(
    practice: Practice, file: Path, field: str, port: int, protocol: str, what: str, instead: Collection[int] = ()
) -> None:
    host = practice.log_host or ""
    if not any(one.port in {port, *instead} and one.protocol == protocol for one in practice.services_of(host)):
        raise InputError(
            file,
            field,
            _(
                "the firewall of {host} would refuse {what}: praxis.services does not open {protocol} port {port}",
                host=host,
                what=what,
                protocol=protocol,
                port=port,
            ),
            _(
                "add to praxis.services: {{host: {host}, port: {port}, protocol: {protocol}, from: "
                "[NETWORK], purpose: Protokolle}}",
                host=host,
                port=port,
                protocol=protocol,
            ),
        )
