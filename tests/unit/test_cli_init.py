"""A new practice: from options, from questions at a real terminal, broken off and gone on with, never overwritten."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pexpect
import pytest
import yaml
from typer.testing import CliRunner

from praxisschild.cli import app
from praxisschild.errors import InputError
from praxisschild.inventory import open_practice

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(sys.executable).parent / "praxisschild")
HOSTS = (
    "--host=name=anmeldung,address=192.168.20.11",
    "--host=name=server-1,address=192.168.20.2,role=server,os=ubuntu",
)
LEAST = ("--name", "Praxis am Markt", "--people", "4", *HOSTS, "--control", "192.168.20.5/32")


def init(folder, *words):
    return CliRunner().invoke(app, ["init", str(folder), "--non-interactive", *words])


def facts_of(folder):
    return yaml.safe_load((folder / "group_vars/all/praxis.yml").read_text(encoding="utf-8"))["praxis"]


def test_the_least_there_is_to_say_makes_a_practice_that_passes(tmp_path):
    done = init(tmp_path / "markt", *LEAST)
    assert done.exit_code == 0, done.output
    assert CliRunner().invoke(app, ["check", str(tmp_path / "markt")]).exit_code == 0
    opened = open_practice(tmp_path / "markt")
    assert opened.inventory.hosts == ["anmeldung", "server-1"]
    assert opened.inventory.value("server-1", "ansible_host") == "192.168.20.2"
    assert opened.inventory.value("server-1", "endpoint_hardening_desktop") is False
    assert opened.inventory.value("anmeldung", "endpoint_hardening_desktop") is None
    practice = opened.practice
    assert (practice.name, practice.size) == ("Praxis am Markt", "praxis")
    assert {name: str(network) for name, network in practice.networks.items()} == {
        "praxis": "192.168.20.0/24",
        "verwaltung": "192.168.20.5/32",
    }
    assert [(one.host, one.port) for one in practice.services] == [("server-1", 445), ("server-1", 22)]
    for command in ("ansible-vault create", "praxisschild check", "praxisschild plan", "praxisschild verify"):
        assert command in done.stdout


def test_every_answer_lands_where_the_roles_look_for_it(tmp_path):
    folder = tmp_path / "gross"
    words = [
        "--people",
        "12",
        "--admin",
        "wartung",
        "--ssh-key",
        "~/.ssh/praxis",
        "--person",
        "mfa-1",
        "--person",
        "arzt",
    ]
    words += ["--feature", "wlan=no", "--feature", "fax=nein", "--medium", "server-1:/dev/disk/by-label/SICHERUNG"]
    words += ["--log-host", "server-1", "--alarm-mail", "a@praxis.test", "--smtp-host", "mail.praxis.test"]
    done = init(folder, *LEAST, *words, "--backup-target", "server-1", "--file-server", "")
    assert done.exit_code == 0, done.output
    opened = open_practice(folder)
    practice = opened.practice
    assert practice.size == "mittel"
    assert practice.features == {"wlan": False, "fax": False}
    assert [(one.name, one.kind) for one in practice.accounts] == [
        ("wartung", "admin"),
        ("mfa-1", "person"),
        ("arzt", "person"),
    ]
    assert [(one.host, one.port) for one in practice.services] == [("server-1", 22), ("server-1", 6514)]
    assert (practice.log_host, practice.alarm.mail_to, practice.alarm.smtp_host) == (
        "server-1",
        "a@praxis.test",
        "mail.praxis.test",
    )
    connection = opened.inventory.value("anmeldung", "ansible_ssh_private_key_file")
    assert (opened.inventory.value("anmeldung", "ansible_user"), connection) == ("wartung", "~/.ssh/praxis")
    assert opened.inventory.value("server-1", "backup_schedule_medium_device") == "/dev/disk/by-label/SICHERUNG"
    assert opened.inventory.value("anmeldung", "backup_schedule_medium_device") is None
    assert opened.hints == ()


@pytest.mark.parametrize(
    ("people", "size"), [(1, "praxis"), (5, "praxis"), (6, "mittel"), (20, "mittel"), (21, "gross"), (400, "gross")]
)
def test_the_size_is_the_directives_for_so_many_people(tmp_path, people, size):
    """§ 390 SGB V, A. II: practice up to 5, medium 6 to 20, large more than 20 people who regularly process data."""
    init(tmp_path / "x", *LEAST, "--people", str(people))
    assert facts_of(tmp_path / "x")["size"] == size


def test_what_still_needs_a_value_is_named_and_the_folder_is_there(tmp_path):
    done = init(tmp_path / "x", *LEAST, "--people", "30", "--log-host", "server-1")
    assert done.exit_code == 1
    assert "praxis.alarm: missing" in done.stdout
    assert (tmp_path / "x/hosts.yml").exists()


def test_every_comment_of_the_template_is_kept(tmp_path):
    init(tmp_path / "x", *LEAST)
    for name in ("praxis.yml", "zugang.yml"):
        template = (PROJECT / "inventories/vorlage/group_vars/all" / name).read_text(encoding="utf-8")
        made = (tmp_path / "x/group_vars/all" / name).read_text(encoding="utf-8")
        for line in template.splitlines():
            if line.lstrip().startswith("#") and "<folder>" not in line:
                assert line in made.splitlines()


def test_a_windows_host_is_reached_over_winrm_and_the_others_are_not(tmp_path):
    done = init(tmp_path / "x", *LEAST, "--host", "name=pc-7,address=192.168.20.17,os=windows")
    assert done.exit_code == 0, done.output
    assert "Praxisschild-WinRM.ps1" in done.stdout
    assert "vault_windows_password" in done.stdout
    opened = open_practice(tmp_path / "x")
    assert opened.inventory.hosts == ["anmeldung", "pc-7", "server-1"]
    reached = {
        name: opened.inventory.value("pc-7", name) for name in ("ansible_host", "ansible_connection", "ansible_user")
    }
    assert reached == {"ansible_host": "192.168.20.17", "ansible_connection": "winrm", "ansible_user": "praxisschild"}
    assert opened.inventory.value("pc-7", "ansible_winrm_ca_trust_path") == str(tmp_path / "x/windows-ca.pem")
    assert opened.inventory.value("pc-7", "ansible_become") is False
    assert opened.inventory.value("anmeldung", "ansible_connection") is None
    assert opened.inventory.value("anmeldung", "ansible_user") == "betreuung"
    assert opened.practice.features["windows"] is True


def test_a_practice_of_windows_only_is_one(tmp_path):
    words = ["--name", "x", "--people", "4", "--control", "192.168.20.5/32"]
    words += [
        "--host=name=pc-7,address=192.168.20.17,os=windows",
        "--host=name=s-1,address=192.168.20.2,role=server,os=windows",
    ]
    done = init(tmp_path / "x", *words)
    assert done.exit_code == 0, done.output
    assert [(one.host, one.port) for one in open_practice(tmp_path / "x").practice.services] == [("s-1", 445)]


def test_without_windows_nothing_speaks_of_it(tmp_path):
    done = init(tmp_path / "x", *LEAST)
    assert "Windows" not in done.stdout
    assert not (tmp_path / "x/group_vars/windows.yml").exists()


@pytest.mark.parametrize("option", ["--backup-target=pc-7", "--medium=pc-7:/dev/sdb1"])
def test_what_keeps_the_backups_of_others_runs_on_linux(tmp_path, option):
    done = init(tmp_path / "x", *LEAST, "--host=name=pc-7,address=192.168.20.17,os=windows", option)
    assert isinstance(done.exception, InputError)
    assert "none of anmeldung, server-1" in str(done.exception)


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/mein").write_text("wichtig")
    done = init(tmp_path / "x", *LEAST)
    assert isinstance(done.exception, InputError)
    assert [path.name for path in tmp_path.rglob("*")] == ["x", "mein"]


@pytest.mark.parametrize(
    ("words", "field", "reason"),
    [
        ((), "--name", "is missing"),
        (("--name", "x"), "--people", "is missing"),
        ((*LEAST, "--host", "name=a"), "--host", "address= is missing"),
        ((*LEAST, "--host", "name=a b,address=x"), "--host", "is no name"),
        ((*LEAST, "--host", "name=a,address=x,role=kueche"), "--host", "arbeitsplatz, server"),
        ((*LEAST, "--host", "name=a,address=x,os=dos"), "--host", "debian, ubuntu, windows"),
        ((*LEAST, "--host", "name=anmeldung,address=x"), "--host", "twice"),
        ((*LEAST, "--host", "unsinn"), "--host", "is none of name="),
        ((*LEAST, "--network", "192.168.20.1/24"), "--network", "is no network"),
        ((*LEAST, "--feature", "sauna=yes"), "--feature", "is none of"),
        ((*LEAST, "--feature", "fax=vielleicht"), "--feature", "write fax=yes"),
        ((*LEAST, "--log-host", "server-9"), "--log-host", "anmeldung, server-1"),
        ((*LEAST, "--medium", "server-1"), "--medium", "HOST:DEVICE"),
        ((*LEAST, "--person", "betreuung"), "--person", "twice"),
        ((*LEAST, "--alarm-mail", "a@b.test"), "--smtp-host", "is missing"),
        ((*LEAST, "--alarm-mail", "nix"), "--alarm-mail", "is no mail address"),
    ],
)
def test_a_wrong_option_is_named_and_nothing_is_made(tmp_path, words, field, reason):
    done = init(tmp_path / "x", *words)
    assert isinstance(done.exception, InputError)
    assert done.exception.file == field
    assert reason in done.exception.reason
    assert list(tmp_path.iterdir()) == []


def terminal(folder, *words):
    return pexpect.spawn(
        PROGRAM,
        ["init", str(folder), *words],
        encoding="utf-8",
        dimensions=(40, 120),
        timeout=30,
        # a shell's background jobs, as the tests may be one, ignore Ctrl-C, and so would what they start
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder.parent), "TERM": "xterm", "LANG": "C.UTF-8"},
    )


def answer(child, *pairs):
    for question, text in pairs:
        child.expect_exact(question)
        child.sendline(text)


@pytest.mark.slow
def test_questions_can_be_broken_off_and_gone_on_with(tmp_path):
    folder = tmp_path / "markt"
    child = terminal(folder)
    answer(child, ("Name der Praxis", ""), ("darf nicht leer", "Praxis am Markt"), ("Wie viele Personen", "vier"))
    answer(child, ("keine Anzahl von Personen", "4"))
    child.expect_exact("Was hat die Praxis?")
    child.expect_exact("[J/n]: ")
    child.sendcontrol("c")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert not folder.exists()
    assert json.loads((tmp_path / ".markt.init.json").read_text()) == {"name": "Praxis am Markt", "people": "4"}

    child = terminal(folder, "--feature", "fax=no")
    child.expect_exact("Es geht weiter, wo der letzte Aufruf aufgehört hat")
    answer(
        child, ("Host (leer", "anmeldung"), ("IP-Adresse", "192.168.20.11"), ("Aufgabe", ""), ("Betriebssystem", "u")
    )
    answer(child, ("Host (leer", "server-1"), ("IP-Adresse", "192.168.20.2"), ("Aufgabe", ""), ("Betriebssystem", ""))
    answer(child, ("Host (leer", ""), ("Netz der Praxis", ""), ("Adresse dieses Leitstands", "192.168.20.5/32"))
    answer(child, ("Anmeldename des Betreuers", ""), ("SSH-Schlüssel", ""), ("Anmeldename einer Person", "mfa-1"))
    answer(child, ("Anmeldename einer Person", ""), ("Dateifreigaben", ""), ("Sicherungen der anderen", "server-1"))
    answer(child, ("Wechselmedium", ""), ("Protokolle der anderen", ""), ("Mailadresse", ""))
    child.expect_exact("ist angelegt: Praxis am Markt, Größe praxis.")
    child.expect_exact("praxisschild verify")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert not (tmp_path / ".markt.init.json").exists()
    opened = open_practice(folder)
    assert opened.practice.features == {"fax": False}
    assert opened.inventory.hosts == ["anmeldung", "server-1"]
    assert str(opened.practice.networks["praxis"]) == "192.168.20.0/24"


def test_every_feature_is_asked_for_with_its_default(tmp_path):
    child = terminal(tmp_path / "x", *LEAST)
    child.expect_exact("Telematikinfrastruktur (TI) [J/n]")
    child.sendline("vielleicht")
    child.expect_exact("mit ja oder nein")
    answer(child, ("(TI) [J/n]", "nein"), ("Rechenzentrum eines Anbieters [j/N]", ""))
    for _number in range(13):
        child.expect(r"\[[jJ]/[nN]\]")
        child.sendline("")
    child.expect_exact("Netz der Praxis [192.168.20.0/24]")
    child.sendeof()
    child.expect(pexpect.EOF)
    said = json.loads((tmp_path / ".x.init.json").read_text())["features"]
    assert {"ti=no", "hosted_konnektor=no", "wlan=yes", "mdm=no"} <= set(said)
    assert len(said) == 15


def test_answers_that_were_spoilt_are_named(tmp_path):
    (tmp_path / ".x.init.json").write_text("[1")
    done = init(tmp_path / "x", *LEAST)
    assert isinstance(done.exception, InputError)
    assert ".x.init.json" in done.exception.file
