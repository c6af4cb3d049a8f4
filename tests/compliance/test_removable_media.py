"""What happens to a stick that somebody plugs in, and what becomes of it afterwards."""

from __future__ import annotations

import pytest

from praxisschild.checks import bound, not_applicable, requirement

CONTAINER = "Container: Wechseldatenträger verwaltet der Rechner darunter; er ist eigens zu prüfen."


@pytest.fixture
def own_devices(snapshot):
    """The state of a host that devices can be plugged into."""
    if not snapshot.own_kernel:
        not_applicable(CONTAINER)
    return snapshot


@requirement("2021-A1-28")
def test_plugged_media_are_examined_before_use(own_devices, measured):
    """Whoever finds a stick in the waiting room plugs it in."""
    examined, scanners = own_devices.media_are_examined, own_devices.media_scanners
    measured(
        f"neue Datenträger gesperrt und untersucht: {'ja' if examined else 'nein'}; Schutzprogramm: "
        f"{', '.join(scanners) or 'keines'}"
    )
    assert examined
    assert scanners


@requirement("2021-A1-28")
def test_no_program_starts_from_a_medium(own_devices, measured):
    """A program on a foreign stick is somebody else's hand on the keyboard."""
    options = own_devices.media_mount_options
    if options is None:
        not_applicable("Auf diesem Host kann nur der Administrator Datenträger einhängen.")
    always, allowed = options
    measured(f"immer: {', '.join(sorted(always))}; wählbar: {', '.join(sorted(allowed))}")
    assert {"nodev", "noexec", "nosuid"} <= always
    assert not {"dev", "exec", "suid"} & allowed


@requirement("2021-A1-28")
def test_desktop_starts_nothing_by_itself(snapshot, measured):
    """What starts by itself needs nobody who is careless."""
    if "gnome" not in snapshot.desktop:
        not_applicable("Auf diesem Host gibt es keine GNOME-Oberfläche.")
    never = snapshot.dconf_enforced.get("org/gnome/desktop/media-handling/autorun-never")
    measured(f"Autostart von Datenträgern: {'aus, für Benutzer nicht änderbar' if never else 'möglich'}")
    assert never


@requirement("2021-A1-28")
def test_unknown_usb_devices_get_nothing(own_devices, measured):
    """A stick can claim to be a keyboard, and type."""
    blocks = own_devices.usbguard_blocks_by_default
    if blocks is None:
        not_applicable("Die Praxis setzt USBGuard nicht ein; die Richtlinie verlangt es nicht.")
    measured(f"USBGuard sperrt unbekannte Geräte: {'ja' if blocks else 'nein'}")
    assert blocks


@requirement("2021-A3-10")
def test_plugged_media_are_encrypted_or_read_only(own_devices, measured):
    """A lost stick that anybody can read is a breach that has to be reported."""
    parts = own_devices.media_parts
    exposed = [part.device for part in parts if part.is_open]
    measured(
        f"eingesteckt: {len(parts)} Datenträger oder Teile, davon unverschlüsselt und beschreibbar: {len(exposed)}"
    )
    assert not exposed


@requirement("2021-A1-31", "KVWL-12")
def test_media_can_be_erased_for_good(snapshot, measured):
    """What was only deleted, the next owner of the medium brings back."""
    tools = snapshot.media_tools
    commands = [name for name in tools["practice"] if name == "praxisschild-medium"]
    measured(
        f"Befehl der Praxis: {', '.join(commands) or 'keiner'}; Werkzeuge: {', '.join(tools['erasers']) or 'keine'}"
    )
    assert commands
    assert tools["erasers"]


@requirement("2021-A1-31", "KVWL-12")
def test_record_of_erased_media_can_only_grow(snapshot, measured):
    """Months later somebody asks whether this very disk was erased."""
    record = snapshot.erasure_record
    if record is None:
        not_applicable("Auf diesem Host wurde noch kein Datenträger gelöscht.")
    measured(
        f"{record['entries']} Einträge, davon unlesbar: {record['broken']}; "
        f"wächst nur: {'ja' if record['append_only'] else 'nein'}"
    )
    assert record["append_only"]
    assert not record["broken"]


@requirement("2021-A3-11")
def test_files_on_media_can_be_checksummed_and_signed(snapshot, measured):
    """A finding that was changed on its way can lead to the wrong treatment."""
    tools = snapshot.media_tools
    found = [*(name for name in tools["practice"] if name == "praxisschild-pruefsumme"), *tools["checksums"]]
    measured(f"vorhanden: {', '.join(found) or 'nichts'}")
    assert {"praxisschild-pruefsumme", "gpg"} <= set(found)


@requirement("2021-A3-10")
def test_encrypted_media_use_a_strong_method(own_devices, measured):
    """Encryption that can be broken is none."""
    plugged = {part.device for part in own_devices.media_parts}
    containers = [one for one in own_devices.disk_containers if one.device in plugged]
    if not containers:
        not_applicable("Zurzeit ist kein verschlüsselter Datenträger eingesteckt.")
    measured("; ".join(f"{one.cipher}, {one.key_bits} Bit" for one in containers))
    for one in containers:
        assert bound("2021-A3-10", "cipher").admits(one.cipher)
        assert bound("2021-A3-10", "key_bits").admits(one.key_bits)
