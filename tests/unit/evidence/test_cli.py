"""What a technician and an auditor type, and what they are told."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from praxisschild.cli import app
from praxisschild.errors import InputError
from praxisschild.evidence import bundles
from praxisschild.evidence.seal import NO_PASSPHRASE, Seal
from tests.unit.evidence.conftest import SECRET, chain


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.setenv("PRAXISSCHILD_KEYS", str(tmp_path / "ring"))
    monkeypatch.setenv("PRAXISSCHILD_EVIDENCE_PASSPHRASE", SECRET)
    return lambda *words: CliRunner().invoke(app, ["--lang", "de", "evidence", *map(str, words)])


def test_from_the_key_to_the_auditor(call, tmp_path):
    made = call("keygen")
    assert made.exit_code == 0
    assert re.search(r"Fingerabdruck: ([0-9a-f]{4} ){7}[0-9a-f]{4}", made.stdout)
    assert "Bitte jetzt sichern" in made.stderr
    folder = chain(tmp_path / "evidence", Seal.of_this_machine(), 2)
    for where in (folder, tmp_path / "evidence"):
        verified = call("verify", where)
        assert verified.exit_code == 0
        assert "2 Nachweise unverändert, davon 2 unterschrieben" in verified.stdout
    (public,) = (tmp_path / "ring").glob("*.pub")
    assert call("verify", folder, "--key", public).exit_code == 0
    report = bundles(tmp_path / "evidence", folder.name)[0] / "report.html"
    report.write_text(report.read_text() + " ")
    broken = call("verify", folder)
    assert broken.exit_code == 1
    assert f"Nicht in Ordnung: {report}: verändert" in broken.stdout
    document = json.loads(call("verify", folder, "--json").stdout)
    assert document["broken"]["where"] == str(report)


def test_a_key_is_not_replaced_by_accident(call):
    assert isinstance(call("keygen", "--rotate").exception, InputError)
    call("keygen")
    assert "--rotate" in str(call("keygen").exception)
    assert call("keygen", "--rotate").exit_code == 0


@pytest.mark.parametrize("words", [["verify", "/none"], ["verify", "/etc", "--key", "/etc/hostname"]])
def test_misuse_names_the_way_out(call, words):
    assert isinstance(call(*words).exception, InputError)


def test_without_the_passphrase_evidence_is_written_and_says_so(call, monkeypatch, tmp_path):
    call("keygen")
    monkeypatch.delenv("PRAXISSCHILD_EVIDENCE_PASSPHRASE")
    assert Seal.of_this_machine().unsigned == NO_PASSPHRASE
    (tmp_path / "secret").write_text(SECRET + "\n")
    monkeypatch.setenv("PRAXISSCHILD_EVIDENCE_PASSPHRASE_FILE", str(tmp_path / "secret"))
    assert Seal.of_this_machine().signer is not None
    monkeypatch.setenv("PRAXISSCHILD_EVIDENCE_PASSPHRASE", "etwas ganz anderes")
    with pytest.raises(InputError, match="does not open this key"):
        Seal.of_this_machine()


def test_a_passphrase_that_is_too_short_is_refused(call, monkeypatch):
    monkeypatch.setenv("PRAXISSCHILD_EVIDENCE_PASSPHRASE", "kurz")
    assert "zu kurz" in str(call("keygen").exception)
