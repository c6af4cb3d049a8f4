"""The notebook's two radios: one offers networks, the other must join only what was agreed upon, or stay silent."""

from __future__ import annotations

import os
import shutil

import pytest

from praxisschild.connection import RemoteHost
from praxisschild.inventory import Inventory
from praxisschild.results import Status
from tests.lab.conftest import HAUSBESUCH, PROJECT, Lab, name_of

pytestmark = pytest.mark.xdist_group("notebook")

NETWORK = "Hausbesuch"
PROFILE = f"praxisschild-{NETWORK}"
ACCESS_POINTS = {
    "WPA2": "wpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_passphrase={passphrase}\n",
    "WPA": "wpa=1\nwpa_key_mgmt=WPA-PSK\nwpa_pairwise=CCMP TKIP\nwpa_passphrase={passphrase}\n",
    "open": "",
}
# the radio's own word for it, because nobody hands out addresses in this network
TRY_TO_JOIN = """
import json, pathlib, subprocess, time
def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + done.stderr
run("nmcli", "device", "set", "wlan1", "managed", "no")
run("nmcli", "connection", "down", {profile!r})
conf = pathlib.Path("/run/praxisschild-lab-hostapd.conf")
conf.write_text("interface=wlan1\\ndriver=nl80211\\nhw_mode=g\\nchannel=1\\nssid={network}\\n" + {access_point!r})
access_point = subprocess.Popen(["hostapd", str(conf)], stdout=subprocess.DEVNULL)
joined = ""
try:
    time.sleep(3)
    end = time.monotonic() + {patience}
    asked = 0
    while time.monotonic() < end and "Connected to" not in joined:
        if time.monotonic() > asked + 15:
            run("nmcli", "device", "wifi", "rescan", "ifname", "wlan0")
            run("nmcli", "--wait", "0", "connection", "up", {profile!r}, "ifname", "wlan0")
            asked = time.monotonic()
        time.sleep(0.3)
        joined = run("iw", "dev", "wlan0", "link")
finally:
    access_point.terminate()
    access_point.wait()
    run("nmcli", "connection", "down", {profile!r})
    conf.unlink()
print(json.dumps("Connected to" in joined))
"""
FOREIGN_PROFILE = "nmcli connection add type wifi ifname wlan0 con-name cafe ssid Cafe autoconnect yes"
LIST_PROFILES = "nmcli --terse --fields NAME connection show"


SWITCH_ON = """
import json, subprocess
command = "rfkill unblock all; sleep 2; ip link set wlan0 up; cat /sys/class/rfkill/*/soft"
done = subprocess.run(command, shell=True, capture_output=True, text=True)
print(json.dumps(done.stderr + done.stdout))
"""


def patiently(lab: Lab, script: str) -> object:
    """Run Python as root on the notebook for as long as it takes; prints JSON."""
    os.environ["LAB_INSTANCE"] = str(lab.instance)
    remote = RemoteHost(Inventory(lab.practice).connection("notebook-1"))
    try:
        return remote.python_as_root(script, timeout=300)
    finally:
        remote.close()


@pytest.fixture(scope="module")
def wlan(notebook):
    """The notebook with its network for house calls."""
    notebook.apply("--tags", "wireless")
    return notebook


@pytest.mark.parametrize("kind", ACCESS_POINTS)
def test_a_network_is_joined_only_if_it_is_what_it_claims_to_be(wlan, kind):
    passphrase = (PROJECT / f".lab/{wlan.instance}/backup_password").read_text("utf-8").strip()
    access_point = ACCESS_POINTS[kind].format(passphrase=passphrase)
    patience = 60 if kind == "WPA2" else 25
    script = TRY_TO_JOIN.format(profile=PROFILE, network=NETWORK, access_point=access_point, patience=patience)
    assert patiently(wlan, script) is (kind == "WPA2")


def test_a_profile_that_nobody_agreed_upon_is_gone_at_once(wlan):
    wlan.shell("notebook-1", FOREIGN_PROFILE)
    left = wlan.shell("notebook-1", f"sleep 15; {LIST_PROFILES}").splitlines()
    assert "cafe" not in left
    assert PROFILE in left


def test_what_came_while_nobody_looked_is_found_and_removed(wlan, tmp_path):
    for command in ("systemctl stop praxisschild-wlan.path", FOREIGN_PROFILE):
        wlan.shell("notebook-1", command)
    run = wlan.verify(tmp_path, "--no-probes", "--requirement", "KVWL-15")
    assert {name_of(check) for check in run.checks if check.status is Status.FAILED} == {
        "test_wlan_is_joined_with_wpa2_or_better",
        "test_only_the_agreed_radio_networks_are_joined",
        "test_no_button_lets_others_into_the_wlan",
    }
    wlan.apply("--tags", "wireless")
    mended = wlan.verify(tmp_path, "--no-probes", "--requirement", "KVWL-15")
    assert [check.check for check in mended.checks if check.status is Status.FAILED] == []


def test_a_radio_that_nobody_needs_is_off_and_stays_off(wlan, tmp_path):
    folder = tmp_path / "hausbesuch"
    shutil.copytree(HAUSBESUCH, folder)
    facts, access = folder / "group_vars/all/praxis.yml", folder / "group_vars/all/lab.yml"
    facts.write_text(facts.read_text("utf-8").replace("hosts: [notebook-1]", "hosts: []"), "utf-8")
    lab_state = PROJECT / ".lab"
    access.write_text(access.read_text("utf-8").replace("{{ inventory_dir }}/../../.lab", str(lab_state)), "utf-8")
    silent = Lab(wlan.instance, folder)
    before = silent.verify(tmp_path, "--requirement", "KVWL-13")
    silent.apply("--tags", "wireless")
    after = silent.verify(tmp_path, "--requirement", "KVWL-13")
    answer = str(patiently(silent, SWITCH_ON))
    wlan.apply("--tags", "wireless")
    red = {name_of(check) for check in before.checks if check.status is Status.FAILED}
    assert red == {"test_radio_is_off_where_nobody_needs_it"}
    assert [check.check for check in after.checks if check.status is Status.FAILED] == []
    assert "RF-kill" in answer
    assert answer.split()[-2:] == ["1", "1"]
