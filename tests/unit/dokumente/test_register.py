"""A document that somebody has worked on is never replaced."""

from __future__ import annotations

import hashlib
import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisschild.dokumente.register import REGISTER, Keeper, load, state
from praxisschild.errors import InputError

TOLD = {"document": "plan", "title": "Plan", "requirements": ["KVWL-42"], "evidence": None, "data": "0" * 64}
TODAY = date(2026, 11, 25)


def write(folder, content, day=TODAY, name="plan.docx"):
    return Keeper(folder).write(name, content, created=day, **TOLD)


def test_the_register_names_the_file_as_it_is(tmp_path):
    written = write(tmp_path / "neu", b"eins")
    assert written.path.read_bytes() == b"eins"
    assert written.kept is None
    entry = json.loads((tmp_path / "neu" / REGISTER).read_text())["files"]["plan.docx"]
    assert entry == {
        **TOLD,
        "created": "2026-11-25",
        "sha256": hashlib.sha256(b"eins").hexdigest(),
    }


def test_an_untouched_file_is_replaced(tmp_path):
    write(tmp_path, b"eins")
    assert write(tmp_path, b"zwei").path.name == "plan.docx"
    assert (tmp_path / "plan.docx").read_bytes() == b"zwei"
    assert sorted(path.name for path in tmp_path.iterdir()) == [REGISTER, "plan.docx"]


def test_an_edited_file_stays_and_the_new_one_goes_beside(tmp_path):
    write(tmp_path, b"eins")
    (tmp_path / "plan.docx").write_bytes(b"bearbeitet")
    written = write(tmp_path, b"zwei")
    assert written.path.name == "plan-2026-11-25.docx"
    assert written.kept == tmp_path / "plan.docx"
    assert (tmp_path / "plan.docx").read_bytes() == b"bearbeitet"
    # again on the same day: that copy is untouched; once it is edited, it stays, too
    assert write(tmp_path, b"drei").path.name == "plan-2026-11-25.docx"
    (tmp_path / "plan-2026-11-25.docx").write_bytes(b"auch bearbeitet")
    assert write(tmp_path, b"vier").path.name == "plan-2026-11-25-2.docx"
    assert (tmp_path / "plan-2026-11-25.docx").read_bytes() == b"auch bearbeitet"
    assert state(tmp_path, "plan.docx", load(tmp_path)) == "edited"


def test_a_file_that_was_there_before_the_register_is_somebodys_own(tmp_path):
    (tmp_path / "plan.docx").write_bytes(b"von Hand")
    assert write(tmp_path, b"eins").path.name == "plan-2026-11-25.docx"
    assert (tmp_path / "plan.docx").read_bytes() == b"von Hand"


def test_a_lost_register_is_no_reason_for_copies(tmp_path):
    write(tmp_path, b"eins")
    (tmp_path / REGISTER).unlink()
    assert write(tmp_path, b"eins").path.name == "plan.docx"


def test_a_file_that_is_gone_leaves_the_register(tmp_path):
    write(tmp_path, b"eins")
    (tmp_path / "plan.docx").unlink()
    write(tmp_path, b"eins", name="anderes.docx")
    assert set(load(tmp_path)) == {"anderes.docx"}


@pytest.mark.parametrize("broken", ["", "[]", "{", '{"files": {"a": {}}}', '{"schema_version": 2}', "\x00"])
def test_a_broken_register_stops_before_anything_is_written(tmp_path, broken):
    (tmp_path / REGISTER).write_text(broken)
    with pytest.raises(InputError) as caught:
        write(tmp_path, b"eins")
    assert caught.value.file.endswith(REGISTER)
    assert not (tmp_path / "plan.docx").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "datei").write_bytes(b"")
    with pytest.raises(InputError) as caught:
        write(tmp_path / "datei" / "unten", b"eins")
    assert "check space" in caught.value.way_out


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(st.one_of(st.tuples(st.just("write"), st.binary(max_size=3)), st.just("edit")), max_size=12))
def test_whatever_happens_no_edit_is_ever_lost(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("folder")
    edits = set()
    for number, step in enumerate(steps):
        if step == "edit":
            for path in folder.glob("plan*.docx"):
                content = f"{path.name} {number}".encode()
                edits -= {path.read_bytes()}
                path.write_bytes(content)
                edits.add(content)
        else:
            write(folder, step[1])
    assert edits <= {path.read_bytes() for path in folder.glob("plan*.docx")}
