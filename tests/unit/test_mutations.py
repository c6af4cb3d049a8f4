"""Every check has been seen red: some mutation of the lab names it, and names nothing that does not exist."""

from __future__ import annotations

import pytest

from praxisschild import traceability
from praxisschild.inventory import PROJECT, Inventory
from tests.lab import windows_mutations
from tests.lab.mutations import EMULATED, SHARES, Mutation, choice, chosen, every, piles

# What cannot be broken on the lab's hosts, each with the reason.
UNBREAKABLE: dict[str, str] = {
    # in every run of the notebook it is red under its deviation, see test_removable_media
    # test_windows_mutations opens a port and knocks
    "test_no_port_of_windows_answers_here_that_nobody_named": "knocks, and kept states have no ports",
    "test_all_disks_are_encrypted": "no role encrypts the disk that a host has started from",
}

# a phone is no host of the lab: tests/unit/mdm/test_checks.py breaks every answer of its device list
UNBREAKABLE |= {
    check.name: "asks a device list, see tests/unit/mdm"
    for check in traceability.checks(PROJECT / "tests/compliance")
    if check.file.name == "test_mobile_devices.py"
}

MUTATIONS = every()
WINDOWS = windows_mutations.every()
CHECKS = {check.name for check in traceability.checks(PROJECT / "tests/compliance")}
ROLES = {path.parent.name for path in (PROJECT / "roles").glob("*/meta")}
HOSTS = {host for name in ("musterpraxis", "hausbesuch") for host in Inventory(PROJECT / "inventories" / name).hosts}


def mutation(host: str = "a", *red: str, probe: bool = False, alone: bool = False) -> Mutation:
    return Mutation(host, "true", frozenset(red), "role", probe=probe, alone=alone)


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_every_check_has_been_made_red(check):
    seen = any(check in mutation.red for mutation in [*MUTATIONS.values(), *WINDOWS.values()])
    assert seen != (check in UNBREAKABLE), "a mutation, or a reason in UNBREAKABLE why there is none"


def test_no_reason_outlives_its_check():
    assert UNBREAKABLE.keys() <= CHECKS
    assert all(UNBREAKABLE.values())


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_names_what_exists(name):
    found = MUTATIONS[name]
    assert found.red
    assert found.red <= CHECKS
    assert found.role in ROLES
    assert {found.host, found.at or found.host} <= HOSTS
    assert found.probe or not found.only


@pytest.mark.parametrize("name", WINDOWS)
def test_a_mutation_of_windows_names_what_exists(name):
    found = WINDOWS[name]
    assert found.changes
    assert all(verb in {"set", "unset"} and len(rest) == 2 - (verb == "unset") for verb, *rest in found.changes)
    assert found.red
    assert found.red <= CHECKS
    assert found.role in ROLES
    assert found.host in Inventory(PROJECT / "inventories/windowspraxis").hosts


def test_three_thirds_are_all_but_the_emulated_hosts():
    thirds = [chosen(MUTATIONS, str(number)) for number in range(SHARES)]
    quick = [name for name, mutation in MUTATIONS.items() if mutation.host != EMULATED]
    assert sorted(name for third in thirds for name in third) == sorted(quick)
    assert chosen(MUTATIONS, "all") == MUTATIONS


@pytest.mark.parametrize(("asked", "found"), [("all", {"all"}), ("1", {"1"}), ("third", {"0", "1", "2"})])
def test_a_choice_is_all_or_the_number_of_a_third(monkeypatch, asked, found):
    monkeypatch.setenv("MUTATIONS", asked)
    assert choice() in found


def test_an_unknown_choice_is_named(monkeypatch):
    monkeypatch.setenv("MUTATIONS", "half")
    with pytest.raises(ValueError, match="MUTATIONS=half: choose all, third"):
        choice()


def test_a_pile_holds_no_check_twice_and_one_host_and_kind_only():
    mutations = {
        "first": mutation("a", "x"),
        "elsewhere": mutation("b", "x"),
        "again": mutation("a", "x", "y"),
        "beside": mutation("a", "z"),
        "experiment": mutation("a", "v", probe=True),
    }
    assert [list(pile) for pile in piles(mutations)] == [["first", "beside"], ["again"], ["experiment"], ["elsewhere"]]


def test_what_hampers_others_is_alone_in_its_pile():
    mutations = {"first": mutation("a", "x"), "hampers": mutation("a", "y", alone=True), "last": mutation("a", "z")}
    assert [list(pile) for pile in piles(mutations)] == [["first", "last"], ["hampers"]]
