"""The requirements of every edition of the directive as data, and the one loader that reads them.

The folder holds `features.yml`, `editions/<edition>.yml` and `recommendations.yml`. Everything is validated while it is
read; a broken entry is an `InputError` that names the file, the entry, the field and the way out.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from praxisschild.errors import InputError
from praxisschild.i18n import _

Size = Literal["praxis", "mittel", "gross"]
Kind = Literal["technical", "probe", "mdm", "organisational"]
Concern = Literal[
    "host",
    "server_service",
    "windows",
    "network_device",
    "office_device",
    "mobile_device",
    "medical_device",
    "ti_component",
    "external_service",
    "people",
]
Confidence = Literal["confirmed", "derived", "excerpt", "secondary", "title_only", "unverified"]
Unit = Literal["s", "hours", "days", "months", "chars", "bits", "MB", "count", "attempts", "mode", "version"]
Platform = Literal["linux", "windows", "mobile"]

_ID = re.compile(r"(?P<edition>20\d\d)-A(?P<annex>[1-9])-(?:\d\d|X\d)|KVWL-\d\d")
_Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a limit is a number (found: {value!r})")
    return value


def _scalar(value: object) -> object:
    if not isinstance(value, bool | int | float | str):
        raise ValueError(f"a permitted value is a truth value, a number or a word (found: {value!r})")
    return value


Number = Annotated[int | float, BeforeValidator(_number)]
Scalar = Annotated[bool | int | float | str, BeforeValidator(_scalar)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bound(_Model):
    """What a measured value may be: a limit (`at_most`, `at_least` or both) in `unit`, or a choice of values.

    `basis` says who named the figure: the directive itself, the KVWL's guidance on it (recommendation), or this project
    because the demand names none (derived; `note` then says from what).
    """

    at_most: Number | None = None
    at_least: Number | None = None
    equals: Scalar | None = None
    one_of: tuple[Scalar, ...] | None = None
    unit: Unit | None = None
    basis: Literal["directive", "recommendation", "derived"]
    note: Text | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        limited = self.at_most is not None or self.at_least is not None
        if limited + (self.equals is not None) + (self.one_of is not None) != 1:
            raise ValueError("a bound has either limits (at_most, at_least), or equals, or one_of")
        if limited and self.unit is None:
            raise ValueError("a limit needs its unit")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError("at_least is greater than at_most")
        if self.one_of is not None and len(self.one_of) == 0:
            raise ValueError("one_of names no value")
        return self

    def admits(self, value: bool | float | str) -> bool:
        """Whether the value, in this bound's unit, satisfies it; a value of another type never does."""
        if self.one_of is not None:
            return any(_same(value, allowed) for allowed in self.one_of)
        if self.equals is not None:
            return _same(value, self.equals)
        if isinstance(value, bool | str):
            return False
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


def _same(value: bool | float | str, other: bool | float | str) -> bool:
    return value == other and isinstance(value, bool) == isinstance(other, bool)


class Attestable(_Model):
    """What a practice states about the organisational part of a requirement (German), who does, and for how long.

    `statement` is true of a practice that meets the demand; `months` is the longest time until it is stated again.
    """

    statement: Text
    role: Text = "Praxisinhaberin"
    months: Annotated[int, Field(ge=1, le=36)] = 12


class Requirement(_Model):
    """One numbered demand of an edition, or one recommendation, in the project's own German words.

    `demand`, `purpose`, `note` and `source` are for a practice to read. `applies_if` lists features that the practice
    must all have. `concerns` says at what the demand is met. `continues` names the older requirements that this one
    carries forward: once loaded, `bounds`, `automated` and `grundschutz_refs` hold theirs too (an own bound of the same
    name wins, then that of the first one named), and `concerns` holds theirs unless it has its own. `relates_to` and
    `duplicate_of` inherit nothing. `grundschutz_refs` are controls of the BSI's Grundschutz++ that this project finds
    closest, no official mapping. `confidence` is how well number and content are attested; the catalogue folder's
    README defines its levels.
    """

    id: Annotated[str, StringConstraints(pattern=rf"^(?:{_ID.pattern})$")]
    title: Text
    group: Text
    annex: int | None = None
    sizes: tuple[Size, ...]
    valid_from: date
    kinds: tuple[Kind, ...]
    concerns: tuple[Concern, ...] = ()
    demand: Text
    purpose: Text
    bounds: Mapping[Name, Bound] = {}
    applies_if: tuple[Name, ...] = ()
    source: Text
    confidence: Confidence
    continues: tuple[str, ...] = ()
    relates_to: tuple[str, ...] = ()
    duplicate_of: str | None = None
    automated: tuple[Platform, ...] = ()
    attestation: Attestable | None = None
    grundschutz_refs: tuple[Text, ...] = ()
    note: Text | None = None

    @model_validator(mode="after")
    def _lists_are_sets(self) -> Self:
        for field in ("sizes", "kinds"):
            if not getattr(self, field):
                raise ValueError(f"{field} is empty")
        for field in ("sizes", "kinds", "concerns", "applies_if", "continues", "relates_to", "automated"):
            values = getattr(self, field)
            if len(set(values)) != len(values):
                raise ValueError(f"{field} names a value twice")
        return self

    @property
    def edition(self) -> str | None:
        """The edition whose number the requirement bears; None for a recommendation."""
        match = _ID.fullmatch(self.id)
        return match["edition"] if match else None

    @property
    def kind(self) -> Kind:
        """The primary way of meeting the demand."""
        return self.kinds[0]

    @property
    def measurable(self) -> bool:
        """Whether a part of the demand can be set or measured by technical means other than an MDM."""
        return not {"technical", "probe"}.isdisjoint(self.kinds)


class Annex(_Model):
    """One annex of an edition: what it is about and the sizes of practice it addresses."""

    title: Text
    sizes: tuple[Size, ...]


class Edition(_Model):
    """One version of the directive; `in_force_until` is its last day, None while it is in force."""

    name: Annotated[str, StringConstraints(pattern=r"^20\d\d$")]
    title: Text
    legal_basis: Text
    in_force_from: date
    in_force_until: date | None = None
    annexes: Mapping[int, Annex]


class Feature(_Model):
    """Something a practice has or has not, on which requirements depend; `default` holds unless the practice says."""

    label: Text
    default: bool
    note: Text | None = None


@dataclass(frozen=True)
class Catalogue:
    """All editions, recommendations and features, cross-checked, with every inherited bound filled in.

    A lookup of an id, a bound or an edition that does not exist raises `InputError` with the nearest known names.
    """

    folder: Path
    editions: Mapping[str, Edition]
    features: Mapping[str, Feature]
    requirements: Mapping[str, Requirement]

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id: the editions' from the oldest on, then the recommendations'."""
        return tuple(self.requirements)

    @property
    def recommendations(self) -> list[Requirement]:
        """The KVWL's recommendations, which bind nobody."""
        return [entry for entry in self.requirements.values() if entry.edition is None]

    def requirement(self, identifier: str) -> Requirement:
        """The requirement or recommendation with this id."""
        try:
            return self.requirements[identifier]
        except KeyError:
            raise self._unknown("requirement", identifier, self.requirements) from None

    def edition(self, name: str) -> list[Requirement]:
        """The requirements of an edition, in the order of its numbers."""
        if name not in self.editions:
            raise self._unknown("edition", name, self.editions)
        return [entry for entry in self.requirements.values() if entry.edition == name]

    def bound(self, identifier: str, name: str) -> Bound:
        """A bound of a requirement, inherited ones included."""
        bounds = self.requirement(identifier).bounds
        try:
            return bounds[name]
        except KeyError:
            raise self._unknown(f"bound of {identifier}", name, bounds) from None

    def carried_forward(self, identifier: str, edition: str) -> list[str]:
        """The ids under which an edition demands the same thing.

        Follows `continues` over any number of editions. A requirement of that very edition is its own answer, and so
        is a recommendation, which belongs to none. Empty when the edition has dropped the demand or is older than it.
        """
        entry = self.requirement(identifier)
        if edition not in self.editions:
            raise self._unknown("edition", edition, self.editions)
        if entry.edition in {edition, None}:
            return [identifier]
        reached = {identifier}
        for candidate in self.requirements.values():  # oldest edition first, so predecessors are settled
            if reached.intersection(candidate.continues):
                reached.add(candidate.id)
        return [other.id for other in self.edition(edition) if other.id in reached]

    def carried_back(self, identifier: str, edition: str) -> str | None:
        """The older number under which an edition demanded exactly the same thing; None unless it is one to one.

        What became part of a larger demand, was divided, or has another bound is not the same: what speaks for the
        newer number says nothing certain about the older one.
        """
        entry = self.requirement(identifier)
        while entry.edition not in {edition, None} and len(entry.continues) == 1:
            older = self.requirement(entry.continues[0])
            if older.bounds != entry.bounds or self._followers(older.id) != 1:
                return None
            entry = older
        return entry.id if entry.edition == edition and entry.id != identifier else None

    def _followers(self, identifier: str) -> int:
        return sum(identifier in other.continues for other in self.requirements.values())

    def ancestry(self, identifier: str) -> frozenset[str]:
        """The id and all older ones that it continues: what code may call it."""
        older = (self.ancestry(one) for one in self.requirement(identifier).continues)
        return frozenset({identifier}).union(*older)

    def oldest(self, identifier: str) -> str:
        """The id that code uses: that of the oldest edition demanding this (the first one named, if several)."""
        entry = self.requirement(identifier)
        return self.oldest(entry.continues[0]) if entry.continues else identifier

    def edition_in_force(self, day: date) -> str:
        """The name of the edition that binds practices on this day."""
        for edition in self.editions.values():
            if edition.in_force_from <= day and (edition.in_force_until is None or day <= edition.in_force_until):
                return edition.name
        first = next(iter(self.editions.values()))
        raise InputError(
            self.folder,
            "edition",
            _("no edition was in force on {day}", day=day),
            _("name the edition instead of 'auto', or choose a day from {day} on", day=first.in_force_from),
        )

    def _unknown(self, what: str, word: str, known: Iterable[str]) -> InputError:
        return InputError(self.folder, what, _("{word!r} does not exist", word=word), _nearest(word, known))


def load_catalogue(path: Path | str | None = None) -> Catalogue:
    """Read and cross-check a catalogue folder.

    Without a path this is the folder named by the environment's `PRAXISSCHILD_CATALOGUE`, else the `catalogue/` beside
    the package's `src/`. Unchanged files are read once per process.

    Raises:
        InputError: the first thing that is wrong: file, entry and field, reason, way out.
    """
    default = Path(__file__).resolve().parents[2] / "catalogue"
    folder = Path(path or os.environ.get("PRAXISSCHILD_CATALOGUE") or default).absolute()
    if not folder.is_dir():
        raise InputError(
            folder,
            "",
            "there is no catalogue folder here",
            "set PRAXISSCHILD_CATALOGUE to the catalogue/ of a checkout",
        )
    files = sorted(folder.rglob("*.yml"))
    return _load(folder, tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@lru_cache(maxsize=4)
def _load(folder: Path, _state: tuple[tuple[Path, int, int], ...]) -> Catalogue:
    features = _features(folder / "features.yml")
    editions: dict[str, Edition] = {}
    entries: dict[str, Requirement] = {}
    origin: dict[str, Path] = {}

    def take(file: Path, found: Iterable[Requirement]) -> None:
        for entry in found:
            if entry.id in entries:
                way_out = "give each entry an id of its own"
                raise InputError(file, f"{entry.id}: id", f"the id stands already in {origin[entry.id].name}", way_out)
            entries[entry.id] = entry
            origin[entry.id] = file

    read = sorted(
        (_edition(file) for file in (folder / "editions").glob("*.yml")), key=lambda item: item[1].in_force_from
    )
    if not read:
        raise InputError(
            folder / "editions", "", "the folder holds no edition", "restore the catalogue from the checkout"
        )
    for file, edition, requirements in read:
        editions[edition.name] = edition
        take(file, requirements)
    for (_file, earlier, _its), (file, later, _more) in pairwise(read):
        if earlier.in_force_until is None or earlier.in_force_until >= later.in_force_from:
            raise InputError(
                file,
                "edition: in_force_from",
                f"edition {earlier.name} is still in force on {later.in_force_from}",
                f"give edition {earlier.name} an in_force_until before that day",
            )
    file = folder / "recommendations.yml"
    take(file, _entries(file, _read(file, {"recommendations"})["recommendations"], None))
    entries |= _attestables(folder / "attestations.yml", entries)
    for entry in entries.values():
        _cross_check(entry, origin[entry.id], entries, editions, features)
    return Catalogue(folder, editions, features, _resolve(entries, origin))


def _resolve(entries: Mapping[str, Requirement], origin: Mapping[str, Path]) -> dict[str, Requirement]:
    """The entries with everything they inherit, oldest edition first."""
    resolved: dict[str, Requirement] = {}
    for entry in entries.values():
        resolved[entry.id] = _inherit(entry, resolved)
        for field, reason, way_out in _concern_faults(resolved[entry.id]):
            raise InputError(origin[entry.id], f"{entry.id}: {field}", reason, way_out)
    return resolved


def _features(file: Path) -> dict[str, Feature]:
    raw = _read(file, {"features"})["features"]
    if not isinstance(raw, dict):
        raise InputError(file, "features", "this is not a mapping", "write `<name>: {label: ..., default: false}`")
    return {str(name): _validate(Feature, value, file, f"features.{name}") for name, value in raw.items()}


def _attestables(file: Path, entries: Mapping[str, Requirement]) -> dict[str, Requirement]:
    """The entries that can be attested, with what is stated; a file of its own, because it is another reader's text."""
    raw = _read(file, {"attestations"})["attestations"] if file.is_file() else {}
    if not isinstance(raw, dict):
        raise InputError(file, "attestations", "this is not a mapping", "write `<id>: {statement: ...}`")
    for identifier in raw:
        if identifier not in entries:
            raise InputError(file, str(identifier), "there is no such entry", _nearest(str(identifier), entries))
        if "organisational" not in entries[identifier].kinds:
            way_out = "remove it, or add the kind to the requirement"
            raise InputError(file, identifier, "the requirement has no organisational part", way_out)
    return {
        identifier: entries[identifier].model_copy(
            update={"attestation": _validate(Attestable, value, file, identifier)}
        )
        for identifier, value in raw.items()
    }


def _edition(file: Path) -> tuple[Path, Edition, list[Requirement]]:
    raw = _read(file, {"edition", "requirements"})
    edition = _validate(Edition, raw["edition"], file, "edition")
    if edition.name != file.stem:
        raise InputError(file, "edition: name", f"the file is named {file.stem}", "name the edition as its file")
    return file, edition, _entries(file, raw["requirements"], edition.name)


def _entries(file: Path, raw: object, edition: str | None) -> list[Requirement]:
    if not isinstance(raw, list):
        raise InputError(file, "requirements", "this is not a list", "write one `- id: ...` per entry")
    found = []
    for number, item in enumerate(raw, 1):
        where = str(item["id"]) if isinstance(item, dict) and item.get("id") else f"entry {number}"
        entry = _validate(Requirement, item, file, where)
        if entry.edition != edition:
            reason = f"the id is not one of {'edition ' + edition if edition else 'the recommendations'}"
            raise InputError(file, f"{where}: id", reason, "move the entry to its own file or correct the id")
        found.append(entry)
    return found


def _read(file: Path, keys: set[str]) -> dict[str, Any]:
    try:
        data = _Loader(file.read_text(encoding="utf-8")).get_single_data()
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(file, line, f"this is no valid YAML ({error.problem})", "correct the syntax there") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(file, "", f"the file cannot be read ({error})", "restore it from the checkout") from None
    if not isinstance(data, dict) or set(data) != keys:
        raise InputError(file, "", f"the file's keys are not {' and '.join(sorted(keys))}", "write exactly these keys")
    return data


_M = TypeVar("_M", bound=_Model)
_WAYS_OUT = {
    "missing": "add the field",
    "literal_error": "write one of these values",
    "string_pattern_mismatch": "write it in the form that the pattern allows",
    "string_too_short": "write the text",
    "date_from_datetime_parsing": "write the date as YYYY-MM-DD",
    "date_parsing": "write the date as YYYY-MM-DD",
    "date_type": "write the date as YYYY-MM-DD",
}


def _validate(model: type[_M], data: object, file: Path, where: str) -> _M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        path = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            fields = {*Requirement.model_fields, *Bound.model_fields, *Edition.model_fields, *Feature.model_fields}
            found = difflib.get_close_matches(str(problem["loc"][-1]), sorted(fields), n=1)
            reason, way_out = "there is no such field", f"did you mean {found[0]}?" if found else "remove it"
        else:
            reason = problem["msg"].removeprefix("Value error, ")
            way_out = _WAYS_OUT.get(problem["type"], "correct the value")
        raise InputError(file, f"{where}: {path}" if path else where, reason, way_out) from None


def _cross_check(
    entry: Requirement,
    file: Path,
    entries: Mapping[str, Requirement],
    editions: Mapping[str, Edition],
    features: Mapping[str, Feature],
) -> None:
    faults = chain(
        _annex_faults(entry, editions),
        _feature_faults(entry, features),
        _reference_faults(entry, entries, list(editions)),
    )
    for field, reason, way_out in faults:
        raise InputError(file, f"{entry.id}: {field}", reason, way_out)


_Fault = tuple[str, str, str]  # field, reason, way out


def _annex_faults(entry: Requirement, editions: Mapping[str, Edition]) -> Iterator[_Fault]:
    match = _ID.fullmatch(entry.id)
    annex = int(match["annex"]) if match and match["annex"] else None
    if entry.annex != annex:
        yield "annex", f"the id says {annex or 'no annex'}, the field {entry.annex}", "make the two agree"
    elif entry.edition is not None and annex is not None:
        known = editions[entry.edition].annexes
        if annex not in known:
            yield "annex", f"edition {entry.edition} has no annex {annex}", "add it to the edition or correct the id"
        elif set(entry.sizes) != set(known[annex].sizes):
            sizes = ", ".join(known[annex].sizes)
            yield "sizes", f"annex {annex} addresses {sizes}", f"write [{sizes}]"


def _feature_faults(entry: Requirement, features: Mapping[str, Feature]) -> Iterator[_Fault]:
    for feature in entry.applies_if:
        if feature not in features:
            yield "applies_if", f"there is no feature {feature!r}", _nearest(feature, features)


_CONCERN_OF_FEATURE: Mapping[str, Concern] = {
    "fax": "office_device",
    "mdm": "mobile_device",
    "medical_devices": "medical_device",
    "mobile_devices": "mobile_device",
    "mobile_phones": "mobile_device",
    "own_mail_server": "server_service",
    "own_web_server": "server_service",
    "printer": "office_device",
    "ti": "ti_component",
    "windows": "windows",
    "wlan": "network_device",
}


def _concern_faults(entry: Requirement) -> Iterator[_Fault]:
    """What is missing in `concerns`, inherited ones counted: the other fields imply some of them."""
    if not entry.concerns:
        yield (
            "concerns",
            "the field is missing",
            "say at what it is met; the folder's README explains the words",
        )
    elif entry.measurable and set(entry.concerns) == {"people"}:
        yield "concerns", "what is technical or a probe concerns more than people", "add the thing that is measured"
    implied = {_CONCERN_OF_FEATURE[name]: f"feature {name}" for name in entry.applies_if if name in _CONCERN_OF_FEATURE}
    if "mdm" in entry.kinds:
        implied["mobile_device"] = "kind mdm"
    for concern, why in implied.items():
        if concern not in entry.concerns:
            yield "concerns", f"{why} implies {concern}, which is not named", f"add {concern}"


def _reference_faults(entry: Requirement, entries: Mapping[str, Requirement], order: list[str]) -> Iterator[_Fault]:
    for field in ("continues", "relates_to", "duplicate_of"):
        named = getattr(entry, field) or ()
        for other in (named,) if isinstance(named, str) else named:
            if other not in entries or other == entry.id:
                yield field, f"there is no other entry {other!r}", _nearest(other, set(entries) - {entry.id})
    for other in entry.continues:
        older = entries[other].edition
        if older is None or entry.edition is None or order.index(older) >= order.index(entry.edition):
            yield "continues", f"{other} is not of an older edition", "use relates_to or duplicate_of"


def _inherit(entry: Requirement, resolved: Mapping[str, Requirement]) -> Requirement:
    if not entry.continues:
        return entry
    older = [resolved[identifier] for identifier in entry.continues]
    bounds: dict[str, Bound] = {}
    for source in (*reversed(older), entry):
        bounds.update(source.bounds)
    automated = dict.fromkeys(platform for source in (*older, entry) for platform in source.automated)
    refs = dict.fromkeys(ref for source in (*older, entry) for ref in source.grundschutz_refs)
    concerns = entry.concerns or tuple(dict.fromkeys(concern for source in older for concern in source.concerns))
    attestation = entry.attestation or next((source.attestation for source in older if source.attestation), None)
    inherited = {
        "bounds": bounds,
        "concerns": concerns,
        "automated": tuple(automated),
        "grundschutz_refs": tuple(refs),
        "attestation": attestation if "organisational" in entry.kinds else None,
    }
    return entry.model_copy(update=inherited)


def _nearest(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    found = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if found:
        return _("did you mean {words}?", words=_(" or ").join(found))
    if not names:
        return _("there is none to choose from")
    if len(names) > 30:
        return _("look the name up in the catalogue folder")
    return _("choose one of: {words}", words=", ".join(names))
