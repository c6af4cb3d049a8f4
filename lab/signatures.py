#!/usr/bin/python3
"""Build a signature database with today's date and serve it on the loopback, as a mirror of the practice would.

The makers' signatures are out of the lab's reach. freshclam fetches this database over HTTP as it would fetch theirs;
it knows the EICAR test file and one sample of the lab's own. Its format is ClamAV's unsigned container: a header of 512
characters before a gzipped tar, whose table of contents repeats the header and names size and SHA-256 of each part.
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import pathlib
import sys
import tarfile
import time

FOLDER = pathlib.Path("/run/lab-signatures")
PORT = 8017
# in halves, so that this file is no find itself
SIGNATURES = {
    "Eicar-Test-Signature": r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
    "Praxisschild.Lab.Sample": "PRAXISSCHILD-LAB" + "-SAMPLE",
}


def database(built: float) -> bytes:
    """The container as of that instant, in seconds since 1970."""
    date = time.strftime("%d %b %Y %H-%M +0000", time.gmtime(built))
    header = f"ClamAV-VDB:{date}:{int(built)}:{len(SIGNATURES)}:90:X:X:lab:{int(built)}"
    signatures = "".join(f"{name}:0:*:{content.encode().hex()}\n" for name, content in SIGNATURES.items()).encode()
    contents = f"{header}\nlab.ndb:{len(signatures)}:{hashlib.sha256(signatures).hexdigest()}\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in (("lab.info", contents), ("lab.ndb", signatures)):
            part = tarfile.TarInfo(name)
            part.size = len(data)
            archive.addfile(part, io.BytesIO(data))
    return header.encode().ljust(512) + packed.getvalue()


def main() -> None:
    """Serve it until stopped; with a number of days as argument, only print one that is this old."""
    if sys.argv[1:]:
        sys.stdout.buffer.write(database(time.time() - 86400 * int(sys.argv[1])))
        return
    FOLDER.mkdir(exist_ok=True)
    FOLDER.joinpath("lab.cud").write_bytes(database(time.time()))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(FOLDER))
    http.server.ThreadingHTTPServer(("127.0.0.1", PORT), handler).serve_forever()


if __name__ == "__main__":
    main()
