"""Rows become exactly the values of a policy, whoever reads it; and what it cannot say is named."""

from __future__ import annotations

from collections import Counter

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from praxisschild.gpo import backup
from praxisschild.gpo.files import registry_pol, template
from praxisschild.gpo.model import AuditEntry, RegistryEntry, TemplateLine
from praxisschild.gpo.translate import security_options, translate
from praxisschild.i18n import german
from tests import gpo

BKP = "{http://www.microsoft.com/GroupPolicy/GPOOperations}"
POL = {
    "machine": "DomainSysvol/GPO/Machine/Registry.pol",
    "user": "DomainSysvol/GPO/User/Registry.pol",
}


@pytest.mark.parametrize("case", gpo.cases(), ids=gpo.name_of)
def test_a_row_says_in_a_policy_what_it_says_to_the_host(case):
    kind, written = case
    entries, missing = translate(kind, written["row"], written.get("beside", ()))
    expected = {
        "pol": [
            (scope, key, name, number, gpo.data_of(data)) for scope, key, name, number, data in written.get("pol", ())
        ],
        "inf": [tuple(one) for one in written.get("inf", ())],
        "audit": [tuple(written["audit"])] if "audit" in written else [],
    }
    registry = [one for one in entries if isinstance(one, RegistryEntry)]
    assert [(one.scope, one.key, one.name, one.kind, one.data) for one in registry] == expected["pol"]
    assert [(one.section, one.text) for one in entries if isinstance(one, TemplateLine)] == expected["inf"]
    assert [(one.subcategory, one.setting) for one in entries if isinstance(one, AuditEntry)] == expected["audit"]
    with german():
        reasons = " ".join(str(one) for one in missing)
    assert written.get("missing", "") in reasons
    assert bool(reasons) == ("missing" in written)
    assert entries or reasons, "nothing is dropped in silence"


def test_the_files_hold_every_value_and_nothing_else():
    files = gpo.written().files
    found = [(scope, *one) for scope, path in POL.items() for one in gpo.read_pol(files[path])]
    assert Counter(found) == Counter(tuple(one) for one in gpo.values())
    content = files["DomainSysvol/GPO/Machine/microsoft/windows nt/SecEdit/GptTmpl.inf"]
    assert content.startswith(b"\xff\xfe"), "without this mark secedit takes it for another code page"
    text = content.decode("utf-16")
    assert text.startswith("[Unicode]\r\nUnicode=yes\r\n[Version]\r\n")
    section, lines = "", []
    for line in text.splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif section not in {"Unicode", "Version"}:
            lines.append((section, line))
    assert Counter(lines) == Counter(gpo.lines())


def test_a_key_is_removed_or_cleared_before_values_come_into_it():
    found = gpo.read_pol(gpo.written().files[POL["machine"]])
    names = [name for _key, name, _kind, _data in found]
    clearing = [place for place, name in enumerate(names) if name in {"**DeleteKeys", "**delvals."}]
    assert clearing == [0, 1, 2]


@pytest.mark.parametrize(
    "row",
    [
        {"key": r"HKLM\SOFTWARE\Policies\X", "name": "Long", "type": "string", "value": "x" * 0x8000},
        {"key": r"HKLM\SOFTWARE\Policies\X", "name": "x" * 260, "type": "dword", "value": 1},
        {"key": r"HKLM\SOFTWARE\Policies\Ä", "name": "X", "type": "dword", "value": 1},
        {"key": r"HKLM\SOFTWARE\Policies\A;B", "state": "absent"},
        {"key": r"HKLM\SOFTWARE\Policies\X", "name": "Empty", "type": "binary", "value": ""},
    ],
)
def test_what_the_format_cannot_hold_is_left_out_with_the_reason(row):
    """MS-GPREG 2.2.1: ASCII, at most 259 characters of a name and 65 535 bytes of data."""
    entries, (reason,) = translate("registry", row)
    assert not entries
    assert "Registry.pol" in str(reason)


def test_the_longest_value_still_fits():
    row = {"key": r"HKLM\SOFTWARE\Policies\X", "name": "x" * 259, "type": "binary", "value": "ff" * 0xFFFF}
    (entry,), missing = translate("registry", row)
    assert not missing
    assert gpo.read_pol(registry_pol([entry])) == [(r"Software\Policies\X", "x" * 259, 3, b"\xff" * 0xFFFF)]


ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), min_size=1, max_size=40)


@given(
    st.lists(
        st.builds(
            RegistryEntry,
            scope=st.just("machine"),
            key=st.lists(ASCII, min_size=1, max_size=4).map("\\".join),
            name=ASCII,
            kind=st.sampled_from([1, 2, 3, 4, 7, 11]),
            data=st.binary(min_size=1, max_size=80),
        ),
        max_size=12,
    )
)
def test_any_values_are_read_as_they_were_written(entries):
    """Brackets, semicolons and NUL in data do not end a value."""
    found = gpo.read_pol(registry_pol(entries))
    assert Counter(found) == Counter((one.key, one.name, one.kind, one.data) for one in entries)


def test_a_template_line_stands_in_its_own_section():
    text = template([TemplateLine("Privilege Rights", "SeX = "), TemplateLine("System Access", "A = 1")]).decode(
        "utf-16"
    )
    assert text.index("[System Access]\r\nA = 1\r\n") < text.index("[Privilege Rights]\r\nSeX = \r\n")


def test_backup_lists_every_file_that_a_client_reads():
    found = gpo.written()
    root = ElementTree.fromstring(found.files["Backup.xml"])
    places = {one.get(f"{BKP}Location", "").replace("\\", "/") for one in root.iter(f"{BKP}FSObjectFile")}
    inside = {path for path in found.files if path.startswith("DomainSysvol/")}
    assert places == inside - {"DomainSysvol/GPO/gpt.ini"}
    for one in (*root.iter(f"{BKP}FSObjectFile"), *root.iter(f"{BKP}FSObjectDir")):
        variable, path = one.get(f"{BKP}Path", "").split("\\", 1)
        scope = {"%GPO_MACH_FSPATH%": "Machine", "%GPO_USER_FSPATH%": "User"}[variable]
        assert one.get(f"{BKP}Location") == f"DomainSysvol\\GPO\\{scope}\\{path}"


def test_a_client_is_told_whose_files_there_are():
    """Without its extension in the list, Windows leaves a file alone. Pairs as in published backups."""
    root = ElementTree.fromstring(gpo.written().files["Backup.xml"])
    core = root.find(f"{BKP}GroupPolicyObject/{BKP}GroupPolicyCoreSettings")
    assert core.findtext(f"{BKP}MachineExtensionGuids") == (
        "[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}{D02B1F72-3407-48AE-BA88-E8213C6761F1}]"
        "[{827D319E-6EAC-11D2-A4EA-00C04F79F83A}{803E14A0-B4FB-11D0-A0D0-00A0C90F574B}]"
        "[{F3CCC681-B74C-4060-9F26-CD84525DCA2A}{0F3F3735-573D-9804-99E4-AB2A69BA5FD4}]"
    )
    assert core.findtext(f"{BKP}UserExtensionGuids") == (
        "[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}{D02B1F73-3407-48AE-BA88-E8213C6761F1}]"
    )


def test_gpt_ini_counts_machine_and_user_apart():
    assert gpo.written().files["DomainSysvol/GPO/gpt.ini"] == b"[General]\r\nVersion=65537\r\n"


def test_the_same_rows_give_the_same_bytes_and_others_another_policy():
    first, again = gpo.written(), gpo.written()
    assert (first.id, first.files) == (again.id, again.files)
    (plan,) = gpo.planned().gpos
    other = backup.write(plan, "Praxis am Markt", "praxis-am-see", gpo.DAY)
    assert len({first.id, first.gpo_id, other.id, other.gpo_id}) == 4


def test_a_practice_s_name_breaks_no_xml():
    (plan,) = gpo.planned().gpos
    found = backup.write(plan, "Müller & Söhne <GbR>", "x", gpo.DAY)
    root = ElementTree.fromstring(found.files["Backup.xml"])
    assert root.findtext(f".//{BKP}DisplayName") == "Praxisschild Müller & Söhne <GbR> - alle Windows-Rechner"
    assert b"M\xc3\xbcller &amp; S\xc3\xb6hne &lt;GbR&gt;" in backup.manifest([found], gpo.DAY)


def test_security_options_are_those_of_the_machine_only():
    assert (r"system\currentcontrolset\control\lsa", "lmcompatibilitylevel") in security_options()
    assert all(not key.startswith("hk") for key, _name in security_options())
    assert len(security_options()) > 80
