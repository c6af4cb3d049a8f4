"""What a practice is: the facts in its inventory, validated as a whole before anything runs."""

from __future__ import annotations

import difflib
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, StringConstraints, ValidationError, model_validator

from praxisschild.errors import InputError

if TYPE_CHECKING:
    import ipaddress
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from praxisschild.catalogue import Catalogue

Size = Literal["praxis", "mittel", "gross"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Service(_Model):
    """A port that a host offers to named networks of the practice."""

    host: Text
    port: Annotated[int, Field(ge=1, le=65535)]
    protocol: Literal["tcp", "udp"] = "tcp"
    sources: Annotated[list[Text], Field(alias="from", min_length=1)]
    purpose: Text


class Account(_Model):
    """A login of the practice: of one person, of a service, or of an administrator."""

    name: Text
    kind: Literal["person", "service", "admin"]
    hosts: list[Text] | Literal["all"] = "all"
    purpose: Text

    def exists_on(self, host: str) -> bool:
        return self.hosts == "all" or host in self.hosts


LONGEST_DEVIATION = 366  # days: a year, leap years included


class Deviation(_Model):
    """A reasoned, approved and expiring exception from a requirement.

    `compensation` is what protects instead, `risk` what remains; `approved_by` is a role in the practice.
    """

    requirement: Text
    hosts: list[Text] | Literal["all"] = "all"
    reason: Reason
    compensation: Reason
    risk: Literal["niedrig", "mittel", "hoch"]
    approved_by: Text
    approved_on: date
    expires: date

    def covers(self, host: str | None) -> bool:
        """Whether the deviation speaks of this host; None is the practice as a whole."""
        return self.hosts == "all" or (host is not None and host in self.hosts)


class Evidence(_Model):
    """How evidence is stamped: an RFC 3161 authority, and a PEM file with its certificate, relative to the folder."""

    timestamp_authority: Annotated[Text, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    timestamp_ca: Text | None = None


class Practice(_Model):
    """One customer: size, features, networks, accounts and deviations."""

    name: Text
    size: Size
    edition: Text = "auto"
    features: dict[str, bool] = {}
    networks: dict[str, IPvAnyNetwork]
    services: list[Service] = []
    accounts: list[Account] = []
    deviations: list[Deviation] = []
    attestations: Text = "attestations"
    evidence: Evidence = Evidence()
    withdrawn_requirements: Literal["keep", "drop"] = "keep"

    @model_validator(mode="before")
    @classmethod
    def _without_old_edition_as_number(cls, data: Any) -> Any:
        # YAML reads `edition: 2025` as a number; nobody should have to know that it wants quotes
        if isinstance(data, dict) and isinstance(data.get("edition"), int):
            return {**data, "edition": str(data["edition"])}
        return data

    def services_of(self, host: str) -> list[Service]:
        return [service for service in self.services if service.host == host]

    def accounts_of(self, host: str) -> list[Account]:
        return [account for account in self.accounts if account.exists_on(host)]

    def sources_of(self, service: Service) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        """The networks that may reach the service."""
        return [self.networks[name] for name in service.sources]


_WAYS_OUT = {
    "missing": "add the field; inventories/vorlage shows every one with a comment",
    "date_type": "write the date as YYYY-MM-DD",
    "extra_forbidden": "remove the field or correct its name; inventories/vorlage lists the fields there are",
    "literal_error": "choose one of the values named",
    "string_too_short": "write the reason in words that an auditor can follow (10 characters at least)",
    "date_from_datetime_parsing": "write the date as YYYY-MM-DD",
    "date_parsing": "write the date as YYYY-MM-DD",
    "ip_any_network": "write the network as address/prefix with host bits zero, for example 192.168.10.0/24",
}


def _nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {found[0]!r}?" if found else f"choose one of: {', '.join(sorted(known))}"


def parse_practice(
    data: object, file: Path, catalogue: Catalogue, hosts: Iterable[str], today: date, *, strict: bool = True
) -> Practice:
    """The practice, once every reference in it has been found to exist.

    Args:
        data: the inventory variable ``praxis``, templated.
        file: where a person finds it, for messages.
        hosts: names of the inventory's hosts.
        today: the day on which deviations are judged.
        strict: an expired deviation is an error; a verification passes False and reports it instead.

    Raises:
        InputError: the first thing that is wrong, with the way out.
    """
    if data is None:
        raise InputError(file, "praxis", "the variable is missing", "copy inventories/vorlage and fill it in")
    try:
        practice = Practice.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in ("praxis", *first["loc"]))
        reason = first["msg"]
        if first["type"] not in {"missing", "extra_forbidden"}:
            reason += f" (found: {first['input']!r})"
        raise InputError(file, field, reason, _WAYS_OUT.get(first["type"], "correct the value")) from None
    _check_references(practice, file, catalogue, set(hosts))
    _check_deviations(practice, file, today)
    if strict:
        for number, deviation in enumerate(practice.deviations):
            if deviation.expires < today:
                raise InputError(
                    file,
                    f"praxis.deviations.{number}.expires",
                    f"the deviation from {deviation.requirement} expired on {deviation.expires}",
                    "have it approved again with a new date, or remove it so that the requirement applies",
                )
    return practice


def _check_references(practice: Practice, file: Path, catalogue: Catalogue, hosts: set[str]) -> None:
    def known(field: str, word: str, words: Iterable[str], what: str) -> None:
        words = list(words)
        if word not in words:
            raise InputError(file, f"praxis.{field}", f"unknown {what} {word!r}", _nearest(word, words))

    known("edition", practice.edition, ["auto", *catalogue.editions], "edition")
    for feature in practice.features:
        known(f"features.{feature}", feature, catalogue.features, "feature")
    for number, service in enumerate(practice.services):
        known(f"services.{number}.host", service.host, hosts, "host")
        for source in service.sources:
            known(f"services.{number}.from", source, practice.networks, "network")
    for number, account in enumerate(practice.accounts):
        for host in account.hosts if account.hosts != "all" else []:
            known(f"accounts.{number}.hosts", host, hosts, "host")
    for number, deviation in enumerate(practice.deviations):
        known(f"deviations.{number}.requirement", deviation.requirement, catalogue.ids, "requirement")
        for host in deviation.hosts if deviation.hosts != "all" else []:
            known(f"deviations.{number}.hosts", host, hosts, "host")


def _check_deviations(practice: Practice, file: Path, today: date) -> None:
    for number, deviation in enumerate(practice.deviations):
        field = f"praxis.deviations.{number}"
        if deviation.approved_on > today:
            way_out = "write the day on which it was approved"
            raise InputError(file, f"{field}.approved_on", f"{deviation.approved_on} is in the future", way_out)
        days = (deviation.expires - deviation.approved_on).days
        if not 0 <= days <= LONGEST_DEVIATION:
            reason = f"a deviation holds for a year at most, counted from approved_on (found: {days} days)"
            raise InputError(file, f"{field}.expires", reason, "choose an earlier day, and have it approved again then")


def check_role_variables(
    variables: Mapping[str, Iterable[str]], options: Mapping[str, Iterable[str]], locate: Mapping[str, Path]
) -> None:
    """Refuse variables that look like a role's and that no role knows.

    Args:
        variables: names set by the inventory, per host.
        options: names that a role's argument_specs declare, per role.
        locate: file that sets a variable, as far as known.

    Raises:
        InputError: names the first such variable, the file and the nearest known name.
    """
    known = {option for names in options.values() for option in names}
    for host in sorted(variables):
        for name in sorted(set(variables[host]) - known):
            role = next((role for role in options if name.startswith(f"{role}_")), None)
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.88)
            if role is None and not near:
                continue
            what = f"role {role} knows no such variable" if role else "no role knows such a variable"
            raise InputError(
                locate.get(name, "inventory"),
                name,
                f"{what} (set for {host})",
                _nearest(name, options.get(role or "", near)),
            )
