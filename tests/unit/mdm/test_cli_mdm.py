"""`praxisschild mdm`: files that a management loads, and a verdict on each device of a list."""

from __future__ import annotations

import json
import plistlib
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from praxisschild import cli
from praxisschild.errors import InputError
from tests.unit.mdm.conftest import PROJECT
from tests.unit.mdm.test_apple import certificate, ec, key_file

if TYPE_CHECKING:
    from pathlib import Path

DEVICES = """
  mobile_devices:
    devices:
      - {name: tablet, platform: ios}
      - {name: telefon, platform: android}
      - {name: privat, platform: android, owner: personal}
"""
STAND = datetime.now(UTC) - timedelta(days=1)
LIST = "Stand;Gerät;Plattform;Letzte Meldung;Verwaltet;Sperrcode;Sicherheitsstand\n" + "".join(
    f"{STAND:%d.%m.%Y};{name};{platform};{STAND:%d.%m.%Y};ja;{code};{STAND:%d.%m.%Y}\n"
    for name, platform, code in (("tablet", "iOS", "ja"), ("telefon", "Android", "nein"))
)


@pytest.fixture
def practice(tmp_path: Path) -> Path:
    folder = tmp_path / "Praxis am Markt"
    shutil.copytree(PROJECT / "inventories/vorlage", folder)
    facts = folder / "group_vars/all/praxis.yml"
    facts.write_text(facts.read_text(encoding="utf-8") + DEVICES, encoding="utf-8")
    return folder


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli.app, ["mdm", *map(str, arguments)], env={"COLUMNS": "200"})
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def test_one_file_per_platform_and_owner_and_a_page_that_explains_them(practice, tmp_path):
    out = tmp_path / "aus"
    said = run("write", practice, "-o", out)
    assert {path.name for path in out.iterdir()} == {
        "praxis-am-markt-apple-dienstlich.mobileconfig",
        "praxis-am-markt-apple-dienstlich-softwareupdate.json",
        "praxis-am-markt-android-dienstlich.json",
        "praxis-am-markt-android-privat.json",
        "einstellungen.md",
    }
    profile = plistlib.loads((out / "praxis-am-markt-apple-dienstlich.mobileconfig").read_bytes())
    assert profile["PayloadIdentifier"] == "de.praxisschild.praxis-am-markt.company"
    page = (out / "einstellungen.md").read_text(encoding="utf-8")
    assert (
        "| Nach zehn falschen Codes löscht sich das Gerät | `maxFailedAttempts = 10` | 2025-A1-32, 2025-A1-31 |" in page
    )
    assert "## Was keine Verwaltung durchsetzen kann" in page
    assert "SIM-PIN" in page
    assert " settings for " in said


def test_the_same_practice_gives_the_same_files(practice, tmp_path):
    for folder in ("eins", "zwei"):
        run("write", practice, "-o", tmp_path / folder)
    for path in (tmp_path / "eins").iterdir():
        assert path.read_bytes() == (tmp_path / "zwei" / path.name).read_bytes()


def test_one_platform_alone_and_for_programs(practice, tmp_path):
    document = json.loads(run("write", practice, "-o", tmp_path / "aus", "--android", "--json"))
    assert {(one["platform"], one["owner"]) for one in document["groups"]} == {
        ("android", "company"),
        ("android", "personal"),
    }
    assert all("2021-A1-22" in one["requirements"] for one in document["groups"])


def test_a_signature_needs_both_halves(practice, tmp_path, monkeypatch):
    key = ec.generate_private_key(ec.SECP256R1())
    pem, secret = certificate(tmp_path, key), key_file(tmp_path, key, b"geheim geheim")
    with pytest.raises(InputError, match="both"):
        run("write", practice, "-o", tmp_path / "aus", "--certificate", pem)
    monkeypatch.setenv("PRAXISSCHILD_MDM_KEY_PASSPHRASE", "geheim geheim")
    run("write", practice, "-o", tmp_path / "aus", "--apple", "--certificate", pem, "--key", secret)
    signed = (tmp_path / "aus/praxis-am-markt-apple-dienstlich.mobileconfig").read_bytes()
    assert signed[0] == 0x30
    assert b"<key>PayloadContent</key>" in signed


def test_a_folder_that_cannot_be_written_is_named(practice, tmp_path):
    (tmp_path / "datei").write_text("")
    with pytest.raises(InputError, match=r"datei.*cannot be written"):
        run("write", practice, "-o", tmp_path / "datei")


def test_check_names_the_device_the_requirement_and_what_was_measured(practice, tmp_path):
    path = tmp_path / "liste.csv"
    path.write_text(LIST, encoding="utf-8")
    said = run("check", practice, path, code=1)
    assert "liste.csv: Gerätetabelle (CSV)" in said
    assert "not met  2025-A1-32, 2025-A1-31, KVWL-09: Sperrcode gesetzt: nein" in said
    private = said.partition("privat: ")[2]
    assert "not tested\n  not tested  everything\n" in private
    assert "in keiner Geräteliste (liste.csv)" in private


def test_check_reads_the_declared_folder_and_speaks_to_programs(practice):
    folder = practice / "mobilgeraete"
    folder.mkdir()
    (folder / "liste.csv").write_text(LIST.replace(";nein;", ";ja;"), encoding="utf-8")
    document = json.loads(run("check", practice, "--json", code=1))
    assert document["lists"][0]["devices"] == 2
    found = {(one["check"].partition("::")[2], one["status"]) for one in document["checks"]}
    assert ("test_lock_asks_for_a_code[telefon]", "passed") in found
    assert ("test_lock_asks_for_a_code[privat]", "not_tested") in found
    assert {one["part"] for one in document["checks"]} == {"mdm"}


def test_check_without_a_list_or_with_a_broken_one_is_misuse(practice, tmp_path):
    with pytest.raises(InputError, match="mobilgeraete"):
        run("check", practice)
    (tmp_path / "liste.csv").write_text(LIST.replace("Sperrcode", "Code"), encoding="utf-8")
    with pytest.raises(InputError, match=r"liste.csv: line 1: the column 'Code' is unknown"):
        run("check", practice, tmp_path / "liste.csv")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("exports: [liste.csv]", "mobilgeraete/"),
        ("owner: geliehen", "owner"),
        ("devices: [{name: a, platform: ios}, {name: a, platform: ios}]", "named twice"),
        ("compliance_covers: [alles]", "compliance_covers"),
        ("current_os: {ios: {version: neu, checked: 2026-11-01}}", "version"),
        ("apps: {android: [{package: nur ein Name}]}", "package"),
        ("vpn: {server: 'http://x y'}", "server"),
    ],
)
def test_a_wrong_field_of_the_inventory_is_named(practice, line, named):
    facts = practice / "group_vars/all/praxis.yml"
    text = facts.read_text(encoding="utf-8").partition("  mobile_devices:\n    devices")[0]
    facts.write_text(f"{text}  mobile_devices:\n    {line}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        run("check", practice)
    assert named in str(caught.value)
    assert caught.value.field.startswith("praxis.mobile_devices")


@pytest.fixture
def deviating(practice):
    def write(device):
        deviations = [
            {
                "requirement": requirement,
                "hosts": [device],
                "reason": "Notrufgerät ohne Sperre, nur im Tresor",
                "compensation": "liegt verschlossen",
                "risk": "niedrig",
                "approved_by": "Praxisinhaberin",
                "approved_on": STAND.date().isoformat(),
                "expires": (STAND.date() + timedelta(days=90)).isoformat(),
            }
            for requirement in ("2025-A1-32", "2025-A1-31")
        ]
        facts = practice / "group_vars/all/praxis.yml"
        text = facts.read_text(encoding="utf-8").replace("  deviations: []", f"  deviations: {json.dumps(deviations)}")
        facts.write_text(text, encoding="utf-8")

    return write


def test_a_phone_may_deviate_like_a_host_and_only_from_what_was_approved(practice, deviating, tmp_path):
    deviating("telefon")
    (tmp_path / "liste.csv").write_text(LIST, encoding="utf-8")
    said = run("check", practice, tmp_path / "liste.csv", code=1)
    assert "not met  KVWL-09: Sperrcode gesetzt: nein" in said


def test_a_deviation_names_a_device_that_exists(practice, deviating):
    deviating("telefax")
    with pytest.raises(InputError, match=r"unknown host 'telefax'; did you mean 'telefon'"):
        run("check", practice)
