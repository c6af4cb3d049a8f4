"""Hosts that want different things get policies of their own, and nothing gets lost on the way."""

from __future__ import annotations

from praxisschild.gpo import backup, readme
from praxisschild.gpo.plan import plan
from praxisschild.i18n import german
from praxisschild.rows import Dropped
from tests import gpo

KEY = r"HKLM\SOFTWARE\Policies\Praxis"
GROUPS = {"all": ["pc-1", "pc-2", "srv"], "server": ["srv"], "arbeitsplaetze": ["pc-1", "pc-2"], "linux": ["lx"]}


def row(name, value=1, **more):
    return {
        "key": KEY,
        "name": name,
        "type": "dword",
        "value": value,
        "role": "r",
        "requirements": ["2021-A1-13"],
        **more,
    }


def rows(**hosts):
    return {name.replace("_", "-"): {"registry": list(own)} for name, own in hosts.items()}


def names(one):
    return [setting.name.rpartition("\\")[2] for setting in one.settings]


def test_what_all_want_is_one_policy_and_a_group_s_own_another():
    found = plan(
        rows(
            pc_1=[row("Common"), row("Lock", 600)],
            pc_2=[row("Lock", 600), row("Common")],
            srv=[row("Common"), row("Lock", 300)],
        ),
        GROUPS,
    )
    assert [(one.label, one.hosts, names(one)) for one in found.gpos] == [
        ("alle Windows-Rechner", ("pc-1", "pc-2", "srv"), ["Common"]),
        ("arbeitsplaetze", ("pc-1", "pc-2"), ["Lock"]),
        ("server", ("srv",), ["Lock"]),
    ]
    assert not found.left_out


def test_several_hosts_that_are_no_group_are_named():
    three = {"a": {"registry": [row("X")]}, "b": {"registry": [row("X")]}, "c": {}}
    (one,) = plan(three, {}).gpos
    assert (one.subject, one.label) == ("rechner/a,b", "a, b")


def test_what_one_of_several_hosts_wants_is_left_to_a_direct_run():
    found = plan(rows(pc_1=[row("A"), row("Alone")], pc_2=[row("A")]), {})
    assert [names(one) for one in found.gpos] == [["A"]]
    (gone,) = found.left_out
    assert (gone.name, gone.hosts, gone.requirements) == (f"{KEY}\\Alone", ("pc-1",), ("2021-A1-13",))
    with german():
        assert "nur pc-1" in str(gone.reason)


def test_the_only_host_has_a_policy():
    (one,) = plan(rows(pc_1=[row("A")]), {}).gpos
    assert one.label == "alle Windows-Rechner"


def test_some_hosts_of_a_practice_do_not_get_the_policy_of_all():
    """It would be imported over the other one."""
    some = rows(pc_1=[row("A")])
    assert plan(some, {"a": ["pc-1", "pc-2"]}, whole=False).gpos[0].subject != plan(some, {}).gpos[0].subject
    assert plan(some, {}, whole=False).gpos[0].label == "pc-1"


def test_the_same_setting_spelt_otherwise_is_the_same():
    found = plan(rows(pc_1=[row("A")], pc_2=[row("a", key=KEY.upper(), policy="Other words")]), {})
    assert [one.label for one in found.gpos] == ["alle Windows-Rechner"]
    assert not found.left_out


def test_requirements_of_all_hosts_count():
    found = plan(rows(pc_1=[row("A")], pc_2=[row("A", requirements=["KVWL-04"])]), {})
    assert found.gpos[0].requirements == ["2021-A1-13", "KVWL-04"]


def test_a_key_that_is_cleared_is_in_one_policy_with_all_its_values():
    """Else the policy that clears it would take away what the other one has set."""
    shared, own, plain = row("1", "eins", type="string"), row("2", "zwei", type="string"), row("X", key=KEY + "2")
    only = {"key": KEY, "only": ["1"], "role": "r", "requirements": []}
    found = plan(
        rows(pc_1=[shared, only, plain], pc_2=[shared, own, {**only, "only": ["1", "2"]}, plain]),
        {"a": ["pc-1"], "b": ["pc-2"]},
    )
    assert [(one.label, names(one)) for one in found.gpos] == [
        ("alle Windows-Rechner", ["X"]),
        ("a", ["1", "Praxis"]),
        ("b", ["1", "2", "Praxis"]),
    ]


FIREWALL = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall"


def firewall(*rules):
    """What a host with these rules wants: nothing comes in but by them, and local rules do not count."""
    block = [
        row("DefaultInboundAction", key=rf"{FIREWALL}\DomainProfile"),
        row("AllowLocalPolicyMerge", 0, key=FIREWALL),
    ]
    return [*block, *(row(name, f"v2.22|{name}|", type="string", key=rf"{FIREWALL}\FirewallRules") for name in rules)]


def test_no_policy_blocks_without_the_rules_of_those_whom_it_lets_in():
    same = plan(rows(pc_1=firewall("WinRM"), pc_2=firewall("WinRM")), {}).gpos
    assert [names(one) for one in same] == [["DefaultInboundAction", "AllowLocalPolicyMerge", "WinRM"]]
    found = plan(
        rows(pc_1=firewall("WinRM", "DICOM"), pc_2=firewall("WinRM"), srv=firewall("WinRM", "SMB")), {"server": ["srv"]}
    )
    assert [(one.label, names(one)) for one in found.gpos] == [
        ("server", ["DefaultInboundAction", "AllowLocalPolicyMerge", "WinRM", "SMB"])
    ]
    assert {one.hosts for one in found.left_out} == {("pc-1",), ("pc-2",)}


def test_a_firewall_with_a_rule_that_no_policy_carries_is_left_to_a_direct_run():
    found = plan(rows(pc_1=[*firewall("WinRM", "Gerät"), row("Other")]), {})
    assert [names(one) for one in found.gpos] == [["Other"]]
    assert len(found.left_out) == 4
    with german():
        assert any("Gerät" in str(one.reason) for one in found.left_out)


def test_values_of_others_that_stay_in_a_key_tear_nothing_apart():
    """The row that would clear the key is left out; what is set there needs not be together then."""
    keeps = {"key": KEY, "only": ["A", "Theirs"], "role": "r", "requirements": []}
    found = plan(rows(pc_1=[row("A"), keeps], pc_2=[row("A"), row("B"), keeps]), {})
    assert names(found.gpos[0]) == ["A"]


def test_every_row_is_carried_or_named():
    found = gpo.planned()
    carried = [setting.name for one in found.gpos for setting in one.settings]
    assert {*carried, *(one.name for one in found.left_out)} == {
        setting_name(kind, one) for kind, several in gpo.rows().items() for one in several
    }


def setting_name(kind, one):
    if kind == "registry":
        return one["key"] + (f"\\{one['name'] or '(default)'}" if "name" in one else "")
    return one.get("name") or one["subcategory"]


def test_the_page_names_what_is_missing_and_what_does_not_apply():
    written = gpo.written()
    gone = Dropped("registry", "X", ("2021-A1-08",), "in der Praxis nicht vorhanden: TI")
    text = readme.render("Praxis", "2025", [written], gpo.planned().left_out, [(("pc-1",), gone)], ", ".join)
    for word in ("`SMB1Protocol`", "`RemoteRegistry`", "**Geheim", "in der Praxis nicht vorhanden: TI", written.id):
        assert word in text
    assert "Praxisschild Praxis am Markt - alle Windows-Rechner" in text


def test_the_table_has_a_line_for_every_setting_that_excel_does_not_run():
    written = gpo.written()
    text = readme.table([written], ", ".join).decode("utf-8-sig")
    lines = text.split("\r\n")
    assert lines[0].split(";")[0] == "GPO"
    assert len(lines) - 2 == sum(1 for _kind, case in gpo.cases() if case.keys() & {"pol", "inf", "audit"})
    risky = plan(rows(pc_1=[row("F", "=1+1", type="string")]), {}).gpos[0]
    found = readme.table([backup.write(risky, "P", "p", gpo.DAY)], ", ".join).decode("utf-8-sig")
    assert ";'=1+1;" in found


def test_powershell_takes_any_name():
    (one,) = gpo.planned().gpos
    written = backup.write(one, "Müller’s Praxis $x", "p", gpo.DAY)
    text = readme.render("x", "2025", [written], (), (), ", ".join)
    assert "-TargetName 'Praxisschild Müller’’s Praxis $x - alle Windows-Rechner' -CreateIfNeeded" in text
