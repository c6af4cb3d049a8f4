"""Sticks are really plugged into the notebook: with malware, open, encrypted, and pulled out too early."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from praxisschild.results import Status
from tests.lab.conftest import name_of

pytestmark = pytest.mark.xdist_group("notebook")

# in two halves, so that no scanner takes this file for the sample
EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + "STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
TYPED = "Sehr-geheime-Passphrase"
# a small database instead of the download that a lab does not have
SCANNER = """
echo 44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature > /var/lib/clamav/lab.hdb
install -d /etc/systemd/system/clamav-daemon.service.d
printf '[Unit]\\nConditionPathExistsGlob=\\n' > /etc/systemd/system/clamav-daemon.service.d/lab.conf
systemctl daemon-reload && systemctl restart clamav-daemon.service && clamdscan --ping 60
"""


@pytest.fixture(scope="module")
def gate(notebook):
    """The notebook with a scanner and the gate."""
    notebook.shell("notebook-1", SCANNER)
    notebook.apply("--tags", "removable_media,disk_encryption")
    return notebook


@pytest.fixture
def plug(gate, tmp_path):
    """A function that plugs in a stick with the given files, or a blank one; all are pulled out at the end."""
    plugged = []

    def put_in(name: str, files: dict[str, str] | None = None, size: str = "48M") -> None:
        image = tmp_path / name
        subprocess.run(["truncate", "-s", size, image], check=True)
        if files is not None:
            folder = tmp_path / f"{name}-files"
            folder.mkdir()
            for file, content in files.items():
                (folder / file).write_text(content)
            subprocess.run(["mkfs.ext4", "-q", "-F", "-d", folder, image], check=True)
        gate.run("lab/lab.py", "plug", "notebook-1", str(image), "--id", name)
        plugged.append(name)

    yield put_in
    for name in plugged:
        gate.run("lab/lab.py", "unplug", "notebook-1", "--id", name, code=None)


def verdict(gate, name: str) -> dict[str, str]:
    """What the notebook makes of the stick, once it has made up its mind."""
    find = f"""
import glob, subprocess
device = next((p.split("/")[3] for p in glob.glob("/sys/block/sd*/device")
               if "ID_SERIAL_SHORT={name}" in subprocess.run(["udevadm", "info", "-q", "property",
               "-n", "/dev/" + p.split("/")[3]], capture_output=True, text=True).stdout.split()), "")
rows = json.loads(subprocess.run(["praxisschild-medium", "liste", "--json"], capture_output=True, text=True).stdout)
print(json.dumps(next((row for row in rows if row["device"] == device), {{}})))
"""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = gate.root("notebook-1", find)
        if found.get("state") in {"released", "blocked"}:
            return found
        time.sleep(1)
    raise AssertionError("no verdict")


def test_stick_with_malware_is_locked_for_root_too_and_raises_the_alarm(gate, plug):
    plug("evil", {"Befund.com": EICAR})
    found = verdict(gate, "evil")
    assert (found["state"], "Eicar" in found["reason"]) == ("blocked", True)
    assert "busy" in gate.shell("notebook-1", f"sleep 3; mount -o ro /dev/{found['device']} /mnt")
    told = gate.shell("notebook-1", "journalctl -t praxisschild-alarm -o cat")
    assert 'kind=usb host=notebook-1 what="' in told
    assert 'kind=malware host=notebook-1 what="Eicar' in told


def test_open_stick_is_read_only_where_encryption_is_demanded(gate, plug):
    plug("clean", {"brief.txt": "Guten Tag"})
    found = verdict(gate, "clean")
    assert (found["state"], found["read_only"]) == ("released", True)


def test_stick_is_set_up_encrypted_examined_after_unlocking_and_erased(gate, plug):
    plug("blank")
    device = verdict(gate, "blank")["device"]
    said = gate.shell(
        "notebook-1", f"printf '{device}\\n{TYPED}\\n' | praxisschild-medium verschluesseln /dev/{device}"
    )
    assert "Fertig" in said, said
    dump = gate.shell("notebook-1", f"cryptsetup luksDump /dev/{device}")
    assert "aes-xts-plain64" in dump
    assert "argon2id" in dump
    assert verdict(gate, "blank")["read_only"] is False
    opened = gate.shell(
        "notebook-1",
        f"printf {TYPED} | cryptsetup open --key-file=- /dev/{device} stick; "
        "for i in $(seq 60); do udevadm info /dev/mapper/stick | grep -q STATE=rel && break; sleep 1; done; "
        "mount /dev/mapper/stick /mnt && touch /mnt/brief && echo writable; umount /mnt; cryptsetup close stick",
    )
    assert "writable" in opened
    refused = gate.shell("notebook-1", "praxisschild-medium loeschen /dev/vda </dev/null")
    assert "eingehängt" in refused
    erased = gate.shell("notebook-1", f"echo {device} | praxisschild-medium loeschen /dev/{device}")
    assert "alles leer" in erased, erased
    record = gate.shell("notebook-1", "tail -n 1 /var/log/praxisschild/medien.log")
    assert json.loads(record)["result"] == "erfolgreich"


def test_stick_pulled_out_too_early_leaves_nothing_behind(gate, plug):
    plug("early", {"brief.txt": "Guten Tag"})
    gate.run("lab/lab.py", "unplug", "notebook-1", "--id", "early")
    time.sleep(10)
    assert gate.shell("notebook-1", "systemctl list-units --failed --no-legend 'praxisschild-medium@*'") == ""


def test_without_a_scanner_a_stick_stays_locked(gate, plug):
    gate.shell("notebook-1", "systemctl stop clamav-daemon.socket clamav-daemon.service")
    try:
        plug("unseen", {"brief.txt": "Guten Tag"})
        found = verdict(gate, "unseen")
    finally:
        gate.shell("notebook-1", "systemctl start clamav-daemon.service")
    assert (found["state"], "keine Untersuchung" in found["reason"]) == ("blocked", True)


def test_a_disk_that_holds_anything_is_never_encrypted(gate):
    device = "disk_encryption_device=/dev/disk/by-id/virtio-system"
    done = gate.apply("--tags", "disk_encryption", "-e", device, code=None)
    assert done.returncode != 0
    assert "is not empty" in done.stdout
    assert gate.shell("notebook-1", "findmnt -no FSTYPE /").strip() == "ext4"


def test_the_practices_data_lie_on_the_encrypted_volume(gate):
    assert gate.shell("notebook-1", "findmnt -no SOURCE /srv/praxis").strip() == "/dev/mapper/praxisdaten"
    assert gate.shell("notebook-1", "stat -c %a /etc/praxisschild/luks/praxisdaten.key").strip() == "400"


def test_the_plain_system_disk_is_found_and_nothing_but_the_deviation_covers_it(gate, tmp_path):
    run = gate.verify(tmp_path, "--no-probes", "--requirement", "KVWL-07")
    found = {name_of(check): check.status for check in run.checks}
    assert found == {"test_all_disks_are_encrypted": Status.DEVIATION}
