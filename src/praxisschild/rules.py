"""What has to fit together in a practice's inventory beyond each field: one rule per function, run before any host.

A topic writes its rules in a module of its own and lists them in `RULES`. A rule looks at `Facts` and yields what does
not fit: an `Objection` stops the run, a `Hint` is shown and lets it go on. An objection is right where a role could
only guess or would do harm, a hint where the baseline can be applied all the same and the report tells what is missing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisschild.i18n import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from praxisschild.catalogue import Catalogue
    from praxisschild.practice import Account, Practice

    Network = IPv4Network | IPv6Network

WEB_PORTS = frozenset({80, 443, 8000, 8080, 8443})
MAIL_PORTS = frozenset({25, 110, 143, 465, 587, 993, 995})
# people who regularly process data, at most; the directive's words for the sizes
PEOPLE = {"praxis": 5, "mittel": 20}
MANAGEMENT = "verwaltung"
WINRM = frozenset({"winrm", "psrp"})
WINRM_HTTP = 5985


@dataclass(frozen=True)
class Finding:
    """What does not fit: the field as the inventory writes it, what is wrong there, and the way out."""

    field: str
    reason: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}; {self.way_out}."


class Objection(Finding):
    """A reason to stop before any host is touched."""


class Hint(Finding):
    """Something that is probably not meant, or that the report will find missing."""


@dataclass(frozen=True)
class Facts:
    """What a rule may look at; `value` is a variable of a host, None if the inventory does not set it."""

    practice: Practice
    catalogue: Catalogue
    hosts: Sequence[str]
    value: Callable[[str, str], Any]

    def has(self, feature: str) -> bool:
        """Whether the practice has it, by its own word or by the catalogue's default."""
        return self.practice.features.get(feature, self.catalogue.features[feature].default)

    def says(self, feature: str) -> bool:
        """Whether the inventory itself names the feature."""
        return feature in self.practice.features


def features_that_need_another(facts: Facts) -> Iterator[Objection]:
    """A feature that is a part of another one cannot be there without it."""
    for feature, whole in (("hosted_konnektor", "ti"), ("ti_gateway", "ti"), ("mdm", "mobile_devices")):
        if facts.has(feature) and not facts.has(whole):
            yield Objection(
                f"praxis.features.{feature}",
                _("it is on, and {whole} is off", whole=whole),
                _("set {whole}: true, or {feature}: false", whole=whole, feature=feature),
            )


def servers_that_nobody_can_reach(facts: Facts) -> Iterator[Objection]:
    """The firewall closes every port that `praxis.services` does not name."""
    for feature, ports in (("own_web_server", WEB_PORTS), ("own_mail_server", MAIL_PORTS)):
        if facts.has(feature) and not any(one.port in ports for one in facts.practice.services):
            example = min(ports & {443, 587})
            yield Objection(
                f"praxis.features.{feature}",
                _("it is on, and praxis.services names no port for it, so that the firewall would close it"),
                _(
                    "add a service with host, port (for example {example}), from and purpose, or set {feature}: false",
                    example=example,
                    feature=feature,
                ),
            )


def removable_backup(facts: Facts) -> Iterator[Finding]:
    """A copy that is not connected survives ransomware; every practice has to have one (2021-A1-14)."""
    names = ("backup_schedule_medium_device", "backup_schedule_medium_label")
    media = [host for host in facts.hosts if any(facts.value(host, name) for name in names)]
    if media and not facts.has("removable_media"):
        yield Objection(
            "praxis.features.removable_media",
            _("it is off, and {host} backs up to a removable medium", host=media[0]),
            _("set removable_media: true, so that the demands on such media apply"),
        )
    if not media:
        yield Hint(
            "backup_schedule_medium_device",
            _(
                "no host names a removable medium for the backup, so 2025-A1-21 and 2025-A1-22 will be "
                "reported as not met"
            ),
            _("set it for the host that the medium is plugged into, for example /dev/disk/by-label/SICHERUNG"),
        )


def accounts_named_twice(facts: Facts) -> Iterator[Objection]:
    """Two entries for one login on one host contradict each other."""
    for (_number, first), (number, second) in combinations(enumerate(facts.practice.accounts), 2):
        if first.name == second.name and (shared := _shared_hosts(first, second, facts.hosts)):
            yield Objection(
                f"praxis.accounts.{number}.name",
                _("{name!r} stands there twice for {hosts}", name=second.name, hosts=", ".join(shared)),
                _("keep one of the entries, or give each its own hosts"),
            )


def _shared_hosts(first: Account, second: Account, hosts: Iterable[str]) -> list[str]:
    return [host for host in hosts if first.exists_on(host) and second.exists_on(host)]


def services_named_twice(facts: Facts) -> Iterator[Hint]:
    """The same port twice is either a slip or two purposes that belong together."""
    counts = Counter((one.host, one.port, one.protocol) for one in facts.practice.services)
    for number, service in enumerate(facts.practice.services):
        key = (service.host, service.port, service.protocol)
        if counts.pop(key, 1) > 1:
            yield Hint(
                f"praxis.services.{number}",
                _(
                    "{host} offers {protocol} port {port} in more than one entry",
                    host=service.host,
                    protocol=service.protocol,
                    port=service.port,
                ),
                _("put all networks into one entry"),
            )


def networks_that_say_nothing(facts: Facts) -> Iterator[Finding]:
    """Who may reach what is told by networks; two names for one, or a wide way in for administrators, tell little."""
    networks = facts.practice.networks
    for (one, first), (other, second) in combinations(networks.items(), 2):
        if first == second:
            yield Hint(
                f"praxis.networks.{other}",
                _("it is the same network as {one} ({first})", one=one, first=first),
                _("narrow one of them, for example to the address that this control node has"),
            )
    if MANAGEMENT not in networks:
        yield Objection(
            f"praxis.networks.{MANAGEMENT}",
            _("it is missing: the firewall would let nobody in to administer the hosts"),
            _("add it with the address that this control node connects from, for example 192.168.10.5/32"),
        )
        return
    management = networks[MANAGEMENT]
    for name, network in networks.items():
        if network != management and _covers(management, network):
            yield Hint(
                f"praxis.networks.{MANAGEMENT}",
                _("it covers all of {name}, so that every device there may try to log in as administrator", name=name),
                _("narrow it to the address that this control node has"),
            )


def _covers(outer: Network, inner: Network) -> bool:
    return outer.version == inner.version and inner.network_address in outer and inner.broadcast_address in outer


def size_against_people(facts: Facts) -> Iterator[Hint]:
    """The size decides which annexes bind."""
    people = {account.name for account in facts.practice.accounts if account.kind == "person"}
    limit = PEOPLE.get(facts.practice.size)
    if limit is not None and len(people) > limit:
        larger = "mittel" if len(people) <= PEOPLE["mittel"] else "gross"
        yield Hint(
            "praxis.size",
            _(
                "{size} means at most {limit} people who process data, and {people} accounts of persons are named",
                size=facts.practice.size,
                limit=limit,
                people=len(people),
            ),
            _(
                "write size: {larger} if so many people work with data, which adds the demands of further annexes",
                larger=larger,
            ),
        )


def large_practice_without_mdm(facts: Facts) -> Iterator[Hint]:
    """Annex 3 demands of large practices that an MDM manages their mobile devices."""
    silent = not facts.says("mdm")
    if silent and facts.practice.size == "gross" and facts.has("mobile_devices"):
        yield Hint(
            "praxis.features.mdm",
            _("annex 3 expects a large practice to manage its mobile devices, and the inventory does not say how"),
            _("write mdm: true or mdm: false"),
        )


def phones_and_their_lists(facts: Facts) -> Iterator[Finding]:
    """What an MDM knows of phones is measured only where the inventory speaks of them."""
    if facts.practice.mobile_devices and not facts.has("mobile_devices"):
        yield Objection(
            "praxis.mobile_devices",
            _(
                "devices are described, and praxis.features.mobile_devices is off, "
                "so that no demand on them would apply"
            ),
            _("set mobile_devices: true, or remove the devices"),
        )
    if facts.has("mdm") and facts.has("mobile_devices") and not facts.practice.mobile_devices:
        yield Hint(
            "praxis.mobile_devices",
            _("an MDM manages the phones, and no device is named, so nothing that its device lists say is measured"),
            _("name the devices and put the MDM's device list into mobilgeraete/ (docs/mobilgeraete.md)"),
        )


def windows_without_tls(facts: Facts) -> Iterator[Objection]:
    """The plain listener is removed on the hosts, and what goes over it can be read on the way in part."""
    for variable, wrong, right in (
        ("ansible_port", str(WINRM_HTTP), "ansible_port: 5986"),
        ("ansible_winrm_port", str(WINRM_HTTP), "ansible_winrm_port: 5986"),
        ("ansible_psrp_port", str(WINRM_HTTP), "ansible_psrp_port: 5986"),
        ("ansible_winrm_scheme", "http", "ansible_winrm_scheme: https"),
        ("ansible_psrp_protocol", "http", "ansible_psrp_protocol: https"),
    ):
        if hosts := [host for host in _windows(facts) if str(facts.value(host, variable)).lower() == wrong]:
            yield Objection(
                variable,
                _("{hosts} would be reached over HTTP", hosts=", ".join(hosts)),
                _("set {right}; docs/windows-einrichten.md makes the HTTPS listener", right=right),
            )


def windows_that_anybody_could_pose_as(facts: Facts) -> Iterator[Finding]:
    """Who does not look at the certificate hands the login to whoever stands in the middle."""
    for variable in ("ansible_winrm_server_cert_validation", "ansible_psrp_cert_validation"):
        ignored = [
            host for host in _windows(facts) if str(facts.value(host, variable)).lower() in {"ignore", "false", "no"}
        ]
        if ignored:
            yield Objection(
                variable,
                _("the certificate of {hosts} would not be checked", hosts=", ".join(ignored)),
                _("set it to validate, and put their certificates into windows-ca.pem (docs/windows-einrichten.md)"),
            )
    for variable in ("ansible_winrm_ca_trust_path", "ansible_psrp_ca_cert"):
        for file in dict.fromkeys(str(facts.value(host, variable) or "") for host in _windows(facts)):
            if file and not Path(file).expanduser().exists():
                yield Hint(
                    variable,
                    _("{file} is not there yet, so that no Windows host can be reached", file=file),
                    _("collect in it the .pem files that Praxisschild-WinRM.ps1 writes on the hosts"),
                )


def windows_logins(facts: Facts) -> Iterator[Objection]:
    """What Praxisschild-WinRM.ps1 leaves on: NTLM, Kerberos and certificates."""
    basic, by_address, becoming = [], [], []
    for host in _windows(facts):
        if facts.value(host, "ansible_connection") == "psrp":
            methods = {str(facts.value(host, "ansible_psrp_auth") or "negotiate").lower()}
        else:
            methods = _winrm_transports(facts, host)
        if methods & {"basic", "plaintext", "ssl"}:
            basic.append(host)
        if methods == {"kerberos"} and _is_address(facts.value(host, "ansible_host")):
            by_address.append(host)
        if facts.value(host, "ansible_become") is True:
            becoming.append(host)
    if basic:
        yield Objection(
            "ansible_winrm_transport",
            _("{hosts} would be sent the password itself (Basic), which they refuse", hosts=", ".join(basic)),
            _("set it to ntlm for a local account, to kerberos in a domain (for psrp: ansible_psrp_auth)"),
        )
    if by_address:
        yield Objection(
            "ansible_host",
            _("Kerberos knows hosts by their names, and {hosts} has an address", hosts=", ".join(by_address)),
            _("write the full DNS name, as in pc-1.praxis.local"),
        )
    if becoming:
        yield Objection(
            "ansible_become",
            _("it is on for {hosts}, where there is no sudo", hosts=", ".join(becoming)),
            _("set ansible_become: false for the Windows hosts, as inventories/vorlage/group_vars/windows.yml does"),
        )


def _windows(facts: Facts) -> list[str]:
    return [host for host in facts.hosts if facts.value(host, "ansible_connection") in WINRM]


def _winrm_transports(facts: Facts, host: str) -> set[str]:
    """As Ansible's connection takes it: Kerberos for a login of a domain, otherwise Basic, if nothing is said."""
    given = facts.value(host, "ansible_winrm_transport")
    if not given:
        return {"kerberos" if "@" in str(facts.value(host, "ansible_user") or "") else "basic"}
    return {str(one).strip().lower() for one in (given if isinstance(given, list) else str(given).split(","))}


def _is_address(text: Any) -> bool:
    try:
        ip_address(str(text))
    except ValueError:
        return False
    return True


RULES: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    features_that_need_another,
    servers_that_nobody_can_reach,
    removable_backup,
    accounts_named_twice,
    services_named_twice,
    networks_that_say_nothing,
    size_against_people,
    large_practice_without_mdm,
    phones_and_their_lists,
    windows_without_tls,
    windows_that_anybody_could_pose_as,
    windows_logins,
)


def judge(facts: Facts) -> list[Finding]:
    """Everything that does not fit, in the order of the rules."""
    return [finding for rule in RULES for finding in rule(facts)]
