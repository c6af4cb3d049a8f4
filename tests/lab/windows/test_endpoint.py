"""The endpoint as real clients meet it: pywinrm, which Ansible and testinfra use, and pypsrp."""

from __future__ import annotations

import os
import socket
import threading
import time
import urllib.parse
import uuid
from pathlib import Path

import pytest
import requests
import testinfra
from pypsrp.exceptions import AuthenticationError, WSManFaultError
from pypsrp.powershell import RunspacePool
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WinRMTransportError
from winrm.exceptions import WSManFaultError as PywinrmFault

from lab.windows import tls, wire
from tests.lab.windows.conftest import PASSWORD, digest

pytestmark = pytest.mark.xdist_group("windows")


WRONG = {"password": "falsch"}


def ask(protocol, program="probe", *arguments, **options):
    """Standard output, standard error and exit code of a program, as pywinrm sees them."""
    shell = protocol.open_shell()
    try:
        command = protocol.run_command(shell, program, arguments, **options)
        found = protocol.get_command_output(shell, command)
        protocol.cleanup_command(shell, command)
    finally:
        protocol.close_shell(shell)
    return found


def psrp(stand_in, *, tls=True, **options):
    given = {"auth": "ntlm", "username": "betreuung", "password": PASSWORD, "cert_validation": stand_in.authority}
    port = stand_in.https if tls else stand_in.http
    return WSMan("127.0.0.1", port=port, ssl=tls, operation_timeout=5, **{**given, **options})


class Eavesdropper:
    """Hears every byte between a client and a port."""

    def __init__(self, port):
        self.heard = b""
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source, target):
        while data := source.recv(65536):
            self.heard += data
            target.sendall(data)
        target.close()

    def close(self):
        self._listener.close()


@pytest.mark.parametrize("transport", ["ntlm", "basic"])
def test_pywinrm_runs_a_program_over_tls(stand_in, transport):
    stdout, stderr, code = ask(stand_in.pywinrm(transport=transport), "probe", "rede", "1")
    assert (stdout.decode(), stderr.decode(), code) == ("Überwachung\n", "Fehler: keiner\n", 0)


@pytest.mark.parametrize("auth", ["ntlm", "negotiate", "basic"])
def test_pypsrp_runs_a_program_over_tls(stand_in, auth):
    with psrp(stand_in, auth=auth) as wsman, WinRS(wsman) as shell:
        process = Process(shell, "probe", ["rede", "1"])
        process.invoke()
        process.signal(SignalCode.TERMINATE)
        assert (process.stdout.decode(), process.stderr.decode(), process.rc) == (
            "Überwachung\n",
            "Fehler: keiner\n",
            0,
        )


def by_testinfra(stand_in, password=PASSWORD):
    """The host as testinfra sees it: a connection and a shell per command."""
    login = f"betreuung:{urllib.parse.quote(password)}"
    return testinfra.get_host(f"winrm://{login}@127.0.0.1:{stand_in.https}?read_timeout_sec=10&operation_timeout_sec=5")


@pytest.mark.filterwarnings("ignore:.*environment variable defined CA Trust:DeprecationWarning")
def test_testinfra_runs_programs_over_tls(stand_in, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", stand_in.authority)  # its only way to an authority
    host = by_testinfra(stand_in)
    spoken = host.run("probe rede 2")
    assert (spoken.rc, spoken.stdout, spoken.stderr) == (0, "Überwachung\n" * 2, "Fehler: keiner\n")
    refused = host.run("probe unsinn")
    assert (refused.rc, refused.stderr) == (1, "Zugriff verweigert\n")
    unknown = host.run("ipconfig")
    assert unknown.failed
    assert unknown.stderr.startswith("NICHT NACHGEBILDET")
    ended = [line["shell"] for line in stand_in.log() if line["op"] == "shell_end"]
    assert len(set(ended[-3:])) == 3


@pytest.mark.filterwarnings("ignore:.*environment variable defined CA Trust:DeprecationWarning")
def test_testinfra_is_refused_a_wrong_password_and_refuses_an_unknown_authority(stand_in, monkeypatch):
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        by_testinfra(stand_in).run("probe rede 1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", stand_in.authority)
    with pytest.raises(InvalidCredentialsError):
        by_testinfra(stand_in, "falsch").run("probe rede 1")


def test_a_program_keeps_its_exit_code_and_its_german(stand_in):
    assert ask(stand_in.pywinrm(), "probe", "unsinn") == (b"", b"Zugriff verweigert\n", 1)


def test_ntlm_over_http_encrypts_every_message(stand_in):
    ear = Eavesdropper(stand_in.http)
    try:
        protocol = stand_in.pywinrm(tls=False)
        protocol.transport.endpoint = f"http://127.0.0.1:{ear.port}/wsman"
        stdout, _, code = ask(protocol, "probe", "rede", "1")
    finally:
        ear.close()
    assert (stdout.decode(), code) == ("Überwachung\n", 0)
    assert b"application/HTTP-SPNEGO-session-encrypted" in ear.heard
    for secret in (b"probe", b"Envelope", b"CommandLine", PASSWORD.encode(), "Überwachung".encode()):
        assert secret not in ear.heard


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_pypsrp_encrypts_over_http_too(stand_in, auth):
    with psrp(stand_in, tls=False, auth=auth, encryption="always") as wsman, WinRS(wsman) as shell:
        process = Process(shell, "probe", ["rede", "2"])
        process.invoke()
        process.signal(SignalCode.TERMINATE)
        assert process.stdout.decode() == "Überwachung\n" * 2


def test_ntlm_over_http_without_encryption_is_refused(stand_in):
    with pytest.raises(WinRMTransportError) as refused:
        stand_in.pywinrm(tls=False, message_encryption="never").open_shell()
    assert refused.value.code == 500
    assert "AllowUnencrypted" in stand_in.log()[-1]["reason"]


@pytest.mark.parametrize("transport", ["basic", "plaintext"])
def test_basic_over_http_is_neither_offered_nor_taken(stand_in, transport):
    with pytest.raises(InvalidCredentialsError):
        stand_in.pywinrm(tls=False, transport=transport).open_shell()
    offered = requests.post(stand_in.url(tls=False), timeout=5)
    assert (offered.status_code, offered.headers["WWW-Authenticate"]) == (401, "Negotiate")


def test_pypsrp_is_refused_basic_over_http(stand_in):
    with pytest.raises(AuthenticationError), WinRS(psrp(stand_in, tls=False, auth="basic", encryption="never")):
        pass


@pytest.mark.parametrize("options", [{"password": "falsch"}, {"username": "niemand"}, {"username": "mfa-1"}])
@pytest.mark.parametrize("transport", ["ntlm", "basic"])
def test_who_may_not_log_in_gets_401(stand_in, transport, options):
    with pytest.raises(InvalidCredentialsError):
        stand_in.pywinrm(transport=transport, **options).open_shell()


@pytest.mark.parametrize(("path", "broken"), [("users.betreuung.enabled", "false"), ("users.betreuung.locked", "true")])
def test_an_account_that_is_disabled_or_locked_gets_401(stand_in, path, broken):
    before = stand_in.show(path)
    stand_in.set(path, broken)
    try:
        with pytest.raises(InvalidCredentialsError):
            stand_in.pywinrm().open_shell()
    finally:
        stand_in.set(path, str(before).lower())


def test_wrong_passwords_lock_the_account_for_a_while(stand_in):
    """As many as the security policy allows; then the right one does not help until the time is over."""
    stand_in.set("security.LockoutBadCount", "3")
    try:
        for transport in ("basic", "ntlm", "ntlm"):
            with pytest.raises(InvalidCredentialsError):
                stand_in.pywinrm(transport=transport, **WRONG).open_shell()
        assert stand_in.show("users.betreuung.locked") is True
        with pytest.raises(InvalidCredentialsError):
            stand_in.pywinrm().open_shell()
        stand_in.set("users.betreuung.locked_until", "2026-01-01T00:00:00+00:00")
        protocol = stand_in.pywinrm()
        protocol.close_shell(protocol.open_shell())
        assert stand_in.show("users.betreuung.locked") is False
    finally:
        stand_in.set("security.LockoutBadCount", "10")
        stand_in.set("users.betreuung.locked", "false")


def test_a_right_password_forgets_the_wrong_ones_before(stand_in):
    stand_in.set("security.LockoutBadCount", "2")
    try:
        for password in ("falsch", PASSWORD, "falsch", PASSWORD):
            protocol = stand_in.pywinrm(password=password)
            if password == PASSWORD:
                protocol.close_shell(protocol.open_shell())
            else:
                with pytest.raises(InvalidCredentialsError):
                    protocol.open_shell()
        assert stand_in.show("users.betreuung.locked") is False
    finally:
        stand_in.set("security.LockoutBadCount", "10")


def test_who_is_no_administrator_gets_401(stand_in):
    path = "groups.Administratoren.members"
    before = stand_in.show(path)
    stand_in.set(path, "[]")
    try:
        with pytest.raises(InvalidCredentialsError):
            stand_in.pywinrm().open_shell()
    finally:
        stand_in.set(path, str(before).replace("'", '"'))


def test_a_client_that_trusts_another_authority_hangs_up(stand_in, tmp_path):
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        stand_in.pywinrm(ca_trust_path=str(tls.authority(tmp_path))).open_shell()


def by_certificate(stand_in, **options):
    files = {
        "cert_pem": str(stand_in.folder.parent / "betreuung.pem"),
        "cert_key_pem": str(stand_in.folder.parent / "betreuung.key"),
    }
    return stand_in.pywinrm(transport="certificate", **{**files, **options})


def test_a_certificate_of_the_account_lets_in_without_a_password(stand_in):
    assert ask(by_certificate(stand_in, **WRONG), "probe", "rede", "1")[2] == 0
    stand_in.set("users.betreuung.enabled", "false")
    try:
        with pytest.raises(InvalidCredentialsError):
            by_certificate(stand_in).open_shell()
    finally:
        stand_in.set("users.betreuung.enabled", "true")


def test_a_certificate_that_stands_for_no_account_does_not(stand_in):
    files = {"cert_pem": str(stand_in.folder / "host.pem"), "cert_key_pem": str(stand_in.folder / "host.key")}
    with pytest.raises((InvalidCredentialsError, requests.exceptions.RequestException)):
        by_certificate(stand_in, **files).open_shell()


def test_a_certificate_of_another_authority_does_not(stand_in, tmp_path):
    tls.authority(tmp_path)
    tls.issue_to_account(tmp_path, "betreuung")
    files = {"cert_pem": str(tmp_path / "betreuung.pem"), "cert_key_pem": str(tmp_path / "betreuung.key")}
    with pytest.raises(requests.exceptions.RequestException):
        by_certificate(stand_in, **files).open_shell()


@pytest.mark.parametrize(
    ("path", "broken", "whole", "why"),
    [
        ("services.WinRM.state", "stopped", "running", "der Dienst WinRM läuft nicht"),
        ("firewall.rules.Praxisschild-WinRM-HTTPS.enabled", "false", "true", "die Firewall lässt 127.0.0.1"),
    ],
)
def test_who_stops_winrm_or_closes_its_port_is_locked_out(stand_in, path, broken, whole, why):
    stand_in.set(path, broken)
    try:
        with pytest.raises(requests.exceptions.ConnectionError):
            stand_in.pywinrm().open_shell()
        assert stand_in.log()[-1]["reason"].startswith(why)
    finally:
        stand_in.set(path, whole)
    protocol = stand_in.pywinrm()
    protocol.close_shell(protocol.open_shell())


def test_a_login_that_is_bound_to_another_channel_is_refused(stand_in):
    """Somebody in the middle with a certificate of his own cannot pass a login on."""
    with pytest.raises(InvalidCredentialsError):
        stand_in.pywinrm(send_cbt=False).open_shell()


def test_a_long_command_times_out_and_is_asked_again(stand_in):
    protocol = stand_in.pywinrm(operation_timeout_sec=1, read_timeout_sec=4)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "probe", ["schlafe", "1.6"])
    started = time.monotonic()
    with pytest.raises(WinRMOperationTimeoutError):
        protocol.get_command_output_raw(shell, command)
    assert 0.9 < time.monotonic() - started < 1.5
    assert protocol.get_command_output(shell, command) == (b"ausgeschlafen\n", b"", 0)
    protocol.close_shell(shell)


def test_a_shell_that_nobody_speaks_to_is_gone(stand_in):
    shell = WinRS(psrp(stand_in), idle_time_out=1)
    shell.open()
    time.sleep(1.2)
    with pytest.raises(WSManFaultError) as gone:
        Process(shell, "probe").invoke()
    assert gone.value.code == wire.UNEXPECTED_SELECTORS


def test_an_unknown_shell_is_an_invalid_selector(stand_in):
    protocol = stand_in.pywinrm()
    with pytest.raises(PywinrmFault) as fault:
        protocol.run_command(str(uuid.uuid4()).upper(), "probe")
    assert fault.value.wsman_fault_code == 2150858843  # ERROR_WSMAN_UNEXPECTED_SELECTORS
    assert fault.value.fault_subcode == "w:InvalidSelectors"
    assert "nicht gefunden" in fault.value.reason


def test_a_shell_that_was_closed_is_unknown(stand_in):
    protocol = stand_in.pywinrm()
    shell = protocol.open_shell()
    protocol.close_shell(shell, close_session=False)
    with pytest.raises(PywinrmFault) as fault:
        protocol.close_shell(shell)
    assert fault.value.wsman_fault_code == 2150858843


def test_an_unknown_command_is_an_invalid_parameter(stand_in):
    protocol = stand_in.pywinrm()
    shell = protocol.open_shell()
    with pytest.raises(PywinrmFault) as fault:
        protocol.get_command_output_raw(shell, str(uuid.uuid4()).upper())
    assert fault.value.wsman_fault_code == 87
    protocol.close_shell(shell)


def test_input_arrives_whole_however_it_is_cut(stand_in):
    data = os.urandom(1_200_000)
    protocol = stand_in.pywinrm()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "probe", ["zaehle"], console_mode_stdin=False)
    for at in range(0, len(data), 200_000):
        protocol.send_command_input(shell, command, data[at : at + 200_000], end=at + 200_000 >= len(data))
    stdout, _, code = protocol.get_command_output(shell, command)
    protocol.close_shell(shell)
    assert (stdout.decode().split(), code) == ([str(len(data)), digest(data)], 0)
    assert stand_in.log()[-2]["stdin"] == {"bytes": 1_200_000, "pieces": 6}


def test_an_envelope_larger_than_windows_takes_is_refused(stand_in):
    protocol = stand_in.pywinrm()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "probe", ["zaehle"], console_mode_stdin=False)
    with pytest.raises(PywinrmFault) as fault:
        protocol.send_command_input(shell, command, b"x" * 400_000, end=True)
    assert fault.value.wsman_fault_code == 2150858824  # ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED
    protocol.close_shell(shell)


def test_long_output_comes_in_envelopes_that_the_client_takes(stand_in):
    protocol = stand_in.pywinrm()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "probe", ["rede", "40000"])
    pieces, done = [], False
    while not done:
        stdout, stderr, code, done = protocol.get_command_output_raw(shell, command)
        pieces.append((stdout, stderr))
    protocol.close_shell(shell)
    assert b"".join(out for out, _ in pieces).decode() == "Überwachung\n" * 40000
    assert b"".join(err for _, err in pieces).decode() == "Fehler: keiner\n"
    assert code == 0
    # pywinrm takes 153,600 bytes, base64 makes four bytes of three
    assert max(len(out) + len(err) for out, err in pieces) <= 153_600 * 3 // 4
    assert len(pieces) >= 5


def test_ending_a_command_ends_its_program(stand_in):
    note = stand_in.folder / "tmp/schlaeft"
    note.unlink(missing_ok=True)
    protocol = stand_in.pywinrm()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "probe", ["schlafe", "60"])
    ends = time.monotonic() + 5
    while not (note.exists() and note.read_text().strip()):
        assert time.monotonic() < ends
        time.sleep(0.02)
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)
    ends = time.monotonic() + 5
    while Path("/proc", note.read_text().strip()).exists():
        assert time.monotonic() < ends, "the program goes on"
        time.sleep(0.05)


@pytest.mark.parametrize("line", ["ipconfig", "powershell -Command Get-Service", "cmd /c dir", "../../../../bin/sh"])
def test_an_unknown_program_is_an_error(stand_in, line):
    program, *arguments = line.split()
    stdout, stderr, code = ask(stand_in.pywinrm(), program, *arguments)
    assert (stdout, code) == (b"", 1)
    assert stderr.decode().startswith("NICHT NACHGEBILDET: das Programm")


def test_powershell_remoting_is_not_modelled_and_says_so(stand_in):
    with pytest.raises(WSManFaultError) as fault, RunspacePool(psrp(stand_in)):
        pass
    assert "NICHT NACHGEBILDET" in fault.value.message


def test_more_shells_than_a_user_may_have_are_refused(stand_in):
    protocol = stand_in.pywinrm()
    shells: list[str] = []

    def open_all() -> None:
        while len(shells) <= wire.MAX_SHELLS_PER_USER:
            shells.append(protocol.open_shell())

    try:
        with pytest.raises(PywinrmFault) as fault:
            open_all()
    finally:
        for shell in shells:
            protocol.close_shell(shell, close_session=False)
    assert fault.value.wsman_fault_code == 2150859173  # ERROR_WSMAN_QUOTA_MAX_SHELLS
    # a client of another test may have left one or two behind
    assert wire.MAX_SHELLS_PER_USER - 3 <= len(shells) <= wire.MAX_SHELLS_PER_USER


@pytest.mark.parametrize(("path", "method", "status"), [("/", "POST", 404), ("/wsman", "GET", 405)])
def test_other_places_and_methods_are_not_there(stand_in, path, method, status):
    url = stand_in.url().removesuffix("/wsman") + path
    assert requests.request(method, url, verify=stand_in.authority, timeout=5).status_code == status
