"""What the probes share on the host: temporary users, an empty network, terminals, and an end that cleans up."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import pty
import pwd
import re
import secrets
import select
import shlex
import shutil
import signal
import socket
import socketserver
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

_PREFIX = "probe-"
_COMMENT = "praxisschild probe since"
# A probe ends within a minute: what is older than this was left behind by one that was killed.
_ABANDONED = 900
_CLONE_NEWNET = 0x40000000
_PASSWORD_METHODS = ("password", "keyboard-interactive")
_SSH = (
    "ssh",
    *("-F", "/dev/null", "-T"),
    *("-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"),
    *("-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1", "-o", "ConnectTimeout=60"),
)
_SSH_FAILED = 255
# What a page on a secure origin learns about the camera and the microphone, in any browser.
ASK_FOR_DEVICES = """
const devices = {};
for (const name of ["camera", "microphone"]) {
  devices[name] = await navigator.permissions.query({name}).then(answer => answer.state, String);
}
return devices;
"""
LEAVE_TRACES = "document.cookie = 'probe=1; max-age=86400'; localStorage.setItem('probe', '1');"
LOOK_FOR_TRACES = "document.cookie.includes('probe') || localStorage.getItem('probe') !== null"


class ProbeError(Exception):
    """The experiment could not be made; the text says why. It is no statement about the host's security."""


# Set once the probe has to end: what runs in other threads looks here before it starts anything new.
stopping = threading.Event()


class _Interrupted(BaseException):
    """A signal or the end of the allowed time: unwinds through every clean-up."""


def probe(experiment: Callable[[], dict[str, Any]], seconds: int) -> None:
    """Print what the experiment found as one JSON document; ``{"error": reason}`` when it could not be made.

    Its clean-up runs in any case: also after ``seconds``, and when a signal ends it.
    """
    signals = (signal.SIGALRM, signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for other in signals:
            signal.signal(other, signal.SIG_IGN)  # a second one must not stop the clean-up
        stopping.set()
        raise _Interrupted("no result in time" if number == signal.SIGALRM else signal.Signals(number).name)

    for number in signals:
        signal.signal(number, interrupt)
    signal.alarm(seconds)
    try:
        found = experiment()
    except (ProbeError, _Interrupted) as error:
        found = {"error": str(error)}
    print(json.dumps(found))  # noqa: T201 - the document is the probe's result


def run(
    command: Sequence[str],
    stdin: str | None = None,
    *,
    timeout: float = 30,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """The finished command; its messages are in English whatever the host speaks."""
    try:
        return subprocess.run(
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
        )
    except FileNotFoundError as error:
        raise ProbeError(f"{error.filename} is not installed") from None


class TemporaryUser:
    """An account that exists only inside a ``with``: its own home, no groups, no administrator rights."""

    def __init__(self) -> None:
        self.name = _PREFIX + secrets.token_hex(4)
        self.password = f"Aa1-{secrets.token_urlsafe(18)}"
        self.home = ""
        self._entry: pwd.struct_passwd | None = None

    def __enter__(self) -> TemporaryUser:
        _remove_abandoned_users()
        self.home = tempfile.mkdtemp(prefix=f"{self.name}.")
        try:
            self._create()
        except BaseException:
            self._remove()
            raise
        return self

    def _create(self) -> None:
        comment = f"{_COMMENT} {int(time.time())}"
        shell = "/bin/bash" if os.access("/bin/bash", os.X_OK) else "/bin/sh"
        added = run(
            ["useradd", "--no-create-home", "--home-dir", self.home, "--shell", shell, "--comment", comment, self.name]
        )
        if added.returncode:
            raise ProbeError(f"useradd: {added.stderr.strip()}")
        self._entry = pwd.getpwnam(self.name)
        os.chown(self.home, self.uid, self.gid)

    @property
    def uid(self) -> int:
        return self._entry.pw_uid if self._entry else -1

    @property
    def gid(self) -> int:
        return self._entry.pw_gid if self._entry else -1

    def set_password(self) -> None:
        """Give the account its random password, which reaches no process list."""
        changed = run(["chpasswd"], f"{self.name}:{self.password}\n")
        if changed.returncode:
            raise ProbeError(f"chpasswd: {changed.stderr.strip()}")

    @property
    def environment(self) -> dict[str, str]:
        """What programs of this user find around them: nothing of the probe's own environment."""
        return {
            "HOME": self.home,
            "USER": self.name,
            "LOGNAME": self.name,
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/games:/snap/bin",
            "LC_ALL": "C",
            "TMPDIR": self.home,
        }

    @property
    def credentials(self) -> dict[str, Any]:
        """Arguments that make ``subprocess.Popen`` start a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "env": self.environment, "cwd": self.home}

    def own(self, path: str | Path) -> None:
        """Make a file or folder, and what is in it, this user's."""
        for part in (Path(path), *Path(path).rglob("*")):
            os.lchown(part, self.uid, self.gid)

    def __exit__(self, *_: object) -> None:
        self._remove()

    def _remove(self) -> None:
        _remove_user(self.name)
        shutil.rmtree(self.home, ignore_errors=True)


def _remove_abandoned_users() -> None:
    for entry in pwd.getpwall():
        since = re.fullmatch(rf"{_COMMENT} (\d+)", entry.pw_gecos.rstrip(","))
        if since and entry.pw_name.startswith(_PREFIX) and time.time() - int(since[1]) > _ABANDONED:
            _remove_user(entry.pw_name)
            shutil.rmtree(entry.pw_dir, ignore_errors=True)


def _remove_user(name: str) -> None:
    with contextlib.suppress(KeyError):
        uid = pwd.getpwnam(name).pw_uid
        end = time.monotonic() + 5
        while time.monotonic() < end and _kill_processes_of(uid):
            time.sleep(0.05)
        run(["userdel", "--force", name])
        Path("/run/faillock", name).unlink(missing_ok=True)


def _kill_processes_of(uid: int) -> int:
    killed = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if process.stat().st_uid == uid and not _has_ended(process):
                os.kill(int(process.name), signal.SIGKILL)
                killed += 1
    return killed


def _has_ended(process: Path) -> bool:
    return process.joinpath("stat").read_text(errors="replace").rpartition(")")[2].split()[0] in "ZX"


@contextlib.contextmanager
def terminal(command: Sequence[str], user: TemporaryUser) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The command running as this user on a terminal of its own; yields the process and the terminal's other end."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            ["setsid", "--ctty", *command], stdin=theirs, stdout=theirs, stderr=theirs, **user.credentials
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    try:
        yield process, ours
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
        process.wait()


def read_terminal(descriptor: int, seconds: float) -> bytes:
    """What the terminal shows next; nothing if it stays silent or has been closed."""
    if select.select([descriptor], [], [], seconds)[0]:
        with contextlib.suppress(OSError):
            return os.read(descriptor, 4096)
    return b""


def in_terminal(command: Sequence[str], user: TemporaryUser, answers: dict[str, str], seconds: float = 30) -> int:
    """Exit code of the command, run as this user at a terminal where every prompt gets its answer once."""
    waiting = dict(answers)
    shown = ""
    end = time.monotonic() + seconds
    with terminal(command, user) as (process, descriptor):
        while process.poll() is None:
            if time.monotonic() > end:
                raise ProbeError(f"{command[0]} does not end: {shown.strip()[-200:]}")
            shown += read_terminal(descriptor, 0.1).decode(errors="replace")
            for prompt in [prompt for prompt in waiting if prompt in shown]:
                os.write(descriptor, f"{waiting.pop(prompt)}\n".encode())
        return process.returncode


class Sshd:
    """The host's SSH service: what it is configured to do, and a second one that serves a single pipe.

    Raises:
        ProbeError: there is none, or its configuration is not valid.
    """

    def __init__(self) -> None:
        program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
        if not program:
            raise ProbeError("sshd is not installed")
        dumped = run([program, "-T"])
        if dumped.returncode:
            raise ProbeError(f"sshd -T: {dumped.stderr.strip()[-300:]}")
        self.program = program
        self._lines = [line.partition(" ")[::2] for line in dumped.stdout.splitlines()]

    def setting(self, option: str) -> str:
        """The first effective value of the option; empty if the service does not know it."""
        return next((value for name, value in self._lines if name == option.lower()), "")

    def second(self, folder: str, **options: str) -> list[str]:
        """An sshd for ssh's ProxyCommand: configured as the service, but for these options and for anybody's login."""
        for_somebody = {"allowusers", "allowgroups", "denyusers", "denygroups"}
        left_out = {*for_somebody, *(option.lower() for option in options)}
        lines = [f"{option} {value}\n" for option, value in options.items()]
        lines += [f"{name} {value}\n" for name, value in self._lines if name not in left_out]
        configuration = Path(folder, f"sshd-{secrets.token_hex(4)}")
        configuration.write_text("".join(lines), encoding="utf-8")
        # by way of systemd, because a process that belongs to a login session cannot open one for somebody else
        return ["systemd-run", "--quiet", "--pipe", "--collect", self.program, "-i", "-f", str(configuration)]


class Ssh:
    """Password logins over SSH: to the running service if it takes any, else to a second sshd on a pipe."""

    def __init__(self, folder: str) -> None:
        sshd = Sshd()
        self.port = sshd.setting("port")
        address = re.sub(r":\d+$", "", sshd.setting("listenaddress")).strip("[]")
        self.address = "127.0.0.1" if address in {"", "0.0.0.0", "::"} else address  # noqa: S104 - compared, not bound
        self.second = sshd.second(folder, AuthenticationMethods="any", PasswordAuthentication="yes")
        self.askpass = Path(folder, "askpass")
        self.askpass.write_text('#!/bin/sh\nprintf "%s\\n" "$PROBE_PASSWORD"\n', encoding="utf-8")
        self.askpass.chmod(0o700)
        self.offers = self._offers()
        # one way only: a refused client goes on to the next and would type the password once more
        self.method = next((method for method in _PASSWORD_METHODS if method in self.offers), None)

    def _to_service(self) -> list[str]:
        # a source of its own for every login: OpenSSH 9.8 and newer makes a source that failed wait
        source = f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(254) + 1}.{secrets.randbelow(253) + 2}"
        bind = ["-b", source] if self.address.startswith("127.") else []
        return [*bind, "-p", self.port, self.address]

    def _offers(self) -> list[str]:
        asked = run([*_SSH, "-l", "probe", "-o", "PreferredAuthentications=none", *self._to_service(), "true"])
        named = re.search(r"Permission denied \(([^)]*)\)", asked.stderr)
        if not named:
            raise ProbeError(f"the SSH service does not answer: {asked.stderr.strip()[-200:]}")
        return named[1].split(",")

    def login(self, user: TemporaryUser, password: str) -> bool:
        """Whether the login with this password succeeds."""
        pipe = ["-o", f"ProxyCommand={shlex.join(self.second)}", "localhost"]
        target = self._to_service() if self.method else pipe
        preferred = f"PreferredAuthentications={self.method or 'password'}"
        done = subprocess.run(
            [*_SSH, "-l", user.name, "-o", preferred, *target, "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=100,
            check=False,
            env={
                "PATH": "/usr/bin:/bin",
                "SSH_ASKPASS": str(self.askpass),
                "SSH_ASKPASS_REQUIRE": "force",
                "PROBE_PASSWORD": password,
            },
        )
        if done.returncode == _SSH_FAILED and "Permission denied" not in done.stderr:
            raise ProbeError(f"ssh: {done.stderr.strip()[-300:]}")
        return done.returncode == 0


def leave_the_network() -> None:
    """Move this process into a network of its own that ends at the loopback: nothing it starts reaches anybody."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise ProbeError(f"no private network: {os.strerror(ctypes.get_errno())}")
    siocgifflags, siocsifflags, iff_up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = fcntl.ioctl(control, siocgifflags, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", asked)[1]
        fcntl.ioctl(control, siocsifflags, struct.pack("16sh14x", b"lo", flags | iff_up))


@dataclass
class Site:
    """What a browser sent to the site of the private network: whole requests in the clear, and its TLS offers."""

    name: str = "praxis.test"
    plain_requests: list[str] = field(default_factory=list)
    offered_tls: list[list[str]] = field(default_factory=list)

    def as_result(self) -> dict[str, Any]:
        return {"plain_requests": self.plain_requests, "offered_tls": self.offered_tls}


@contextlib.contextmanager
def site() -> Iterator[Site]:
    """A web site on ports 80 and 443 of the private network; encrypted connections are noted and dropped."""
    seen = Site()

    class Plain(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines = []
            while line := self.rfile.readline(4096).strip():
                lines.append(line.decode(errors="replace"))
            if not lines:
                return  # a connection that a browser opened ahead of need
            if f"Host: {seen.name}" in lines:
                seen.plain_requests.append(lines[0])
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<p>unencrypted</p>"
            )

    class Encrypted(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            hello = self.request.recv(1 << 14)
            with contextlib.suppress(IndexError, struct.error):
                seen.offered_tls.append(tls_versions(hello))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 80), Plain) as plain, Server(("127.0.0.1", 443), Encrypted) as encrypted:
        for server in (plain, encrypted):
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield seen
        finally:
            plain.shutdown()
            encrypted.shutdown()


def tls_versions(hello: bytes) -> list[str]:
    """The protocol versions that a TLS ClientHello offers (RFC 8446, 4.1.2 and 4.2.1), without its GREASE values."""
    names = {0x0301: "1.0", 0x0302: "1.1", 0x0303: "1.2", 0x0304: "1.3"}
    record, handshake = 5, 4
    position = record + handshake
    legacy = struct.unpack_from("!H", hello, position)[0]
    position += 2 + 32
    position += 1 + hello[position]
    position += 2 + struct.unpack_from("!H", hello, position)[0]
    position += 1 + hello[position]
    end = position + 2 + struct.unpack_from("!H", hello, position)[0]
    position += 2
    while position + 4 <= end:
        kind, length = struct.unpack_from("!HH", hello, position)
        position += 4
        if kind == 43:
            offered = struct.unpack_from(f"!{hello[position] // 2}H", hello, position + 1)
            return sorted(names[version] for version in offered if version in names)
        position += length
    return [names[version] for version in sorted(names) if version <= legacy]
