"""Whatever a program or a policy's file holds, a parser either reads it or says in one sentence what is wrong."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.windows.furnishing import registry_pol
from tests.windows.test_sources import REFERENCES, SOURCES, basic

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["basic"]  # a fixture

PROGRAM = r"""
using System; using System.Collections.Generic; using System.IO; using System.Linq;
using Ansible.Basic; using Ansible.Praxisschild.Components; using Ansible.Praxisschild.DomainPolicy;
using Ansible.Praxisschild.Windows;
static class Program
{
    static object Plain(RegistryData data) { return data == null ? null : data.Value; }

    static object Read(string parser, byte[] bytes)
    {
        string text = World.Decode(bytes);
        switch (parser)
        {
            case "inf": return Inf.Parse(text);
            case "accounts": return Inf.Accounts(text);
            case "audit": return AuditCsv.Parse(text);
            case "task": TaskXml.Same(text, text); return TaskXml.IsEnabled(text);
            default:
                var values = new Dictionary<string, Owned<RegistryData>>(StringComparer.OrdinalIgnoreCase);
                RegistryPol.Apply(bytes, "gpo", values);
                return values.ToDictionary(one => one.Key, one => Plain(one.Value.Value));
        }
    }
    static void Main(string[] words)
    {
        foreach (string line in File.ReadAllLines(words[0]))
        {
            string[] parts = line.Split(' ');
            object said;
            byte[] bytes = Convert.FromBase64String(parts[1]);
            try { said = new object[] { "read", Read(parts[0], bytes) }; }
            catch (BatchException error) { said = new object[] { "refused", error.Message }; }
            catch (Exception error) { said = new object[] { "broken", error.ToString() }; }
            Console.WriteLine(AnsibleModule.ToJson(said));
        }
    }
}
"""
PARSERS = ("inf", "accounts", "audit", "task", "pol")
TEMPLATE = """[Unicode]
Unicode=yes
[System Access]
NewGuestName = "Gast"
[Version]
signature="$CHICAGO$"
"""
TASK = """<Task xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
<Settings><Enabled>false</Enabled></Settings><Actions/></Task>"""
VALID = {
    "inf": TEMPLATE.encode("utf-16"),
    "accounts": b'*S-1-1-0,"Name, mit Komma",Gast',
    "audit": b"a,b,c,d,e,f,g\r\nPC,System,x,{0CCE9215-69AE-11D9-BED3-505054503030},,,3\r\n",
    "task": TASK.encode(),
    "pol": registry_pol({r"HKLM\SOFTWARE\X\A": 1, r"HKLM\SOFTWARE\X\B": "text"}),
}
NUMBERS = [b"\xff\xff\xff\xff", b"\0\0\0\0", struct.pack("<i", -1), b'"', b"["]


@pytest.fixture(scope="module")
def program(basic, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("parsers")
    (folder / "program.cs").write_text(PROGRAM)
    references = [f"-r:{one}" for one in (*REFERENCES, str(basic))]
    (folder / "Basic.dll").write_bytes(basic.read_bytes())
    command = ["mcs", "-langversion:5", f"-out:{folder / 'program.exe'}", *references, folder / "program.cs", *SOURCES]
    subprocess.run(command, check=True)
    return folder / "program.exe"


def parse(program: Path, inputs: list[tuple[str, bytes]]) -> list[tuple[str, object]]:
    lines = program.with_name("inputs")
    lines.write_text("".join(f"{parser} {base64.b64encode(data).decode()}\n" for parser, data in inputs))
    done = subprocess.run(["mono", program, lines], capture_output=True, text=True, check=True)
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def test_what_is_valid_is_read(program):
    found = dict(zip(PARSERS, parse(program, [(parser, VALID[parser]) for parser in PARSERS]), strict=True))
    assert {word for word, _ in found.values()} == {"read"}, found
    assert found["inf"][1]["System Access"] == {"NewGuestName": '"Gast"'}
    assert found["accounts"][1] == ["*S-1-1-0", "Name, mit Komma", "Gast"]
    assert found["audit"][1] == {"{0CCE9215-69AE-11D9-BED3-505054503030}": 3}
    assert found["task"][1] is False
    assert found["pol"][1] == {"SOFTWARE\\X\nA": 1, "SOFTWARE\\X\nB": "text"}


@st.composite
def damaged(draw) -> tuple[str, bytes]:
    """Something valid, cut, overwritten or with something put in; or anything at all."""
    parser = draw(st.sampled_from(PARSERS))
    data = bytearray(draw(st.sampled_from([VALID[parser], VALID[draw(st.sampled_from(PARSERS))], b""])))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["cut", "put", "over"])):
            case "cut":
                del data[at : at + draw(st.integers(1, 20))]
            case "put":
                data[at:at] = draw(st.binary(max_size=12))
            case "over":
                data[at : at + 4] = draw(
                    st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", struct.pack("<i", -1), b'"', b"["])
                )
    return parser, bytes(data)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(inputs=st.lists(damaged(), min_size=20, max_size=60))
def test_no_input_breaks_a_parser(program, inputs):
    for (parser, data), (word, said) in zip(inputs, parse(program, inputs), strict=True):
        assert word != "broken", (parser, data, said)
        assert word == "read" or (len(str(said)) < 300 and "\n" not in str(said)), said
