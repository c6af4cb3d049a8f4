"""Removable media and encrypted disks: what is read, what is concluded, and what the practice's commands refuse."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from praxisschild.collector.linux import media
from praxisschild.snapshot import Snapshot, Unreadable

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = PROJECT / "roles/removable_media/files"

LUKS2 = """LUKS header information
Version:       \t2
Data segments:
  0: crypt
\toffset: 16777216 [bytes]
\tcipher: aes-xts-plain64
\tsector: 512 [bytes]

Keyslots:
  0: luks2
\tKey:        512 bits
\tCipher:     aes-xts-plain64
\tCipher key: 512 bits
\tPBKDF:      argon2id
  1: luks2
\tKey:        512 bits
\tPBKDF:      pbkdf2
Tokens:
Digests:
"""
LUKS1 = """LUKS header information for /dev/sdb

Version:       \t1
Cipher name:   \taes
Cipher mode:   \tcbc-essiv:sha256
Hash spec:     \tsha256
MK bits:       \t128
"""
TREE = [
    {"name": "vda", "kname": "vda", "fstype": "ext4", "mountpoints": ["/"], "rm": False, "tran": None},
    {
        "name": "vdb", "kname": "vdb", "fstype": "crypto_LUKS", "mountpoints": [None], "rm": False, "tran": None,
        "children": [
            {"name": "daten", "kname": "dm-0", "fstype": "ext4", "mountpoints": ["/srv/praxis"], "rm": False},
        ],
    },
]  # fmt: skip


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, PROGRAMS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def medium():
    return loaded("praxisschild_medium")


def snapshot(**sections):
    return Snapshot.from_json({"schema_version": 1, "errors": [], **sections})


# -- what is read ------------------------------------------------------------------------------------------------------


def test_parameters_of_luks2_are_the_weakest_of_all_slots(monkeypatch):
    monkeypatch.setattr(media, "run", lambda *_, **__: LUKS2)
    assert media.luks("/dev/vdb") == {
        "version": 2, "cipher": "aes-xts-plain64", "key_bits": 512, "kdf": ["argon2id", "pbkdf2"], "slots": 2,
    }  # fmt: skip


def test_parameters_of_luks1_are_read_too(monkeypatch):
    monkeypatch.setattr(media, "run", lambda *_, **__: LUKS1)
    found = media.luks("/dev/sdb")
    assert (found["version"], found["cipher"], found["key_bits"]) == (1, "aes-cbc-essiv:sha256", 128)


def test_a_mount_knows_the_container_that_it_lies_on(monkeypatch):
    monkeypatch.setattr(media, "in_container", lambda: "none")
    monkeypatch.setattr(media, "blocks", lambda: TREE)
    monkeypatch.setattr(media, "luks", lambda _: {"cipher": "aes-xts-plain64"})
    found = media.disks()
    assert found["mounted"]["/srv/praxis"]["encrypted_by"] == ["vdb"]
    assert found["mounted"]["/"]["encrypted_by"] == []


def test_a_container_has_no_devices_of_its_own(monkeypatch):
    monkeypatch.setattr(media, "in_container", lambda: "podman")
    assert media.media() is None
    assert media.disks() is None


@pytest.mark.parametrize(
    "rule",
    [
        'SUBSYSTEM=="block", ENV{UDISKS_IGNORE}="1", RUN+="/usr/bin/systemctl --no-block start gate@%k.service"',
        'SUBSYSTEM=="block", ENV{UDISKS_IGNORE}="1", ENV{SYSTEMD_WANTS}+="gate@%k.service"',
    ],
)
def test_a_rule_that_starts_a_scanner_is_recognised(monkeypatch, tmp_path, rule):
    program = tmp_path / "gate"
    program.write_text("#!/bin/sh\nclamdscan --fdpass /medium\n")
    (tmp_path / "72-gate.rules").write_text(rule + "\n")
    monkeypatch.setattr(media, "RULE_FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(
        media, "show", lambda *_, **__: [{"LoadState": "loaded", "ExecStart": f"{{ path={program} ; argv[]=x }}"}]
    )
    found = media.examiners()
    assert [(one["unit"], one["loaded"], one["scans"], one["hides"]) for one in found] == [("gate@", True, True, True)]


def test_the_record_is_summed_up_without_names(monkeypatch, tmp_path):
    record = tmp_path / "medien.log"
    record.write_text(
        json.dumps({"at": "2026-11-24T10:00:00Z", "who": "mfa-1", "result": "erfolgreich"}) + "\nkaputt\n"
    )
    monkeypatch.setattr(media, "RECORD", record)
    monkeypatch.setattr(media, "run", lambda *_, **__: f"-----a------- {record}\n")
    found = media.media_tools()["record"]
    assert found == {"entries": 2, "broken": 1, "append_only": True, "last": None}
    assert "mfa-1" not in json.dumps(found)


# -- what is concluded -------------------------------------------------------------------------------------------------


def section(**changes):
    return {
        "examiners": [{"rule": "72", "unit": "gate@", "loaded": True, "scans": True, "hides": True}],
        "scanners": ["clamdscan"],
        "scanner_answers": True,
        "udisks_installed": True,
        "udisks": {"defaults": "noexec", "allow": "noexec,ro"},
        "usbguard": {"active": False, "default": ""},
        "plugged": [],
        **changes,
    }


def test_a_good_gate_is_recognised():
    found = snapshot(media=section())
    assert found.media_are_examined
    assert found.media_scanners == ("clamdscan",)
    assert found.media_mount_options == ({"nodev", "nosuid", "noexec"}, {"noexec", "ro"})
    assert found.usbguard_blocks_by_default is None


@pytest.mark.parametrize("missing", ["loaded", "scans", "hides"])
def test_a_gate_that_lacks_a_part_is_none(missing):
    examiner = {**section()["examiners"][0], missing: False}
    assert not snapshot(media=section(examiners=[examiner])).media_are_examined


def test_a_resident_scanner_that_does_not_answer_does_not_count():
    assert snapshot(media=section(scanner_answers=False)).media_scanners == ()


def test_udisks_lets_anybody_ask_for_programs_unless_told_otherwise():
    _, allowed = snapshot(media=section(udisks={})).media_mount_options
    assert "exec" in allowed


@pytest.mark.parametrize(
    ("part", "is_open"),
    [
        ({"type": "part", "file_system": "vfat", "read_only": False}, True),
        ({"type": "part", "file_system": "vfat", "read_only": True}, False),
        ({"type": "disk", "file_system": "crypto_LUKS", "read_only": False}, False),
        ({"type": "crypt", "file_system": "ext4", "read_only": False}, False),
        ({"type": "disk", "file_system": None, "read_only": False}, False),
    ],
)
def test_only_an_open_and_writable_medium_is_a_leak(part, is_open):
    found = snapshot(media=section(plugged=[{"device": "sdb", "hidden": False, "mounted": [], **part}]))
    assert [one.is_open for one in found.media_parts] == [is_open]


def disks():
    container = {"version": 2, "cipher": "aes-xts-plain64", "key_bits": 512, "kdf": ["argon2id"], "slots": 2}
    return {
        "mounted": {
            "/": {"device": "vda", "encrypted_by": [], "removable": False},
            "/boot": {"device": "vda1", "encrypted_by": [], "removable": False},
            "/srv/praxis": {"device": "dm-0", "encrypted_by": ["vdb"], "removable": False},
        },
        "containers": {"vdb": container},
        "zram": False,
    }


def test_a_folder_lies_where_its_nearest_mount_lies():
    found = snapshot(disks=disks())
    assert [one.device for one in found.place_of("/srv/praxis/patienten").containers] == ["vdb"]
    assert found.place_of("/srv").containers == ()
    assert {place.mountpoint for place in found.disk_places} == {"/", "/srv/praxis"}


def test_a_container_that_does_not_tell_its_method_is_unknown():
    document = disks()
    document["containers"]["vdb"] = None
    with pytest.raises(Unreadable):
        snapshot(disks=document).place_of("/srv/praxis")


# -- the practice's commands -------------------------------------------------------------------------------------------


def test_findings_are_told_by_signature_and_file(medium):
    said = "/run/scan/sdb/Müller/brief: neu.com: Eicar FOUND\n/run/scan/sdb/x.com: Eicar FOUND\n"
    assert medium.findings(said, Path("/run/scan/sdb")) == (
        ["Eicar"],
        ["Müller/brief: neu.com", "x.com"],
    )


def test_without_a_scanner_nothing_is_released(medium, monkeypatch):
    monkeypatch.setattr(medium, "run", lambda *words, **_: subprocess.CompletedProcess(words, 127, "", "fehlt"))
    with pytest.raises(medium.BlockedError, match="keine Untersuchung"):
        medium.scan(Path("/nowhere"))


def test_a_scanner_that_could_not_read_everything_releases_nothing(medium, monkeypatch):
    monkeypatch.setattr(
        medium, "run", lambda *words, **_: subprocess.CompletedProcess(words, 2, "", "Input/output error")
    )
    with pytest.raises(medium.BlockedError, match="Input/output error"):
        medium.scan(Path("/nowhere"))


@pytest.mark.parametrize(("dump", "sound"), [(LUKS2, True), (LUKS1, False)])
def test_a_weak_container_counts_as_unencrypted(medium, monkeypatch, dump, sound):
    monkeypatch.setattr(medium, "run", lambda *words, **_: subprocess.CompletedProcess(words, 0, dump, ""))
    assert medium.encryption_is_sound(medium.Device("sdb"))[0] is sound


@pytest.mark.parametrize(
    ("properties", "belongs"),
    [
        ({"ID_FS_UUID": "1111-AAAA"}, True),
        ({"ID_FS_UUID": "2222-BBBB"}, False),
        ({"ID_FS_UUID": "3333-CCCC"}, False),  # noauto: mounted when somebody asks
    ],
)
def test_what_the_host_mounts_by_itself_is_not_a_stick(medium, monkeypatch, properties, belongs):
    fstab = "UUID=1111-AAAA /home ext4 defaults 0 2\nUUID=3333-CCCC /stick vfat noauto,user 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda self, **_: fstab if self.name == "fstab" else "")
    assert medium.belongs_to_the_system(medium.Device("sdb1"), properties) is belongs


def test_erasing_refuses_what_is_no_device(medium, tmp_path):
    with pytest.raises(medium.RefusedError, match="kein Datenträger"):
        medium.chosen(str(tmp_path), internal=False)


def test_erasing_waits_for_the_name_of_the_device(medium, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("ja\n"))
    with pytest.raises(medium.RefusedError, match="nichts wurde verändert"):
        medium.confirm(medium.Device("sdb"), {}, "Sicher löschen")
    assert "ALLES" in capsys.readouterr().out


def sums(*arguments):
    command = [sys.executable, str(PROGRAMS / "praxisschild_pruefsumme.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Ärzte").mkdir()
    (tmp_path / "Ärzte/bild\\neu.dcm").write_bytes(b"x")
    (tmp_path / "brief.txt").write_text("unauffällig")
    assert sums("erstellen", tmp_path).returncode == 0
    return tmp_path


def test_untouched_files_agree_with_their_checksums_in_any_tool(folder):
    assert sums("pruefen", folder).returncode == 0
    other = subprocess.run(["sha256sum", "--check", "--quiet", "PRUEFSUMMEN.sha256"], cwd=folder, check=False)
    assert other.returncode == 0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda folder: (folder / "brief.txt").write_text("auffällig"), "VERÄNDERT  brief.txt"),
        (lambda folder: (folder / "brief.txt").unlink(), "FEHLT      brief.txt"),
        (lambda folder: (folder / "neu.txt").write_text(""), "ZUSÄTZLICH neu.txt"),
    ],
)
def test_a_change_is_told(folder, change, word):
    change(folder)
    done = sums("pruefen", folder)
    assert done.returncode == 1
    assert word in done.stdout


def test_a_missing_signature_is_told_when_one_is_demanded(folder):
    done = sums("pruefen", "--unterschrift", folder)
    assert (done.returncode, "UNTERSCHRIFT fehlt" in done.stdout) == (1, True)


@pytest.mark.parametrize("name", ["praxisschild_medium.py", "praxisschild_pruefsumme.py"])
def test_help_teaches_by_examples(name):
    done = subprocess.run([sys.executable, str(PROGRAMS / name), "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Beispiele" in done.stdout
