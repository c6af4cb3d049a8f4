"""Files that somebody exported: opened, decoded, and read so that a mistake is named with line and column."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from praxisschild.errors import InputError
from praxisschild.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_LARGEST = 50_000_000  # bytes: a hundred thousand devices
_NEW = N_("export the list anew")
_GERMAN_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,? (\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?)?")
_TRUE = {"true", "ja", "yes", "1", "wahr"}
_FALSE = {"false", "nein", "no", "0", "falsch"}
UNKNOWN_WORDS = {"", "unknown", "unbekannt", "k. a.", "keine angabe", "-", "–", "n/a", "notapplicable"}


@dataclass(frozen=True)
class Cell:
    """One value and where it stands, to be named when it cannot be used."""

    file: Path
    place: str
    value: Any

    def fail(self, reason: str, way_out: str) -> InputError:
        return InputError(self.file, self.place, reason, way_out)

    @property
    def text(self) -> str:
        """The value as text on one line, without what a terminal would obey."""
        if self.value is None:
            return ""
        if isinstance(self.value, dict | list):
            raise self.fail(_("this is no plain value"), _(_NEW))
        return "".join(one for one in str(self.value).strip() if one.isprintable())

    def truth(self) -> bool | None:
        """Yes, no, or nothing said.

        Raises:
            InputError: it is another word.
        """
        if isinstance(self.value, bool) or self.value is None:
            return self.value
        word = self.text.lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        if word in UNKNOWN_WORDS:
            return None
        reason = _("{word!r} is neither yes nor no", word=self.text[:40])
        raise self.fail(reason, _("write ja or nein, or leave it empty"))

    def moment(self) -> datetime | None:
        """A point in time in UTC; one without a zone is taken for UTC. None for nothing, or a year that means never.

        Raises:
            InputError: it is no date of the forms 2026-11-27 08:15 and 27.11.2026 08:15.
        """
        text = self.text
        if text.lower() in UNKNOWN_WORDS:
            return None
        try:
            found = _moment(text)
        except (OverflowError, ValueError):
            found = None
        if found is None:
            way_out = _("write it like 2026-11-27 08:15 or 27.11.2026 08:15; set Intune's own language to English")
            raise self.fail(_("{word!r} is no date", word=text[:40]), way_out)
        return found if 1971 < found.year < 9999 else None

    def day(self) -> date | None:
        """The same, as a day."""
        found = self.moment()
        return found.date() if found else None

    def number(self) -> int | None:
        """A whole number, None for nothing.

        Raises:
            InputError: it is something else.
        """
        text = self.text
        if text.lower() in UNKNOWN_WORDS:
            return None
        if not re.fullmatch(r"\d{1,6}", text):
            raise self.fail(_("{word!r} is no number", word=text[:40]), _("write a number, or leave it empty"))
        return int(text)


def _moment(text: str) -> datetime | None:
    if match := _GERMAN_DATE.fullmatch(text):
        day, month, year, hour, minute, second = (int(one or 0) for one in match.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    if match := _ISO.fullmatch(text):
        zone = (match[3] or "Z").replace("Z", "+00:00")
        return datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00'}{zone}").astimezone(UTC)
    return None


@dataclass(frozen=True)
class Record:
    """One device of a list: cells by column or dotted path; one that is not there is an empty cell."""

    file: Path
    place: str
    values: Mapping[str, Any]
    in_table: bool = True

    def cell(self, name: str) -> Cell:
        found: Any = self.values
        for part in [name] if name in self.values else name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        place = (
            _("{place}, column {name!r}", place=self.place, name=name)
            if self.in_table
            else _("{place}, field {name!r}", place=self.place, name=name)
        )
        return Cell(self.file, place, found)

    def elements(self, name: str) -> list[Record]:
        """The objects of a list in this record.

        Raises:
            InputError: it is no list of objects.
        """
        cell = self.cell(name)
        if cell.value is None:
            return []
        if not isinstance(cell.value, list) or not all(isinstance(one, dict) for one in cell.value):
            raise cell.fail(_("this is not a list"), _(_NEW))
        return [
            Record(self.file, _("{place}, entry {number}", place=cell.place, number=number), one, in_table=False)
            for number, one in enumerate(cell.value, 1)
        ]

    def has(self, name: str) -> bool:
        return self.cell(name).value is not None


@dataclass(frozen=True)
class CsvSource:
    """A table: columns in the file's order, and the rows with their line numbers."""

    file: Path
    sha256: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def records(self) -> Iterator[Record]:
        for line, row in self.rows:
            yield Record(self.file, _("line {number}", number=line), dict(zip(self.columns, row, strict=True)))

    def demand(self, *names: str) -> None:
        """Raises InputError for the first column that is missing."""
        for name in names:
            if name not in self.columns:
                reason = _("the column {name!r} is missing", name=name)
                place = _("line {number}", number=1)
                raise InputError(self.file, place, reason, _("export the list with all columns"))


@dataclass(frozen=True)
class JsonSource:
    """A JSON document: an object, and the name of the list in it that holds the devices."""

    file: Path
    sha256: str
    document: dict[str, Any]

    def records(self, name: str) -> Iterator[Record]:
        found = self.document.get(name)
        if not isinstance(found, list):
            raise InputError(self.file, name, _("this is not a list"), _(_NEW))
        for number, one in enumerate(found, 1):
            place = _("{place}, entry {number}", place=name, number=number)
            if not isinstance(one, dict):
                raise InputError(self.file, place, _("this is no device"), _(_NEW))
            yield Record(self.file, place, one, in_table=False)

    def first(self, name: str) -> dict[str, Any]:
        """The list's first entry, empty if there is none."""
        found = self.document.get(name)
        entry = found[0] if isinstance(found, list) and found else {}
        return entry if isinstance(entry, dict) else {}


def open_source(file: Path) -> CsvSource | JsonSource:
    """The file as a table or a JSON document.

    Raises:
        InputError: it cannot be opened, decoded or taken apart.
    """
    try:
        if file.stat().st_size > _LARGEST:
            reason = _("the file is larger than any device list")
            raise InputError(file, "", reason, _("name the device list"))
        raw = file.read_bytes()
    except OSError as error:
        reason = _("cannot be read ({error})", error=error.strerror)
        raise InputError(file, "", reason, _("check the path of the device list")) from None
    text = _decoded(raw, file)
    digest = hashlib.sha256(raw).hexdigest()
    if text.lstrip()[:1] in {"{", "["}:
        return JsonSource(file, digest, _parsed(text, file))
    return _table(text, file, digest)


def _decoded(raw: bytes, file: Path) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig")):
        if raw.startswith(mark):
            try:
                return raw.decode(encoding)
            except UnicodeDecodeError as error:
                line = raw[: error.start].count(b"\n") + 1
                place = _("line {number}", number=line)
                way_out = _("save it as CSV UTF-8, or export it anew")
                raise InputError(file, place, _("the file is not UTF-8"), way_out) from None
    raise AssertionError("the empty mark fits every file")


def _parsed(text: str, file: Path) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        place = _("line {number}, character {column}", number=error.lineno, column=error.colno)
        raise InputError(file, place, _("this is no valid JSON"), _(_NEW)) from None
    except (RecursionError, ValueError):
        raise InputError(file, "", _("this is no valid JSON"), _(_NEW)) from None
    return document if isinstance(document, dict) else {"": document}


def _table(text: str, file: Path, digest: str) -> CsvSource:
    head = text.partition("\n")[0]
    delimiter = max(";,\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: tuple[str, ...] = ()
    rows = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if not columns:
                columns = _columns(row, file)
            elif len(row) != len(columns):
                place = _("line {number}", number=reader.line_num)
                reason = _("{values} values, but {columns} columns", values=len(row), columns=len(columns))
                way_out = _("put values that hold {delimiter!r} into quotation marks", delimiter=delimiter)
                raise InputError(file, place, reason, way_out)
            else:
                rows.append((reader.line_num, tuple(row)))
    except csv.Error as error:
        place = _("line {number}", number=reader.line_num)
        raise InputError(file, place, _("this is no valid table ({error})", error=error), _(_NEW)) from None
    if not columns:
        raise InputError(file, "", _("the file is empty"), _(_NEW))
    return CsvSource(file, digest, columns, tuple(rows))


def _columns(row: list[str], file: Path) -> tuple[str, ...]:
    names = tuple("".join(one for one in name.strip() if one.isprintable()) for name in row)
    twice = next((name for number, name in enumerate(names) if name and name in names[:number]), None)
    if twice:
        reason = _("the column {name!r} stands there twice", name=twice[:60])
        raise InputError(file, _("line {number}", number=1), reason, _("remove one of them"))
    return names
