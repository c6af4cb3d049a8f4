"""What silences a log or an alarm, and which checks hear of it."""

from __future__ import annotations

from tests.lab.mutations import Mutation

_RSYSLOG = "/etc/rsyslog.d/10-praxisschild.conf"
_DEVICES = "/etc/rsyslog.d/20-praxisschild-devices.conf"
_WATCH = "/etc/praxisschild/alarm/config.json"
_ROTATION = "/etc/logrotate.d/praxisschild"
_FORGOTTEN = "/var/log/praxis/arbeitsplatz-1/messages.log-20200101"
_AUDIT = "/etc/audit/rules.d/50-praxisschild.rules"


def _edited(path: str, expression: str, unit: str) -> str:
    return f"sed -i '{expression}' {path} && systemctl restart {unit} && sleep 3"


MUTATIONS = {
    "the journal is kept in memory only": Mutation(
        "arbeitsplatz-1",
        "sed -i s/persistent/volatile/ /etc/systemd/journald.conf.d/zz-praxisschild.conf",
        frozenset({"test_journal_survives_a_restart"}),
        "central_logging",
    ),
    "the journal is kept forever": Mutation(
        "arbeitsplatz-1",
        "sed -i /MaxRetentionSec/d /etc/systemd/journald.conf.d/zz-praxisschild.conf",
        frozenset({"test_journal_forgets_in_time"}),
        "central_logging",
    ),
    "messages travel in the clear, too": Mutation(
        "arbeitsplatz-1",
        'echo \'*.* action(type="omfwd" target="10.0.0.1" port="514" protocol="udp" queue.filename="clear" '
        'action.resumeRetryCount="-1")\' > /etc/rsyslog.d/99-clear.conf',
        frozenset({"test_messages_go_encrypted_to_the_log_host"}),
        "central_logging",
        undo="rm /etc/rsyslog.d/99-clear.conf",
    ),
    "messages wait in memory": Mutation(
        "arbeitsplatz-1",
        _edited(_RSYSLOG, 's/queue.fileName="praxisschild"//', "rsyslog"),
        frozenset({"test_messages_wait_on_disk_while_the_log_host_is_away"}),
        "central_logging",
    ),
    "everybody may read the key": Mutation(
        "arbeitsplatz-1",
        "chmod 0644 /etc/rsyslog.d/praxisschild/host.key",
        frozenset({"test_certificate_is_good_for_a_while"}),
        "central_logging",
    ),
    "the log host takes messages of anybody": Mutation(
        "server-1",
        'echo \'module(load="imtcp") input(type="imtcp" port="601")\' > /etc/rsyslog.d/99-open.conf',
        frozenset({"test_only_hosts_with_a_certificate_can_write_to_the_log"}),
        "central_logging",
        undo="rm /etc/rsyslog.d/99-open.conf && systemctl restart rsyslog",
    ),
    "logs are kept for a week": Mutation(
        "server-1",
        f"sed -i 's/maxage .*/maxage 7/' {_ROTATION}",
        frozenset({"test_logs_are_kept_long_enough"}),
        "central_logging",
    ),
    "an old log is forgotten": Mutation(
        "server-1",
        f"(umask 077; echo alt > {_FORGOTTEN}) && touch --date '400 days ago' {_FORGOTTEN}",
        frozenset({"test_logs_are_deleted_in_time"}),
        "central_logging",
        undo=f"rm {_FORGOTTEN}",
    ),
    "everybody may read the logs": Mutation(
        "server-1",
        "chmod 0755 /var/log/praxis",
        frozenset({"test_logs_are_for_administrators_only"}),
        "central_logging",
    ),
    "the alarm has nobody to tell": Mutation(
        "server-1",
        f'sed -i \'/mail_to/s/: ".*"/: ""/\' {_WATCH}',
        frozenset({"test_somebody_is_told"}),
        "central_logging",
    ),
    "a host may be silent for a year": Mutation(
        "server-1",
        f"sed -i '/\"arbeitsplatz-1\"/s/: .*/: 8760,/' {_WATCH}",
        frozenset({"test_a_host_that_falls_silent_is_missed"}),
        "central_logging",
    ),
    "the kernel forgets about accounts": Mutation(
        "notebook-1",
        f"sed -i '/sudoers\\|passwd\\|shadow\\|group/d' {_AUDIT} && augenrules --load",
        frozenset({"test_kernel_records_who_changes_accounts"}),
        "central_logging",
    ),
    "the kernel forgets about the clock": Mutation(
        "notebook-1",
        f"sed -i '/settime/d' {_AUDIT} && augenrules --load",
        frozenset({"test_kernel_records_who_changes_the_time"}),
        "central_logging",
    ),
    "a full audit log halts the notebook": Mutation(
        "notebook-1",
        "sed -i 's/^disk_full_action.*/disk_full_action = HALT/' /etc/audit/auditd.conf",
        frozenset({"test_a_full_audit_log_stops_nobody_from_working"}),
        "central_logging",
    ),
    "failed logins stay on the host": Mutation(
        "arbeitsplatz-1",
        _edited(_RSYSLOG, 's/== "authpriv"/== "uucp"/', "rsyslog"),
        frozenset({"test_failed_login_arrives_at_the_log_host", "test_failed_logins_raise_the_alarm"}),
        "central_logging",
        probe=True,
        only="failed_login",
    ),
    "the watch sleeps": Mutation(
        "server-1",
        "systemctl kill --signal=STOP praxisschild-watch.service",
        frozenset({"test_failed_logins_raise_the_alarm"}),
        "central_logging",
        undo="systemctl kill --signal=CONT praxisschild-watch.service",
        probe=True,
        only="failed_login",
    ),
    "messages are dropped while the log host is away": Mutation(
        "arbeitsplatz-1",
        _edited(_RSYSLOG, 's/action.resumeRetryCount="-1"/action.resumeRetryCount="0"/', "rsyslog"),
        frozenset(
            {"test_nothing_is_lost_while_the_log_host_is_away", "test_messages_wait_on_disk_while_the_log_host_is_away"}
        ),
        "central_logging",
        probe=True,
        only="log_host_is_away",
    ),
    "the log host asks nobody for a certificate": Mutation(
        "arbeitsplatz-1",  # from where the probe knocks
        _edited(_RSYSLOG, 's/tls.authMode="name"//', "rsyslog"),
        frozenset({"test_log_host_refuses_strangers"}),
        "central_logging",
        probe=True,
        only="strangers",
        at="server-1",
    ),
    "devices are not heard": Mutation(
        "server-1",
        _edited(_DEVICES, '/input(type="imudp"/d', "rsyslog"),
        frozenset({"test_messages_of_devices_arrive"}),
        "central_logging",
        probe=True,
        only="devices",
    ),
}
