from __future__ import annotations

import copy
import re
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from praxisschild.catalogue import Bound, Catalogue, Requirement, load_catalogue
from praxisschild.errors import InputError, PraxisschildError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# dropped in 2025 without a successor, or taken up by 2025-A1-14, which the directive counts as new
DROPPED = {"2021-A1-05", "2021-A1-06", "2021-A1-19", "2021-A2-02"}
ABSORBED = {"2021-A1-02", "2021-A1-23", "2021-A1-27"}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


class TestContent:
    @pytest.mark.parametrize(
        ("edition", "per_annex"),
        [("2021", {1: 34, 2: 11, 3: 13, 4: 6, 5: 7}), ("2025", {1: 50, 2: 10, 3: 17, 4: 6, 5: 9})],
    )
    def test_every_annex_is_complete(self, catalogue, edition, per_annex):
        entries = catalogue.edition(edition)
        assert Counter(entry.annex for entry in entries) == per_annex
        for annex, count in per_annex.items():
            numbers = {entry.id for entry in entries if entry.annex == annex and "-X" not in entry.id}
            repeated = sum(1 for entry in entries if entry.annex == annex and "-X" in entry.id)
            assert numbers == {f"{edition}-A{annex}-{number:02}" for number in range(1, count - repeated + 1)}

    def test_every_recommendation_is_there(self, catalogue):
        assert [entry.id for entry in catalogue.recommendations] == [f"KVWL-{number:02}" for number in range(1, 48)]

    def test_every_older_requirement_is_carried_forward_or_known_to_be_dropped(self, catalogue):
        carried = {entry.id for entry in catalogue.edition("2021") if catalogue.carried_forward(entry.id, "2025")}
        assert {entry.id for entry in catalogue.edition("2021")} - carried == DROPPED | ABSORBED

    def test_every_newer_requirement_continues_an_older_one_or_binds_half_a_year_later(self, catalogue):
        continuing = [entry for entry in catalogue.edition("2025") if entry.continues]
        new = [entry for entry in catalogue.edition("2025") if not entry.continues]
        assert {entry.valid_from for entry in continuing} == {date(2025, 4, 1)}
        assert {entry.valid_from for entry in new} == {date(2025, 10, 1)}
        assert len(new) == 29

    def test_absorbed_requirements_are_found_from_their_successor(self, catalogue):
        assert set(catalogue.requirement("2025-A1-14").relates_to) == ABSORBED

    def test_no_requirement_is_carried_forward_twice(self, catalogue):
        older = Counter(identifier for entry in catalogue.edition("2025") for identifier in entry.continues)
        assert set(older.values()) == {1}

    @pytest.mark.parametrize("field", ["demand", "purpose"])
    def test_texts_are_whole_german_sentences_of_their_own(self, catalogue, field):
        texts = {identifier: getattr(catalogue.requirement(identifier), field) for identifier in catalogue.ids}
        assert [i for i, text in texts.items() if len(text) < 40 or not text.endswith(".")] == []
        assert [text for text, count in Counter(texts.values()).items() if count > 1] == []
        english = re.compile(r"\b(the|and|of|with|should|must|todo|tbd|lorem)\b|\(from memory", re.IGNORECASE)
        assert [i for i, text in texts.items() if english.search(text)] == []

    def test_texts_use_umlauts(self, catalogue):
        written_out = re.compile(r"\b(fuer|ueber|koennen|duerfen|muessen|geraet\w*|zugaenge)\b", re.IGNORECASE)
        assert [i for i in catalogue.ids if written_out.search(catalogue.requirement(i).demand)] == []

    def test_what_was_never_read_says_so(self, catalogue):
        blind = [catalogue.requirement(i) for i in catalogue.ids]
        blind = [entry for entry in blind if entry.confidence in {"title_only", "unverified"}]
        assert len(blind) == 8
        assert all("nicht geprüft" in (entry.note or "") for entry in blind)

    def test_derived_figures_say_from_what(self, catalogue):
        unexplained = [
            (identifier, name)
            for identifier in catalogue.ids
            for name, bound in catalogue.requirement(identifier).bounds.items()
            if bound.basis == "derived" and not bound.note
        ]
        assert unexplained == []

    def test_every_feature_is_needed_by_a_requirement(self, catalogue):
        used = {feature for identifier in catalogue.ids for feature in catalogue.requirement(identifier).applies_if}
        assert set(catalogue.features) == used

    def test_automation_is_stated_once_where_it_begins(self, catalogue):
        stated = set()
        for file in catalogue.folder.rglob("*.yml"):
            data = yaml.safe_load(file.read_text(encoding="utf-8"))
            for entry in [*data.get("requirements", []), *data.get("recommendations", [])]:
                if entry.get("automated"):
                    stated.add(entry["id"])
        repeated = [
            i for i in stated if any(catalogue.requirement(o).automated for o in catalogue.requirement(i).continues)
        ]
        assert repeated == []
        assert catalogue.requirement("2025-A1-46").automated == ("linux", "windows")

    def test_what_a_requirement_concerns_is_stated_once_where_it_begins_or_changes(self, catalogue):
        repeated = []
        for file in catalogue.folder.rglob("*.yml"):
            data = yaml.safe_load(file.read_text(encoding="utf-8"))
            for entry in [*data.get("requirements", []), *data.get("recommendations", [])]:
                older = [catalogue.requirement(one).concerns for one in entry.get("continues", [])]
                inherited = tuple(dict.fromkeys(concern for concerns in older for concern in concerns))
                if entry.get("concerns") and set(entry["concerns"]) == set(inherited):
                    repeated.append(entry["id"])
        assert repeated == []
        assert catalogue.requirement("2025-A1-19").concerns == ("host", "people")
        assert catalogue.requirement("2025-A1-11").concerns == ("host", "network_device")


class TestLookups:
    def test_bounds_are_inherited_by_the_newer_number(self, catalogue):
        assert catalogue.bound("2025-A1-19", "lock_after") == catalogue.bound("2021-A1-13", "lock_after")
        assert catalogue.bound("2025-A1-19", "lock_after").at_most == 600
        assert catalogue.bound("2025-A1-19", "lock_after").basis == "recommendation"

    def test_ancestry_holds_every_older_number_of_the_same_demand(self, catalogue):
        assert catalogue.ancestry("2025-A2-05") == {"2025-A2-05", "2021-A2-06", "2021-A3-X1"}
        assert catalogue.ancestry("2021-A1-13") == {"2021-A1-13"}

    def test_related_requirements_inherit_no_bounds(self, catalogue):
        with pytest.raises(InputError, match="daily_backup_age"):
            catalogue.bound("2025-A1-22", "daily_backup_age")

    @pytest.mark.parametrize(
        ("identifier", "edition", "expected"),
        [
            ("2021-A1-13", "2025", ["2025-A1-19"]),
            ("2021-A1-13", "2021", ["2021-A1-13"]),
            ("2021-A1-14", "2025", ["2025-A1-21"]),
            ("2021-A1-05", "2025", []),
            ("2021-A3-X1", "2025", ["2025-A2-05"]),
            ("2025-A1-19", "2025", ["2025-A1-19"]),
            ("2025-A1-19", "2021", []),
            ("KVWL-04", "2025", ["KVWL-04"]),
        ],
    )
    def test_carried_forward(self, catalogue, identifier, edition, expected):
        assert catalogue.carried_forward(identifier, edition) == expected

    @pytest.mark.parametrize(
        ("identifier", "oldest"),
        [
            ("2025-A1-19", "2021-A1-13"),
            ("2025-A2-05", "2021-A2-06"),
            ("2025-A1-25", "2025-A1-25"),
            ("2021-A1-13", "2021-A1-13"),
            ("KVWL-04", "KVWL-04"),
        ],
    )
    def test_oldest(self, catalogue, identifier, oldest):
        assert catalogue.oldest(identifier) == oldest

    @pytest.mark.parametrize(
        ("day", "edition"),
        [
            (date(2021, 1, 23), "2021"),
            (date(2025, 3, 31), "2021"),
            (date(2025, 4, 1), "2025"),
            (date(2030, 1, 1), "2025"),
        ],
    )
    def test_edition_in_force(self, catalogue, day, edition):
        assert catalogue.edition_in_force(day) == edition

    def test_no_edition_was_in_force_before_the_first(self, catalogue):
        with pytest.raises(InputError, match="no edition was in force on 2021-01-22"):
            catalogue.edition_in_force(date(2021, 1, 22))

    @pytest.mark.parametrize(
        ("lookup", "nearest"),
        [
            (lambda catalogue: catalogue.requirement("2021-A1-131"), "2021-A1-13"),
            (lambda catalogue: catalogue.bound("2021-A1-13", "lockafter"), "lock_after"),
            (lambda catalogue: catalogue.edition("2052"), "2025"),
            (lambda catalogue: catalogue.carried_forward("2021-A1-13", "2052"), "2025"),
            (lambda catalogue: catalogue.oldest("KVLW-04"), "KVWL-04"),
        ],
    )
    def test_unknown_names_come_with_the_nearest_known_ones(self, catalogue, lookup, nearest):
        with pytest.raises(InputError) as raised:
            lookup(catalogue)
        assert raised.value.way_out.startswith("did you mean")
        assert nearest in raised.value.way_out


class TestBound:
    @pytest.mark.parametrize(
        ("bound", "admitted", "refused"),
        [
            (Bound(at_most=600, unit="s", basis="derived"), [0, 600, 599.5], [601, "600", True]),
            (Bound(at_least=12, unit="chars", basis="derived"), [12, 40], [11]),
            (Bound(at_least=1, at_most=10, unit="count", basis="derived"), [1, 10], [0, 11]),
            (Bound(equals=True, basis="derived"), [True], [False, 1, "true"]),
            (Bound(equals=1, basis="derived"), [1], [True, 2]),
            (Bound(one_of=("027", "077"), basis="derived"), ["027"], ["022", 27]),
        ],
    )
    def test_admits(self, bound, admitted, refused):
        assert [value for value in admitted if not bound.admits(value)] == []
        assert [value for value in refused if bound.admits(value)] == []


ENTRY: dict[str, Any] = {
    "id": "2021-A1-01",
    "title": "Titel",
    "group": "Endgeräte",
    "annex": 1,
    "sizes": ["praxis", "mittel"],
    "valid_from": date(2021, 4, 1),
    "kinds": ["technical"],
    "concerns": ["host"],
    "demand": "Eine Forderung.",
    "purpose": "Ein Zweck.",
    "source": "Quelle",
    "confidence": "confirmed",
}
EDITION: dict[str, Any] = {
    "name": "2021",
    "title": "Fassung 2021",
    "legal_basis": "§ 75b SGB V",
    "in_force_from": date(2021, 1, 1),
    "in_force_until": date(2024, 12, 31),
    "annexes": {1: {"title": "Alle", "sizes": ["praxis", "mittel"]}},
}

Folder = dict[str, Any]


def small_catalogue() -> Folder:
    older = ENTRY | {"bounds": {"age": {"at_most": 7, "unit": "days", "basis": "derived"}}}
    newer = ENTRY | {"id": "2025-A1-01", "continues": ["2021-A1-01"]}
    recommended = {key: value for key, value in ENTRY.items() if key != "annex"} | {"id": "KVWL-01"}
    later = EDITION | {"name": "2025", "in_force_from": date(2025, 1, 1), "in_force_until": None}
    return copy.deepcopy(
        {
            "features.yml": {"features": {"ti": {"label": "TI", "default": True}}},
            "editions/2021.yml": {"edition": EDITION, "requirements": [older]},
            "editions/2025.yml": {"edition": later, "requirements": [newer]},
            "recommendations.yml": {"recommendations": [recommended]},
        }
    )


def write(folder: Path, files: Folder) -> Path:
    for name, data in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(data if isinstance(data, str) else yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return folder


def entry(**changes: Any) -> Callable[[Folder], None]:
    return lambda files: files["editions/2021.yml"]["requirements"][0].update(changes)


def newer(**changes: Any) -> Callable[[Folder], None]:
    return lambda files: files["editions/2025.yml"]["requirements"][0].update(changes)


def edition(**changes: Any) -> Callable[[Folder], None]:
    return lambda files: files["editions/2025.yml"]["edition"].update(changes)


def without(field: str) -> Callable[[Folder], None]:
    return lambda files: files["editions/2021.yml"]["requirements"][0].pop(field)


def age(**bound: Any) -> Callable[[Folder], None]:
    return entry(bounds={"age": {"basis": "derived", **bound}})


def duplicated(files: Folder) -> None:
    files["editions/2021.yml"]["requirements"].append(ENTRY)


def in_the_wrong_file(files: Folder) -> None:
    files["recommendations.yml"]["recommendations"].append(ENTRY)


class TestBrokenEntry:
    def test_the_small_catalogue_is_sound(self, tmp_path):
        catalogue = load_catalogue(write(tmp_path, small_catalogue()))
        assert catalogue.bound("2025-A1-01", "age").at_most == 7

    def test_an_own_bound_wins_over_an_inherited_one(self, tmp_path):
        files = small_catalogue()
        newer(bounds={"age": {"at_most": 3, "unit": "days", "basis": "derived"}})(files)
        assert load_catalogue(write(tmp_path, files)).bound("2025-A1-01", "age").at_most == 3

    @pytest.mark.parametrize(
        ("spoil", "file", "field", "reason"),
        [
            pytest.param(without("demand"), "2021.yml", "2021-A1-01: demand", "required", id="missing demand"),
            pytest.param(entry(demand=" "), "2021.yml", "2021-A1-01: demand", "at least 1", id="empty demand"),
            pytest.param(without("id"), "2021.yml", "entry 1: id", "required", id="no id"),
            pytest.param(entry(id="2021-1-13"), "2021.yml", "2021-1-13: id", "pattern", id="malformed id"),
            pytest.param(
                entry(id="2025-A1-07"), "2021.yml", "2025-A1-07: id", "edition 2021", id="id of another edition"
            ),
            pytest.param(duplicated, "2021.yml", "2021-A1-01: id", "already in 2021.yml", id="duplicate id"),
            pytest.param(
                in_the_wrong_file, "recommendations.yml", "2021-A1-01: id", "recommendations", id="wrong file"
            ),
            pytest.param(entry(demnad="x"), "2021.yml", "2021-A1-01: demnad", "no such field", id="misspelt field"),
            pytest.param(entry(sizes=["klein"]), "2021.yml", "2021-A1-01: sizes.0", "'praxis'", id="unknown size"),
            pytest.param(
                entry(sizes=["gross"]), "2021.yml", "2021-A1-01: sizes", "annex 1 addresses", id="sizes and annex"
            ),
            pytest.param(entry(sizes=[]), "2021.yml", "2021-A1-01", "sizes is empty", id="no size"),
            pytest.param(
                entry(kinds=["probe", "probe"]), "2021.yml", "2021-A1-01", "kinds names a value twice", id="kinds"
            ),
            pytest.param(entry(annex=2), "2021.yml", "2021-A1-01: annex", "the id says 1", id="annex and id"),
            pytest.param(
                entry(id="2021-A3-01", annex=3), "2021.yml", "2021-A3-01: annex", "no annex 3", id="no such annex"
            ),
            pytest.param(entry(valid_from="morgen"), "2021.yml", "2021-A1-01: valid_from", "date", id="no date"),
            pytest.param(
                entry(applies_if=["tii"]), "2021.yml", "2021-A1-01: applies_if", "'tii'", id="unknown feature"
            ),
            pytest.param(
                entry(relates_to=["KVWL-99"]), "2021.yml", "2021-A1-01: relates_to", "KVWL-99", id="relates_to"
            ),
            pytest.param(entry(relates_to=["2021-A1-01"]), "2021.yml", "2021-A1-01: relates_to", "other", id="itself"),
            pytest.param(entry(duplicate_of="x"), "2021.yml", "2021-A1-01: duplicate_of", "'x'", id="duplicate_of"),
            pytest.param(without("concerns"), "2021.yml", "2021-A1-01: concerns", "missing", id="concerns nothing"),
            pytest.param(entry(concerns=["hosts"]), "2021.yml", "2021-A1-01: concerns.0", "'host'", id="concern"),
            pytest.param(
                entry(concerns=["people"]), "2021.yml", "2021-A1-01: concerns", "more than people", id="only people"
            ),
            pytest.param(
                entry(applies_if=["ti"]), "2021.yml", "2021-A1-01: concerns", "ti_component", id="feature implies"
            ),
            pytest.param(entry(kinds=["mdm"]), "2021.yml", "2021-A1-01: concerns", "mobile_device", id="kind implies"),
            pytest.param(
                newer(continues=["2021-A1-02"]), "2025.yml", "2025-A1-01: continues", "2021-A1-02", id="dangling"
            ),
            pytest.param(entry(continues=["2025-A1-01"]), "2021.yml", "2021-A1-01: continues", "older", id="backwards"),
            pytest.param(
                age(at_most="7", unit="days"), "2021.yml", "2021-A1-01: bounds.age.at_most", "number", id="text"
            ),
            pytest.param(
                age(at_most=True, unit="days"), "2021.yml", "2021-A1-01: bounds.age.at_most", "number", id="truth"
            ),
            pytest.param(age(at_most=7), "2021.yml", "2021-A1-01: bounds.age", "unit", id="no unit"),
            pytest.param(age(at_most=7, unit="weeks"), "2021.yml", "2021-A1-01: bounds.age.unit", "'days'", id="unit"),
            pytest.param(age(), "2021.yml", "2021-A1-01: bounds.age", "either limits", id="empty bound"),
            pytest.param(age(one_of=[]), "2021.yml", "2021-A1-01: bounds.age", "no value", id="empty choice"),
            pytest.param(
                age(at_least=9, at_most=1, unit="days"),
                "2021.yml",
                "2021-A1-01: bounds.age",
                "greater",
                id="crossed limits",
            ),
            pytest.param(edition(name="2026"), "2025.yml", "edition: name", "named 2025", id="edition and file"),
            pytest.param(
                edition(in_force_from=date(2024, 1, 1)), "2025.yml", "edition: in_force_from", "2021", id="overlap"
            ),
        ],
    )
    def test_is_named_with_file_id_and_field(self, tmp_path, spoil, file, field, reason):
        files = small_catalogue()
        spoil(files)
        with pytest.raises(InputError) as raised:
            load_catalogue(write(tmp_path, files))
        error = raised.value
        assert error.file.endswith(file)
        assert error.field == field
        assert reason in error.reason
        assert error.way_out
        assert error.exit_code == 2
        assert str(error).startswith(f"{error.file}: {field}: ")

    def test_broken_yaml_is_named_with_its_line(self, tmp_path):
        files = small_catalogue() | {"recommendations.yml": "recommendations:\n  - id: [\n"}
        with pytest.raises(InputError) as raised:
            load_catalogue(write(tmp_path, files))
        assert raised.value.file.endswith("recommendations.yml")
        assert raised.value.field.startswith("line ")

    @pytest.mark.parametrize("name", ["features.yml", "recommendations.yml"])
    def test_a_missing_file_is_named(self, tmp_path, name):
        files = small_catalogue()
        del files[name]
        with pytest.raises(InputError, match=name):
            load_catalogue(write(tmp_path, files))

    def test_a_file_with_other_keys_is_named(self, tmp_path):
        with pytest.raises(InputError, match="keys are not features"):
            load_catalogue(write(tmp_path, small_catalogue() | {"features.yml": {"feature": {}}}))

    def test_a_folder_that_is_not_there_is_named_with_the_way_out(self, tmp_path):
        with pytest.raises(InputError, match="PRAXISSCHILD_CATALOGUE"):
            load_catalogue(tmp_path / "nowhere")

    def test_a_folder_without_editions_is_named(self, tmp_path):
        files = {name: data for name, data in small_catalogue().items() if "editions" not in name}
        with pytest.raises(InputError, match="holds no edition"):
            load_catalogue(write(tmp_path, files))


class TestLoading:
    def test_the_environment_names_another_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PRAXISSCHILD_CATALOGUE", str(write(tmp_path, small_catalogue())))
        assert load_catalogue().ids == ("2021-A1-01", "2025-A1-01", "KVWL-01")

    def test_an_unchanged_folder_is_read_once_and_a_changed_one_again(self, tmp_path):
        files = small_catalogue()
        first = load_catalogue(write(tmp_path, files))
        assert load_catalogue(tmp_path) is first
        entry(title="Ein längerer Titel")(files)
        assert load_catalogue(write(tmp_path, files)).requirement("2021-A1-01").title == "Ein längerer Titel"

    def test_entries_cannot_be_changed(self, catalogue):
        found: Requirement = catalogue.requirement("2021-A1-13")
        with pytest.raises(ValueError, match="frozen"):
            found.title = "anders"


class TestErrors:
    def test_the_message_holds_file_field_reason_and_way_out(self):
        error = InputError("praxis.yml", "praxis.size", "the size is unknown", "write praxis, mittel or gross")
        assert str(error) == "praxis.yml: praxis.size: the size is unknown; write praxis, mittel or gross."

    def test_errors_survive_being_rebuilt_in_another_process(self):
        for error in (InputError("praxis.yml", "praxis.size", "wrong", "right"), RunError("no host answered")):
            assert str(copy.copy(error)) == str(error)

    def test_a_run_error_ends_with_three(self):
        error: PraxisschildError = RunError("no host answered", "check the network")
        assert (str(error), error.exit_code) == ("no host answered; check the network.", 3)
