"""The probes' own machinery, without a host: what travels, what is parsed, and what is cleaned up."""

from __future__ import annotations

import ast
import contextlib
import errno
import json
import signal
import socket
import ssl
import struct
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisschild import probes
from praxisschild.checks import Verdict
from praxisschild.probes import backup, chromium_policies, host, login_lockout, marionette, ports, way_out
from praxisschild.results import Status

if TYPE_CHECKING:
    from pathlib import Path

NAMES = sorted(
    path.name.removesuffix(".py")
    for path in files("praxisschild.probes").iterdir()
    if path.name.endswith(".py") and path.name not in {"__init__.py", "host.py", "marionette.py"}
)
SHARED = ("host", "marionette")


@dataclass
class Somebody:
    """A user who needs no account: programs run as whoever runs the tests."""

    home: str
    name: str = "somebody"
    password: str = "right"  # noqa: S105 - nobody's
    credentials: dict[str, Any] = field(default_factory=dict)

    def own(self, path: object) -> None:
        """Everything here is already ours."""


@pytest.fixture
def somebody(tmp_path: Path) -> Somebody:
    return Somebody(str(tmp_path))


def program(folder: Path, source: str) -> str:
    """An executable with this Python source."""
    path = folder / "program"
    path.write_text(f"#!{sys.executable}\n{textwrap.dedent(source)}", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


class TestScripts:
    @pytest.mark.parametrize("name", [*NAMES, *SHARED])
    def test_runs_on_the_oldest_supported_python_with_nothing_but_its_standard_library(self, name: str) -> None:
        tree = ast.parse(files("praxisschild.probes").joinpath(f"{name}.py").read_text("utf-8"), feature_version=(3, 9))
        absolute = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        absolute |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        foreign = {module for module in absolute if module.partition(".")[0] not in sys.stdlib_module_names}
        assert foreign <= {f"praxisschild.probes.{shared}" for shared in SHARED}

    @pytest.mark.parametrize("name", NAMES)
    def test_carries_what_it_shares(self, name: str) -> None:
        text = probes.script(name).replace('"__name__": "__main__"', '"__name__": "looked_at"')
        done = subprocess.run([sys.executable, "-I", "-S", "-c", text], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_unknown_probe_is_an_error(self) -> None:
        with pytest.raises(FileNotFoundError):
            probes.script("crystal_ball")


class Remote:
    """A host that gives the prepared answers one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def python_as_root(self, *_: Any, **__: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class TestAsk:
    def test_asks_once_per_host_and_question(self) -> None:
        here, there = Remote({"found": 1}, {"found": 2}), Remote({"found": 3})
        assert [probes.ask(here, "ports", "a"), probes.ask(here, "ports", "a")] == [{"found": 1}] * 2
        assert probes.ask(here, "ports", "b") == {"found": 2}
        assert probes.ask(there, "ports", "a") == {"found": 3}

    @pytest.mark.parametrize("answer", [{"error": "no pipe"}, RuntimeError("no pipe")])
    def test_a_probe_that_could_not_be_made_is_not_tested_and_not_repeated(self, answer: Any) -> None:
        remote = Remote(answer)
        for _ in range(2):
            with pytest.raises(Verdict, match="no pipe") as caught:
                probes.ask(remote, "ports")
            assert caught.value.status is Status.NOT_TESTED


class TestProbe:
    def test_reports_why_there_is_no_result(self, capsys: pytest.CaptureFixture[str]) -> None:
        def experiment() -> dict[str, Any]:
            raise host.ProbeError("no such thing")

        kept = [(number, signal.getsignal(number)) for number in (signal.SIGALRM, signal.SIGHUP, signal.SIGTERM)]
        kept.append((signal.SIGINT, signal.getsignal(signal.SIGINT)))
        try:
            host.probe(experiment, 5)
        finally:
            signal.alarm(0)
            for number, handler in kept:
                signal.signal(number, handler)
        assert json.loads(capsys.readouterr().out) == {"error": "no such thing"}

    @pytest.mark.parametrize(("seconds", "number"), [(30, signal.SIGTERM), (30, signal.SIGHUP), (1, None)])
    def test_cleans_up_when_it_is_stopped(self, tmp_path: Path, seconds: int, number: int | None) -> None:
        mark = tmp_path / "mark"
        text = f"""
            import time
            from pathlib import Path
            from praxisschild.probes.host import probe
            def experiment():
                try:
                    Path({str(mark)!r}).touch()  # inside: the signal may come right after it
                    time.sleep(20)
                finally:
                    Path({str(mark)!r}).unlink()
            probe(experiment, {seconds})
        """
        command = [sys.executable, "-c", textwrap.dedent(text)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            while not mark.exists():
                assert running.poll() is None
            if number:
                running.send_signal(number)
            document = json.loads(running.communicate(timeout=10)[0])
        assert document == {"error": signal.Signals(number).name if number else "no result in time"}
        assert not mark.exists()


def client_hello(oldest: ssl.TLSVersion, newest: ssl.TLSVersion) -> bytes:
    """The first bytes that OpenSSL sends with these limits."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = oldest, newest
    sent = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="praxis.test")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()


class TestTlsVersions:
    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
    @pytest.mark.parametrize(
        ("oldest", "newest", "offered"),
        [
            (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3, ["1.2", "1.3"]),
            (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3, ["1.3"]),
            (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_3, ["1.1", "1.2", "1.3"]),
            # without the extension, a client accepts whatever is not above the version that it names
            (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, ["1.0", "1.1", "1.2"]),
        ],
    )
    def test_reads_what_a_real_client_offers(
        self, oldest: ssl.TLSVersion, newest: ssl.TLSVersion, offered: list[str]
    ) -> None:
        assert host.tls_versions(client_hello(oldest, newest)) == offered

    @given(st.binary(max_size=400))
    def test_nonsense_is_refused_in_the_expected_way(self, data: bytes) -> None:
        with contextlib.suppress(IndexError, struct.error):
            assert set(host.tls_versions(data)) <= {"1.0", "1.1", "1.2", "1.3"}

    @given(st.integers(min_value=0, max_value=2000))
    def test_a_cut_off_offer_is_refused_in_the_expected_way(self, length: int) -> None:
        whole = client_hello(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
        with contextlib.suppress(IndexError, struct.error):
            assert set(host.tls_versions(whole[:length])) <= {"1.0", "1.1", "1.2", "1.3"}


class TestTerminal:
    def test_answers_a_prompt(self, somebody: Somebody) -> None:
        ask = 'printf "Password: "; read -r said; [ "$said" = right ]'
        assert host.in_terminal(["sh", "-c", ask], somebody, {"Password:": "right"}) == 0
        assert host.in_terminal(["sh", "-c", ask], somebody, {"Password:": "wrong"}) == 1

    def test_gives_up_on_a_program_that_does_not_end(self, somebody: Somebody) -> None:
        with pytest.raises(host.ProbeError, match="does not end: and now"):
            host.in_terminal(["sh", "-c", "echo and now; sleep 20"], somebody, {}, seconds=0.5)


class TestSecondSshd:
    @pytest.fixture
    def sshd(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> host.Sshd:
        dumped = "port 22\nchanneltimeout session:shell=600\nallowgroups praxis\npasswordauthentication no\nport 2222\n"
        fake = program(tmp_path, f"print({dumped!r}, end='')")
        monkeypatch.setattr(host.shutil, "which", lambda *_, **__: fake)
        return host.Sshd()

    def test_knows_the_effective_settings(self, sshd: host.Sshd) -> None:
        assert [sshd.setting(name) for name in ("Port", "ChannelTimeout", "Nonsense")] == [
            "22",
            "session:shell=600",
            "",
        ]

    def test_is_configured_as_the_service_but_for_the_given_options(self, sshd: host.Sshd, tmp_path: Path) -> None:
        command = sshd.second(str(tmp_path), PasswordAuthentication="yes")
        with open(command[-1], encoding="utf-8") as file:  # noqa: PTH123 - the command names it as text
            assert file.read().splitlines() == [
                "PasswordAuthentication yes",
                "port 22",
                "channeltimeout session:shell=600",
                "port 2222",
            ]


class TestWrongPasswords:
    class Door:
        """Locks after so many wrong passwords; a host that keeps no record says 0."""

        def __init__(self, deny: int, *, counts: bool = True) -> None:
            self.deny, self.counts, self.wrong = deny, counts, 0

        def login(self, _user: object, password: str) -> bool:
            if password == "right":  # noqa: S105 - nobody's
                return self.wrong < self.deny
            self.wrong += 1
            return False

        def failures(self, _user: object) -> int:
            return min(self.wrong, self.deny) if self.counts else 0

    @pytest.mark.parametrize(
        ("door", "locked_after", "refused"),
        [
            (Door(5), 5, True),
            (Door(10), 10, True),
            (Door(11), None, False),
            (Door(3, counts=False), 10, True),
            (Door(99, counts=False), None, False),
        ],
    )
    def test_types_until_the_account_locks(
        self,
        somebody: Somebody,
        monkeypatch: pytest.MonkeyPatch,
        door: Door,
        locked_after: int | None,
        refused: bool,
    ) -> None:
        monkeypatch.setattr(login_lockout, "failures", door.failures)
        monkeypatch.setattr(login_lockout, "run", lambda *_: setattr(door, "wrong", 0))
        found = login_lockout.lock_out(somebody, door.login, 10)
        expected = {"locked_after": locked_after, "refused_when_locked": refused, "accepted_after_unlock": True}
        assert found == expected

    def test_a_door_that_is_always_shut_proves_nothing(self, somebody: Somebody) -> None:
        with pytest.raises(host.ProbeError, match="right password"):
            login_lockout.lock_out(somebody, lambda *_: False, 10)


CHROMIUM = """
    import json, os, sys
    if "--no-sandbox" not in sys.argv:
        sys.exit(1)
    buffer = b""
    while chunk := os.read(3, 7):
        buffer += chunk
        while b"\\0" in buffer:
            raw, buffer = buffer.split(b"\\0", 1)
            asked = json.loads(raw)
            event = json.dumps({"method": "Target.somethingElse"}).encode() + b"\\0"
            if asked["method"] == "Nonsense":
                answer = {"id": asked["id"], "error": {"message": "no such method"}}
            else:
                answer = {"id": asked["id"], "result": {"product": "Chrome/1", "asked": asked["params"]}}
            os.write(4, event + json.dumps(answer).encode() + b"\\0")
"""


class TestChromium:
    def test_speaks_over_the_pipe_and_does_without_a_sandbox_where_there_is_none(
        self, somebody: Somebody, tmp_path: Path
    ) -> None:
        browser, sandbox = chromium_policies.start(program(tmp_path, CHROMIUM), somebody)
        with browser:
            assert not sandbox
            assert browser.ask("Page.enable", text="ä" * 5000)["asked"] == {"text": "ä" * 5000}
            with pytest.raises(host.ProbeError, match="no such method"):
                browser.ask("Nonsense")

    def test_a_browser_that_cannot_start_is_no_statement_about_its_policies(
        self, somebody: Somebody, tmp_path: Path
    ) -> None:
        with pytest.raises(host.ProbeError, match="does not start"):
            chromium_policies.start(program(tmp_path, "raise SystemExit(1)"), somebody)


FIREFOX = """
    import json, re, socket, sys
    from pathlib import Path
    profile = Path(sys.argv[sys.argv.index("--profile") + 1])
    port = int(re.search(r'"marionette.port", (\\d+)', profile.joinpath("user.js").read_text())[1])
    with socket.create_server(("127.0.0.1", port)) as server:
        client = server.accept()[0]
        def send(data):
            text = json.dumps(data).encode()
            for byte in b"%d:%s" % (len(text), text):
                client.send(bytes([byte]))
        send({"applicationType": "gecko", "marionetteProtocol": 3})
        buffer = b""
        while chunk := client.recv(5):
            buffer += chunk
            length, colon, rest = buffer.partition(b":")
            if colon and len(rest) >= int(length):
                asked, buffer = json.loads(rest[:int(length)]), rest[int(length):]
                failed = {"message": "no such command"} if asked[2] == "Nonsense" else None
                send([1, asked[1], failed, None if failed else {"value": asked[3]}])
"""


class TestFirefox:
    def test_speaks_marionette(self, somebody: Somebody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            monkeypatch.setattr(marionette, "PORT", free.getsockname()[1])
        with marionette.Browser(program(tmp_path, FIREFOX), somebody) as browser:
            browser.connect(10)
            assert browser.evaluate("chrome", "return arguments[0]", "ä")["args"] == ["ä"]
            with pytest.raises(host.ProbeError, match="no such command"):
                browser.ask("Nonsense")

    def test_a_browser_that_cannot_start_is_no_statement_about_its_policies(
        self, somebody: Somebody, tmp_path: Path
    ) -> None:
        with (
            marionette.Browser(program(tmp_path, "raise SystemExit(1)"), somebody) as browser,
            pytest.raises(host.ProbeError, match="does not start"),
        ):
            browser.connect(10)


class TestBackupJobs:
    def exec_start(self, path: object) -> str:
        return f"{{ path={path} ; argv[]={path} daily ; ignore_errors=no }}"

    @pytest.mark.parametrize(
        ("content", "expected"),
        [(b"#!/bin/sh\nrestic backup /home\n", True), (b"#!/bin/sh\necho done\n", False), (b"\x7fELF restic", False)],
    )
    def test_knows_a_script_that_runs_restic(self, tmp_path: Path, content: bytes, expected: bool) -> None:
        script = tmp_path / "job"
        script.write_bytes(content)
        assert backup.runs_restic(self.exec_start(script)) is expected

    def test_knows_restic_itself(self, tmp_path: Path) -> None:
        (tmp_path / "restic").write_bytes(b"\x7fELF")
        assert backup.runs_restic(self.exec_start(tmp_path / "restic"))

    @pytest.mark.parametrize("command", ["", "{ path=/does/not/exist ; argv[]=x }"])
    def test_a_unit_without_a_program_is_no_backup(self, command: str) -> None:
        assert not backup.runs_restic(command)

    def test_uses_the_environment_of_the_job(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        listed = tmp_path / "environment"
        listed.write_text("# 2021-A1-14\nRESTIC_REPOSITORY='/a b'\nRESTIC_PASSWORD=secret\n", encoding="utf-8")
        shown = {"Environment": "TZ=UTC", "EnvironmentFiles": f"{listed} (ignore_errors=no)"}
        monkeypatch.setattr(backup, "properties", lambda *_: shown)
        calls = []

        def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
            calls.append((command, options))
            return subprocess.CompletedProcess(command, 0, '[{"time": "2026-02"}, {"time": "2026-01"}]', "")

        monkeypatch.setattr(backup, "run", run)
        assert backup.Repository("job.service").latest() == {"time": "2026-02"}
        [(command, options)] = calls
        assert options["environment"] == {"TZ": "UTC", "RESTIC_REPOSITORY": "/a b", "RESTIC_PASSWORD": "secret"}
        assert "secret" not in " ".join(command)


class TestKnock:
    def test_tells_open_from_closed(self) -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as tcp,
            socket.create_server(("127.0.0.1", 0)) as other,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            open_port, closed_port = tcp.getsockname()[1], other.getsockname()[1]
            other.close()
            udp.bind(("127.0.0.1", closed_port))
            answering = threading.Thread(target=lambda: udp.sendto(b"here", udp.recvfrom(100)[1]))
            answering.start()
            found = ports.knock("127.0.0.1", str(open_port), str(closed_port))
            answering.join(5)
        assert found == {"tcp": {str(open_port): "open", str(closed_port): "refused"}, "udp": "answered"}

    def test_silence_is_silence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ports, "PATIENCE", 0.3)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
            mute.bind(("127.0.0.1", 0))
            assert ports.ask_udp("127.0.0.1", mute.getsockname()[1]) == "silent"


@pytest.mark.parametrize(
    ("code", "fate"),
    [(errno.EHOSTUNREACH, "refused"), (errno.EPERM, "refused"), (errno.EAGAIN, "let out"), (0, "let out")],
)
def test_a_connection_that_waits_for_an_answer_was_let_out(monkeypatch, code, fate):
    monkeypatch.setattr(way_out, "run", lambda command: subprocess.CompletedProcess(command, 0, f"{code}\n", ""))
    assert way_out.knock() == fate
