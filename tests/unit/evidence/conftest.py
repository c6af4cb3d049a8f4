"""A key ring, a private time stamp authority that really stamps, and chains of bundles sealed with both."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from praxisschild import evidence
from praxisschild.evidence.keys import create_key, load_signer
from praxisschild.evidence.seal import Seal
from praxisschild.evidence.timestamp import Authority, load_roots
from praxisschild.results import HostState, PracticeFacts, Run

if TYPE_CHECKING:
    from pathlib import Path

ENDED = datetime(2026, 11, 23, 20, 52, 10, tzinfo=UTC)
SECRET = "Ein-Satz-den-niemand-errät"  # noqa: S105 - of a key that lives for one test
CONFIGURATION = """
[tsa]
default_tsa = lab
[lab]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
crypto_device = builtin
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[stamping]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
"""


def run_of(ended: datetime = ENDED, **fields: object) -> Run:
    return Run.model_validate(
        {
            "tool_version": "0.1.0",
            "practice": PracticeFacts(name="Praxis für Körper & Gemüt", size="praxis", edition="2025"),
            "started": ended - timedelta(minutes=1),
            "ended": ended,
            "hosts": (HostState(name="server-1", reached=True, snapshot="snapshots/server-1.json"),),
            "checks": (),
            "requirements": (),
            **fields,
        }
    )


def chain(root: Path, seal: Seal, length: int = 3) -> Path:
    """A practice's folder with that many bundles, a day apart."""
    for day in range(length):
        bundle = evidence.write_bundle(root, run_of(ENDED + timedelta(days=day)), {"server-1": {"day": day}}, seal)
    return bundle.parent


def new_seal(ring: Path, authority: Authority | None = None) -> Seal:
    create_key(ring, SECRET)
    return Seal(signer=load_signer(ring, SECRET), authority=authority, ring=ring)


@dataclass(frozen=True)
class Tsa:
    """The authority's address and the file with its certificate."""

    url: str
    ca: Path

    @property
    def authority(self) -> Authority:
        return Authority(self.url, load_roots(self.ca))


@pytest.fixture(scope="session")
def tsa(tmp_path_factory):
    """`openssl ts` behind HTTP, with a certificate authority of its own."""
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "openssl.cnf").write_text(CONFIGURATION.format(folder=folder))
    (folder / "serial").write_text("01\n")

    def openssl(*arguments: str, data: bytes = b"") -> bytes:
        return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout

    def certificate(name: str, extensions: str, *by: str) -> None:
        key, request = str(folder / f"{name}.key"), str(folder / f"{name}.csr")
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        signing = by or ("-signkey", key)
        openssl(
            "x509", "-req", "-in", request, "-days", "30", "-out", str(folder / f"{name}.pem"), *signing,
            "-extfile", str(folder / "openssl.cnf"), "-extensions", extensions,
        )  # fmt: skip

    certificate("ca", "ca")
    certificate("tsa", "stamping", "-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"), "-CAcreateserial")

    class Stamping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = folder / f"query-{threading.get_ident()}"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            answer = openssl("ts", "-reply", "-config", str(folder / "openssl.cnf"), "-queryfile", str(query))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stamping)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Tsa(f"http://127.0.0.1:{server.server_port}/", folder / "ca.pem")
    server.shutdown()
    server.server_close()


@pytest.fixture
def ring(tmp_path):
    return tmp_path / "ring"


@pytest.fixture
def seal(ring):
    return new_seal(ring)
