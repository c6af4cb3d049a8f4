"""What the checks cannot see in a real practice: the mail in the letterbox, and what a monitoring reads."""

from __future__ import annotations

import time

import pytest

pytestmark = pytest.mark.xdist_group("practice")

LETTERBOX = "/var/mail/praxis.test/new"


def delivered(lab, text, seconds=90):
    """Whether a mail with this text lies in the letterbox of the practice."""
    paths = f"Path('{LETTERBOX}').glob('*')"
    texts = f"email.message_from_bytes(path.read_bytes()).get_payload(decode=True) for path in {paths}"
    script = f"import email, json; from pathlib import Path; print(json.dumps(b''.join({texts}).decode()))"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if text in lab.root("server-1", script):
            return True
        time.sleep(2)
    return False


@pytest.mark.parametrize(
    ("cause", "undo", "told"),
    [
        (
            "logger --tag praxisschild-alarm --priority daemon.alert 'kind=malware host=arbeitsplatz-1 what=\"Eicar\"'",
            "true",
            "Schadprogramm: Eicar",
        ),
        ("usermod --append --groups sudo mfa-1", "gpasswd --delete mfa-1 sudo", "mfa-1 in der Gruppe sudo"),
    ],
    ids=["malware", "new administrator"],
)
def test_what_happens_on_a_workstation_lies_in_the_letterbox(hardened, cause, undo, told):
    hardened.shell("arbeitsplatz-1", cause)
    try:
        assert delivered(hardened, told)
    finally:
        hardened.shell("arbeitsplatz-1", undo)


def test_monitoring_reads_state_and_figures(hardened):
    well = hardened.shell("arbeitsplatz-1", "praxisschild-status; echo exit $?")
    stopped = "systemctl stop syslog.socket rsyslog; praxisschild-status; echo exit $?; systemctl start rsyslog"
    ill = hardened.shell("arbeitsplatz-1", stopped)
    assert well.startswith("PRAXISSCHILD OK - alles in Ordnung | failed_jobs=0;1;1;0 spool=")
    assert "exit 0" in well
    assert "PRAXISSCHILD CRITICAL - rsyslog.service läuft nicht | " in ill
    assert "exit 2" in ill
