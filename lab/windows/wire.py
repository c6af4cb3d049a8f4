"""WS-Management with the remote shell, as WinRM serves it: SOAP in, SOAP out, no sockets and no authentication.

Sources: MS-WSMV (shell operations, 3.1.4), DSP0226 (faults, envelope size, operation time-out), wsmerror.h (codes).
"""

from __future__ import annotations

import base64
import re
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from xml.etree import ElementTree as ET

import defusedxml.ElementTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
PREFIXES = {"s": SOAP, "a": ADDRESSING, "w": WSMAN, "rsp": SHELL, "x": TRANSFER, "f": FAULT}
for _prefix, _uri in PREFIXES.items():
    ET.register_namespace(_prefix, _uri)

# winrm/config of an untouched Windows: MaxEnvelopeSizekb, Winrs MaxShellsPerUser, Winrs IdleTimeout, MaxTimeoutms
MAX_ENVELOPE = 500 * 1024
MAX_SHELLS_PER_USER = 30
IDLE_TIMEOUT = 7200.0
MAX_TIMEOUT = 60.0
# what an envelope around a stream takes, names and identifiers included
ENVELOPE_OVERHEAD = 2048

# wsmerror.h, winerror.h
INVALID_ACTION_URI = 2150858753
INVALID_MESSAGE_HEADER = 2150858767
HEADER_REQUIRED = 2150858769
INVALID_SOAP_BODY = 2150858791
OPERATION_TIMED_OUT = 2150858793
INVALID_RESOURCE_URI = 2150858811
SCHEMA_VALIDATION = 2150858817
INVALID_XML = 2150858819
ENVELOPE_TOO_LARGE = 2150858824
UNEXPECTED_SELECTORS = 2150858843
INVALID_TIMEOUT_HEADER = 2150858881
QUOTA_MAX_SHELLS = 2150859173
INVALID_INPUT_STREAM = 2150859147
INVALID_PARAMETER = 87
ACCESS_DENIED = 5


class WsmanFault(Exception):  # noqa: N818 # that is its name on the wire
    """A SOAP fault: its WSManFault code, its subcode by prefix and its German text."""

    def __init__(self, code: int, subcode: str, text: str, *, sender: bool = True) -> None:
        super().__init__(text)
        self.code = code
        self.subcode = subcode
        self.text = text
        self.role = "s:Sender" if sender else "s:Receiver"


@dataclass(frozen=True)
class Outcome:
    """What a program left behind."""

    stdout: bytes
    stderr: bytes
    code: int


class Executor(Protocol):
    """Runs a command line; called in a thread of its own per command."""

    def run(self, command: Command) -> Outcome: ...


@dataclass
class Command:
    """One command of a shell: its line, the input that arrives piece by piece, and its outcome."""

    shell: int
    number: int
    line: str
    user: str
    console_input: bool
    skip_cmd: bool
    id: str
    pieces: list[bytes] = field(default_factory=list)
    input_ended: bool = False
    arrived: threading.Condition = field(default_factory=threading.Condition)
    terminated: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None
    sent: int = 0

    def take(self, piece: bytes, *, last: bool) -> None:
        """Append to standard input."""
        with self.arrived:
            self.pieces.append(piece)
            self.input_ended |= last
            self.arrived.notify_all()

    def stream(self) -> Iterator[bytes]:
        """Standard input as it arrives, until its end; what a console would be asked for never comes.

        Raises:
            InterruptedError: the client ended the command first.
        """
        given = 0
        while True:
            with self.arrived:
                while given == len(self.pieces) and not self.input_ended and not self.console_input:
                    self.arrived.wait()
                if self.terminated.is_set():
                    raise InterruptedError
                if given == len(self.pieces):
                    return
                piece = self.pieces[given]
            given += 1
            yield piece

    def read(self) -> bytes:
        """Everything on standard input, once it has ended; raises as ``stream`` does."""
        return b"".join(self.stream())

    def end(self) -> None:
        """The client wants no more of it: whoever waits for input or runs a program stops."""
        with self.arrived:
            self.terminated.set()
            self.input_ended = True
            self.arrived.notify_all()


@dataclass
class Shell:
    """A remote shell: the commands that it still knows, and when it was last spoken to."""

    number: int
    user: str
    idle_timeout: float
    last_use: float
    commands: dict[str, Command] = field(default_factory=dict)
    started: int = 0


@dataclass(frozen=True)
class Message:
    """The parts of a request that every operation needs."""

    action: str
    message_id: str
    header: ET.Element
    body: ET.Element
    timeout: float
    max_envelope: int
    shell_id: str | None

    def option(self, name: str) -> str | None:
        for found in self.header.iterfind("w:OptionSet/w:Option", PREFIXES):
            if found.get("Name") == name:
                return found.text
        return None


class Service:
    """The WinRM service of one host; several connections may speak to it at once."""

    def __init__(
        self,
        machine: str,
        executor: Executor,
        note: Callable[..., None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.machine = machine
        self._executor = executor
        self._note = note
        self._clock = clock
        self._shells: dict[str, Shell] = {}
        self._opened = 0
        self._lock = threading.Lock()

    def handle(self, request: bytes, user: str) -> tuple[int, bytes]:
        """HTTP status and SOAP envelope for one request of an authenticated account."""
        relates_to = ""
        try:
            if len(request) > MAX_ENVELOPE:
                raise WsmanFault(
                    ENVELOPE_TOO_LARGE,
                    "w:EncodingLimit",
                    f"Die Anforderung ist mit {len(request)} Byte größer als die zulässigen {MAX_ENVELOPE}.",
                )
            root = _parse(request)
            relates_to = root.findtext("s:Header/a:MessageID", "", PREFIXES)
            message = _read(root)
            body = self._operation(message, user)
            return 200, _envelope(body, f"{message.action}Response", relates_to)
        except WsmanFault as fault:
            if fault.code != OPERATION_TIMED_OUT:
                self._note(op="fault", code=fault.code, subcode=fault.subcode, text=fault.text)
            return 500, _envelope(_fault(fault, self.machine), FAULT_ACTION, relates_to)

    def close(self) -> None:
        """End every command that still waits."""
        with self._lock:
            shells = list(self._shells.values())
            self._shells.clear()
        for shell in shells:
            for command in shell.commands.values():
                command.end()

    def _operation(self, message: Message, user: str) -> ET.Element | None:
        if message.action == f"{TRANSFER}/Create":
            return self._create(message, user)
        operations = {
            f"{TRANSFER}/Delete": self._delete,
            f"{SHELL}/Command": self._command,
            f"{SHELL}/Send": self._send,
            f"{SHELL}/Receive": self._receive,
            f"{SHELL}/Signal": self._signal,
        }
        operation = operations.get(message.action)
        if operation is None:
            raise WsmanFault(
                INVALID_ACTION_URI, "a:ActionNotSupported", f"Die Aktion {message.action} wird nicht unterstützt."
            )
        return operation(message, self._shell(message, user))

    def _shell(self, message: Message, user: str) -> Shell:
        with self._lock:
            now = self._clock()
            for identifier, shell in list(self._shells.items()):
                if now - shell.last_use > shell.idle_timeout:
                    del self._shells[identifier]
                    for command in shell.commands.values():
                        command.end()
            found = self._shells.get((message.shell_id or "").upper())
            if found is None or found.user != user:
                raise WsmanFault(
                    UNEXPECTED_SELECTORS,
                    "w:InvalidSelectors",
                    "Bei der Anforderung für die Windows-Remoteshell mit der Shell-ID "
                    f"{message.shell_id} ist ein Fehler aufgetreten, weil die Shell auf dem Server nicht gefunden "
                    "wurde. Mögliche Ursachen: Die angegebene Shell-ID ist falsch, oder die Shell ist auf dem Server "
                    "nicht mehr vorhanden.",
                )
            found.last_use = now
            return found

    def _create(self, message: Message, user: str) -> ET.Element:
        asked = message.body.find("rsp:Shell", PREFIXES)
        if asked is None:
            raise _bad_body("Shell")
        for name, allowed in (("InputStreams", {"stdin"}), ("OutputStreams", {"stdout", "stderr"})):
            streams = set(asked.findtext(f"rsp:{name}", "", PREFIXES).split())
            if not streams <= allowed:
                raise WsmanFault(INVALID_INPUT_STREAM, "w:InvalidParameter", f"{name}: {' '.join(sorted(streams))}")
        idle = asked.findtext("rsp:IdleTimeOut", None, PREFIXES) or asked.findtext("rsp:IdleTimeout", None, PREFIXES)
        identifier = (asked.get("ShellId") or str(uuid.uuid4())).upper()
        with self._lock:
            if sum(shell.user == user for shell in self._shells.values()) >= MAX_SHELLS_PER_USER:
                raise WsmanFault(
                    QUOTA_MAX_SHELLS,
                    "w:QuotaLimit",
                    "Der Benutzer hat die Höchstzahl gleichzeitiger Remoteshells erreicht. Schließen Sie vorhandene "
                    "Shells, oder erhöhen Sie das Kontingent (MaxShellsPerUser).",
                )
            self._opened += 1
            number = self._opened
            self._shells[identifier] = Shell(
                number, user, min(_seconds(idle), IDLE_TIMEOUT) if idle else IDLE_TIMEOUT, self._clock()
            )
        self._note(op="shell", shell=number, user=user, codepage=message.option("WINRS_CODEPAGE"))
        body = ET.Element("body")
        created = _sub(body, "x:ResourceCreated")
        _sub(created, "a:Address", f"http://{self.machine}/wsman")
        parameters = _sub(created, "a:ReferenceParameters")
        _sub(parameters, "w:ResourceURI", f"{SHELL}/cmd")
        _sub(_sub(parameters, "w:SelectorSet"), "w:Selector", identifier, Name="ShellId")
        shell = _sub(body, "rsp:Shell")
        for name, text in (("ShellId", identifier), ("ResourceUri", f"{SHELL}/cmd"), ("Owner", user)):
            _sub(shell, f"rsp:{name}", text)
        return body

    def _delete(self, message: Message, shell: Shell) -> None:
        with self._lock:
            self._shells.pop((message.shell_id or "").upper(), None)
        for command in shell.commands.values():
            command.end()
        self._note(op="shell_end", shell=shell.number)

    def _command(self, message: Message, shell: Shell) -> ET.Element:
        line = message.body.find("rsp:CommandLine", PREFIXES)
        program = line.findtext("rsp:Command", None, PREFIXES) if line is not None else None
        if line is None or not program:
            raise _bad_body("CommandLine")
        arguments = [part.text or "" for part in line.iterfind("rsp:Arguments", PREFIXES)]
        identifier = (line.get("CommandId") or str(uuid.uuid4())).upper()
        with self._lock:
            shell.started += 1
            command = Command(
                shell=shell.number,
                number=shell.started,
                line=" ".join([program, *arguments]),
                user=shell.user,
                console_input=(message.option("WINRS_CONSOLEMODE_STDIN") or "FALSE").upper() == "TRUE",
                skip_cmd=(message.option("WINRS_SKIP_CMD_SHELL") or "FALSE").upper() == "TRUE",
                id=identifier,
            )
            shell.commands[identifier] = command
        threading.Thread(target=self._run, args=(command,), daemon=True).start()
        body = ET.Element("body")
        _sub(_sub(body, "rsp:CommandResponse"), "rsp:CommandId", identifier)
        return body

    def _run(self, command: Command) -> None:
        try:
            command.outcome = self._executor.run(command)
        except InterruptedError:
            command.outcome = Outcome(b"", b"", -1073741510)  # STATUS_CONTROL_C_EXIT
        finally:
            command.done.set()

    def _send(self, message: Message, shell: Shell) -> ET.Element:
        stream = message.body.find("rsp:Send/rsp:Stream", PREFIXES)
        if stream is None:
            raise _bad_body("Send")
        if stream.get("Name") != "stdin":
            raise WsmanFault(INVALID_INPUT_STREAM, "w:InvalidParameter", f"Unbekannter Datenstrom {stream.get('Name')}")
        command = _command_of(shell, stream.get("CommandId"))
        if command.input_ended:
            raise WsmanFault(109, "w:InternalError", "Die Pipe wurde beendet.", sender=False)  # ERROR_BROKEN_PIPE
        last = (stream.get("End") or "").lower() == "true"
        command.take(base64.b64decode(stream.text or ""), last=last)
        body = ET.Element("body")
        _sub(body, "rsp:SendResponse")
        return body

    def _receive(self, message: Message, shell: Shell) -> ET.Element:
        desired = message.body.find("rsp:Receive/rsp:DesiredStream", PREFIXES)
        if desired is None:
            raise _bad_body("Receive")
        command = _command_of(shell, desired.get("CommandId"))
        if not command.done.wait(message.timeout):
            raise WsmanFault(
                OPERATION_TIMED_OUT,
                "w:TimedOut",
                "Der WS-Verwaltungsdienst kann den Vorgang nicht innerhalb der in OperationTimeout angegebenen Zeit "
                "abschließen.",
                sender=False,
            )
        shell.last_use = self._clock()
        outcome = command.outcome or Outcome(b"", b"", 1)
        room = max(512, (message.max_envelope - ENVELOPE_OVERHEAD) // 4 * 3)
        streams = [("stdout", outcome.stdout), ("stderr", outcome.stderr)]
        body = ET.Element("body")
        response = _sub(body, "rsp:ReceiveResponse")
        position, sent = command.sent, 0
        for name, data in streams:
            piece = data[max(0, position) : max(0, position) + room - sent] if position < len(data) else b""
            position -= len(data)
            sent += len(piece)
            if piece:
                _sub(response, "rsp:Stream", base64.b64encode(piece).decode(), Name=name, CommandId=command.id)
        command.sent += sent
        finished = command.sent >= len(outcome.stdout) + len(outcome.stderr)
        state = _sub(response, "rsp:CommandState", CommandId=command.id)
        state.set("State", f"{SHELL}/CommandState/{'Done' if finished else 'Running'}")
        if finished:
            for name, _ in streams:
                _sub(response, "rsp:Stream", "", Name=name, CommandId=command.id, End="true")
            _sub(state, "rsp:ExitCode", str(outcome.code))
        return body

    def _signal(self, message: Message, shell: Shell) -> ET.Element:
        signal = message.body.find("rsp:Signal", PREFIXES)
        if signal is None:
            raise _bad_body("Signal")
        command = _command_of(shell, signal.get("CommandId"))
        code = signal.findtext("rsp:Code", "", PREFIXES).rpartition("/")[2].lower()
        if code not in {"terminate", "ctrl_c", "ctrl_break"}:
            raise WsmanFault(INVALID_PARAMETER, "w:InvalidParameter", f"Unbekanntes Signal {code}")
        command.end()
        if code == "terminate":
            with self._lock:
                shell.commands.pop(command.id, None)
        body = ET.Element("body")
        _sub(body, "rsp:SignalResponse")
        return body


def _command_of(shell: Shell, identifier: str | None) -> Command:
    found = shell.commands.get((identifier or "").upper())
    if found is None:
        raise WsmanFault(
            INVALID_PARAMETER, "w:InvalidParameter", f"Falscher Parameter: Die Shell kennt keinen Befehl {identifier}."
        )
    return found


def _bad_body(element: str) -> WsmanFault:
    return WsmanFault(
        INVALID_SOAP_BODY, "w:SchemaValidationError", f"Im SOAP-Text fehlt {element} oder ein Teil davon."
    )


def _parse(request: bytes) -> ET.Element:
    try:
        root: ET.Element = defusedxml.ElementTree.fromstring(request)
    except (ET.ParseError, ValueError) as error:
        raise WsmanFault(INVALID_XML, "w:SchemaValidationError", f"Ungültiges XML: {error}") from None
    if root.tag != f"{{{SOAP}}}Envelope":
        raise WsmanFault(SCHEMA_VALIDATION, "w:SchemaValidationError", "Das ist kein SOAP-1.2-Umschlag.")
    return root


def _read(root: ET.Element) -> Message:
    header, body = root.find("s:Header", PREFIXES), root.find("s:Body", PREFIXES)
    if header is None or body is None:
        raise WsmanFault(SCHEMA_VALIDATION, "w:SchemaValidationError", "Kopf oder Text fehlt.")
    action = header.findtext("a:Action", "", PREFIXES)
    for name in ("Action", "MessageID", "To"):
        if not header.findtext(f"a:{name}", "", PREFIXES):
            raise WsmanFault(HEADER_REQUIRED, "a:MessageInformationHeaderRequired", f"Der Kopf {name} fehlt.")
    if not re.fullmatch(r"uuid:[0-9A-Fa-f-]{36}", header.findtext("a:MessageID", "", PREFIXES)):
        raise WsmanFault(INVALID_MESSAGE_HEADER, "a:InvalidMessageInformationHeader", "MessageID ist keine UUID.")
    resource = header.findtext("w:ResourceURI", "", PREFIXES)
    if resource != f"{SHELL}/cmd":
        raise WsmanFault(
            INVALID_RESOURCE_URI,
            "a:DestinationUnreachable",
            f"NICHT NACHGEBILDET: die Ressource {resource or '(keine)'}",
        )
    size = header.findtext("w:MaxEnvelopeSize", "", PREFIXES)
    selected = [one for one in header.iterfind("w:SelectorSet/w:Selector", PREFIXES) if one.get("Name") == "ShellId"]
    return Message(
        action=action,
        message_id=header.findtext("a:MessageID", "", PREFIXES),
        header=header,
        body=body,
        timeout=min(_seconds(header.findtext("w:OperationTimeout", "PT20S", PREFIXES)), MAX_TIMEOUT),
        max_envelope=min(int(size), MAX_ENVELOPE) if size.isdecimal() else MAX_ENVELOPE,
        shell_id=selected[0].text if selected else None,
    )


def _seconds(duration: str) -> float:
    """Seconds of an ``xs:duration`` without years and months."""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", duration.strip())
    if not found:
        raise WsmanFault(INVALID_TIMEOUT_HEADER, "w:InvalidTimeout", f"{duration} ist keine Zeitspanne.")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _sub(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    prefix, _, local = name.partition(":")
    element = ET.SubElement(parent, f"{{{PREFIXES[prefix]}}}{local}", attributes)
    element.text = text
    return element


def _envelope(content: ET.Element | None, action: str, relates_to: str) -> bytes:
    root = ET.Element(f"{{{SOAP}}}Envelope", {"{http://www.w3.org/XML/1998/namespace}lang": "de-DE"})
    header = _sub(root, "s:Header")
    _sub(header, "a:Action", action)
    _sub(header, "a:MessageID", f"uuid:{str(uuid.uuid4()).upper()}")
    _sub(header, "a:To", f"{ADDRESSING}/role/anonymous")
    if relates_to:
        _sub(header, "a:RelatesTo", relates_to)
    body = _sub(root, "s:Body")
    body.extend(content if content is not None else [])
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=False))


def _fault(fault: WsmanFault, machine: str) -> ET.Element:
    body = ET.Element("body")
    root = _sub(body, "s:Fault")
    code = _sub(root, "s:Code")
    _sub(code, "s:Value", fault.role)
    subcode = _sub(_sub(code, "s:Subcode"), "s:Value", fault.subcode)
    if fault.subcode.startswith("w:"):
        subcode.set("xmlns:w", WSMAN)  # a prefix in a value is nothing that ElementTree would declare
    reason = _sub(_sub(root, "s:Reason"), "s:Text", fault.text)
    reason.set("{http://www.w3.org/XML/1998/namespace}lang", "de-DE")
    detail = _sub(_sub(root, "s:Detail"), "f:WSManFault", Code=str(fault.code), Machine=machine)
    _sub(detail, "f:Message", fault.text)
    return body
