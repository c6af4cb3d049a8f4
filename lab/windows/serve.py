"""One stand-in host as a process: WinRM over HTTPS and HTTP, until it is told to end.

Started by ``lab/lab.py up`` (see control.py): python -m windows.serve --host FOLDER --kind pc-1 --address 127.77.0.41
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
import socket
import ssl
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from . import due, firewall, kinds, programs, state, tls
from .auth import ENCRYPTED_TYPE, Gate, Session
from .executor import HostExecutor
from .log import WireLog
from .unmodelled import Unmodelled
from .wire import MAX_ENVELOPE, Service

SOAP_TYPE = "application/soap+xml;charset=UTF-8"
ADMINISTRATORS, REMOTE_MANAGERS = "S-1-5-32-544", "S-1-5-32-580"
HTTPS, HTTP = 5986, 5985
PLACES = "places.json"


@dataclass(frozen=True)
class Host:
    """Where a host's state lies, and its log."""

    folder: Path
    log: WireLog


class Listener(ThreadingHTTPServer):
    """One port of the host."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], real_port: int, gate: Gate, service: Service, host: Host) -> None:
        """Listen; to the firewall it is the port of a real Windows, wherever a test had to put it."""
        super().__init__(address, Handler)
        self.real_port = real_port
        self.gate = gate
        self.service = service
        self.folder = host.folder
        self.log = host.log

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 # socketserver's interface
        """Whether service and firewall let the client in; if not, it finds the connection closed."""
        try:
            why = firewall.obstacle(self.folder, self.real_port, client_address[0])
        except (Unmodelled, ValueError) as error:
            why = str(error)
        if why:
            self.log.note(op="refused", reason=why)
        return why is None

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 # socketserver's interface
        """A client that hangs up is nothing to report but a line in the log."""
        error = sys.exception()
        reason = error.reason if isinstance(error, ssl.SSLError) and error.reason else type(error).__name__
        self.log.note(op="connection", lost=str(reason))


class Handler(BaseHTTPRequestHandler):
    """One connection: its login, and requests one after the other."""

    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-HTTPAPI/2.0"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 300
    server: Listener

    def setup(self) -> None:
        """Shake hands in this connection's own thread; the listener goes on accepting others."""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(30)
            self.request.do_handshake()
        super().setup()
        certificate = self.request.getpeercert(binary_form=True) if isinstance(self.request, ssl.SSLSocket) else None
        self.session = Session(self.server.gate, certificate)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # http.server's interface
        """Nothing to standard error: the wire log says it."""

    def do_GET(self) -> None:
        """Nothing here is for browsers."""
        self._reply(405 if self.path == "/wsman" else 404)

    def do_POST(self) -> None:
        """One SOAP request, or a step of a login."""
        if self.path.partition("?")[0] != "/wsman":
            self._reply(404)
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self._reply(411)
            return
        if int(length) > 2 * MAX_ENVELOPE:
            self.close_connection = True
            self._reply(413)
            return
        body = self.rfile.read(int(length))
        answer = self.session.authenticate(self.headers.get("Authorization", ""))
        if answer.user is None:
            if answer.refused:
                self.server.log.note(op="refused", reason=answer.refused)
            self._reply(401, headers=answer.headers)
            return
        if not body:
            self._reply(200, headers=answer.headers)
            return
        try:
            request, encrypted = self.session.open(self.headers.get("Content-Type", ""), body)
        except ValueError as error:
            self.server.log.note(op="refused", reason=str(error))
            self._reply(500, headers=answer.headers)
            return
        status, response = self.server.service.handle(request, answer.user)
        if encrypted:
            self._reply(status, self.session.seal(response), ENCRYPTED_TYPE, answer.headers)
        else:
            self._reply(status, response, SOAP_TYPE, answer.headers)

    def _reply(
        self, status: int, body: bytes = b"", kind: str = SOAP_TYPE, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Accounts:
    """Who may log in: an enabled local account that administers the host, with the password of the lab.

    Only the operator's password is known: any other account has none that is right.
    """

    def __init__(self, host: Path, operator: str, password: str) -> None:
        self._host = host
        self._operator = operator
        self._password = password
        self._wrong: Counter[str] = Counter()

    def write_ntlm_file(self, path: Path) -> None:
        """What pyspnego's acceptor looks names up in: with and without the computer."""
        computer = state.load(self._host)["computer"]["name"]
        path.touch(mode=0o600)
        path.write_text("".join(f"{domain}:{self._operator}:{self._password}\n" for domain in ("", computer, ".")))

    def check(self, name: str, password: str) -> str | None:
        """See ``auth.Accounts``."""
        if _local(name) == self._operator.lower() and secrets.compare_digest(
            password.encode(), self._password.encode()
        ):
            return self.admit(name)
        self.wrong(name)
        return None

    def admit(self, name: str) -> str | None:
        """See ``auth.Accounts``."""
        with state.editing(self._host) as found:
            account, user = _find(found, name)
            if user is None:
                return None
            _unlock_in_time(user)
            if not user["enabled"] or user["locked"]:
                return None
        self._wrong.pop(account.lower(), None)
        allowed = [group for group in found["groups"].values() if group["sid"] in {ADMINISTRATORS, REMOTE_MANAGERS}]
        member = any(user["sid"] in group["members"] for group in allowed)
        return f"{found['computer']['name']}\\{account}" if member else None

    def certified(self, certificate: bytes) -> str | None:
        """See ``auth.Accounts``; the account is the one that its user principal name says."""
        return self.admit(tls.account_of(certificate))

    def wrong(self, name: str) -> None:
        """See ``auth.Accounts``. Too many lock the account, if the security policy says so."""
        with state.editing(self._host) as found:
            account, user = _find(found, name)
            if user is None:
                return
            _unlock_in_time(user)
            self._wrong[account.lower()] += 1
            policy = found["security"]
            if 0 < policy["LockoutBadCount"] <= self._wrong[account.lower()]:
                minutes = policy.get("LockoutDuration", 0)
                user["locked"] = True
                if minutes > 0:  # otherwise until an administrator unlocks it
                    user["locked_until"] = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
                del self._wrong[account.lower()]


def _local(name: str) -> str:
    return name.rpartition("\\")[2].lower()


def _find(found: dict[str, Any], name: str) -> tuple[str, dict[str, Any] | None]:
    return next(((one, user) for one, user in found["users"].items() if one.lower() == _local(name)), (name, None))


def _unlock_in_time(user: dict[str, Any]) -> None:
    until = user.get("locked_until")
    if until and datetime.now(UTC) > datetime.fromisoformat(until):
        user["locked"] = False
        del user["locked_until"]


def serve(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM; returns the exit code."""
    host: Path = arguments.host
    password = (arguments.password_file or host.parent / "windows_password").read_text(encoding="utf-8").strip()
    if not (host / state.FILE).exists():
        host.mkdir(parents=True, exist_ok=True)
        kinds.create(host, arguments.kind, arguments.operator)
    state.load(host)
    programs.install(host)  # those of this checkout, also for a host that an older one left
    log = WireLog(host / "wire.jsonl", [password])
    accounts = Accounts(host, arguments.operator, password)
    accounts.write_ntlm_file(host / "ntlm_users")
    os.environ["NTLM_USER_FILE"] = str(host / "ntlm_users")
    computer = state.load(host)["computer"]["name"]
    os.environ["NETBIOS_COMPUTER_NAME"] = computer
    tls.authority(host.parent)
    tls.issue_to_account(host.parent, arguments.operator)
    digest = tls.issue(host.parent, [arguments.kind, computer.lower()], arguments.address, host)
    executor = HostExecutor(host, arguments.cache or host.parent.parent / "csharp", log)
    service = Service(computer, executor, log.note)
    encrypted = Listener((arguments.address, arguments.https), HTTPS, Gate(accounts, digest), service, Host(host, log))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(tls.authority(host.parent))
    context.load_cert_chain(host / "host.pem", host / "host.key")
    encrypted.socket = context.wrap_socket(encrypted.socket, server_side=True, do_handshake_on_connect=False)
    plain = Listener((arguments.address, arguments.http), HTTP, Gate(accounts, None), service, Host(host, log))
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    for listener in (encrypted, plain):
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()
    places = {"pid": os.getpid(), "https": encrypted.server_address[1], "http": plain.server_address[1]}
    (host / f".{PLACES}").write_text(json.dumps({**places, "address": arguments.address}), encoding="utf-8")
    (host / f".{PLACES}").replace(host / PLACES)
    fired: set[tuple[str, str]] = set()
    while not ended.wait(1):
        if not host.exists():
            return 1  # somebody removed the lab's folder: nothing is left to serve
        with contextlib.suppress(OSError, ValueError):  # somebody is putting another state in its place
            due.run_due(host, log, fired)
    service.close()
    executor.close()
    (host / PLACES).unlink(missing_ok=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--host", type=Path, required=True, help="the host's folder, made if it is not there")
    parser.add_argument("--kind", required=True, choices=list(kinds.LAYERS))
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--https", type=int, default=HTTPS, help="0: any free port, see places.json")
    parser.add_argument("--http", type=int, default=HTTP)
    parser.add_argument("--operator", default="betreuung")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--cache", type=Path, help="folder for compiled C#")
    try:
        return serve(parser.parse_args())
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno:
            print(f"windows: {error}", file=sys.stderr)
            return 3
        raise


if __name__ == "__main__":
    sys.exit(main())
