"""What the device lists of a mobile device management say of each smartphone and tablet.

Nobody logs in to a phone: a list is what its management knows. It counts for as long as it is fresh, and what it does
not tell is not tested, never passed. A device is named as the practice named it; its serial number is not kept.
"""

from __future__ import annotations

from datetime import timedelta

from praxisschild.checks import bound, not_applicable, not_tested, requirement
from praxisschild.mdm.topics import Topic


@requirement("2021-A3-04")
def test_device_is_managed(mobile, measured):
    """Only a managed device gets its settings, its way into the network and its end from the practice."""
    measured(mobile.says(Topic.MANAGED))
    measured(mobile.fingerprint)
    assert mobile.holds(Topic.MANAGED)


@requirement("2021-A1-21")
def test_device_obeys_its_policy(mobile, measured):
    """Settings that a device does not obey protect nobody."""
    if not mobile.has_answer(Topic.COMPLIANT):
        not_applicable("die Geräteliste kennt kein Gesamturteil; jede Vorgabe wird einzeln geprüft")
    measured(mobile.says(Topic.COMPLIANT))
    assert mobile.holds(Topic.COMPLIANT)


@requirement("2021-A3-07")
def test_device_can_be_erased_from_afar(mobile, measured):
    """An order to erase reaches only a device that is managed and still reports."""
    limit = timedelta(days=bound("2021-A3-07", "contact_age").at_most)
    measured(f"{mobile.says(Topic.MANAGED)}; zuletzt gemeldet {mobile.silence.days} Tage vor der Liste")
    assert mobile.holds(Topic.MANAGED)
    assert mobile.silence <= limit


@requirement("2021-A3-06")
def test_certificate_is_renewed_in_time(mobile, measured):
    """A device whose certificate has run out is cut off, or is let in without one."""
    until = mobile.known.certificate_until
    if until is None:
        not_tested("Zertifikate: die Geräteliste nennt kein Ablaufdatum")
    left = until - mobile.now
    measured(f"Zertifikat der Verwaltung gültig bis {until:%d.%m.%Y} ({mobile.origin})")
    assert left >= timedelta(days=bound("2021-A3-06", "certificate_left").at_least)


@requirement("2021-A1-03", "2021-A1-21", "KVWL-10")
def test_storage_is_encrypted(mobile, measured):
    """Whoever finds a phone reads everything that lies on it in the clear."""
    measured(mobile.says(Topic.ENCRYPTED))
    assert mobile.holds(Topic.ENCRYPTED)


@requirement("KVWL-11")
def test_android_storage_is_encrypted(mobile, measured):
    """Pictures, contacts and appointments lie outside of the apps that encrypt by themselves."""
    if mobile.known.platform != "android":
        not_applicable("kein Gerät mit Android")
    measured(mobile.says(Topic.ENCRYPTED))
    assert mobile.holds(Topic.ENCRYPTED)


@requirement("2021-A1-22", "2021-A1-21", "KVWL-09")
def test_lock_asks_for_a_code(mobile, measured):
    """Without a code a lost phone is an open one."""
    measured(mobile.says(Topic.LOCKED))
    assert mobile.holds(Topic.LOCKED)


@requirement("2021-A1-22")
def test_locked_screen_shows_no_messages(mobile, measured):
    """A message on the locked screen tells the waiting room who called."""
    measured(mobile.says(Topic.LOCK_SCREEN))
    assert mobile.holds(Topic.LOCK_SCREEN)


@requirement("2021-A1-22", "2021-A1-21")
def test_device_erases_itself_after_wrong_codes(mobile, measured):
    """Six digits are guessed sooner or later if nobody stops the guessing."""
    limit = bound("2021-A1-22", "wipe_after").at_most
    tries = mobile.known.wipe_after
    if tries is None:
        measured(mobile.says(Topic.WIPES))
        assert mobile.holds(Topic.WIPES)
    else:
        said = f"nach {tries} Fehlversuchen" if tries else "nie"
        measured(f"Gerät löscht sich {said} ({mobile.origin})")
        assert 0 < tries <= limit


@requirement("2021-A1-23", "2025-A1-14")
def test_security_updates_have_arrived(mobile, measured):
    """A phone without updates is taken over by a picture that somebody sends."""
    limit = timedelta(days=bound("2025-A1-14", "mobile_patch_age").at_most)
    device = mobile.known
    if device.patch_level is not None:
        age = mobile.now.date() - device.patch_level
        # a maker may date its patches to the month that comes
        if age < -timedelta(days=31):
            not_tested(f"Updates: der Sicherheitsstand {device.patch_level:%d.%m.%Y} liegt in der Zukunft")
        measured(f"{device.system}, Sicherheitsstand {device.patch_level:%d.%m.%Y} ({mobile.origin})")
        assert age <= limit
        return
    if not device.version:
        not_tested("Updates: die Geräteliste nennt weder Sicherheitsstand noch Version")
    if mobile.current is None:
        not_tested(f"Updates: {device.system}; welche Version aktuell ist, sagt praxis.mobile_devices.current_os nicht")
    if not timedelta(0) <= mobile.now.date() - mobile.current.checked <= limit:
        not_tested(f"Updates: aktuelle Version am {mobile.current.checked:%d.%m.%Y} nachgesehen (current_os)")
    measured(f"{device.system}, aktuell ist {mobile.current.version} ({mobile.origin})")
    assert mobile.is_current


@requirement("2021-A1-02", "2025-A1-14")
def test_apps_update_themselves(mobile, measured):
    """An app has holes, too, and nobody updates thirty of them by hand."""
    measured(mobile.says(Topic.APP_UPDATES))
    assert mobile.holds(Topic.APP_UPDATES)


@requirement("2021-A1-01")
def test_apps_come_from_the_store_only(mobile, measured):
    """An app from anywhere was examined by nobody."""
    measured(mobile.says(Topic.STORE_ONLY))
    assert mobile.holds(Topic.STORE_ONLY)


@requirement("2021-A1-24", "2021-A2-01")
def test_apps_get_few_permissions(mobile, measured):
    """A torch that reads contacts sends them away."""
    measured(mobile.says(Topic.PERMISSIONS))
    assert mobile.holds(Topic.PERMISSIONS)


@requirement("2021-A1-21")
def test_device_was_not_tampered_with(mobile, measured):
    """On a rooted device no other setting can be relied upon."""
    measured(mobile.says(Topic.INTACT))
    assert mobile.holds(Topic.INTACT)


@requirement("2021-A1-04")
def test_data_stay_in_apps_of_the_practice(mobile, measured):
    """A finding that is shared into a messenger has left the practice."""
    measured(mobile.says(Topic.SHARING))
    assert mobile.holds(Topic.SHARING)


@requirement("2021-A1-05")
def test_nothing_is_kept_in_the_makers_cloud(mobile, measured):
    """A backup in a foreign cloud holds all that the phone holds."""
    measured(mobile.says(Topic.CLOUD))
    assert mobile.holds(Topic.CLOUD)


@requirement("2021-A2-07")
def test_voice_assistant_of_the_device_is_off(mobile, measured):
    """What listens for its name hears the treatment room."""
    measured(mobile.says(Topic.ASSISTANT))
    assert mobile.holds(Topic.ASSISTANT)


@requirement("2021-A1-19")
def test_browser_of_the_device_warns(mobile, measured):
    """A forged page looks on a small screen like the real one."""
    measured(mobile.says(Topic.BROWSER))
    assert mobile.holds(Topic.BROWSER)


@requirement("2021-A3-02", "2021-A3-03", "2021-A3-08", "2021-A3-09")
def test_only_approved_apps_can_be_installed(mobile, measured):
    """An approval that nothing enforces is a list on paper."""
    measured(mobile.says(Topic.APPROVED_APPS))
    assert mobile.holds(Topic.APPROVED_APPS)


@requirement("2021-A1-20")
def test_sim_asks_for_a_pin(mobile, measured):
    """A stolen SIM telephones at the practice's expense and receives its codes."""
    if not mobile.has_answer(Topic.SIM_PIN):
        not_applicable("keine Verwaltung kann die SIM-PIN lesen; die Praxis bestätigt sie")
    measured(mobile.says(Topic.SIM_PIN))
    assert mobile.holds(Topic.SIM_PIN)


@requirement("2021-A3-05")
def test_rights_in_the_management_are_looked_at(device_lists):
    """Who may manage the phones may erase them all."""
    assert device_lists is not None
    not_applicable("wer die Mobilgeräteverwaltung bedienen darf, steht in keiner Geräteliste; die Praxis bestätigt es")
