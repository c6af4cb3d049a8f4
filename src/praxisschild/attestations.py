"""Attestations: dated statements by a responsible role about what no machine can check.

They lie in the practice's folder (``attestations/*.yml``, each a list), are written by hand or by
`praxisschild attest`, and settle the organisational part of a requirement while they are valid.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Self

import yaml
from dateutil.relativedelta import relativedelta
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from praxisschild.applicability import why_not_applicable
from praxisschild.errors import InputError
from praxisschild.i18n import N_, _
from praxisschild.pydantic_words import reason_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from praxisschild.catalogue import Catalogue, Requirement
    from praxisschild.practice import Practice

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Statement = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10)]
LONGEST = 36  # months between two attestations, whatever the catalogue or a practice says
_LARGEST = 1_000_000  # bytes of a file of attestations


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Attachment(_Model):
    """A document that belongs to an attestation: a path inside the folder of attestations, and its SHA-256."""

    file: Text
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Attestation(_Model):
    """What somebody has stated: `role` is a function in the practice, never a person's name."""

    requirement: Text
    statement: Statement
    role: Text
    day: Annotated[date, Field(alias="date")]
    valid_until: date
    attachment: Attachment | None = None

    @model_validator(mode="after")
    def _has_a_sensible_span(self) -> Self:
        if self.valid_until < self.day:
            raise ValueError(_("valid_until is before date"))
        if self.valid_until > months_later(self.day, LONGEST):
            raise ValueError(_("valid_until is more than {LONGEST} months after date", LONGEST=LONGEST))
        return self


@dataclass(frozen=True)
class Standing:
    """An attestation on a certain day; `fault` is a German reason why it does not count, empty if it does."""

    attestation: Attestation
    file: Path
    fault: str = ""
    expired: bool = False

    @property
    def counts(self) -> bool:
        return not self.fault


@dataclass(frozen=True)
class Due:
    """A requirement of the practice whose organisational part nobody attests, or not much longer.

    `until` is the last day of the attestation there is, None without one; `fault` says why that one does not count.
    """

    requirement: Requirement
    until: date | None = None
    fault: str = ""


def load_attestations(folder: Path, catalogue: Catalogue, today: date) -> list[Standing]:
    """Every attestation of a practice, as it stands on that day; none for a folder that is not there.

    Raises:
        InputError: a file is broken, or names what does not exist.
    """
    found = []
    for file in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        for attestation in _parse(file, catalogue):
            fault, expired = _fault(attestation, folder, today)
            found.append(Standing(attestation, file, fault, expired))
    return found


def _parse(file: Path, catalogue: Catalogue) -> Iterator[Attestation]:
    way_out = _("write a list of attestations, or let `praxisschild attest` write it")
    try:
        if file.stat().st_size > _LARGEST:
            raise InputError(file, "", _("the file is larger than any list of attestations"), way_out)
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = _("line {number}", number=error.problem_mark.line + 1) if error.problem_mark else ""
        raise InputError(
            file, line, _("this is no valid YAML ({error})", error=error.problem), _("correct the syntax there")
        ) from None
    except (OSError, RecursionError, UnicodeDecodeError, ValueError, yaml.YAMLError) as error:
        raise InputError(file, "", _("the file cannot be read ({error})", error=error), way_out) from None
    if data is None:
        return
    if not isinstance(data, list):
        raise InputError(file, "", _("this is not a list"), way_out)
    for number, item in enumerate(data, 1):
        where = _("entry {number}", number=number)
        if isinstance(item, Mapping) and isinstance(item.get("requirement"), str):
            where = f"{where} ({item['requirement'][:20]})"
        yield _validated(item, file, where, catalogue)


def _validated(item: Any, file: Path, where: str, catalogue: Catalogue) -> Attestation:
    attestation = _understood(item, file, where)
    try:
        catalogue.requirement(attestation.requirement)
    except InputError as error:
        raise InputError(file, f"{where}: requirement", error.reason, error.way_out) from None
    return attestation


def attestation_of(folder: Path, **fields: Any) -> Attestation:
    """An attestation from its fields, as they stand in a file.

    Raises:
        InputError: names the field and the way out.
    """
    return _understood(fields, folder, str(fields.get("requirement", "")))


def _understood(item: Any, file: Path, where: str) -> Attestation:
    try:
        return Attestation.model_validate(item)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        way_out = _(_WAYS_OUT.get(first["type"], N_("correct the value")))
        reason = reason_of(first)
        raise InputError(file, f"{where}: {field}".rstrip(": "), reason, way_out) from None
    except RecursionError:
        raise InputError(file, where, _("the entry contains itself"), _("write it out")) from None


_WAYS_OUT = {
    "missing": N_("add the field"),
    "extra_forbidden": N_("remove the field or correct its name"),
    "string_too_short": N_("write the statement in words that an auditor can follow (10 characters at least)"),
    "date_from_datetime_parsing": N_("write the date as YYYY-MM-DD"),
    "date_parsing": N_("write the date as YYYY-MM-DD"),
    "string_pattern_mismatch": N_("write the SHA-256 as `sha256sum FILE` prints it"),
}


def _fault(attestation: Attestation, folder: Path, today: date) -> tuple[str, bool]:
    """Why the attestation does not count on that day (German), and whether that is its age."""
    if attestation.day > today:
        return f"Bestätigung trägt ein Datum in der Zukunft ({attestation.day:%d.%m.%Y})", False
    if attestation.attachment:
        path = folder / attestation.attachment.file
        inside = path.resolve().is_relative_to(folder.resolve())
        if not inside or not path.is_file():
            return f"Anlage {attestation.attachment.file} zur Bestätigung fehlt", False
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != attestation.attachment.sha256:
                return f"Anlage {attestation.attachment.file} zur Bestätigung wurde verändert", False
    if attestation.valid_until < today:
        return f"Bestätigung abgelaufen seit {attestation.valid_until:%d.%m.%Y}", True
    return "", False


def standing_of(standings: Iterable[Standing], codes: Iterable[str]) -> Standing | None:
    """The attestation that speaks for a demand: one that counts before one that does not, then the latest."""
    wanted = set(codes)
    fitting = [one for one in standings if one.attestation.requirement in wanted]
    return max(fitting, key=lambda one: (one.counts, one.attestation.valid_until, one.attestation.day), default=None)


def due(
    catalogue: Catalogue,
    practice: Practice,
    edition: str,
    standings: Sequence[Standing],
    today: date,
    horizon: int = 30,
    *,
    recommendations: Collection[str] = (),
) -> list[Due]:
    """What the practice has to attest: nobody does, or the attestation ends within `horizon` days.

    In the order of the edition. Recommendations bind nobody; those named come last.
    """
    codes: dict[str, set[str]] = defaultdict(set)
    for identifier in catalogue.ids:
        for row in catalogue.carried_forward(identifier, edition):
            codes[row].add(identifier)
    found = []
    named = [entry for entry in catalogue.recommendations if entry.id in recommendations]
    for requirement in [*catalogue.edition(edition), *named]:
        if "organisational" not in requirement.kinds:
            continue
        if why_not_applicable(catalogue, practice, requirement, today):
            continue
        standing = standing_of(standings, codes[requirement.id])
        if standing is None:
            found.append(Due(requirement))
        elif not standing.counts or standing.attestation.valid_until <= today + timedelta(days=horizon):
            found.append(Due(requirement, standing.attestation.valid_until, standing.fault))
    return found


def months_later(day: date, months: int) -> date:
    """The same day of the month that many months later, or that month's last day."""
    return day + relativedelta(months=months)


def append(folder: Path, attestation: Attestation) -> Path:
    """Keep an attestation in the requirement's own file: the file is the old or the new one, never half of it.

    Raises:
        InputError: the file that is there is broken, or cannot be written.
    """
    path = folder / f"{attestation.requirement}.yml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if before.strip() and not isinstance(yaml.safe_load(before), list):
            raise InputError(path, "", _("this is not a list"), _("write a list of attestations"))
        record = attestation.model_dump(by_alias=True, exclude_none=True)
        text = before + yaml.safe_dump([record], allow_unicode=True, sort_keys=False, width=110)
        fresh = path.with_name(f".{path.name}-{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except yaml.YAMLError as error:
        raise InputError(
            path, "", _("this is no valid YAML ({error})", error=error), _("correct the syntax there")
        ) from None
    except OSError as error:
        raise InputError(
            path, "", _("cannot be written ({error})", error=error.strerror), _("check space and permissions")
        ) from None
    return path


def keep_attachment(source: Path, folder: Path) -> Attachment:
    """Copy a document to the attestations, so that it stays as it was attested.

    Raises:
        InputError: there is no such document, or it cannot be kept.
    """
    if not source.is_file():
        raise InputError(
            source, "", _("there is no such file"), _("name a document, for example the signed list as PDF")
        )
    target = folder / "anlagen" / source.name
    try:
        content = source.read_bytes()
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.read_bytes() != content:
            target = target.with_stem(f"{target.stem}-{hashlib.sha256(content).hexdigest()[:8]}")
        target.write_bytes(content)
    except OSError as error:
        raise InputError(
            target, "", _("cannot be written ({error})", error=error.strerror), _("check space and permissions")
        ) from None
    return Attachment(file=target.relative_to(folder).as_posix(), sha256=hashlib.sha256(content).hexdigest())
