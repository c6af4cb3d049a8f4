"""Whatever is changed about sealed evidence is found, and named."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxisschild import evidence
from praxisschild.errors import InputError, RunError
from praxisschild.evidence.keys import create_key, load_signer
from praxisschild.evidence.manifest import HEAD, MANIFEST, STATEMENT, TIMESTAMP, Manifest, head_of, seals_of
from praxisschild.evidence.seal import IN_WORDS, NO_AUTHORITY, NO_KEY, Seal
from praxisschild.evidence.timestamp import Authority
from praxisschild.evidence.verify import Broken, Verifier
from praxisschild.i18n import _, german
from tests.unit.evidence.conftest import ENDED, SECRET, chain, new_seal, run_of

if TYPE_CHECKING:
    from pathlib import Path

CASES = 2000  # bytes flipped; one more test goes through files and bundles


def verifier(ring: Path, *roots: object) -> Verifier:
    return Verifier(sorted(ring.glob("*.pub")), tuple(roots))


def verify(folder: Path, ring: Path) -> list:
    return list(verifier(ring).folder(folder))


def test_a_signed_and_stamped_chain_is_found_as_it_was_written(tmp_path, ring, tsa):
    folder = chain(tmp_path, new_seal(ring, tsa.authority))
    found = list(verifier(ring, *tsa.authority.roots).folder(folder))
    assert [one.link.sequence for one in found] == [1, 2, 3]
    assert all(one.signer for one in found)
    assert all(one.stamped.year >= 2026 and one.notes == () for one in found)


def test_what_is_missing_is_said(tmp_path, ring):
    folder = chain(tmp_path, Seal(), 1)
    (found,) = verify(folder, ring)
    assert found.notes == (f"not signed: {IN_WORDS[NO_KEY]}", f"without a time stamp: {IN_WORDS[NO_AUTHORITY]}")
    with german():
        (told,) = verify(folder, ring)
    assert told.notes == (f"nicht unterschrieben: {NO_KEY}", f"ohne Zeitstempel: {NO_AUTHORITY}")


@pytest.mark.parametrize("kept", IN_WORDS)
def test_a_reason_reads_in_german_as_the_manifest_keeps_it(kept):
    with german():
        assert _(IN_WORDS[kept]) == kept


def test_an_authority_that_is_down_costs_the_time_stamp_only(tmp_path, ring):
    folder = chain(tmp_path, new_seal(ring, Authority("http://127.0.0.1:9/")), 1)
    (found,) = verify(folder, ring)
    assert found.signer
    assert "nicht erreichbar" in found.notes[0]


def test_a_stamp_of_another_authority_does_not_count(tmp_path, ring, tsa):
    folder = chain(tmp_path, new_seal(ring, Authority(tsa.url)), 1)
    assert "not checked" in verify(folder, ring)[0].notes[0]
    other = tmp_path / "other.pem"
    (tmp_path / "x").mkdir()
    os.system(  # noqa: S605 - constant words
        f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {tmp_path}/x/k -out {other} -subj /CN=x 2>/dev/null"
    )
    from praxisschild.evidence.timestamp import load_roots

    with pytest.raises(Broken, match="signature of the time stamp authority"):
        list(verifier(ring, *load_roots(other)).folder(folder))


@contextmanager
def changed(path: Path, content: bytes):
    """The file with another content, and afterwards as it was."""
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory, tsa):
    root = tmp_path_factory.mktemp("sealed")
    ring = root / "ring"
    return chain(root / "evidence", new_seal(ring, tsa.authority)), ring


@pytest.mark.slow
def test_any_flipped_byte_is_found_and_its_file_named(sealed):
    folder, ring = sealed
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.parent.name != "keys")
    files = [path for path in files if path.name != ".lock"]
    assert {path.name for path in files} >= {HEAD, MANIFEST, STATEMENT, TIMESTAMP, "results.json", "report.html"}

    @settings(max_examples=CASES, deadline=None, database=None)
    @given(st.sampled_from(files), st.integers(min_value=0), st.integers(min_value=1, max_value=255))
    def flip(path, place, mask):
        content = bytearray(path.read_bytes())
        content[place % len(content)] ^= mask
        with changed(path, bytes(content)), pytest.raises(Broken) as caught:
            verify(folder, ring)
        assert caught.value.where == path

    flip()
    assert len(verify(folder, ring)) == 3


def test_files_and_bundles_that_go_come_or_change_places_are_found(sealed, tmp_path):
    source, ring = sealed
    names = [path.name for path in evidence.bundles(source.parent, source.name)]
    files = sorted({path.relative_to(source / names[0]) for path in (source / names[0]).rglob("*") if path.is_file()})
    bundle, other = st.sampled_from(names), st.sampled_from(names)
    operations = st.one_of(
        st.tuples(st.just("remove file"), bundle, st.sampled_from(files)),
        st.tuples(st.just("add file"), bundle, st.sampled_from(["notiz.txt", "snapshots/pc.json", ".hidden"])),
        st.tuples(st.just("link file"), bundle, st.sampled_from(files)),
        st.tuples(st.just("exchange file"), bundle, st.sampled_from(files)),
        st.tuples(st.just("remove bundle"), bundle),
        st.tuples(st.just("rename bundle"), bundle),
        st.tuples(st.just("exchange bundles"), bundle, other),
        st.tuples(st.just("copy bundle"), bundle),
        st.tuples(st.just("remove head")),
    )

    @settings(max_examples=300, deadline=None, database=None)
    @given(operations)
    def tamper(operation):
        folder = tmp_path / "copy" / source.name
        shutil.copytree(source, folder, symlinks=True)
        try:
            if _tamper(folder, *operation):
                with pytest.raises(Broken):
                    verify(folder, ring)
        finally:
            shutil.rmtree(folder)

    tamper()


def _tamper(folder: Path, operation: str, name: str = "", what: object = None) -> bool:
    """Do it; False if it left everything as it was."""
    return bool(OPERATIONS[operation](folder / name, str(what)))


def _link(bundle: Path, name: str) -> bool:
    elsewhere = bundle.parent.parent / "elsewhere"
    (bundle / name).rename(elsewhere)
    (bundle / name).symlink_to(elsewhere)
    return True


def _exchange_file(bundle: Path, name: str) -> bool:
    donor = next(path for path in evidence.bundles(bundle.parent.parent, bundle.parent.name) if path != bundle)
    if (donor / name).read_bytes() == (bundle / name).read_bytes():
        return False
    return bool(shutil.copy(donor / name, bundle / name))


def _exchange_bundles(bundle: Path, other: str) -> bool:
    if bundle.name == other:
        return False
    aside = bundle.rename(bundle.with_name("aside"))
    bundle.with_name(other).rename(bundle)
    return bool(aside.rename(bundle.with_name(other)))


OPERATIONS = {
    "remove file": lambda bundle, name: (bundle / name).unlink() is None,
    "add file": lambda bundle, name: (bundle / name).write_text("von Hand"),
    "link file": _link,
    "exchange file": _exchange_file,
    "remove bundle": lambda bundle, _: shutil.rmtree(bundle) is None,
    "rename bundle": lambda bundle, _: bundle.rename(bundle.with_name("2026-11-30T00-00-00Z")),
    "copy bundle": lambda bundle, _: shutil.copytree(bundle, bundle.with_name("2026-11-30T00-00-00Z")),
    "exchange bundles": _exchange_bundles,
    "remove head": lambda folder, _: (folder / HEAD).unlink() is None,
}


def test_another_key_does_not_count_even_if_it_signs_everything_anew(tmp_path, ring, seal):
    chain(tmp_path / "evidence", seal)
    forged = chain(tmp_path / "forged", new_seal(tmp_path / "forger"))
    with pytest.raises(Broken, match="that is not trusted here") as caught:
        verify(forged, ring)
    assert caught.value.where.name == STATEMENT


def test_without_a_key_that_is_trusted_nothing_counts(tmp_path, seal):
    folder = chain(tmp_path, seal, 1)
    with pytest.raises(Broken, match="not trusted"):
        list(Verifier([]).folder(folder))


def test_a_signature_that_was_taken_off_is_missed(tmp_path, ring, seal):
    """An attacker without the key can write an unsigned successor; a chain that was signed does not take it."""
    folder = chain(tmp_path, seal, 2)
    evidence.write_bundle(tmp_path, run_of(ENDED + timedelta(days=9)), {})
    with pytest.raises(Broken, match="although its predecessor"):
        verify(folder, ring)


def test_a_new_key_goes_on_and_old_bundles_stay_valid(tmp_path, ring, seal):
    first = sorted(ring.glob("*.pub"))
    folder = chain(tmp_path, seal, 2)
    create_key(ring, SECRET)
    fresh = Seal(signer=load_signer(ring, SECRET), ring=ring)
    evidence.write_bundle(tmp_path, run_of(ENDED + timedelta(days=5)), {}, fresh)
    # who was given the first public key only can follow, because it endorsed the second
    found = list(Verifier(first).folder(folder))
    assert len({one.signer for one in found}) == 2
    for path in (folder / "keys").glob("*.endorsed"):
        path.write_bytes(path.read_bytes().replace(b'"sig": "', b'"sig": "A'))
    with pytest.raises(Broken, match="not trusted"):
        list(Verifier(first).folder(folder))


def test_single_bundles_are_verified_on_their_own(tmp_path, ring, seal):
    folder = chain(tmp_path, seal)
    first, second, third = evidence.bundles(tmp_path, folder.name)
    assert len(list(verifier(ring).bundles([second]))) == 1
    assert len(list(verifier(ring).bundles([first, third]))) == 2
    shutil.rmtree(second)
    with pytest.raises(Broken, match=rf"{third.name}: its predecessor {second.name} is missing"):
        verify(folder, ring)


def test_a_gap_stays_visible_after_further_runs(tmp_path, ring, seal):
    folder = chain(tmp_path, seal)
    shutil.rmtree(evidence.bundles(tmp_path, folder.name)[-1])
    with pytest.raises(Broken, match="the last link of the chain"):
        verify(folder, ring)
    evidence.write_bundle(tmp_path, run_of(ENDED + timedelta(days=9)), {}, seal)
    with pytest.raises(Broken, match=r"predecessor 2026-11-25T20-52-10Z is missing"):
        verify(folder, ring)


def test_a_damaged_newest_bundle_keeps_nobody_from_writing(tmp_path, ring, seal):
    folder = chain(tmp_path, seal, 2)
    newest = evidence.bundles(tmp_path, folder.name)[-1]
    (newest / MANIFEST).write_text("{}")
    written = evidence.write_bundle(tmp_path, run_of(ENDED + timedelta(days=9)), {}, seal)
    assert Manifest.parse(seals_of(written)[MANIFEST]).previous.bundle == newest.name
    with pytest.raises(Broken) as caught:
        verify(folder, ring)
    assert caught.value.where == newest / MANIFEST
    (written / MANIFEST).write_text("{}")
    (folder / HEAD).write_text("{}")
    with pytest.raises(RunError, match="chain of evidence"):
        evidence.write_bundle(tmp_path, run_of(ENDED + timedelta(days=10)), {}, seal)


def test_bundles_from_before_there_were_manifests_are_counted_not_judged(tmp_path, ring, seal):
    folder = tmp_path / evidence.slug(run_of().practice.name)
    (folder / "2026-01-01T00-00-00Z").mkdir(parents=True)
    (folder / "2026-01-01T00-00-00Z" / "results.json").write_text("{}")
    chain(tmp_path, seal, 1)
    found = verifier(ring)
    assert len(list(found.folder(folder))) == 1
    assert found.older == 1


def test_an_empty_folder_is_misuse(tmp_path, ring):
    with pytest.raises(InputError, match="no bundle"):
        verify(tmp_path, ring)


def _write_forever(root: Path, seal: Seal) -> None:
    day = 0
    while True:
        day += 1
        evidence.write_bundle(root, run_of(ENDED + timedelta(minutes=day)), {"server-1": {"day": day}}, seal)


@pytest.mark.slow
def test_killed_at_any_moment_there_is_the_whole_bundle_or_none(tmp_path, ring, seal):
    moments = random.Random(390)  # noqa: S311 - moments, not secrets
    chain(tmp_path, seal, 1)
    for _number in range(50):
        writer = multiprocessing.get_context("fork").Process(target=_write_forever, args=(tmp_path, seal))
        writer.start()
        time.sleep(moments.uniform(0.005, 0.12))
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        folder = tmp_path / evidence.slug(run_of().practice.name)
        assert len(verify(folder, ring)) == len(evidence.bundles(tmp_path, folder.name))
    last = evidence.write_bundle(tmp_path, run_of(ENDED + timedelta(days=30)), {}, seal)
    assert not [path for path in folder.iterdir() if path.name.startswith((".new-", ".fresh-"))]
    assert head_of(folder).bundle == last.name
    verify(folder, ring)
