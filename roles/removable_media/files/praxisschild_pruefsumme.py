#!/usr/bin/python3
# Verwaltet von Praxisschild: Änderungen hier werden überschrieben.
"""Prüfsummen zeigen, ob auf dem Datenträger noch alles so ist, wie es darauf geschrieben wurde.

Vor dem Versand wird zu jeder Datei eines Ordners eine Prüfsumme (SHA-256) aufgeschrieben; der Empfänger rechnet nach.
Wer die Dateien fälscht, kann auch die Prüfsummen fälschen: dagegen hilft die Unterschrift mit GnuPG (--signieren). Sie
ist keine qualifizierte elektronische Signatur.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import syslog
from pathlib import Path

LIST = "PRUEFSUMMEN.sha256"  # in the notation of sha256sum, so that any computer can verify it
SIGNATURE = f"{LIST}.asc"
LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")


class RefusedError(Exception):
    """The command is not carried out; the text says why, in the words of the practice."""


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def files(folder: Path) -> list[str]:
    """Every file below the folder but the list itself; links are not followed."""
    found = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink() and str(path.relative_to(folder)) not in {LIST, SIGNATURE}:
                found.append(str(path.relative_to(folder)))
    return sorted(found)


def escaped(name: str) -> tuple[str, str]:
    """Mark and name as sha256sum writes them."""
    plain = name.replace("\\", "\\\\").replace("\n", "\\n")
    return ("\\" if plain != name else "", plain)


def unescaped(mark: str, name: str) -> str:
    """The name that sha256sum wrote."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], name) if mark else name


def record(what: str, folder: Path, result: str) -> None:
    """A line in the journal: what was done, with the login that the journal adds by itself."""
    syslog.openlog("praxisschild-pruefsumme", facility=syslog.LOG_AUTHPRIV)
    syslog.syslog(syslog.LOG_NOTICE, f"{what} {folder}: {result}")


def create(options: argparse.Namespace) -> int:
    """Write the list, and sign it."""
    folder = options.ordner
    found = files(folder)
    if not found:
        raise RefusedError(f"In {folder} liegen keine Dateien.")
    lines = []
    for name in found:
        mark, written = escaped(name)
        lines.append(f"{mark}{digest(folder / name)}  {written}\n")
    (folder / LIST).write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    (folder / SIGNATURE).unlink(missing_ok=True)
    result = f"{len(found)} Dateien"
    if options.signieren:
        user = ["--local-user", options.schluessel] if options.schluessel else []
        gpg(["--armor", "--detach-sign", "--output", str(folder / SIGNATURE), *user, str(folder / LIST)])
        result += ", unterschrieben"
    record("Prüfsummen erstellt", folder, result)
    sys.stdout.write(f"{result}: {folder / LIST}\n")
    return 0


def gpg(arguments: list[str]) -> str:
    """What gpg says.

    Raises:
        RefusedError: it is missing or fails.
    """
    try:
        done = subprocess.run(["gpg", *arguments], capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError:
        raise RefusedError("gpg ist nicht installiert.") from None
    if done.returncode:
        raise RefusedError(f"GnuPG: {' '.join(done.stderr.split())[-300:]}")
    return done.stdout + done.stderr


def verify(options: argparse.Namespace) -> int:
    """Compare the files with the list; exit code 1 if anything differs."""
    folder = options.ordner
    try:
        text = (folder / LIST).read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        raise RefusedError(
            f"In {folder} liegt keine {LIST}: `praxisschild-pruefsumme erstellen` legt sie an."
        ) from None
    expected = {}
    for line in text.splitlines():
        found = LINE.fullmatch(line)
        if not found:
            raise RefusedError(f"{LIST} ist beschädigt.")
        expected[unescaped(found[1], found[3])] = found[2]
    present = set(files(folder))
    faults = [f"FEHLT      {name}" for name in sorted(expected.keys() - present)]
    faults += [f"ZUSÄTZLICH {name}" for name in sorted(present - expected.keys())]
    faults += [
        f"VERÄNDERT  {name}" for name in sorted(present & expected.keys()) if digest(folder / name) != expected[name]
    ]
    signed = "nicht unterschrieben"
    if (folder / SIGNATURE).exists():
        try:
            said = gpg(["--status-fd", "1", "--verify", str(folder / SIGNATURE), str(folder / LIST)])
            signer = re.search(r"GOODSIG \S+ (.+)", said)
            signed = f"unterschrieben von {signer[1] if signer else 'unbekannt'}"
        except RefusedError as error:
            faults.append(f"UNTERSCHRIFT ungültig: {error}")
    elif options.unterschrift:
        faults.append("UNTERSCHRIFT fehlt")
    for fault in faults:
        sys.stdout.write(fault.encode("utf-8", "replace").decode() + "\n")
    result = f"{len(faults)} Abweichungen" if faults else f"{len(expected)} Dateien unverändert, {signed}"
    record("Prüfsummen geprüft", folder, result)
    sys.stdout.write(result + "\n")
    return 1 if faults else 0


def main() -> int:
    """Exit code 0: all well; 1: something differs; 2: misuse."""
    parser = argparse.ArgumentParser(
        prog="praxisschild-pruefsumme",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Beispiele:\n"
        "  praxisschild-pruefsumme erstellen /media/stick              vor dem Versand\n"
        "  praxisschild-pruefsumme erstellen --signieren /media/stick  mit Unterschrift\n"
        "  praxisschild-pruefsumme pruefen /media/stick                nach dem Empfang\n"
        "Ohne dieses Programm prüft der Empfänger mit: sha256sum -c PRUEFSUMMEN.sha256",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="BEFEHL")
    one = commands.add_parser("erstellen", help="zu jeder Datei eine Prüfsumme aufschreiben")
    one.add_argument("--signieren", action="store_true", help="mit GnuPG unterschreiben")
    one.add_argument("--schluessel", metavar="NAME", help="mit diesem Schlüssel statt dem ersten eigenen")
    one.add_argument("ordner", type=Path, metavar="ORDNER")
    one = commands.add_parser("pruefen", help="nachrechnen")
    one.add_argument("--unterschrift", action="store_true", help="ohne gültige Unterschrift ist es ein Fehler")
    one.add_argument("ordner", type=Path, metavar="ORDNER")
    options = parser.parse_args()
    try:
        if not options.ordner.is_dir():
            raise RefusedError(f"{options.ordner} ist kein Ordner.")
        return create(options) if options.command == "erstellen" else verify(options)
    except RefusedError as error:
        sys.stderr.write(f"praxisschild-pruefsumme: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"praxisschild-pruefsumme: {error.strerror}: {error.filename}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
