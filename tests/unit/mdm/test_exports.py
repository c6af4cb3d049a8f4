"""Each product's list is read for what it says; what cannot be read is named with line and column."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from praxisschild.errors import InputError
from praxisschild.mdm.declared import MobileDevices
from praxisschild.mdm.exports import neutral, read_list
from praxisschild.mdm.topics import Topic
from tests.unit.mdm.conftest import CHOICES, LISTS, NOW, PROJECT

DECLARED = MobileDevices.model_validate(CHOICES)
COVERED = MobileDevices.model_validate({**CHOICES, "compliance_covers": ["locked", "wipes"]})
NEUTRAL = PROJECT / "inventories/musterpraxis/mobilgeraete/geraete.csv"
SECRETS = ["GEHEIM", "35000000", "+4930", "Person Anm", "Person Ber", "praxis.example", "0200000"]


def read(path, declared=DECLARED, now=NOW):
    return read_list(path, declared, now)


def values(device):
    return {topic: answer.value for topic, answer in device.answers.items()}


@pytest.mark.parametrize("name", ["intune.csv", "graph.json"])
def test_intune_tells_encryption_jailbreak_patches_and_leaves_computers_out(name):
    found = read(LISTS / name)
    assert found.product.startswith("Microsoft Intune")
    assert [one.name for one in found.devices] == ["tablet-anmeldung", "telefon-bereitschaft"]
    assert found.taken == datetime(2026, 11, 27, 18, tzinfo=UTC), "the newest of all that reported, computers included"
    tablet, phone = found.devices
    assert (tablet.platform, phone.platform) == ("ios", "android")
    assert phone.patch_level == date(2026, 11, 5)
    assert tablet.patch_level is None
    assert tablet.version == "26.1"
    assert tablet.certificate_until == datetime(2027, 6, 30, tzinfo=UTC)
    for device in found.devices:
        assert device.owner == "company"
        told = {topic for topic, value in values(device).items() if value is not None}
        assert told == {Topic.MANAGED, Topic.ENCRYPTED, Topic.INTACT, Topic.COMPLIANT}
        assert all(values(device)[topic] for topic in told)
        assert "compliance_covers" in device.answers[Topic.LOCKED].text, "the way out"


def test_compliant_proves_only_what_the_practice_says_its_policy_demands():
    said = values(read(LISTS / "intune.csv", COVERED).devices[0])
    assert said[Topic.LOCKED]
    assert said[Topic.WIPES]
    assert said[Topic.STORE_ONLY] is None


def test_not_compliant_does_not_say_which_rule_is_broken(saved):
    text = (LISTS / "intune.csv").read_text(encoding="utf-8").replace("Compliant", "InGracePeriod", 1)
    tablet = read(saved(text.replace("Compliance grace", "Compliance grace")), COVERED).devices[0]
    assert tablet.answers[Topic.COMPLIANT].value is False
    assert tablet.answers[Topic.LOCKED].value is None


def test_jamf_tells_code_encryption_and_which_profile_is_installed():
    found = read(LISTS / "jamf.json")
    (tablet,) = found.devices
    assert found.product == "Jamf Pro"
    assert tablet.reported == datetime(2026, 11, 27, 17, 42, 11, tzinfo=UTC)
    said = values(tablet)
    assert all(said[topic] for topic in (Topic.MANAGED, Topic.ENCRYPTED, Topic.LOCKED, Topic.INTACT, Topic.SHARING))
    assert said[Topic.PERMISSIONS] is None, "Apple tells nobody"
    assert tablet.wipe_after == 10
    assert tablet.certificate_until == datetime(2027, 5, 31, tzinfo=UTC), "the first identity to run out"


def test_android_management_api_tells_each_setting_that_is_not_applied(saved):
    (phone,) = read(LISTS / "amapi.json").devices
    assert phone.name == "telefon-bereitschaft"
    assert set(values(phone).values()) == {True}
    assert phone.wipe_after == 10
    document = json.loads((LISTS / "amapi.json").read_text(encoding="utf-8"))
    device = document["devices"][0]

    def said(*details, **changed):
        fresh = {**device, **changed, "nonComplianceDetails": list(details)}
        return values(read(saved({"devices": [fresh]})).devices[0])

    def broken(*details, **changed):
        return {topic for topic, value in said(*details, **changed).items() if not value}

    fault = {"nonComplianceReason": "USER_ACTION"}
    assert broken({**fault, "settingName": "keyguardDisabledFeatures"}) == {Topic.LOCK_SCREEN}
    assert broken({**fault, "settingName": "applications", "packageName": "com.android.chrome"}) == {Topic.BROWSER}
    assert broken({**fault, "settingName": "applications", "packageName": "de.x.y"}) == {Topic.APPROVED_APPS}
    old = {"settingName": "assistContentPolicy", "nonComplianceReason": "API_LEVEL"}
    assert broken(old) == set(), "an old Android cannot do everything; the rest of the topic holds"
    waiting = {"settingName": "backupService", "nonComplianceReason": "PENDING"}
    assert said(waiting)[Topic.CLOUD] is None
    foreign = said(appliedPolicyName="enterprises/LC00000000/policies/eigene")
    assert {topic for topic, value in foreign.items() if value is None} >= {Topic.SHARING, Topic.BROWSER}
    # the API leaves out what is false
    assert broken(deviceSettings={"encryptionStatus": "ACTIVE"}) == {Topic.LOCKED}
    assert broken(deviceSettings={"isDeviceSecure": True, "isEncrypted": True, "unknownSourcesEnabled": True}) == {
        Topic.STORE_ONLY
    }
    assert broken(securityPosture={"devicePosture": "POTENTIALLY_COMPROMISED"}) == {Topic.INTACT}


def test_approved_apps_are_not_proven_where_none_are_named():
    bare = MobileDevices()
    for name in ("jamf.json", "amapi.json"):
        assert read(LISTS / name, bare).devices[0].answers[Topic.APPROVED_APPS].value is None


def test_the_neutral_table_says_what_it_is_told():
    found = read(NEUTRAL)
    tablet, phone = found.devices
    assert found.taken == datetime(2026, 11, 27, 18, tzinfo=UTC)
    assert tablet.answers[Topic.SIM_PIN].applies is False
    assert phone.answers[Topic.SIM_PIN].value
    assert phone.patch_level == date(2026, 11, 5)
    assert phone.wipe_after == 10


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_may_come_from_any_spreadsheet(saved, delimiter, encoding):
    text = NEUTRAL.read_text(encoding="utf-8").replace(";", delimiter).replace("\n", "\r\n")
    assert [one.name for one in read(saved(text.encode(encoding))).devices] == [
        "tablet-anmeldung",
        "telefon-bereitschaft",
    ]


def test_devices_of_one_name_stay_apart(saved):
    rows = NEUTRAL.read_text(encoding="utf-8").replace("telefon-bereitschaft", "tablet-anmeldung")
    names = [one.name for one in read(saved(rows)).devices]
    assert len(set(names)) == 2
    assert names[0] == "tablet-anmeldung"


@pytest.mark.parametrize("name", ["intune.csv", "graph.json", "jamf.json", "amapi.json"])
def test_nothing_of_a_person_and_no_number_of_a_device_is_kept(name):
    content = (LISTS / name).read_text(encoding="utf-8")
    assert "GEHEIM" in content
    kept = str(asdict(read(LISTS / name)))
    assert not [secret for secret in SECRETS if secret in kept]
    assert all(device.mark for device in read(LISTS / name).devices)


def spoiled(old, new):
    text = NEUTRAL.read_text(encoding="utf-8")
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (spoiled("Verschlüsselt", "Verschluesselt"), ["line 1", "'Verschluesselt'", "mean Verschlüsselt"]),
        (spoiled("Stand;", "Datum;"), ["line 1", "'Stand'", "missing"]),
        (spoiled("Gerät;", "Device;"), ["line 1", "of no known format", "docs/mobilgeraete.md"]),
        (spoiled(";ja;10;", ";vielleicht;10;"), ["line 2", "'Mitteilungen verborgen'", "'vielleicht'"]),
        (spoiled(";10;", ";zehn;"), ["line 2", "'Löscht nach Fehlversuchen'", "no number"]),
        (spoiled("03.11.2026", "11/03/2026"), ["line 2", "'Sicherheitsstand'", "no date"]),
        (spoiled("03.11.2026", "31.02.2026"), ["line 2", "'Sicherheitsstand'", "no date"]),
        (spoiled("iPadOS", "Windows"), ["line 2", "'Plattform'", "iOS, iPadOS or Android"]),
        (spoiled("dienstlich", "geliehen"), ["line 2", "'Besitz'", "dienstlich or privat"]),
        (spoiled("telefon-bereitschaft", ""), ["line 3", "'Gerät'", "name of the device is missing"]),
        (spoiled("27.11.2026 18:00;tablet", ";tablet"), ["line 2", "'Stand'", "a date is missing"]),
        (spoiled("27.11.2026 18:00;tablet", "27.11.2036 18:00;tablet"), ["in the future"]),
        (spoiled(";iPadOS", ";iPadOS;iPadOS"), ["line 2", "26 values, but 25 columns"]),
        (spoiled("Nur Store", "Verwaltet"), ["line 1", "'Verwaltet'", "twice"]),
        (spoiled("tablet-anmeldung", '"tablet'), ["line", "no valid table"]),
        ("", ["the file is empty"]),
        ("\ufeff\n\n", ["the file is empty"]),
        (b"Ger\xe4t;Stand\n", ["line 1", "not UTF-8"]),
        (b"\xff\xfea", ["line 1", "not UTF-8"]),
        ("Gerätename,Compliance\n", ["line 1", "translated", "English"]),
        ("Device name,Last check-in,OS\n", ["line 1", "'Compliance'", "missing"]),
        ("Device name,Last check-in,OS,Compliance\nx,27/11/2026 8:15,iOS,Compliant\n", ["line 2", "'Last check-in'"]),
        ("Device name,Last check-in,OS,Compliance\n", ["when any device has reported"]),
        ("{", ["line 1, character 2", "no valid JSON"]),
        ("[]", ["of no known format"]),
        ("[" * 100_000, ["no valid JSON"]),
        ('{"devices": [{"name": "enterprises/x/devices/y", "deviceSettings": {"isDeviceSecure": "vielleicht"}}]}',
         ["devices, entry 1", "'deviceSettings.isDeviceSecure'", "'vielleicht'"]),
        ('{"devices": [{"name": "enterprises/x/devices/y"}, 7]}', ["devices, entry 2", "no device"]),
        ('{"results": [{"mobileDeviceId": "1", "general": {"displayName": "x"}, "profiles": {}}]}',
         ["'profiles'", "not a list"]),
        ('{"value": [{"deviceName": {}, "complianceState": "compliant", "operatingSystem": "iOS"}]}',
         ["value, entry 1", "'deviceName'", "no plain value"]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(saved, content, named):
    path = saved(content)
    with pytest.raises(InputError) as caught:
        read(path)
    for word in (path.name, *named):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "fehlt.csv", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read(path)


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "ja",
        "nein",
        "",
        "10",
        "27.11.2026",
        "9999-99-99",
        "99.99.9999",
        "iOS",
        "\x00",
        '"',
        ";",
        "\n",
        "2026-11-27T25:00",
        "9" * 400,
    ]
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
QUIET = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def never_a_traceback(path):
    """Either a list that can be shown, or one message that can."""
    error = None
    try:
        found = read(path, COVERED)
    except InputError as caught:
        error = caught
    if error is None:
        assert all(device.name and device.name.isprintable() for device in found.devices)
        assert found.taken <= NOW
    else:
        assert error.way_out
        assert str(error).isprintable()


@QUIET
@given(data=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(data="Gerät;Stand\n\x1b[31m;x\n".encode())
def test_any_bytes(saved, data):
    never_a_traceback(saved(data))


@QUIET
@given(data=st.data())
def test_tables_with_any_cells(saved, data):
    known = st.sampled_from([*neutral.COLUMNS, "Device name", "Last check-in", "OS", "Compliance", "Encrypted"])
    columns = data.draw(st.lists(known | CELLS, min_size=1, max_size=8))
    required = data.draw(
        st.sampled_from([[], list(neutral.REQUIRED), ["Device name", "Last check-in", "OS", "Compliance"]])
    )
    out = io.StringIO()
    writer = csv.writer(out, delimiter=data.draw(st.sampled_from(";,\t")))
    names = [*required, *columns]
    writer.writerow(names)
    for _ in range(data.draw(st.integers(0, 3))):
        writer.writerow(data.draw(st.lists(CELLS, min_size=len(names), max_size=len(names))))
    never_a_traceback(saved(out.getvalue().encode("utf-8", "replace")))


def places(node, path=()):
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


@pytest.mark.parametrize("name", ["graph.json", "jamf.json", "amapi.json"])
@QUIET
@given(data=st.data())
@pytest.mark.slow
def test_lists_of_products_with_any_value_anywhere(saved, name, data):
    document = json.loads((LISTS / name).read_text(encoding="utf-8"))
    for path in data.draw(st.lists(st.sampled_from(list(places(document))[1:]), min_size=1, max_size=3)):
        node = document
        try:
            for step in path[:-1]:
                node = node[step]
            node[path[-1]] = data.draw(JSON_VALUES)
        except (KeyError, IndexError, TypeError):
            continue  # a value before has taken its place
    never_a_traceback(saved(document))


@QUIET
@given(day=st.dates(date(2000, 1, 1), date(2026, 11, 27)), hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_both_ways_to_write_a_date_mean_the_same(saved, day, hour, minute):
    written = [f"{day:%d.%m.%Y} {hour:02}:{minute:02}", f"{day.isoformat()} {hour:02}:{minute:02}:00.0000000"]
    written.append(f"{day.isoformat()}T{hour:02}:{minute:02}:00Z")
    found = {read(saved(f"Stand;Gerät;Plattform;Letzte Meldung\n{one};t;iOS;{one}\n")).taken for one in written}
    assert found == {datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)}
    assert NOW - found.pop() > timedelta(0)
