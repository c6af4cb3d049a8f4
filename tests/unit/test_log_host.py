"""Facts with which the logs would arrive nowhere, or alarms at nobody, stop before any host is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from praxisschild.errors import InputError
from praxisschild.log_host import check_log_host
from praxisschild.practice import Practice

FILE = Path("praxis.yml")
HOSTS = {"anmeldung", "praxisserver"}
RELP = {"host": "praxisserver", "port": 6514, "from": ["praxis"], "purpose": "Protokolle"}
SYSLOG = {"host": "praxisserver", "port": 514, "protocol": "udp", "from": ["praxis"], "purpose": "CT"}
ALARM = {"mail_to": "praxis@example.org", "smtp_host": "mail.example.org"}


def practice(**facts):
    return Practice.model_validate(
        {"name": "Beispiel", "size": "mittel", "networks": {"praxis": "192.168.10.0/24"}, **facts}
    )


def test_a_log_host_with_windows_takes_events_at_its_own_port():
    facts = {"log_host": "praxisserver", "alarm": ALARM, "services": [{**RELP, "port": 5985}]}
    check_log_host(practice(**facts), FILE, HOSTS, HOSTS)


@pytest.mark.parametrize(
    ("facts", "field", "way_out"),
    [
        ({}, "praxis.log_host", "deviation"),
        ({"log_host": "sever"}, "praxis.log_host", "praxisserver"),
        ({"log_host": "praxisserver", "services": [RELP]}, "praxis.alarm", "mail_to"),
        ({"log_host": "praxisserver", "alarm": ALARM}, "praxis.log_host", "port: 6514"),
        (
            {
                "log_host": "praxisserver",
                "alarm": ALARM,
                "services": [RELP],
                "log_senders": [{"name": "ct", "address": "192.168.10.40"}],
            },
            "praxis.log_senders",
            "protocol: udp",
        ),
        (
            {
                "log_host": "praxisserver",
                "alarm": ALARM,
                "services": [RELP, SYSLOG],
                "log_senders": [{"name": "anmeldung", "address": "192.168.10.40"}],
            },
            "praxis.log_senders",
            "name of its own",
        ),
    ],
    ids=["no log host", "misspelt", "nobody to tell", "port closed", "port of devices closed", "name taken"],
)
def test_what_is_missing_is_named_with_the_way_out(facts, field, way_out):
    with pytest.raises(InputError) as caught:
        check_log_host(practice(**facts), FILE, HOSTS, HOSTS)
    assert field in str(caught.value)
    assert way_out in str(caught.value)


def test_a_small_practice_needs_no_log_host_but_devices_do():
    check_log_host(practice(), FILE, HOSTS, set())
    with pytest.raises(InputError, match="no log host"):
        check_log_host(practice(log_senders=[{"name": "ct", "address": "192.168.10.40"}]), FILE, HOSTS, set())


def test_a_practice_of_one_host_needs_no_open_port():
    check_log_host(practice(log_host="notebook", alarm=ALARM), FILE, {"notebook"}, {"notebook"})


def test_clear_text_mail_does_not_leave_the_host():
    with pytest.raises(ValueError, match="localhost only"):
        practice(alarm={**ALARM, "smtp_security": "none"})
    assert practice(alarm={**ALARM, "smtp_host": "localhost", "smtp_security": "none"}).alarm
