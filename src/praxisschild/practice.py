"""What a practice is: the facts in its inventory, validated as a whole before anything runs."""

from __future__ import annotations

import difflib
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, StringConstraints, ValidationError, model_validator

from praxisschild.applicability import dropped_requirements
from praxisschild.errors import InputError
from praxisschild.log_host import Alarm, LogSender, check_log_host

if TYPE_CHECKING:
    import ipaddress
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from praxisschild.catalogue import Catalogue

Size = Literal["praxis", "mittel", "gross"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Folder = Annotated[str, StringConstraints(pattern=r"^/")]
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
    until: date | None = None

    def has_left(self, today: date) -> bool:
        """Whether the last day of this account is over."""
        return self.until is not None and self.until < today

    def exists_on(self, host: str) -> bool:
        return self.hosts == "all" or host in self.hosts


class MalwareExclusion(_Model):
    """A folder that the malware scanner leaves alone because the maker of a practice's program demands it."""

    path: Annotated[str, StringConstraints(pattern=r"^(/[^/\s]+){2,}$")]
    reason: Reason
    hosts: list[Text] | Literal["all"] = "all"


class MalwareProduct(_Model):
    """A malware scanner other than ClamAV, which Praxisschild leaves alone and cannot read."""

    product: Text
    hosts: list[Text] | Literal["all"] = "all"


class RemoteMaintenance(_Model):
    """What help from outside needs: from which networks, at which TCP ports, by which units, for how long at most."""

    networks: Annotated[list[Text], Field(min_length=1)]
    ports: Annotated[list[Annotated[int, Field(ge=1, le=65535)]], Field(min_length=1)] = [22]
    services: list[Annotated[str, StringConstraints(pattern=r"^[\w@.:-]+\.(service|socket)$")]] = []
    max_hours: Annotated[int, Field(ge=1, le=12)] = 4


class Wlan(_Model):
    """Which hosts use the radio network and by which names, and which may use Bluetooth; all others are silent."""

    hosts: list[Text] = []
    ssids: list[Annotated[str, StringConstraints(min_length=1, max_length=32)]] = []
    bluetooth: list[Text] = []


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


class CloudService(_Model):
    """A provider that holds data of the practice, until which day its C5 attestation is valid, and what it needs."""

    name: Text
    purpose: Text
    c5_until: date
    packages: list[Text] = []
    sites: list[Text] = []


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
    separated_hosts: list[Text] = []
    cloud_policy: Literal["forbid", "c5_only"] = "forbid"
    cloud_services: list[CloudService] = []
    malware_exclusions: list[MalwareExclusion] = []
    other_malware_protection: list[MalwareProduct] = []
    patient_data: list[Folder] = ["/home", "/srv"]
    log_host: Text | None = None
    alarm: Alarm | None = None
    log_senders: list[LogSender] = []
    remote_maintenance: RemoteMaintenance | None = None
    wlan: Wlan | None = None
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

    def cloud_services_until(self, today: date) -> list[CloudService]:
        """The cloud services that may be used on this day; none unless the policy admits those with an attestation."""
        allowed = self.cloud_services if self.cloud_policy == "c5_only" else []
        return [service for service in allowed if service.c5_until >= today]

    def cloud_packages(self, today: date) -> set[str]:
        """Packages that may copy data to those services."""
        return {package for service in self.cloud_services_until(today) for package in service.packages}

    def malware_exclusions_of(self, host: str) -> list[MalwareExclusion]:
        return [one for one in self.malware_exclusions if one.hosts == "all" or host in one.hosts]

    def other_malware_protection_of(self, host: str) -> str | None:
        """The scanner that protects the host instead of ClamAV; None if there is no other."""
        found = (one for one in self.other_malware_protection if one.hosts == "all" or host in one.hosts)
        return next((one.product for one in found), None)

    def sources_of(self, service: Service) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        """The networks that may reach the service."""
        return [self.networks[name] for name in service.sources]

    @property
    def maintenance_networks(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        """The networks from which somebody outside the practice may help while a window is open."""
        return [self.networks[name] for name in self.remote_maintenance.networks] if self.remote_maintenance else []

    def uses_wlan(self, host: str) -> bool:
        return self.wlan is not None and host in self.wlan.hosts

    def uses_bluetooth(self, host: str) -> bool:
        return self.wlan is not None and host in self.wlan.bluetooth


_WAYS_OUT = {
    "missing": "add the field; inventories/vorlage shows every one with a comment",
    "date_type": "write the date as YYYY-MM-DD",
    "extra_forbidden": "remove the field or correct its name; inventories/vorlage lists the fields there are",
    "literal_error": "choose one of the values named",
    "string_too_short": "write the reason in words that an auditor can follow (10 characters at least)",
    "date_from_datetime_parsing": "write the date as YYYY-MM-DD",
    "date_parsing": "write the date as YYYY-MM-DD",
    "string_pattern_mismatch": "name one folder by its absolute path, two levels deep at least, for example /opt/pvs",
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
    hosts = set(hosts)
    _check_references(practice, file, catalogue, hosts)
    _check_separated_hosts(practice, file, hosts)
    _check_cloud(practice, file)
    _check_ways_in(practice, file, hosts)
    _check_deviations(practice, file, today)
    if strict:
        for number, service in enumerate(practice.cloud_services):
            if service.c5_until < today:
                raise InputError(
                    file,
                    f"praxis.cloud_services.{number}.c5_until",
                    f"the C5 attestation of {service.name} expired on {service.c5_until}",
                    "ask the provider for the new attestation and write its date, or remove the service",
                )
        dropped = dropped_requirements(catalogue, practice, hosts, today)
        check_log_host(practice, file, hosts, {host for host in hosts if "2021-A2-11" not in dropped[host]})
        for number, deviation in enumerate(practice.deviations):
            if deviation.expires < today:
                raise InputError(
                    file,
                    f"praxis.deviations.{number}.expires",
                    f"the deviation from {deviation.requirement} expired on {deviation.expires}",
                    "have it approved again with a new date, or remove it so that the requirement applies",
                )
    return practice


def _check_cloud(practice: Practice, file: Path) -> None:
    """Whether policy, list and edition agree: 2021 knows no condition (2021-A1-05), 2025 does (2025-A1-50)."""
    if practice.cloud_policy == "c5_only" and practice.edition == "2021":
        raise InputError(
            file,
            "praxis.cloud_policy",
            "edition 2021 forbids storage in a cloud (2021-A1-05), attestation or not",
            "choose forbid, or edition 2025",
        )
    if practice.cloud_policy == "c5_only" and not practice.cloud_services:
        raise InputError(
            file,
            "praxis.cloud_services",
            "cloud_policy is c5_only, but no service is named",
            "name each service with purpose and c5_until, or choose forbid",
        )
    if practice.cloud_policy == "forbid" and practice.cloud_services:
        raise InputError(
            file,
            "praxis.cloud_services",
            "services are named, but cloud_policy forbids them all",
            "write cloud_policy: c5_only, or remove the services",
        )


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
    _check_malware_references(practice, known, hosts)
    for number, deviation in enumerate(practice.deviations):
        known(f"deviations.{number}.requirement", deviation.requirement, catalogue.ids, "requirement")
        for host in deviation.hosts if deviation.hosts != "all" else []:
            known(f"deviations.{number}.hosts", host, hosts, "host")


def _check_separated_hosts(practice: Practice, file: Path, hosts: set[str]) -> None:
    for number, host in enumerate(practice.separated_hosts):
        if host not in hosts:
            raise InputError(file, f"praxis.separated_hosts.{number}", f"unknown host {host!r}", _nearest(host, hosts))


def _check_malware_references(
    practice: Practice, known: Callable[[str, str, Iterable[str], str], None], hosts: set[str]
) -> None:
    named = [(f"malware_exclusions.{number}", one.hosts) for number, one in enumerate(practice.malware_exclusions)]
    named += [
        (f"other_malware_protection.{number}", one.hosts)
        for number, one in enumerate(practice.other_malware_protection)
    ]
    for field, chosen in named:
        for host in chosen if chosen != "all" else []:
            known(f"{field}.hosts", host, hosts, "host")


def _check_ways_in(practice: Practice, file: Path, hosts: set[str]) -> None:
    named: list[tuple[str, Iterable[str], Iterable[str], str]] = []
    if practice.remote_maintenance:
        agreed = practice.remote_maintenance.networks
        named.append(("remote_maintenance.networks", agreed, practice.networks, "network"))
    if practice.wlan:
        named += [("wlan.hosts", practice.wlan.hosts, hosts, "host")]
        named += [("wlan.bluetooth", practice.wlan.bluetooth, hosts, "host")]
    for field, names, words, what in named:
        for number, name in enumerate(names):
            if name not in words:
                reason = f"unknown {what} {name!r}"
                raise InputError(file, f"praxis.{field}.{number}", reason, _nearest(name, words))
    _check_wlan(practice, file)


def _check_wlan(practice: Practice, file: Path) -> None:
    wlan, feature = practice.wlan, practice.features.get("wlan")
    if feature and wlan is None:
        reason = (
            "the practice has a WLAN, and nothing says which hosts use it: all others get their radios switched off"
        )
        way_out = "name them in praxis.wlan.hosts; `wlan: {hosts: []}` if only phones and guests use it"
        raise InputError(file, "praxis.wlan", reason, way_out)
    if wlan is None or not wlan.hosts:
        return
    if feature is False:
        reason = f"{wlan.hosts[0]} is to use a WLAN that the practice does not have (praxis.features.wlan: false)"
        raise InputError(file, "praxis.wlan.hosts", reason, "set the feature to true, or name no host")
    if not wlan.ssids:
        reason = f"{wlan.hosts[0]} uses WLAN, and no network is named that it may join"
        raise InputError(file, "praxis.wlan.ssids", reason, "name the practice's own network, for example [Praxis]")


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
