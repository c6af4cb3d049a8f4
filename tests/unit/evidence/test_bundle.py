from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader

from praxisschild import evidence
from praxisschild.errors import InputError, RunError
from praxisschild.evidence import bundle as bundle_module
from praxisschild.formats import html
from praxisschild.results import CheckResult, HostState, Status
from tests.unit.evidence.conftest import ENDED, run_of

if TYPE_CHECKING:
    from pathlib import Path

TIME = "2026-11-23T20-52-10Z"


def write(root: Path, ended: datetime = ENDED, **snapshot: object) -> Path:
    return evidence.write_bundle(root, run_of(ended), {"server-1": snapshot})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Praxis für Körper & Gemüt", "praxis-fuer-koerper-gemuet"),
        ("Praxis Weißenhöfe / Café", "praxis-weissenhoefe-cafe"),
        ("../../etc", "etc"),
        ("医院", "praxis"),
    ],
)
def test_practice_names_its_folder(name: str, expected: str) -> None:
    assert evidence.slug(name) == expected
    assert evidence.slug(expected) == expected


def test_bundle_holds_everything_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    bundle = write(tmp_path, sshd={"permitrootlogin": "no"})
    assert bundle == tmp_path / "praxis-fuer-koerper-gemuet" / TIME
    files = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
    rendered = {"results.json", "report.html", "anforderungen.csv", "ergebnisse.xlsx"}
    assert files == {"manifest.json", "snapshots/server-1.json", *rendered}
    assert json.loads((bundle / "snapshots/server-1.json").read_text()) == {"sshd": {"permitrootlogin": "no"}}
    for path in [bundle.parent, bundle, *bundle.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_a_state_is_kept_compressed_where_the_run_says_so(tmp_path: Path) -> None:
    state = {"sshd": {"permitrootlogin": "no"}}
    host = HostState(name="server-1", reached=True, snapshot="snapshots/server-1.json.gz")
    written = [evidence.write_bundle(tmp_path / name, run_of(hosts=(host,)), {"server-1": state}) for name in "ab"]
    files = [(bundle / "snapshots/server-1.json.gz").read_bytes() for bundle in written]
    assert files[0] == files[1], "the same state gives the same bytes"
    assert evidence.load_snapshot(written[0], host) == state
    assert evidence.load_snapshot(written[0], host.model_copy(update={"snapshot": None})) is None
    (written[0] / "snapshots/server-1.json.gz").write_bytes(files[0][:-9])
    with pytest.raises(InputError, match="cannot be read"):
        evidence.load_snapshot(written[0], host)


def test_paper_is_drawn_when_asked_for_and_holds_the_results_of_its_bundle(tmp_path: Path) -> None:
    told: list[str] = []
    bundle = evidence.write_bundle(tmp_path, run_of(), {"server-1": {}}, no_pdf=told.append)
    reader = PdfReader(bundle / "report.pdf")
    assert reader.attachments["results.json"] == [(bundle / "results.json").read_bytes()]
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["files"]["report.pdf"] == hashlib.sha256((bundle / "report.pdf").read_bytes()).hexdigest()
    assert not told


def test_a_fault_while_drawing_costs_the_paper_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError("Zeile zu lang")

    monkeypatch.setattr("weasyprint.HTML.write_pdf", breaks)
    told: list[str] = []
    bundle = evidence.write_bundle(tmp_path, run_of(), {"server-1": {}}, no_pdf=told.append)
    assert (bundle / "results.json").is_file()
    assert not (bundle / "report.pdf").exists()
    assert told == ["the PDF did not come about (ZeroDivisionError: Zeile zu lang)."]


def test_latest_points_to_the_newest_bundle(tmp_path: Path) -> None:
    first = write(tmp_path)
    second = write(tmp_path, ENDED + timedelta(hours=1))
    latest = first.parent / "latest"
    assert latest.is_symlink()
    assert latest.resolve() == second
    assert evidence.load_bundle(latest) == run_of(ENDED + timedelta(hours=1))


def test_bundles_are_found_in_their_order(tmp_path: Path) -> None:
    name = run_of().practice.name
    assert evidence.latest_bundle(tmp_path, name) is None
    assert evidence.latest_bundles(tmp_path / "none") == []
    later = write(tmp_path, ENDED + timedelta(days=1))
    same_second = [write(tmp_path) for _ in range(11)]
    assert evidence.bundles(tmp_path, name) == [*same_second, later]
    assert same_second[1].name == f"{TIME}-2"
    assert evidence.latest_bundle(tmp_path, name) == later
    assert evidence.previous_bundle(later) == same_second[-1]
    assert evidence.previous_bundle(same_second[0]) is None
    assert evidence.latest_bundles(tmp_path) == [later]


def test_interrupted_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle_module, "sync_folder", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path)
    assert [path.name for path in (tmp_path / "praxis-fuer-koerper-gemuet").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    "secret",
    [
        "betreuung:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7:20000:0:99999:7:::",
        "$6$salt$hash",
        "$6$rounds=5000$saltsalt$hash",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$1$abcdefgh$aaaaaaaaaaaaaaaaaaaaaa",
        "$argon2id$v=19$m=65536",
        "{SSHA}0123456789abcdef",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_secret_in_a_snapshot_is_refused_and_not_repeated(tmp_path: Path, secret: str) -> None:
    with pytest.raises(RunError) as caught:
        write(tmp_path, users=[{"name": "betreuung", "entry": secret}])
    assert "snapshots/server-1.users.0.entry" in str(caught.value)
    assert secret not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_secret_in_a_key_or_a_failure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="snapshots/server-1: a key"):
        write(tmp_path, **{"$6$salt$hash": 1})
    failed = CheckResult(
        check="test_x", requirements=("2021-A1-13",), status=Status.FAILED, started=ENDED, detail="$y$j9T$a$b"
    )
    with pytest.raises(RunError, match=r"results\.checks\.0\.detail"):
        evidence.write_bundle(tmp_path, run_of(checks=(failed,)), {})


@pytest.mark.parametrize(
    "text", ["awk '{print $5$6}'", "$HOME/$1", "ssh-ed25519 AAAAC3Nz", "-----BEGIN CERTIFICATE-----"]
)
def test_ordinary_text_is_kept(tmp_path: Path, text: str) -> None:
    assert write(tmp_path, text=text).is_dir()


def test_host_name_that_is_a_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be a file name"):
        evidence.write_bundle(tmp_path, run_of(), {"../x": {}})


def test_folder_that_cannot_be_written_is_a_run_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        write(tmp_path / "file")


def test_incomplete_bundle_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no results\.json"):
        evidence.load_bundle(tmp_path)
    bundle = write(tmp_path)
    (bundle / "snapshots/server-1.json").unlink()
    with pytest.raises(InputError, match=r"hosts\.server-1\.snapshot: snapshots/server-1\.json is missing"):
        evidence.load_bundle(bundle)


def test_report_is_the_html_of_the_run(tmp_path: Path) -> None:
    assert (write(tmp_path) / "report.html").read_text(encoding="utf-8") == html.render(run_of())
