"""What a practice tells of itself for its documents, and no host knows: who does what, where things are, whom to call.

Every field may be left out; a document then marks the gap and says in the words of the field's description what is
missing. Roles, never names of people: a document outlives who works in the practice.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
DeviceKind = Literal[
    "router",
    "switch",
    "access_point",
    "konnektor",
    "card_terminal",
    "printer",
    "fax",
    "phone_system",
    "medical_device",
    "smartphone",
    "tablet",
    "mobile_phone",
    "other",
]
DEVICE_LABELS: dict[DeviceKind, str] = {
    "router": "Router",
    "switch": "Switch",
    "access_point": "WLAN-Access-Point",
    "konnektor": "Konnektor",
    "card_terminal": "Kartenterminal",
    "printer": "Drucker",
    "fax": "Faxgerät",
    "phone_system": "Telefonanlage",
    "medical_device": "medizinisches Großgerät",
    "smartphone": "Smartphone",
    "tablet": "Tablet",
    "mobile_phone": "Mobiltelefon",
    "other": "anderes Gerät",
}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, data: Any) -> Any:
        # a group of which every line is still a comment, and a field without a value, are left out
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


def _gap(description: str) -> Any:
    return Field(default=None, description=description)


class Device(_Model):
    """A device of the practice that is no host of the inventory; `support_until` is the last day of its updates."""

    kind: DeviceKind
    name: Said
    model: Said | None = None
    address: Said | None = None
    place: Said | None = None
    holder: Said | None = None
    support_until: date | None = None


class Responsible(_Model):
    """Which role does what."""

    security: Said | None = _gap("wer für die Informationssicherheit zuständig ist")
    backup: Said | None = _gap("wer für die Datensicherung verantwortlich ist")
    backup_deputy: Said | None = _gap("wer bei der Datensicherung vertritt")
    updates: Said | None = _gap("wer Updates einspielt und den Erfolg prüft")
    network: Said | None = _gap("wer das Netz betreut und seine Unterlagen führt")
    accounts: Said | None = _gap("wer Konten und Rechte einrichtet und durchsieht")
    mobile: Said | None = _gap("wer mobile Geräte ausgibt und verwaltet")
    media: Said | None = _gap("wer Wechseldatenträger ausgibt und die Liste führt")
    staff: Said | None = _gap("wer neue Mitarbeitende einarbeitet und ausscheidende verabschiedet")
    visitors: Said | None = _gap("wer Fremdpersonal einweist und begleitet")
    emergency: Said | None = _gap("wer im Notfall entscheidet, mit Vertretung")


class Contacts(_Model):
    """Whom to call, with number and hours."""

    lead: Said | None = _gap("Rufnummer der Praxisleitung und der Vertretung")
    it_provider: Said | None = _gap("Rufnummer des IT-Dienstleisters, auch außerhalb der Geschäftszeiten")
    pvs: Said | None = _gap("Rufnummer der PVS-Hotline und Kundennummer")
    ti: Said | None = _gap("Rufnummer des Dienstleisters für die TI")
    internet: Said | None = _gap("Störungsnummer des Internet- und Telefonanbieters, mit Kundennummer")
    medical_devices: Said | None = _gap("Rufnummer des Herstellerdienstes für die Großgeräte")
    mobile_provider: Said | None = _gap("Sperrnummer des Mobilfunkanbieters")
    data_protection: Said | None = _gap("Datenschutzbeauftragte Person, oder: nicht benannt")
    supervision: Said | None = _gap("Meldeweg zur Datenschutzaufsicht des Landes")
    police: Said | None = _gap("Zentrale Ansprechstelle Cybercrime der Polizei des Landes")
    insurance: Said | None = _gap("Notrufnummer der Cyberversicherung und Vertragsnummer, oder: keine")


class BackupFacts(_Model):
    """What no host knows of its backups."""

    medium_place: Said | None = _gap("wo die Sicherungsmedien liegen, geschützt vor Feuer und Diebstahl")
    media: Said | None = _gap("wie viele Sicherungsmedien es gibt und wie sie getauscht werden")
    key_place: Said | None = _gap("wo das Kennwort der Sicherungen auf Papier verwahrt ist")
    other_data: Said | None = _gap(
        "welche Daten anderswo liegen (PVS im Rechenzentrum, Großgeräte) und wer sie sichert"
    )
    longest_outage: Said | None = _gap("wie lange die Praxis ohne ihre Daten auskommt")


class NetworkFacts(_Model):
    """What no host knows of the network."""

    uplink: Said | None = _gap("Internetanschluss: Anbieter, Art und Anschlussort")
    gateway: Said | None = _gap("Router oder Firewall am Internetübergang: Gerät, Adresse, Grundregel")
    plan: Said | None = _gap("wo der gezeichnete Netzplan liegt und von welchem Tag er ist")


class MobileFacts(_Model):
    """How mobile devices may be used."""

    private_use: Said | None = _gap("ob private Nutzung der Geräte erlaubt ist, und wie weit")
    data: Said | None = _gap("welche Patientendaten auf mobilen Geräten liegen dürfen")
    transfer: Said | None = _gap("auf welchem Weg Mobiltelefone Patientendaten übertragen dürfen, oder: gar nicht")
    apps: Annotated[list[Said], Field(min_length=1)] | None = _gap("welche Apps freigegeben sind")
    sim_data_place: Said | None = _gap("wo Rufnummern, Vertragsdaten und PUK der SIM-Karten verschlossen liegen")


class MediaFacts(_Model):
    """How removable media may be used."""

    takers: Said | None = _gap("wer Datenträger aus der Praxis mitnehmen darf und wofür")
    store: Said | None = _gap("wo Datenträger verschlossen aufbewahrt werden")
    shipping: Said | None = _gap("mit welchem Dienst Datenträger verschickt werden")
    disposal: Said | None = _gap("wer ausgediente Datenträger vernichtet und den Nachweis aufbewahrt")


class EmergencyFacts(_Model):
    """How the practice goes on without its computers."""

    plan_places: Said | None = _gap("wo dieser Plan und die Notfallkarte auf Papier liegen")
    paper_place: Said | None = _gap("wo Papierformulare und Vordrucke für den Notbetrieb liegen")
    spare: Said | None = _gap("womit die Praxis weiterarbeitet (Ersatzrechner, Mobilfunk-Router, Handkasse)")
    power: Said | None = _gap("was bei Stromausfall zu tun ist und was an der USV hängt")


class TiFacts(_Model):
    """Where the papers and secrets of the telematics infrastructure are."""

    installer: Said | None = _gap("wer die TI-Komponenten eingerichtet hat und wann")
    place: Said | None = _gap("in welchem verschlossenen Raum oder Schrank die TI-Komponenten stehen")
    manuals: Said | None = _gap("wo die Handbücher der TI-Komponenten liegen")
    admin_data: Said | None = _gap("wo die Zugangsdaten zur Verwaltung der TI verschlossen liegen")


class Particulars(_Model):
    """`praxis.documents` of an inventory."""

    address: Said | None = _gap("Anschrift der Praxis")
    responsible: Responsible = Responsible()
    contacts: Contacts = Contacts()
    backup: BackupFacts = BackupFacts()
    network: NetworkFacts = NetworkFacts()
    mobile: MobileFacts = MobileFacts()
    media: MediaFacts = MediaFacts()
    emergency: EmergencyFacts = EmergencyFacts()
    ti: TiFacts = TiFacts()
    devices: list[Device] = []

    def said(self, path: str) -> tuple[str | None, str]:
        """What stands in a field, lists joined with commas, and the description of the field.

        Raises:
            KeyError: there is no such field.
        """
        model: BaseModel = self
        *groups, last = path.split(".")
        for name in groups:
            model = getattr(model, name) if name in type(model).model_fields else _no_field(path)
        described = type(model).model_fields.get(last) or _no_field(path)
        value = getattr(model, last)
        return ", ".join(value) if isinstance(value, list) else value, described.description or ""


def _no_field(path: str) -> NoReturn:
    raise KeyError(path)
