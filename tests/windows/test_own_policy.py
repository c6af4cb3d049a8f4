"""A domain that applies our own policy and a direct run want the same; where they differ, the run says whose it is."""

from __future__ import annotations

from praxisschild.gpo import backup
from tests import gpo
from tests.windows.test_domain_policy import AUDIT, REGISTRY, SECURITY, apply_policy

CARRIED = {"pol", "inf", "audit"}
KINDS = ("registry", "security", "audit")


def applied(pc):
    """A host to which the policy of all rows in tests/data/gpo has been applied."""
    files = gpo.written().files
    apply_policy(pc, REGISTRY, files[f"{backup.MACHINE}/{backup.REGISTRY_POL}"], name="Unsere")
    apply_policy(pc, SECURITY, files[f"{backup.MACHINE}/{backup.TEMPLATE}"], name="Unsere")
    apply_policy(pc, AUDIT, files[f"{backup.MACHINE}/{backup.AUDIT}"], name="Unsere")
    return pc


def rows(kind):
    """Rows of the machine that the policy carries; accounts of a domain are unknown to a stand-in."""
    return [
        case["row"]
        for one, case in gpo.cases()
        if one == kind
        and case.keys() & CARRIED
        and not str(case["row"].get("key")).startswith("HKCU")
        and case["row"].get("name") != "SeBackupPrivilege"
    ]


def test_a_direct_run_agrees_with_our_policy(pc):
    host = applied(pc)
    for kind in KINDS:
        result = host(kind, rows(kind))
        assert len(result["items"]) == len(rows(kind)) > 3
        assert not [one for one in result["items"] if one["state"] in {"domain_policy", "failed"}]


def test_a_row_that_differs_is_left_to_our_policy(pc):
    host = applied(pc)
    multicast, lock = rows("registry")[0], rows("security")[0]
    for kind, row in (("registry", {**multicast, "value": 1}), ("security", {**lock, "value": 9})):
        (item,) = host(kind, [row])["items"]
        assert (item["state"], item["gpo"]) == ("domain_policy", "Unsere")
    logon = next(one for one in rows("audit") if one.get("name") == "Logon")
    (item,) = host("audit", [{**logon, "failure": False}])["items"]
    assert (item["state"], item["gpo"]) == ("domain_policy", "Unsere")
