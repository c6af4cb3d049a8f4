"""The protocol without sockets: what clients that behave never send."""

from __future__ import annotations

import base64
import threading
import uuid

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.windows.wire import PREFIXES, SHELL, TRANSFER, Outcome, Service

RESOURCE = f"{SHELL}/cmd"


class Echo:
    """Answers with its line, after its input."""

    def run(self, command):
        data = command.read()
        return Outcome(command.line.encode() + b"|" + data, b"", 7)


class Client:
    """Writes envelopes by hand."""

    def __init__(self, service, user="PC-1\\betreuung"):
        self.service, self.user, self.shell = service, user, None

    def send(self, action, body="", *, header="", shell_id=None, resource=RESOURCE, message_id=None, timeout="PT1S"):
        selector = shell_id or self.shell
        selectors = (
            f'<w:SelectorSet><w:Selector Name="ShellId">{selector}</w:Selector></w:SelectorSet>' if selector else ""
        )
        spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items())
        text = (
            f"<s:Envelope {spaces}><s:Header><a:To>http://pc/wsman</a:To><w:ResourceURI>{resource}</w:ResourceURI>"
            f"<a:Action>{action}</a:Action><a:MessageID>{message_id or f'uuid:{uuid.uuid4()}'}</a:MessageID>"
            f"<w:OperationTimeout>{timeout}</w:OperationTimeout>{selectors}{header}</s:Header>"
            f"<s:Body>{body}</s:Body></s:Envelope>"
        )
        status, answer = self.service.handle(text.encode(), self.user)
        return status, fromstring(answer)

    def open(self, body="<rsp:Shell><rsp:InputStreams>stdin</rsp:InputStreams></rsp:Shell>"):
        status, answer = self.send(f"{TRANSFER}/Create", body)
        assert status == 200
        self.shell = answer.findtext(".//rsp:ShellId", None, PREFIXES)
        return self.shell

    def command(self, line="probe", **options):
        body = f"<rsp:CommandLine><rsp:Command>{line}</rsp:Command></rsp:CommandLine>"
        _, answer = self.send(f"{SHELL}/Command", body, **options)
        return answer.findtext(".//rsp:CommandId", None, PREFIXES)

    def receive(self, command, **options):
        body = f'<rsp:Receive><rsp:DesiredStream CommandId="{command}">stdout stderr</rsp:DesiredStream></rsp:Receive>'
        return self.send(f"{SHELL}/Receive", body, **options)

    def input(self, command, data, *, end=True):
        content = base64.b64encode(data).decode()
        return self.send(
            f"{SHELL}/Send",
            f'<rsp:Send><rsp:Stream Name="stdin" CommandId="{command}" End="{str(end).lower()}">{content}</rsp:Stream>'
            "</rsp:Send>",
        )


def code_of(answer):
    status, root = answer
    assert status == 500
    detail = root.find(".//f:WSManFault", PREFIXES)
    return int(detail.get("Code")), root.findtext(".//s:Subcode/s:Value", None, PREFIXES)


@pytest.fixture
def notes():
    return []


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def client(notes, now):
    service = Service("PC-1", Echo(), lambda **fields: notes.append(fields), clock=lambda: now[0])
    yield Client(service)
    service.close()


def test_an_answer_relates_to_its_question(client):
    message_id = f"uuid:{uuid.uuid4()}"
    _, answer = client.send(f"{TRANSFER}/Create", "<rsp:Shell/>", message_id=message_id)
    assert answer.findtext("s:Header/a:RelatesTo", None, PREFIXES) == message_id
    _, fault = client.send(f"{SHELL}/Nonsense", message_id=message_id)
    assert fault.findtext("s:Header/a:RelatesTo", None, PREFIXES) == message_id


def test_faults_have_the_codes_of_windows(client):
    client.open()
    assert code_of(client.send(f"{SHELL}/Nonsense")) == (2150858753, "a:ActionNotSupported")
    assert code_of(client.send(f"{SHELL}/Receive")) == (2150858791, "w:SchemaValidationError")
    assert code_of(client.send(f"{SHELL}/Receive", resource="http://x")) == (2150858811, "a:DestinationUnreachable")
    assert code_of(client.send(f"{TRANSFER}/Delete", shell_id="0")) == (2150858843, "w:InvalidSelectors")
    assert code_of(client.send(f"{TRANSFER}/Create", "<rsp:Shell/>", timeout="bald"))[0] == 2150858881
    assert code_of(client.send(f"{TRANSFER}/Create", "<rsp:Shell/>", message_id="1"))[0] == 2150858767
    bad = "<rsp:Shell><rsp:InputStreams>pr</rsp:InputStreams></rsp:Shell>"
    assert code_of(client.send(f"{TRANSFER}/Create", bad)) == (2150859147, "w:InvalidParameter")


def test_every_fault_is_noted_in_german(client, notes):
    client.send(f"{TRANSFER}/Delete", shell_id="0")
    assert notes[-1]["code"] == 2150858843
    assert "Remoteshell" in notes[-1]["text"]


def test_a_shell_belongs_to_the_account_that_opened_it(client):
    shell = client.open()
    other = Client(client.service, "PC-1\\praxisinhaberin")
    assert code_of(other.send(f"{SHELL}/Command", shell_id=shell))[0] == 2150858843


def test_a_shell_is_gone_after_its_idle_timeout_and_not_before(client, now):
    client.open("<rsp:Shell><rsp:IdleTimeOut>PT90S</rsp:IdleTimeOut></rsp:Shell>")
    now[0] = 90.0
    assert client.command()
    now[0] = 180.5
    assert code_of(client.send(f"{SHELL}/Command"))[0] == 2150858843


def test_receive_waits_for_the_operation_timeout(client):
    client.open()
    command = client.command()
    assert code_of(client.receive(command, timeout="PT0.1S")) == (2150858793, "w:TimedOut")
    client.input(command, b"abc")
    status, answer = client.receive(command)
    assert status == 200
    assert base64.b64decode(answer.findtext(".//rsp:Stream", None, PREFIXES)) == b"probe|abc"
    assert answer.findtext(".//rsp:ExitCode", None, PREFIXES) == "7"


def test_input_after_its_end_finds_a_broken_pipe(client):
    client.open()
    command = client.command()
    client.input(command, b"a")
    assert code_of(client.input(command, b"b")) == (109, "w:InternalError")


def test_a_command_that_was_ended_is_forgotten(client):
    client.open()
    command = client.command()
    body = f'<rsp:Signal CommandId="{command}"><rsp:Code>{SHELL}/signal/terminate</rsp:Code></rsp:Signal>'
    assert client.send(f"{SHELL}/Signal", body)[0] == 200
    assert code_of(client.receive(command)) == (87, "w:InvalidParameter")
    unknown = body.replace("terminate", "winken")
    assert code_of(client.send(f"{SHELL}/Signal", unknown))[0] == 87


def test_no_thread_is_left_when_the_service_closes(client):
    before = set(threading.enumerate())
    client.open()
    for _ in range(5):
        client.command()
    waiting = set(threading.enumerate()) - before
    assert len(waiting) == 5
    client.service.close()
    for thread in waiting:
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize("request_text", ["", "<", "<a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_what_is_no_envelope_is_a_fault_and_never_an_exception(client, request_text):
    status, answer = client.service.handle(request_text.encode(), "x")
    assert code_of((status, fromstring(answer)))[1] == "w:SchemaValidationError"


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(data):
    status, answer = Service("PC-1", Echo(), lambda **_: None).handle(data, "x")
    assert status == 500
    fromstring(answer)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=6000), st.integers(1, 8000))
def test_output_is_whole_in_whatever_envelopes_it_comes(data, size):
    class Fixed:
        def run(self, command):
            del command
            return Outcome(data[: len(data) // 2], data[len(data) // 2 :], 0)

    client = Client(Service("PC-1", Fixed(), lambda **_: None))
    client.open()
    command, streams, done = client.command(), {"stdout": b"", "stderr": b""}, False
    for _ in range(40):
        _, answer = client.receive(command, header=f"<w:MaxEnvelopeSize>{size}</w:MaxEnvelopeSize>")
        for stream in answer.iterfind(".//rsp:Stream", PREFIXES):
            streams[stream.get("Name")] += base64.b64decode(stream.text or "")
        if answer.find(".//rsp:ExitCode", PREFIXES) is not None:
            done = True
            break
    assert done
    assert streams["stdout"] + streams["stderr"] == data
