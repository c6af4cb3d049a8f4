"""A requirement's bounds in German words, as the reports say them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from praxisschild.catalogue import Bound

_UNITS = {
    "hours": ("Stunde", "Stunden"),
    "days": ("Tag", "Tage"),
    "months": ("Monat", "Monate"),
    "chars": ("Zeichen", "Zeichen"),
    "bits": ("Bit", "Bit"),
    "MB": ("MB", "MB"),
    "count": ("", ""),
    "attempts": ("Versuch", "Versuche"),
    "version": ("", ""),
}
_SECONDS = ((86400, "Tag", "Tage"), (3600, "Stunde", "Stunden"), (60, "Minute", "Minuten"), (1, "Sekunde", "Sekunden"))
BOUND_NAMES = {
    "alarm_delay": "Verzug eines Alarms",
    "alarmed_logins": "Fehlversuche bis zum Alarm",
    "blocks_on_open": "Prüfung vor dem Öffnen",
    "certificate_left": "Restlaufzeit von Zertifikaten",
    "cipher": "Verschlüsselungsverfahren",
    "contact_age": "letzte Meldung des Geräts an die Verwaltung",
    "daily_backup_age": "Alter der Tagessicherung",
    "delivery_time": "Ankunft beim Protokollserver nach",
    "device_list_age": "Alter der Geräteliste",
    "encrypted": "verschlüsselt",
    "failed_logins": "Fehlversuche bis zur Sperre",
    "full_scan_age": "Alter der letzten vollständigen Prüfung",
    "host_silence": "Schweigen eines Hosts bis zur Nachfrage",
    "inbound_policy": "nicht freigegebene eingehende Verbindungen",
    "keep_daily": "aufbewahrte Tagessicherungen",
    "keep_monthly": "aufbewahrte Monatssicherungen",
    "keep_weekly": "aufbewahrte Wochensicherungen",
    "key_bits": "Schlüssellänge",
    "key_derivation": "Schlüsselableitung",
    "lock_after": "Bildschirmsperre nach",
    "lock_delay": "Sperre wirksam nach",
    "log_retention": "Aufbewahrung von Protokollen",
    "log_size": "Größe der übrigen Protokolle von Windows",
    "mobile_patch_age": "Alter des Sicherheitsstands von Mobilgeräten",
    "monthly_backup_age": "Alter der Monatssicherung",
    "passphrase": "Länge des WLAN-Passworts",
    "password_length": "Passwortlänge",
    "protection": "WLAN-Verschlüsselung",
    "protocol": "Protokoll",
    "removable_copy_age": "Alter der getrennten Kopie",
    "restore_test_age": "Alter der letzten Rücksicherungsprobe",
    "rsa_key": "RSA-Schlüssel",
    "security_log_size": "Größe des Sicherheitsprotokolls von Windows",
    "security_update_age": "Alter offener Sicherheitsupdates",
    "session_timeout": "Abmeldung nach",
    "shared_logins": "gemeinsam benutzte Anmeldungen",
    "signature_age": "Alter der Virensignaturen",
    "smb_protocol": "SMB-Version",
    "support_review_age": "letzter Abgleich der Produkte ohne Sicherheitsupdates",
    "temporary_age": "Alter vorübergehender Dateien",
    "tls_version": "TLS-Version",
    "training_age": "Abstand der Schulungen",
    "trash_age": "Alter des Papierkorbinhalts",
    "umask": "Maske für Rechte neuer Dateien",
    "watch_age": "letzter Blick auf die Updates",
    "weekly_backup_age": "Alter der Wochensicherung",
    "window": "Dauer eines Fensters",
    "wipe_after": "Löschen nach",
}
BASES = {"directive": "Richtlinie", "recommendation": "Empfehlung der KVWL", "derived": "abgeleitet"}


def bound_in_words(name: str, bound: Bound) -> str:
    """A bound as a German half-sentence: „Bildschirmsperre nach: höchstens 10 Minuten (Richtlinie)“."""
    text = f"{BOUND_NAMES.get(name, name)}: {admitted_in_words(bound)} ({BASES[bound.basis]})"
    return f"{text} – {bound.note}" if bound.note else text


def admitted_in_words(bound: Bound) -> str:
    """What a bound admits, in German: „höchstens 10 Minuten“."""
    limits = [
        f"{word} {_quantity(limit, bound.unit)}"
        for word, limit in (("mindestens", bound.at_least), ("höchstens", bound.at_most))
        if limit is not None
    ]
    values = (bound.equals,) if bound.equals is not None else bound.one_of or ()
    return " und ".join(limits) or " oder ".join(_quantity(value, bound.unit) for value in values)


def _quantity(value: float | str | bool, unit: str | None) -> str:
    if isinstance(value, bool):
        return "ja" if value else "nein"
    if isinstance(value, str):
        return value
    if unit == "mode":
        return f"{int(value):04o}"
    one, many = _UNITS.get(unit or "", ("", ""))
    if unit == "s":
        size, one, many = next((row for row in _SECONDS if value and value % row[0] == 0), _SECONDS[-1])
        value = value / size
    return f"{value:g} {one if value == 1 else many}".replace(".", ",").rstrip()
