"""The program as a whole: what a shell completes, what starting it costs, and its manual page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from dev.manpage import page
from praxisschild.cli import app

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).parent / "praxisschild"


def completed(*words):
    """What bash offers for the last word."""
    environment = {
        **os.environ,
        "_PRAXISSCHILD_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(("praxisschild", *words)),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run([PROGRAM], env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1] if done.stdout.endswith("\n") else done.stdout.split("\n")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ver"], ["verify"]),
        (["evidence", "k"], ["keygen"]),
        (["show", "2021-A2-1"], [f"2021-A2-{number}" for number in range(10, 16)]),
        (["show", "KVWL-0"], [f"KVWL-0{number}" for number in range(1, 10)]),
        (["check", "inventories/mu"], ["inventories/musterpraxis"]),
        (["check", "mu"], []),
        (["verify", "inventories/musterpraxis", "--host", "arbeits"], ["arbeitsplatz-1", "arbeitsplatz-2"]),
        (["verify", "inventories/musterpraxis", "--requirement", "2025-A3-0"], None),
        (["verify", "/none", "--host", ""], []),
    ],
    ids=lambda value: " ".join(value) if value else "",
)
@pytest.mark.slow
def test_a_shell_completes(catalogue, words, offered):
    if offered is None:
        offered = [name for name in catalogue.ids if name.startswith(words[-1])]
    known = set(catalogue.ids)
    wanted = [name for name in offered if name in known or not re.match(r"20|KVWL", name)]
    assert [line for line in completed(*words) if line] == wanted


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_every_shell_can_be_installed(tmp_path, shell):
    environment = {**os.environ, "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [PROGRAM, "--install-completion", shell], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "_PRAXISSCHILD_COMPLETE" in written


def test_help_needs_no_library_that_only_some_commands_need():
    """The start takes a third of a second; Ansible or the catalogue alone would double that."""
    program = "import sys; from praxisschild import cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    costly = {"ansible", "babel", "cryptography", "jinja2", "paramiko", "pydantic", "pytest", "weasyprint", "yaml"}
    assert loaded & costly == set()


def test_the_version_is_that_of_the_package():
    done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"praxisschild \d+\.\d+\.\d+\n", done.stdout)


def words_of(command, path=("praxisschild",)):
    """Every command and option there is, from the program itself."""
    yield " ".join(path)
    for parameter in command.params:
        yield from (one for one in parameter.opts if one.startswith("--"))
    for name, inner in getattr(command, "commands", {}).items():
        yield from words_of(inner, (*path, name))


@pytest.mark.parametrize("language", ["de", "en"])
class TestManualPage:
    def rendered(self, language):
        if not shutil.which("groff"):
            pytest.skip("groff is not installed here")
        command = ["groff", "-man", "-Tutf8", "-ww", "-P-c", "-P-b", "-P-u", "-rLL=200n"]
        done = subprocess.run(command, input=page(language), capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout

    def test_it_renders_without_a_warning_and_names_every_command_and_option(self, language):
        text = re.sub(r"\s+", " ", self.rendered(language))
        missing = [word for word in words_of(typer.main.get_command(app)) if word not in text]
        assert missing == []

    def test_it_speaks_its_language(self, language):
        text = self.rendered(language)
        assert ("ÜBERSICHT" in text, "SYNOPSIS" in text) == ((True, False) if language == "de" else (False, True))
        assert ("Rückgabewerte" in text) == (language == "de")
        assert "[bold]" not in text
        assert "[/]" not in text

    def test_it_is_ascii_for_every_roff(self, language):
        assert page(language).isascii()


@pytest.mark.parametrize(
    ("language", "said"),
    [("de", "Eingabe: /none: diesen Inventarordner gibt es nicht"), ("en", "Input: /none: there is no such inventory")],
)
def test_a_mistake_is_told_in_one_language(language, said):
    other = {**os.environ, "PRAXISSCHILD_LANG": "en" if language == "de" else "de"}
    done = subprocess.run(
        [PROGRAM, "check", "/none", "--lang", language], env=other, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(said)


def described():
    """The calls in the table of docs/operations.md, in words."""
    text = (PROJECT / "docs/operations.md").read_text(encoding="utf-8")
    return [call.split() for call in re.findall(r"`praxisschild ([^`]+)`", text)]


def leaves(command, path=()):
    """Every command that does something, by its words."""
    inner = getattr(command, "commands", None)
    if not inner:
        yield path, command
    for name, one in (inner or {}).items():
        yield from leaves(one, (*path, name))


LEAVES = list(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[" ".join(path) for path, _command in LEAVES])
def test_operations_names_every_command_and_only_options_that_it_has(path, command):
    calls = [words for words in described() if tuple(words[: len(path)]) == path]
    assert calls, "docs/operations.md does not name this command"
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    if command.context_settings.get("ignore_unknown_options"):
        known |= {"--tags"}  # handed on to Ansible
    named = {option for words in calls for option in re.findall(r"--[a-z-]+", " ".join(words))}
    assert named <= known | {"--lang"}
