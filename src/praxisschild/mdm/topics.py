"""What is asked of a mobile device, one word per question; settings and device lists both use them."""

from __future__ import annotations

from enum import StrEnum


class Topic(StrEnum):
    """A property of a mobile device that is true of a good one."""

    MANAGED = "managed"
    COMPLIANT = "compliant"
    ENCRYPTED = "encrypted"
    LOCKED = "locked"
    LOCK_SCREEN = "lock_screen"
    WIPES = "wipes"
    UPDATES = "updates"
    APP_UPDATES = "app_updates"
    STORE_ONLY = "store_only"
    PERMISSIONS = "permissions"
    INTACT = "intact"
    SHARING = "sharing"
    CLOUD = "cloud"
    ASSISTANT = "assistant"
    BROWSER = "browser"
    APPROVED_APPS = "approved_apps"
    SIM_PIN = "sim_pin"
    CERTIFICATES = "certificates"
    REMOTE_WIPE = "remote_wipe"

    @property
    def label(self) -> str:
        """What the reports call it, as a German statement that is true of a good device."""
        return _LABELS[self]


_LABELS = {
    Topic.MANAGED: "verwaltet",
    Topic.COMPLIANT: "Richtlinie der Verwaltung erfüllt",
    Topic.ENCRYPTED: "Speicher verschlüsselt",
    Topic.LOCKED: "Sperrcode gesetzt",
    Topic.LOCK_SCREEN: "Mitteilungen auf dem Sperrbildschirm verborgen",
    Topic.WIPES: "löscht sich nach 10 Fehlversuchen",
    Topic.UPDATES: "Systemupdates automatisch",
    Topic.APP_UPDATES: "App-Updates automatisch",
    Topic.STORE_ONLY: "Apps nur aus dem Store",
    Topic.PERMISSIONS: "App-Berechtigungen beschränkt",
    Topic.INTACT: "nicht manipuliert (Jailbreak, Root)",
    Topic.SHARING: "Weitergabe von Daten gesperrt",
    Topic.CLOUD: "Ablage in der Cloud gesperrt",
    Topic.ASSISTANT: "Sprachassistent aus",
    Topic.BROWSER: "Browser warnt vor gefährlichen Seiten",
    Topic.APPROVED_APPS: "nur freigegebene Apps",
    Topic.SIM_PIN: "SIM-PIN eingeschaltet",
    Topic.CERTIFICATES: "Zertifikate zentral verwaltet",
    Topic.REMOTE_WIPE: "aus der Ferne löschbar",
}
