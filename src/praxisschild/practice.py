"""What a practice is: the facts in its inventory, one model per thing; `references` checks them as a whole."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, StringConstraints, model_validator

from praxisschild.log_host import Alarm, LogSender
from praxisschild.mdm.declared import MobileDevices
from praxisschild.particulars import Particulars

if TYPE_CHECKING:
    import ipaddress

Size = Literal["praxis", "mittel", "gross"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Folder = Annotated[str, StringConstraints(pattern=r"^(/|[A-Za-z]:\\)")]
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

    path: Annotated[str, StringConstraints(pattern=r"^((/[^/\s]+){2,}|[A-Za-z]:(\\[^\\/:*?\"<>|]+){2,})$")]
    reason: Reason
    hosts: list[Text] | Literal["all"] = "all"


class MalwareProduct(_Model):
    """A malware scanner other than ClamAV and Defender, which is left alone; only Windows tells its state."""

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
    """How evidence is stamped: an RFC 3161 authority, and a PEM file with its certificate, relative to the folder.

    `pdf` says whether a whole run leaves a PDF, too; a partial one never does.
    """

    pdf: bool = True
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
    pvs_only_hosts: list[Text] = []
    cloud_policy: Literal["forbid", "c5_only"] = "forbid"
    cloud_services: list[CloudService] = []
    malware_exclusions: list[MalwareExclusion] = []
    other_malware_protection: list[MalwareProduct] = []
    patient_data: list[Folder] = ["/home", "/srv", "C:\\Users"]
    log_host: Text | None = None
    alarm: Alarm | None = None
    log_senders: list[LogSender] = []
    remote_maintenance: RemoteMaintenance | None = None
    wlan: Wlan | None = None
    mobile_devices: MobileDevices | None = None
    deviations: list[Deviation] = []
    attestations: Text = "attestations"
    documents: Particulars = Particulars()
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
        """The scanner that protects the host instead of ClamAV or Defender; None if there is no other."""
        found = (one for one in self.other_malware_protection if one.hosts == "all" or host in one.hosts)
        return next((one.product for one in found), None)

    def sources_of(self, service: Service) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        """The networks that may reach the service."""
        return [self.networks[name] for name in service.sources]

    def patient_data_on(self, platform: str) -> list[str]:
        """The folders that can be meant on hosts of this platform, ``linux`` or ``windows``."""
        return [folder for folder in self.patient_data if folder.startswith("/") == (platform == "linux")]

    @property
    def maintenance_networks(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        """The networks from which somebody outside the practice may help while a window is open."""
        return [self.networks[name] for name in self.remote_maintenance.networks] if self.remote_maintenance else []

    def uses_wlan(self, host: str) -> bool:
        return self.wlan is not None and host in self.wlan.hosts

    def uses_bluetooth(self, host: str) -> bool:
        return self.wlan is not None and host in self.wlan.bluetooth
