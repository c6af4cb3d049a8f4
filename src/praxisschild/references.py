"""A practice's facts as its inventory holds them, read and found to fit together before anything runs.

`rules` holds what needs more than these facts: other variables of the inventory, or a hint instead of a refusal.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pydantic import ValidationError

from praxisschild.applicability import dropped_requirements
from praxisschild.errors import InputError
from praxisschild.i18n import N_, _
from praxisschild.log_host import check_log_host
from praxisschild.practice import Practice
from praxisschild.pydantic_words import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from praxisschild.catalogue import Catalogue

# field, word written there, words there are, what they are
Name = tuple[str, str, "Iterable[str]", str]
LONGEST_DEVIATION = 366  # days: a year, leap years included
_WAYS_OUT = {
    "missing": N_("add the field; inventories/vorlage shows every one with a comment"),
    "date_type": N_("write the date as YYYY-MM-DD"),
    "extra_forbidden": N_("remove the field or correct its name; inventories/vorlage lists the fields there are"),
    "literal_error": N_("choose one of the values named"),
    "string_too_short": N_("write the reason in words that an auditor can follow (10 characters at least)"),
    "date_from_datetime_parsing": N_("write the date as YYYY-MM-DD"),
    "date_parsing": N_("write the date as YYYY-MM-DD"),
    "string_pattern_mismatch": N_(
        "name one folder by its absolute path, two levels deep at least, for example /opt/pvs"
    ),
    "ip_any_network": N_("write the network as address/prefix with host bits zero, for example 192.168.10.0/24"),
}


def _nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    if found:
        return _("did you mean {word!r}?", word=found[0])
    return _("choose one of: {words}", words=", ".join(sorted(known)))


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
        raise InputError(file, "praxis", _("the variable is missing"), _("copy inventories/vorlage and fill it in"))
    try:
        practice = Practice.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in ("praxis", *first["loc"]))
        reason = reason_of(first)
        if first["type"] not in {"missing", "extra_forbidden"}:
            reason += _(" (found: {value!r})", value=first["input"])
        raise InputError(file, field, reason, _(_WAYS_OUT.get(first["type"], N_("correct the value")))) from None
    hosts = set(hosts)
    _check_references(practice, file, catalogue, hosts)
    _check_cloud(practice, file)
    _check_wlan(practice, file)
    _check_deviations(practice, file, today)
    if strict:
        _check_expiry(practice, file, today)
        dropped = dropped_requirements(catalogue, practice, hosts, today)
        check_log_host(practice, file, hosts, {host for host in hosts if "2021-A2-11" not in dropped[host]})
    return practice


def _check_expiry(practice: Practice, file: Path, today: date) -> None:
    for number, service in enumerate(practice.cloud_services):
        if service.c5_until < today:
            raise InputError(
                file,
                f"praxis.cloud_services.{number}.c5_until",
                _("the C5 attestation of {name} expired on {c5_until}", name=service.name, c5_until=service.c5_until),
                _("ask the provider for the new attestation and write its date, or remove the service"),
            )
    for number, deviation in enumerate(practice.deviations):
        if deviation.expires < today:
            raise InputError(
                file,
                f"praxis.deviations.{number}.expires",
                _(
                    "the deviation from {requirement} expired on {expires}",
                    requirement=deviation.requirement,
                    expires=deviation.expires,
                ),
                _("have it approved again with a new date, or remove it so that the requirement applies"),
            )


def _check_cloud(practice: Practice, file: Path) -> None:
    """Whether policy, list and edition agree: 2021 knows no condition (2021-A1-05), 2025 does (2025-A1-50)."""
    if practice.cloud_policy == "c5_only" and practice.edition == "2021":
        raise InputError(
            file,
            "praxis.cloud_policy",
            _("edition 2021 forbids storage in a cloud (2021-A1-05), attestation or not"),
            _("choose forbid, or edition 2025"),
        )
    if practice.cloud_policy == "c5_only" and not practice.cloud_services:
        raise InputError(
            file,
            "praxis.cloud_services",
            _("cloud_policy is c5_only, but no service is named"),
            _("name each service with purpose and c5_until, or choose forbid"),
        )
    if practice.cloud_policy == "forbid" and practice.cloud_services:
        raise InputError(
            file,
            "praxis.cloud_services",
            _("services are named, but cloud_policy forbids them all"),
            _("write cloud_policy: c5_only, or remove the services"),
        )


def _check_references(practice: Practice, file: Path, catalogue: Catalogue, hosts: Iterable[str]) -> None:
    for field, word, words, what in (*_catalogue_names(practice, catalogue), *_names(practice, hosts)):
        known = list(words)
        if word not in known:
            raise InputError(
                file, f"praxis.{field}", _("unknown {what} {word!r}", what=_(what), word=word), _nearest(word, known)
            )


def _catalogue_names(practice: Practice, catalogue: Catalogue) -> Iterator[Name]:
    yield "edition", practice.edition, ["auto", *catalogue.editions], N_("edition")
    for feature in practice.features:
        yield f"features.{feature}", feature, catalogue.features, N_("feature")
    for number, deviation in enumerate(practice.deviations):
        yield f"deviations.{number}.requirement", deviation.requirement, catalogue.ids, N_("requirement")


def _names(practice: Practice, hosts: Iterable[str]) -> Iterator[Name]:
    """Hosts and networks that a fact speaks of."""
    hosts = list(hosts)
    for number, service in enumerate(practice.services):
        yield f"services.{number}.host", service.host, hosts, N_("host")
        for source in service.sources:
            yield f"services.{number}.from", source, practice.networks, N_("network")
    mobile = [one.name for one in practice.mobile_devices.devices] if practice.mobile_devices else []
    for field in ("accounts", "malware_exclusions", "other_malware_protection", "deviations"):
        # a phone has no accounts and no scanner of ours, but may deviate like a host
        known = [*hosts, *mobile] if field == "deviations" else hosts
        for number, one in enumerate(getattr(practice, field)):
            for host in one.hosts if one.hosts != "all" else []:
                yield f"{field}.{number}.hosts", host, known, N_("host")
    lists = [("separated_hosts", practice.separated_hosts), ("pvs_only_hosts", practice.pvs_only_hosts)]
    if practice.wlan:
        lists += [("wlan.hosts", practice.wlan.hosts), ("wlan.bluetooth", practice.wlan.bluetooth)]
    for field, named in lists:
        for number, host in enumerate(named):
            yield f"{field}.{number}", host, hosts, N_("host")
    for number, network in enumerate(practice.remote_maintenance.networks if practice.remote_maintenance else []):
        yield f"remote_maintenance.networks.{number}", network, practice.networks, N_("network")


def _check_wlan(practice: Practice, file: Path) -> None:
    wlan, feature = practice.wlan, practice.features.get("wlan")
    if feature and wlan is None:
        reason = _(
            "the practice has a WLAN, and nothing says which hosts use it: all others get their radios switched off"
        )
        way_out = _("name them in praxis.wlan.hosts; `wlan: {hosts: []}` if only phones and guests use it")
        raise InputError(file, "praxis.wlan", reason, way_out)
    if wlan is None or not wlan.hosts:
        return
    if feature is False:
        reason = _(
            "{host} is to use a WLAN that the practice does not have (praxis.features.wlan: false)",
            host=wlan.hosts[0],
        )
        raise InputError(file, "praxis.wlan.hosts", reason, _("set the feature to true, or name no host"))
    if not wlan.ssids:
        reason = _("{host} uses WLAN, and no network is named that it may join", host=wlan.hosts[0])
        raise InputError(file, "praxis.wlan.ssids", reason, _("name the practice's own network, for example [Praxis]"))


def _check_deviations(practice: Practice, file: Path, today: date) -> None:
    for number, deviation in enumerate(practice.deviations):
        field = f"praxis.deviations.{number}"
        if deviation.approved_on > today:
            way_out = _("write the day on which it was approved")
            raise InputError(
                file,
                f"{field}.approved_on",
                _("{approved_on} is in the future", approved_on=deviation.approved_on),
                way_out,
            )
        days = (deviation.expires - deviation.approved_on).days
        if not 0 <= days <= LONGEST_DEVIATION:
            reason = _("a deviation holds for a year at most, counted from approved_on (found: {days} days)", days=days)
            raise InputError(
                file, f"{field}.expires", reason, _("choose an earlier day, and have it approved again then")
            )


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
            what = _("role {role} knows no such variable", role=role) if role else _("no role knows such a variable")
            raise InputError(
                locate.get(name, "inventory"),
                name,
                _("{what} (set for {host})", what=what, host=host),
                _nearest(name, options.get(role or "", near)),
            )
