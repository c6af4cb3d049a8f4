"""Every message exists in every language, and nothing of another language is left in the help."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dev import messages
from praxisschild.cli import app
from praxisschild.i18n import LANGUAGES, _, german, language, n_

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*(PROJECT / "src/praxisschild").rglob("*.py"), *(PROJECT / "dev").glob("*.py")])
# names and examples that stand in the help of either language
NAMES = re.compile(
    r"arbeitsplatz|musterpraxis|praxis-am-markt|praxisschild|\bpraxis\b|"
    r"--[a-z-]+|\b[A-Z_]{4,}\b|HOST|ansible-vault|evidence[/.]|praxis\.evidence|`[^`]*`"
)
ENGLISH = re.compile(r"\b(the|and|of|with|this|that|only|what|which|from|is|are|it|for|file|folder|exit)\b")
GERMAN = re.compile(r"\b(der|die|das|und|mit|nicht|oder|wird|für|ist|eine?|von|zu)\b|[äöüß]", re.IGNORECASE)


@pytest.fixture(scope="module")
def collected():
    return messages.collect()


@pytest.mark.parametrize("name", messages.TRANSLATED)
class TestCatalogue:
    def test_every_message_has_a_translation(self, collected, name):
        """`dev/messages.py` puts new messages into the file; then they want their translation."""
        catalogue = messages.read(name)
        missing = [one.id for one in collected if one.id and one.id not in catalogue]
        assert missing == []
        assert messages.without_translation(catalogue) == []

    def test_no_translation_is_left_of_a_message_that_is_gone(self, collected, name):
        assert [one.id for one in messages.read(name) if one.id and one.id not in collected] == []

    def test_placeholders_are_those_of_the_message(self, name):
        for one in messages.read(name):
            for text in one.string if isinstance(one.string, list | tuple) else [one.string]:
                original = one.id if isinstance(one.id, str) else one.id[1]
                assert fields(text) == fields(original), text

    def test_markup_and_edges_are_those_of_the_message(self, name):
        for one in messages.read(name):
            if isinstance(one.id, str) and one.id:
                assert re.findall(r"\[/?(?:bold|red|green)?\]", one.string) == re.findall(
                    r"\[/?(?:bold|red|green)?\]", one.id
                )
                for edge in (0, -1):
                    assert one.string[edge].isspace() == one.id[edge].isspace(), one.id


def fields(text):
    try:
        return sorted(f"{name}:{spec}" for _text, name, spec, _c in string.Formatter().parse(text) if name is not None)
    except ValueError:  # braces that are not for str.format, as in {hosts: []}
        return sorted(re.findall(r"[{}]", text))


def commands(command, words=()):
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*words, name))


COMMANDS = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "praxisschild")
@pytest.mark.parametrize(("name", "other"), [("de", ENGLISH), ("en", GERMAN)], ids=["de", "en"])
def test_help_speaks_one_language(words, name, other):
    done = CliRunner().invoke(app, ["--lang", name, *words, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    assert len(done.stdout) > 200
    assert other.findall(NAMES.sub("", done.stdout)) == []


def test_typer_has_no_words_of_its_own_left():
    """Compared word for word: what typer prints without being told is all that would be English here."""
    help_text = CliRunner().invoke(app, ["--lang", "de", "check", "--help"]).stdout
    for word in ("Usage", "Options", "Arguments", "Show this", "required", "default"):
        assert word not in help_text
    assert all(
        word in help_text for word in ("Aufruf: ", "Optionen", "Argumente", "Diese Hilfe zeigen", "erforderlich")
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], "Den Befehl 'chek' gibt es nicht. Ist check gemeint?"),
        (["check"], "PRAXIS fehlt."),
        (["check", "--jsn", "x"], "Die Option --jsn gibt es nicht. Ist --json gemeint?"),
        (["check", "x", "y"], "Das ist zu viel: y"),
        (["check", "x", "--json=ja"], "Die Option --json nimmt keinen Wert."),
        (["attest", "x", "--days"], "Die Option --days braucht einen Wert."),
        (["attest", "x", "--days", "-1"], "--days: der Wert muss mindestens 0 sein"),
        (["attest", "x", "--days", "bald"], "--days: hier gehört eine ganze Zahl hin"),
        (["coverage", "--platform", "amiga"], "--platform: 'amiga' ist keines von 'linux', 'windows'"),
        (["evidence", "pruefen"], "Den Befehl 'pruefen' gibt es nicht."),
        (["--lang"], "--lang: die Sprache '' gibt es nicht; eine davon wählen: de, en"),
        (["--lang", "fr", "check", "x"], "--lang: die Sprache 'fr' gibt es nicht; eine davon wählen: de, en"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misuse_is_told_in_german(words, said, monkeypatch):
    monkeypatch.setenv("PRAXISSCHILD_LANG", "de")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert said in done.stderr.splitlines()


def test_the_language_may_be_named_anywhere_and_does_not_stay():
    for words in (
        ["--lang", "de", "check", "--help"],
        ["check", "--help", "--lang", "de"],
        ["check", "--lang=de", "--help"],
    ):
        assert "Aufruf: " in CliRunner().invoke(app, words).stdout
        assert "Usage: " in CliRunner().invoke(app, ["check", "--help"]).stdout


@pytest.mark.parametrize(
    ("value", "found"), [("", "de"), ("de", "de"), ("en", "en"), ("de_DE.UTF-8", "de"), ("EN_us", "en"), ("fr", "de")]
)
def test_german_unless_told_otherwise(monkeypatch, value, found):
    monkeypatch.setenv("PRAXISSCHILD_LANG", value)
    assert language() == found
    assert found in LANGUAGES


def test_what_goes_into_a_document_is_german_whatever_is_spoken(monkeypatch):
    monkeypatch.setenv("PRAXISSCHILD_LANG", "en")
    with german():
        assert _("is missing") == "fehlt"
    assert _("is missing") == "is missing"


@pytest.mark.parametrize(
    ("words", "de", "en"),
    [
        (
            ["show", "2021-A1-15"],
            ("gilt ab ", "Betrifft: ", "Quelle: ", "Grenzwerte", "Einstellungen", "Letztes Ergebnis"),
            ("valid from ", "Concerns: ", "Source: ", "Bounds", "Settings", "Last result"),
        ),
        (
            ["coverage", "--edition", "2025"],
            ("Anlage ", " Prüfung ", "technisch", "zusammen", "Für Linux-Hosts"),
            ("Annex ", " check ", "technical", "together", " for Linux hosts"),
        ),
        (
            ["coverage", "--open"],
            ("Technisch offen: Netzgeräte", "noch nicht gelesen", "(fehlt: Einstellung"),
            ("Technically open: network devices", "are not read yet", "(missing: setting"),
        ),
        (
            ["coverage", "--compare", "2021", "2025"],
            ("Fassung 2021 und", "neu nummeriert", "Titel geändert", "aufgegangen in"),
            ("Edition 2021 and", "renumbered", "title changed", "merged into"),
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_headings_around_the_catalogue_follow_the_language(words, de, en):
    said = {name: CliRunner().invoke(app, ["--lang", name, *words]).stdout for name in LANGUAGES}
    for german_word, english_word in zip(de, en, strict=True):
        assert (german_word in said["de"], english_word in said["en"]) == (True, True), (german_word, english_word)
        assert (german_word in said["en"], english_word in said["de"]) == (False, False), (german_word, english_word)


def test_numbers_have_their_own_forms(monkeypatch):
    monkeypatch.setenv("PRAXISSCHILD_LANG", "de")
    forms = ("{count} attestation open.", "{count} attestations open.")
    assert [n_(*forms, number) for number in (0, 1, 2)] == [
        "0 Bestätigungen offen.",
        "1 Bestätigung offen.",
        "2 Bestätigungen offen.",
    ]
    assert _("no such message, {word}", word="x") == "no such message, x"


def calls(tree, names):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_messages_are_where_they_can_be_collected(path):
    """Neither inside of an f-string, where the collector does not look, nor an f-string themselves."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for inner in ast.walk(node)}
    for call in calls(tree, {"_", "n_", "N_"}):
        first = call.args[0]
        assert not isinstance(first, ast.JoinedStr), ast.unparse(call)
        assert id(call) not in inside or not isinstance(first, ast.Constant), ast.unparse(call)


# where messages are for whoever works on the catalogue itself, which is part of the project
CATALOGUE_AUTHORS = {"catalogue.py"}
ERRORS = {"InputError": slice(2, 4), "RunError": slice(0, 2), "Objection": slice(1, 3), "Hint": slice(1, 3)}


@pytest.mark.parametrize("path", [path for path in SOURCES if "i18n" in path.read_text()], ids=lambda path: path.name)
def test_errors_for_a_practice_are_translated(path):
    """A module that speaks any language at all speaks it throughout."""
    if path.name in CATALOGUE_AUTHORS:
        return
    for call in calls(ast.parse(path.read_text(encoding="utf-8")), ERRORS):
        for argument in call.args[ERRORS[call.func.id]]:
            plain = isinstance(argument, ast.JoinedStr) or (isinstance(argument, ast.Constant) and argument.value)
            assert not plain, f"line {call.lineno}: {ast.unparse(argument)}"
