"""What the documents say: figures as measured, gaps as gaps, requirements as the catalogue has them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from praxisschild.dokumente.compose import FLAGS, TABLES, VALUES, compose, needless
from praxisschild.dokumente.facts import HostFacts
from praxisschild.dokumente.model import Gap, Items, Paragraph, Table, plain
from praxisschild.dokumente.texts import FOLDER, ORDER, texts
from praxisschild.errors import InputError
from praxisschild.particulars import Device, Particulars
from praxisschild.references import parse_practice
from praxisschild.snapshot import Snapshot
from praxisschild.story import story_of
from tests.unit.dokumente.conftest import TODAY, facts_of

NO_VALUE = re.compile(r"\bNone\b|\bundefined\b|[{}]|\[\]|\*\*|<[a-z]")


def tables(document, heading):
    """The rows of the tables below a heading, as texts; the host's name first."""
    (section,) = [one for one in document.sections if one.heading == heading]
    return [[plain(cell) for cell in row] for block in section.blocks if isinstance(block, Table) for row in block.rows]


def words(document):
    return "\n".join(plain(one) for one in document.lines)


def test_there_are_fourteen_and_every_text_is_one_of_them():
    assert len(ORDER) == 14
    assert {file.stem for file in FOLDER.glob("*.yml")} == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_no_document_shows_an_empty_value(name, full, empty):
    for document in (full[name], compose(name, empty)):
        assert not NO_VALUE.search(words(document)), NO_VALUE.search(words(document))
        assert all(section.blocks for section in document.sections)


@pytest.mark.parametrize("name", ORDER)
def test_every_word_of_the_texts_finds_its_value_whatever_the_practice_has(name, catalogue):
    """All conditions both ways: no table, value or flag is misspelt in a section that most practices never see."""
    features = [feature for feature in catalogue.features if feature not in {"hosted_konnektor", "ti_gateway"}]
    for size, state in (("gross", True), ("praxis", False)):
        compose(name, facts_of(catalogue, size=size, features=dict.fromkeys(features, state)))
    for section in texts()[name].sections:
        for condition in (section.when, *(block.when for block in section.blocks)):
            if condition:
                assert condition.removeprefix("not ") in {*FLAGS, *catalogue.features}


def test_every_table_and_value_is_used():
    written = "".join(file.read_text(encoding="utf-8") for file in FOLDER.glob("*.yml"))
    assert not [name for name in TABLES if f"table: {name}" not in written]
    assert not [name for name in VALUES if f"{{{name}}}" not in written]
    assert not [name for name in FLAGS if name not in written]


@pytest.mark.parametrize("edition", ["2021", "2025"])
def test_what_a_document_claims_people_can_state(edition, catalogue):
    facts = facts_of(catalogue, edition)
    claimed = {one.id for name in ORDER for one in compose(name, facts).requirements}
    assert len(claimed) > 20
    for identifier in claimed:
        assert "organisational" in catalogue.requirement(identifier).kinds
        assert catalogue.requirement(identifier).edition in {edition, None}


@pytest.mark.parametrize("edition", ["2021", "2025"])
def test_whatever_is_wanted_on_paper_has_a_document(edition, catalogue, project):
    """The list was made by hand from the editions, not from the documents."""
    wanted = yaml.safe_load((project / "tests/data/documents/asked_on_paper.yml").read_text(encoding="utf-8"))
    documents = [compose(name, facts_of(catalogue, edition)) for name in ORDER]
    claimed = {one.id for document in documents for one in document.requirements}
    shown = {one.id for document in documents for one in document.figures_for}
    of_edition = {one for one in wanted["paper"] if catalogue.requirement(one).edition in {edition, None}}
    assert len(of_edition) >= 29
    assert of_edition <= claimed
    assert {one for one in wanted["figures"] if catalogue.requirement(one).edition == edition} <= shown
    assert not claimed & set(wanted["elsewhere"])


def test_a_requirement_that_does_not_bind_the_practice_says_why(full, empty):
    notes = {one.id: one.note for one in compose("richtlinie-mobile-geraete", empty).requirements}
    assert notes["2025-A2-05"] == "gilt nicht für die Größe „Praxis“"
    assert {one.id: one.note for one in full["richtlinie-mobile-geraete"].requirements}["2025-A2-05"] == ""
    assert notes["KVWL-10"] == "Empfehlung der KVWL"


@pytest.mark.parametrize("host", ["arbeitsplatz-1", "arbeitsplatz-2", "server-1"])
def test_the_accounts_are_those_that_can_log_in(host, full, snapshots):
    found = snapshots[host]
    wheel = set(found["groups"]["sudo"]["members"])
    expected = {
        entry["name"]: "ja" if entry["name"] in wheel else "nein"
        for entry in found["accounts"]
        if (entry["password"] == "set" or entry["authorized_keys"]) and entry["shell"].endswith("sh")  # noqa: S105
    }
    rows = [row for row in tables(full["rechte-und-rollenkonzept"], "Konten auf den Rechnern") if row[0] == host]
    assert expected
    assert {row[1]: row[4] for row in rows} == expected
    assert {row[5] for row in rows} == {"ja"}


def test_an_account_that_nobody_planned_is_told(musterpraxis):
    kept = [one for one in musterpraxis.practice.accounts if one.name != "mfa-1"]
    facts = replace(musterpraxis, practice=musterpraxis.practice.model_copy(update={"accounts": kept}))
    rows = tables(compose("rechte-und-rollenkonzept", facts), "Konten auf den Rechnern")
    assert {(row[0], row[5]) for row in rows if row[1] == "mfa-1"} == {
        ("arbeitsplatz-1", "nein"),
        ("arbeitsplatz-2", "nein"),
    }


@pytest.mark.parametrize("host", ["arbeitsplatz-1", "arbeitsplatz-2", "server-1"])
def test_the_ports_are_those_that_others_reach(host, full, snapshots):
    expected = {
        f"{entry['port']}/{entry['protocol']}"
        for entry in snapshots[host]["listening"]
        if not entry["address"].startswith(("127.", "::1"))
    }
    rows = [row for row in tables(full["netzdokumentation"], "Offene Ports") if row[0] == host]
    assert [row[1] for row in rows] == sorted(expected, key=lambda text: (int(text.split("/")[0]), text.split("/")[1]))


def test_the_packet_filter_says_for_whom_a_port_is_open(full):
    """As the recorded rules have it: administration everywhere, the practice's network at the server's services."""
    admitted = {(row[0], row[1]): row[3] for row in tables(full["netzdokumentation"], "Offene Ports")}
    assert admitted["arbeitsplatz-1", "22/tcp"] == "verwaltung"
    assert admitted["server-1", "139/tcp"] == "niemandem"
    assert admitted["server-1", "445/tcp"].split(", ")[0] == "praxis"
    assert "überall" not in str(admitted)


def test_a_host_without_rules_is_open_for_everybody(musterpraxis, snapshots):
    bare = {**snapshots["server-1"], "nftables": []}
    (host,) = [one for one in musterpraxis.hosts if one.name == "server-1"]
    facts = replace(musterpraxis, hosts=(replace(host, snapshot=Snapshot(bare)),))
    assert {row[3] for row in tables(compose("netzdokumentation", facts), "Offene Ports")} == {"von überall"}


def test_the_backup_is_told_as_the_hosts_report_it(full):
    """The recorded reports say 23:38:49 and 23:39:00 UTC, which was half past midnight in Germany."""
    jobs = {(row[0], row[1]): row for row in tables(full["backup-konzept"], "Wann und wohin")}
    daily = jobs["server-1", "Tagessicherung"]
    assert daily[2:6] == ["täglich, 12:30\xa0Uhr", "auf server-1 selbst", "restic", "25.11.2026, 00:38\xa0Uhr"]
    assert jobs["arbeitsplatz-1", "Tagessicherung"][3] == "auf server-1"
    assert jobs["server-1", "Kopie auf Wechselmedium"][2] == "freitags, 13:30\xa0Uhr"
    restored = {row[0]: row for row in tables(full["backup-konzept"], "Ob das Zurückholen gelingt") if row[0]}
    assert restored["server-1"][1:4] == ["25.11.2026, 00:39\xa0Uhr", "gelungen", "20 Dateien verglichen"]
    kept = tables(full["backup-konzept"], "Wie lange aufbewahrt wird")
    assert {tuple(row[1:5]) for row in kept} == {("7", "5", "12", "ja")}
    scope = {row[0]: row for row in tables(full["backup-konzept"], "Was gesichert wird")}
    assert scope["server-1"][1] == "/home, /etc, /srv, /var/mail"
    assert scope["server-1"][3] == "282 Dateien, 1,3\xa0MB"


def test_a_backup_that_failed_since_is_told_with_the_last_good_one(musterpraxis, snapshots):
    whole = snapshots["server-1"]
    status = whole["backup"]["status"]
    failed = {**status["daily"], "result": "failed", "last_success": "2026-11-20T11:30:00Z"}
    backup = {
        **whole["backup"],
        "status": {**status, "daily": failed, "medium": {**failed, "job": "medium", "last_success": None}},
    }
    (host,) = [one for one in musterpraxis.hosts if one.name == "server-1"]
    facts = replace(musterpraxis, hosts=(replace(host, snapshot=Snapshot({**whole, "backup": backup})),))
    rows = {row[1]: row[5] for row in tables(compose("backup-konzept", facts), "Wann und wohin")}
    assert rows["Tagessicherung"] == "20.11.2026, 12:30\xa0Uhr; letzter Lauf gescheitert"
    assert rows["Kopie auf Wechselmedium"] == "noch keine; letzter Lauf gescheitert"


def test_support_and_updates_are_told_per_host(full, snapshots):
    rows = {row[0]: row for row in tables(full["geraeteverzeichnis"], "Rechner")}
    assert rows["server-1"][1:4] == ["Debian 12", "30.06.2028 (LTS)", "keine"]
    assert rows["arbeitsplatz-2"][1:3] == ["Debian 13", "30.06.2030 (LTS)"]
    assert rows["server-1"][5] == "25.11.2026, 00:43\xa0Uhr"
    assert snapshots["server-1"]["support"]["release"]["eol-lts"] == "2028-06-30"


def test_every_measured_row_says_when(full):
    measured = 0
    for document in full.values():
        for section in document.sections:
            for block in section.blocks:
                if isinstance(block, Table) and block.headings[-1] == "gemessen am":
                    measured += 1
                    assert {plain(row[-1])[:17] for row in block.rows} <= {"25.11.2026, 00:42", "25.11.2026, 00:43"}
    assert measured == 12


def test_a_host_that_was_not_measured_is_a_gap_and_no_figure(musterpraxis):
    away = HostFacts("empfang", "10.77.0.99", reason="Host nicht erreicht")
    facts = replace(musterpraxis, hosts=(*musterpraxis.hosts, away))
    for name in ("backup-konzept", "netzdokumentation", "rechte-und-rollenkonzept", "geraeteverzeichnis"):
        document = compose(name, facts)
        (gap,) = [one for one in document.gaps if "empfang" in one.what]
        assert gap.what == "Messwerte von empfang (Host nicht erreicht)"
        assert gap.filled_by == "praxisschild verify inventories/musterpraxis"


def test_what_a_host_could_not_tell_is_a_gap_with_the_reason(musterpraxis, snapshots):
    (host,) = [one for one in musterpraxis.hosts if one.name == "server-1"]
    broken = {**snapshots["server-1"], "accounts": None, "errors": [{"section": "accounts", "message": "getent fehlt"}]}
    facts = replace(musterpraxis, hosts=(replace(host, snapshot=Snapshot(broken)),))
    assert any("getent fehlt" in one.what for one in compose("rechte-und-rollenkonzept", facts).gaps)


@pytest.mark.parametrize("way", ["missing", "unreadable"])
def test_whatever_a_snapshot_lacks_the_documents_are_written(way, musterpraxis, snapshots):
    """Another platform's collector, or a newer one's, knows other sections."""
    whole = snapshots["server-1"]
    (host,) = [one for one in musterpraxis.hosts if one.name == "server-1"]
    told = {}
    for section in sorted(set(whole) - {"schema_version", "collected_at", "errors"}):
        if way == "missing":
            less = {name: found for name, found in whole.items() if name != section}
        else:
            less = {**whole, section: None, "errors": [{"section": section, "message": "nicht lesbar"}]}
        facts = replace(musterpraxis, hosts=(replace(host, snapshot=Snapshot(less)),))
        for name in ("backup-konzept", "netzdokumentation", "rechte-und-rollenkonzept", "geraeteverzeichnis"):
            told[section, name] = [gap for gap in compose(name, facts).gaps if not gap.field]
    for needed in (
        ("backup", "backup-konzept"),
        ("listening", "netzdokumentation"),
        ("network", "netzdokumentation"),
        ("accounts", "rechte-und-rollenkonzept"),
        ("updates", "geraeteverzeichnis"),
        ("support", "geraeteverzeichnis"),
    ):
        assert told[needed], needed


@pytest.mark.parametrize("name", ORDER)
def test_the_gaps_listed_are_the_gaps_marked(name, full, empty):
    for document in (full[name], compose(name, empty)):
        marked = {part for one in document.lines for part in one if isinstance(part, Gap)}
        assert set(document.gaps) == marked
        assert words(document).count("▢ noch einzutragen: ") >= len(marked)
        listed = [block for one in document.sections if one.heading == "Noch offen" for block in one.blocks]
        told = {plain(row[0]): plain(row[1]) for block in listed if isinstance(block, Table) for row in block.rows}
        if not document.card:
            assert told == {gap.what: gap.filled_by for gap in marked}


def test_the_template_shows_every_field(project):
    """Whoever copies it has to find what the command asks for."""
    template = (project / "inventories/vorlage/group_vars/all/praxis.yml").read_text(encoding="utf-8")
    template = template[template.index("  documents:") :]
    for field in [*Particulars.model_fields, *Device.model_fields]:
        assert re.search(rf"\b{field}:", template), field
    for group in Particulars.model_fields.values():
        if isinstance(group.default, BaseModel):
            for field, described in type(group.default).model_fields.items():
                assert re.search(rf"# {field}:", template), field
                assert described.description


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"contacts": {"pvs": 112}}, "praxis.documents.contacts.pvs"),
        ({"backup": {"ort": "Tresor"}}, "praxis.documents.backup.ort"),
        ({"devices": [{"kind": "toaster", "name": "x"}]}, "praxis.documents.devices.0.kind"),
        ({"devices": [{"kind": "fax"}]}, "praxis.documents.devices.0.name"),
        ({"mobile": {"apps": []}}, "praxis.documents.mobile.apps"),
        ("Tresor", "praxis.documents"),
    ],
)
def test_a_slip_in_what_a_practice_tells_is_named(said, field, catalogue):
    data = {"name": "X", "size": "praxis", "networks": {}, "documents": said}
    with pytest.raises(InputError) as caught:
        parse_practice(data, Path("praxis.yml"), catalogue, [], TODAY)
    assert caught.value.field == field


def test_a_group_of_comments_only_is_left_out():
    assert Particulars.model_validate({"backup": None, "contacts": {"pvs": None}}) == Particulars()


def test_a_filled_field_is_no_gap_any_more(catalogue):
    before = compose("backup-konzept", facts_of(catalogue))
    after = compose("backup-konzept", facts_of(catalogue, documents={"backup": {"medium_place": "Tresor im Keller"}}))
    assert {gap.field for gap in before.gaps} - {gap.field for gap in after.gaps} == {
        "praxis.documents.backup.medium_place"
    }
    assert "Tresor im Keller" in words(after)
    assert "Tresor im Keller" not in words(before)


def test_every_gap_of_the_practice_is_filled_by_the_field_it_names(catalogue):
    """With every field filled in, nothing is left to enter."""
    kinds = ("router", "access_point", "konnektor", "card_terminal", "printer", "fax", "smartphone")
    device = {"address": "10.0.0.1", "place": "Flur", "holder": "MFA", "support_until": "2030-01-01"}
    said: dict = {"devices": [{"kind": kind, "name": kind, **device} for kind in kinds]}
    facts = facts_of(catalogue, accounts=[{"name": "mfa", "kind": "person", "purpose": "Anmeldung"}], documents=said)
    for name in ORDER:
        for gap in compose(name, facts).gaps:
            _, _, *groups, last = gap.field.split(".")
            target = said
            for group in groups:
                target = target.setdefault(group, {})
            target[last] = ["eine App"] if last == "apps" else "eingetragen"
    filled = facts_of(catalogue, accounts=[{"name": "mfa", "kind": "person", "purpose": "Anmeldung"}], documents=said)
    assert not [gap for name in ORDER for gap in compose(name, filled).gaps]


def test_what_a_practice_writes_is_never_read_as_markup(catalogue):
    hostile = "**fett** {contacts.lead} {0} {"
    document = compose("notfallkarte", facts_of(catalogue, documents={"contacts": {"pvs": hostile}}))
    (part,) = [part for one in document.lines for part in one if "fett" in part.text]
    assert (part.text, part.strong) == (hostile, False)


def test_a_document_for_what_a_practice_has_not_is_not_needed(catalogue):
    facts = facts_of(catalogue, features={"ti": False})
    needed = {name: needless(words, facts) for name, words in texts().items()}
    assert needed.pop("installationsprotokoll").startswith("the practice has none: Anschluss an die Telematik")
    assert set(needed.values()) == {""}


def test_an_unknown_document_is_named_with_those_there_are(empty):
    with pytest.raises(InputError) as caught:
        compose("backupkonzept", empty)
    assert caught.value.field == "backupkonzept"
    assert "backup-konzept" in caught.value.way_out


def test_a_requirement_tells_its_document(project):
    assert any("Backup-Konzept" in one for one in story_of("2025-A1-24", project).documents)
    assert any("Backup-Konzept" in one for one in story_of("2021-A1-14", project).documents)
    assert story_of("2021-A1-15", project).documents == ()


def test_the_words_are_this_projects_own():
    """Blocks are of the kinds that the writers know, and none is longer than somebody reads."""
    for name, document in texts().items():
        for section in document.sections:
            for block in section.blocks:
                for text in filter(None, (block.text, block.note, *(block.items or ()), *(block.steps or ()))):
                    assert len(text) < 600, (name, section.heading)


def test_the_empty_practice_gets_every_document(empty):
    for name in ORDER:
        document = compose(name, empty)
        assert document.title
        assert any(isinstance(block, Items | Paragraph | Table) for one in document.sections for block in one.blocks)
