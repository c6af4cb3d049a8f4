"""What a domain's policies set is found in the engine's own copies, whichever file of a policy carries it."""

from __future__ import annotations

import struct

import pytest

KEY = r"HKLM\SOFTWARE\Policies\Praxisschild"
LOGON = "{0CCE9215-69AE-11D9-BED3-505054503030}"
REGISTRY, SECURITY, AUDIT = (
    "{35378EAC-683F-11D2-A89A-00C04FBBCFA2}",
    "{827D319E-6EAC-11D2-A4EA-00C04F79F83A}",
    "{F3CCC681-B74C-4060-9F26-CD84525DCA2A}",
)
HISTORY = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\History"
FILES = {
    REGISTRY: "Registry.pol",
    SECURITY: "Microsoft/Windows NT/SecEdit/GptTmpl.inf",
    AUDIT: "Microsoft/Windows NT/Audit/audit.csv",
}


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def pol(*entries: tuple[str, str, int, bytes]) -> bytes:
    content = b"PReg" + struct.pack("<I", 1)
    for key, name, kind, data in entries:
        content += wide("[") + wide(key + "\0") + wide(";") + wide(name + "\0") + wide(";")
        content += struct.pack("<I", kind) + wide(";") + struct.pack("<I", len(data)) + wide(";") + data + wide("]")
    return content


def inf(text: str) -> bytes:
    return f'[Unicode]\nUnicode=yes\n{text}\n[Version]\nsignature="$CHICAGO$"\nRevision=1\n'.encode("utf-16")


def apply_policy(
    host,
    extension: str,
    content: bytes | None,
    *,
    number: int = 1,
    name: str = "GPO",
    user: str = "",
    sysvol: bool = False,
):
    """As after a refresh: an entry in the history, and the policy's file in the copy, or in SYSVOL only."""
    guid = f"{{00000000-0000-0000-0000-{number:012}}}"
    side = "User" if user else "Machine"
    key = rf"HKU\{user}\{HISTORY}" if user else rf"HKLM\{HISTORY}"
    host.registry.set(rf"{key}\{extension}\{number}", "DisplayName", "string", name)
    path = rf"\\praxis.test\SysVol\praxis.test\Policies\{guid}\{side}"
    host.registry.set(rf"{key}\{extension}\{number}", "FileSysPath", "string", path)
    if content is None:
        return
    copies = host.path(r"C:\WINDOWS\System32\GroupPolicy\DataStore") / (user or "0") / "SysVol"
    base = host.folder / "drives/network/praxis.test/SysVol" if sysvol else copies
    file = base / "praxis.test" / "Policies" / guid / side / FILES[extension]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def row(name="A", **more):
    return {"key": KEY, "name": name, "type": "dword", "value": 1, **more}


def states(result):
    return [item["state"] for item in result["items"]]


DWORD = struct.pack("<I", 0)
POLICY = r"Software\Policies\Praxisschild"


@pytest.mark.parametrize("sysvol", [False, True])
def test_values_and_removals_of_a_policy_are_recognised(pc, sysvol):
    content = pol(
        (POLICY, "A", 4, DWORD),
        (POLICY, "**del.Gone", 1, wide(" \0")),
        (POLICY, "**soft.Soft", 1, wide("weich\0")),
        (r"Software\Policies\Cleared", "**delvals.", 1, wide(" \0")),
        (POLICY, "Multi", 7, wide("a\0b\0\0")),
        (POLICY, "Big", 11, struct.pack("<Q", 2**40)),
    )
    apply_policy(pc, REGISTRY, content, name="Größe", sysvol=sysvol)
    rows = [
        row("a"),
        row("Gone"),
        {"key": KEY, "name": "Gone2", "state": "absent"},
        row("Soft", type="string", value="weich"),
        row("Soft2"),
        {**row("x"), "key": r"HKLM\SOFTWARE\Policies\Cleared"},
        row("Multi", type="multi_string", value=["a", "b"]),
        row("Big", type="qword", value=2**40),
    ]
    result = pc("registry", rows)
    left, present = "domain_policy", "present"
    assert states(result) == [left, left, "absent", present, present, left, present, present]
    assert result["items"][0]["gpo"] == "Größe"
    assert result["items"][1]["reason"] == "the domain policy “Größe” sets nothing here; change it there"
    assert set(pc.registry.values(KEY)) == {"Soft", "Soft2", "Multi", "Big"}


def test_what_a_policy_adds_to_a_list_stays(pc):
    apply_policy(pc, REGISTRY, pol((POLICY, "2", 4, DWORD), (POLICY, "**del.3", 1, wide(" \0"))))
    for name in ("1", "2", "3", "4"):
        pc.registry.set(KEY, name, "dword", 0)
    rows = [{"key": KEY, "only": ["1"]}]
    assert pc("registry", rows)["items"][0]["before"] == "key, with 3, 4"
    assert set(pc.registry.values(KEY)) == {"1", "2"}
    assert pc.settled("registry", rows)


def test_the_last_policy_wins(pc):
    apply_policy(pc, REGISTRY, pol((POLICY, "A", 4, DWORD), (POLICY, "B", 4, DWORD)), number=2, name="zweite")
    apply_policy(pc, REGISTRY, pol((POLICY, "A", 4, struct.pack("<I", 1))), number=10, name="zehnte")
    result = pc("registry", [row("A"), row("B")])
    assert states(result) == ["present", "domain_policy"]


def test_a_security_option_of_a_policy_is_a_registry_value(pc):
    values = ("Level=4,3", 'Text=1,"a,b"', "Many=7,a,b")
    lines = ["[Registry Values]", *(f"MACHINE\\System\\Lsa\\{value}" for value in values)]
    apply_policy(pc, SECURITY, inf("\n".join(lines)))
    lsa = {"key": r"HKLM\SYSTEM\Lsa", "type": "dword", "value": 5}
    rows = [
        {**lsa, "name": "Level"},
        {**lsa, "name": "Text", "type": "string", "value": "a,b"},
        {**lsa, "name": "Many", "type": "multi_string", "value": ["a", "b"]},
    ]
    assert states(pc("registry", rows)) == ["domain_policy", "present", "present"]


def test_rights_of_a_policy_are_a_set(pc):
    apply_policy(
        pc,
        SECURITY,
        inf("[Privilege Rights]\nSeShutdownPrivilege = *S-1-5-32-545,Administratoren\nSeUndockPrivilege ="),
    )
    rows = [
        {"name": "SeShutdownPrivilege", "value": ["S-1-5-32-544", "S-1-5-32-545"]},
        {"name": "SeUndockPrivilege", "value": ["S-1-5-32-544"]},
    ]
    result = pc("security", rows)
    assert states(result) == ["present", "domain_policy"]
    assert "sets [] here" in result["items"][1]["reason"]


def test_the_audit_policy_of_a_domain_is_recognised(pc):
    head = (
        "Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting,Setting Value\r\n"
    )
    apply_policy(pc, AUDIT, f"{head},System,Audit Logon,{LOGON.lower()},Success,,1\r\n".encode())
    result = pc("audit", [{"subcategory": LOGON, "success": True, "failure": True}])
    assert states(result) == ["domain_policy"]
    assert "sets success here" in result["items"][0]["reason"]
    assert pc.state["audit"][LOGON]["setting"] == 1


def test_a_policy_for_one_user_leaves_the_others_to_us(pc):
    sid = pc.state["users"]["praxisschild"]["sid"]
    apply_policy(pc, REGISTRY, pol((r"Software\Policies\X", "A", 4, DWORD)), user=sid, name="Empfang")
    rows = [{"key": r"HKCU\Software\Policies\X", "name": "A", "type": "dword", "value": 1}]
    (item,) = pc("registry", rows, check=True)["items"]
    assert (item["state"], item["gpo"], item["changed"]) == ("domain_policy", "Empfang", True)
    assert item["after"][sid] is None
    assert pc("registry", rows)["items"][0]["after"]["Default"] == {"type": "dword", "value": 1}
    assert not pc.registry.exists(rf"HKU\{sid}\Software\Policies\X")
    assert pc.settled("registry", rows)


@pytest.mark.parametrize(
    ("kind", "extension", "content"),
    [
        ("registry", REGISTRY, None),
        ("registry", REGISTRY, b""),
        ("registry", REGISTRY, b"PReg\2\0\0\0"),
        ("registry", REGISTRY, pol((POLICY, "A", 4, DWORD))[:-3]),
        (
            "registry",
            REGISTRY,
            pol((POLICY, "A", 4, DWORD)).replace(struct.pack("<I", 4) + wide(";") + DWORD, b"\xff\xff\xff\xff"),
        ),
        ("registry", SECURITY, b"Unfug"),
        ("security", SECURITY, "[System Access]\nohne".encode("utf-16")),
        ("audit", AUDIT, b"Unfug"),
        ("audit", AUDIT, None),
    ],
)
def test_a_policy_that_cannot_be_read_is_named_and_costs_nothing_else(pc, kind, extension, content):
    apply_policy(pc, extension, content, name="Unlesbar")
    rows = {
        "registry": [row()],
        "security": [{"name": "PasswordHistorySize", "value": 5}],
        "audit": [{"subcategory": LOGON, "success": False, "failure": False}],
    }[kind]
    result = pc(kind, rows)
    assert result["changed"]
    assert result["warnings"] == [
        "the domain policy “Unlesbar” applies here but cannot be read: what it sets is not recognised"
    ]
