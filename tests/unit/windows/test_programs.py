"""Model programs: German, with the real ones' exit codes, and honest about what they do not model."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from lab.windows import kinds, state
from lab.windows.programs import PROGRAMS

if TYPE_CHECKING:
    from pathlib import Path

LOGON = "{0CCE9215-69AE-11D9-BED3-505054503030}"


class Host:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kinds.create(folder, "pc-1", "betreuung")

    def __call__(self, program: str, *words: str) -> tuple[int, str]:
        """Exit code with all its 32 bits, and what the program said."""
        code = self.folder / "tmp" / "code"
        environment = {**os.environ, state.FOLDER_VARIABLE: str(self.folder), "PRAXISSCHILD_EXIT_FILE": str(code)}
        done = subprocess.run(
            [self.folder / "System32" / f"{program}.exe", *words], env=environment, capture_output=True, check=False
        )
        assert done.stderr == b""
        assert (done.returncode == 0) == (code.read_text() == "0")
        return int(code.read_text()), done.stdout.decode()


@pytest.fixture
def host(tmp_path) -> Host:
    return Host(tmp_path / "pc-1")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("sc", "query", "gibtsnicht"), 1060, "kein installierter Dienst"),
        (("sc", "query", "spooler"), 0, "STATUS             : 4  RUNNING"),
        (("sc", "start", "Spooler"), 1056, "FEHLER 1056"),
        (("sc", "stop", "RemoteRegistry"), 1062, "FEHLER 1062"),
        (("sc", "start", "RemoteRegistry"), 1058, "deaktiviert"),
        (("sc", "stop", "WinDefend"), 5, "Zugriff verweigert"),
        (("sc", "config", "Spooler", "start=", "nie"), 1639, "Befehlszeilenargument"),
        (("auditpol", "/set", f"/subcategory:{LOGON}", "/success:vielleicht"), 87, "Falscher Parameter"),
        (
            ("auditpol", "/set", f"/subcategory:{LOGON.replace('15', 'FF')}", "/success:enable"),
            87,
            "Falscher Parameter",
        ),
        (
            ("dism", "/English", "/Online", "/NoRestart", "/Enable-Feature", "/FeatureName:TFTP", "/All"),
            3010,
            "Restart",
        ),
        (
            ("dism", "/English", "/Online", "/NoRestart", "/Disable-Feature", "/FeatureName:Nie"),
            -2146498548,
            "0x800f080c",
        ),
        (("schtasks", "/Delete", "/TN", r"\Nie", "/F"), 1, "FEHLER: Das System kann die angegebene Datei nicht finden"),
        (("reg", "load", r"HKU\X", r"C:\Users\niemand\NTUSER.DAT"), 1, "FEHLER:"),
        (("reg", "unload", r"HKU\.DEFAULT"), 1, "konnte nicht gefunden werden"),
        (("icacls", r"C:\nirgends", "/reset"), 2, "nicht finden"),
    ],
)
def test_refusals_are_those_of_the_real_programs(host, words, code, said):
    assert host(*words)[0] == code
    assert said in host(*words)[1] or code == 0


@pytest.mark.parametrize(
    "line",
    [
        "sc create x",
        "sc",
        "sc qc Spooler",
        "sc config Spooler start=auto",
        "auditpol /get /category:*",
        "auditpol /clear",
        "auditpol /set /subcategory:Anmelden",
        f"auditpol /set /subcategory:{LOGON} /user:x",
        "dism /Get-Features",
        "dism /English /Online /Get-Packages",
        "schtasks /Query",
        "schtasks /Create /TN x /TR y",
        "schtasks",
        r"reg add HKLM\X",
        r"reg load HKLM\X C:\x",
        r"reg load HKU\X D:\x",
        "reg",
        r"icacls C:\ProgramData /grant Jeder:F",
        r"icacls C:\ProgramData /inheritance:r /grant:r *S-1-1-0:(OI)(CI)F",
        "icacls",
        "secedit",
        "secedit /analyze",
        "secedit /export",
        "secedit /export /cfg x /mergedpolicy",
    ],
)
def test_what_is_not_modelled_is_an_error_that_says_so(host, line):
    code, said = host(*line.split(" "))
    assert code != 0
    assert said.startswith("NICHT NACHGEBILDET:") or "Falscher Parameter" in said


def test_a_program_reads_in_german_unless_asked_in_english(host):
    german, english = (
        host("dism", *words, "/Online", "/Get-Features", "/Format:Table")[1] for words in ([], ["/English"])
    )
    assert "Aktiviert" in german
    assert "Enabled" not in german
    assert "Enabled" in english


def test_what_templates_must_be_like(host, tmp_path):
    configure = ("secedit", "/configure", "/db", str(tmp_path / "x.sdb"), "/cfg", str(tmp_path / "x.inf"), "/quiet")
    (tmp_path / "x.inf").write_text("[System Access]\nMinimumPasswordLength = 12\n")
    assert "nicht in Unicode" in host(*configure)[1]
    (tmp_path / "x.inf").write_text("[System Access]\nMinimumPasswordLength = 12\n", encoding="utf-16")
    assert "Signatur" in host(*configure)[1]
    (tmp_path / "x.inf").write_text("Unfug", encoding="utf-16")
    assert host(*configure)[0] == 1
    good = '[System Access]\nMinimumPasswordLength = 12\n[Version]\nsignature="$CHICAGO$"\nRevision=1\n'
    (tmp_path / "x.inf").write_text(good, encoding="utf-16")
    assert host(*configure) == (0, "")
    assert state.load(host.folder)["security"]["MinimumPasswordLength"] == 12
    unknown = good.replace(
        "[Version]", "[Privilege Rights]\nSeBackupPrivilege = *S-1-5-32-544,Administrators\n[Version]"
    )
    (tmp_path / "x.inf").write_text(unknown, encoding="utf-16")
    assert host(*configure)[0] == 3, "an English name is nobody here"


def test_outside_of_a_host_a_program_does_nothing(host):
    environment = {name: value for name, value in os.environ.items() if name != state.FOLDER_VARIABLE}
    done = subprocess.run(
        [host.folder / "System32" / "sc.exe", "query", "x"], env=environment, capture_output=True, check=False
    )
    assert done.returncode
    assert b"NICHT NACHGEBILDET" in done.stdout


def test_every_program_is_there(host):
    assert {one.stem for one in (host.folder / "System32").iterdir()} == set(PROGRAMS)
