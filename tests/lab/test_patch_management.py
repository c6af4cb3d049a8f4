"""What patch management does when updates fail, on a hardened host; the rest is in ``tests.lab.mutations``."""

from __future__ import annotations

import json

import pytest

from tests.lab.mutations.patch_management import ACCOUNT, LOOK, MUTATIONS

pytestmark = pytest.mark.xdist_group("practice")

ALARMS = "journalctl --quiet --identifier praxisschild-alarm --priority alert --since -5min --output cat"


def test_a_failed_installation_raises_the_alarm_and_a_good_one_ends_it(hardened):
    broken = MUTATIONS["the installation fails"]
    hardened.shell(broken.host, broken.command)
    try:
        alarms = hardened.shell(broken.host, ALARMS).splitlines()
        failed = json.loads(hardened.shell(broken.host, f"cat {ACCOUNT}"))
    finally:
        hardened.shell(broken.host, broken.undo)
    mended = json.loads(hardened.shell(broken.host, f"cat {ACCOUNT}"))
    expected = f'kind=update host={broken.host} what="Automatische Installation gescheitert'
    assert any(alarm.startswith(expected) and alarm.endswith('"') for alarm in alarms), alarms
    assert failed["run"]["result"] == "failed"
    assert mended["run"]["result"] == "success"


def test_an_old_package_is_found_updated_and_gone(hardened):
    waits = MUTATIONS["a security update waits for a month"]
    pending = "apt-get -s -o Debug::NoLocking=true dist-upgrade | grep ^Inst"
    installed = "dpkg-query -W -f '${Version}' praxisschild-probe"
    hardened.shell(waits.host, waits.command)
    try:
        before = (hardened.shell(waits.host, installed), hardened.shell(waits.host, pending))
        hardened.shell(waits.host, LOOK)
        noticed = json.loads(hardened.shell(waits.host, f"cat {ACCOUNT}"))
        hardened.shell(waits.host, "unattended-upgrade")
        hardened.shell(waits.host, LOOK)
        after = (hardened.shell(waits.host, installed), hardened.shell(waits.host, pending))
        account = json.loads(hardened.shell(waits.host, f"cat {ACCOUNT}"))
    finally:
        hardened.shell(waits.host, waits.undo)
    assert before[0] == "1"
    assert "praxisschild-probe" in before[1]
    assert noticed["pending"].keys() == {"praxisschild-probe"}
    assert after[0] == "2"
    assert "praxisschild-probe" not in after[1]
    assert "praxisschild-probe" not in account["pending"]
