"""Write documents that name their author, clean them with mat2, and look for the author; encrypt one, and look again.

Prints ``{"cleaner": bool, "left_in": {file: [part]}, "says": {file: str}, "archive": null | {"encrypted": bool,
"opens": bool}, "gpg": null | {"encrypted": bool, "opens": bool}}``: ``left_in`` is null for a file of which mat2 made
no clean copy. The cleaned files are read here as plain bytes and archives, with nothing of mat2's.
"""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import zipfile
import zlib
from pathlib import Path
from typing import Any

from praxisschild.probes.host import ProbeError, TemporaryUser, leave_the_network, probe

AUTHOR = "Praxisschild-Verfasserprobe"
CONTENT = "Praxisschild-Befundprobe " * 40
PASSWORD = "Probe-4711-Kennwort"  # noqa: S105 - of a file that exists for a second
JPEG = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8yb"
    "qmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wAARCAAI"
    "AAgDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhBy"
    "JxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKT"
    "lJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAA"
    "AAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRom"
    "JygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExc"
    "bHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwDOooormPaP/9k="
)
WORD = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>'
    '<Override PartName="/docProps/core.xml" ContentType='
    '"application/vnd.openxmlformats-package.core-properties+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
    ' Target="word/document.xml"/><Relationship Id="rId2" Type='
    '"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"'
    ' Target="docProps/core.xml"/></Relationships>',
    "word/document.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    "<w:p><w:r><w:t>Befund</w:t></w:r></w:p></w:body></w:document>",
    "docProps/core.xml": "<cp:coreProperties"
    ' xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
    f' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>{AUTHOR}</dc:creator>'
    f"<cp:lastModifiedBy>{AUTHOR}</cp:lastModifiedBy></cp:coreProperties>",
}


def word(path: Path) -> None:
    """A text document that names its author."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in WORD.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{text}')


def jpeg(path: Path) -> None:
    """A picture with a comment (ISO/IEC 10918-1, segment COM)."""
    raw = base64.b64decode(JPEG)
    comment = AUTHOR.encode()
    path.write_bytes(raw[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + raw[2:])


def pdf(path: Path) -> None:
    """One page, and an information dictionary with the author."""
    page = b"BT /F1 12 Tf 20 100 Td (Befund) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Author (%s) /Creator (%s) >>" % (AUTHOR.encode(), AUTHOR.encode()),
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    out += (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (
            size,
            table,
            size,
            len(out),
        )
    )
    path.write_bytes(out)


DOCUMENTS = {"brief.docx": word, "bild.jpg": jpeg, "befund.pdf": pdf}


def parts_with(text: str, file: Path) -> list[str]:
    """Where in a file the text stands: members of an archive, compressed streams of a PDF, or the plain bytes."""
    wanted = [
        text.encode(),
        text.encode("utf-16-be"),
        text.encode().hex().encode(),
        text.encode().hex().upper().encode(),
    ]
    raw = file.read_bytes()
    pieces = {"bytes": raw}
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            pieces.update({name: archive.read(name) for name in archive.namelist()})
    for number, stream in enumerate(re.findall(rb"stream\r?\n(.*?)endstream", raw, re.DOTALL)):
        try:
            pieces[f"stream {number}"] = zlib.decompressobj().decompress(stream)
        except zlib.error:
            pieces[f"stream {number}"] = stream
    return sorted(name for name, piece in pieces.items() if any(one in piece for one in wanted))


def as_user(user: TemporaryUser, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The finished command of an ordinary user."""
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=30,
        check=False,
        **user.credentials,
    )


def clean(user: TemporaryUser) -> tuple[dict[str, list[str] | None], dict[str, str]]:
    """What mat2's copies still say about the author, and what mat2 said."""
    left: dict[str, list[str] | None] = {}
    says = {}
    for name, write in DOCUMENTS.items():
        path = Path(user.home, name)
        write(path)
        user.own(path)
        if not parts_with(AUTHOR, path):
            raise ProbeError(f"{name} does not name its author")
        said = as_user(user, "mat2", str(path))
        says[name] = (said.stdout + said.stderr).strip()[-200:]
        copy = path.with_suffix(f".cleaned{path.suffix}")
        left[name] = parts_with(AUTHOR, copy) if copy.exists() else None
    return left, says


def packed(user: TemporaryUser, text: Path, archiver: str) -> dict[str, bool]:
    """A 7-Zip archive with a password: neither content nor file name is to be seen, and the password opens it."""
    archive = Path(user.home, "versand.7z")
    as_user(user, archiver, "a", "-bd", f"-p{PASSWORD}", "-mhe=on", str(archive), str(text))
    raw = archive.read_bytes() if archive.exists() else b""
    without = as_user(user, archiver, "l", "-pfalsch", str(archive))
    opened = as_user(user, archiver, "x", "-so", f"-p{PASSWORD}", str(archive))
    hidden = (
        bool(raw) and text.name.encode() not in raw and CONTENT[:24].encode() not in raw and without.returncode != 0
    )
    return {"encrypted": hidden, "opens": CONTENT in opened.stdout}


def encrypted_by_gpg(user: TemporaryUser, text: Path) -> dict[str, bool]:
    """The same with GnuPG and a passphrase."""
    secret = Path(user.home, "versand.gpg")
    options = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase-fd", "0"]
    as_user(user, *options, "--symmetric", "--output", str(secret), str(text), stdin=f"{PASSWORD}\n")
    raw = secret.read_bytes() if secret.exists() else b""
    opened = as_user(user, *options, "--decrypt", str(secret), stdin=f"{PASSWORD}\n")
    return {"encrypted": bool(raw) and CONTENT[:24].encode() not in raw, "opens": CONTENT in opened.stdout}


def experiment() -> dict[str, Any]:
    """The whole probe."""
    leave_the_network()
    archiver = next((name for name in ("7zz", "7z", "7za") if shutil.which(name)), None)
    with TemporaryUser() as user:
        text = Path(user.home, "befund.txt")
        text.write_text(CONTENT, encoding="utf-8")
        user.own(text)
        left, says = clean(user) if shutil.which("mat2") else ({}, {})
        return {
            "cleaner": bool(shutil.which("mat2")),
            "left_in": left,
            "says": says,
            "archive": packed(user, text, archiver) if archiver else None,
            "gpg": encrypted_by_gpg(user, text) if shutil.which("gpg") else None,
        }


if __name__ == "__main__":
    probe(experiment, 90)
