from __future__ import annotations

import json
from datetime import timedelta

import pytest

from praxisschild.collector.linux import support as collected
from praxisschild.packet_filter import Packet, Ruleset
from praxisschild.snapshot import Snapshot, Unreadable
from praxisschild.snapshot.support import SecuritySupport

SECURITY = {
    "origin": "Debian",
    "label": "Debian-Security",
    "archive": "oldstable-security",
    "codename": "bookworm-security",
    "site": "deb.debian.org",
}
MAIN = {**SECURITY, "label": "Debian", "archive": "oldstable", "codename": "bookworm"}
OTHERS = {"origin": "Praxissoftware", "label": "PVS", "archive": "stable", "codename": "stable", "site": "pvs.test"}
PATTERN = "origin=Debian,codename=${distro_codename}-security,label=Debian-Security"
ACCOUNT = {
    "watched_since": "2026-11-20T12:00:00Z",
    "checked": "2026-11-23T12:00:00Z",
    "pending": {},
    "kernel": {"running": "6.1.0-56-amd64", "newest": "6.1.0-56-amd64", "state": 1},
    "outdated": {},
    "run": {"result": "success", "last_success": "2026-11-23T06:00:00Z", "message": ""},
    "unsupported": {"ended": [], "earlyend": [], "limited": ["binutils"]},
    "sourceless": ["pvs"],
}


def host(identifier="debian", version="12", codename="bookworm", machine="x86_64"):
    release = {"id": identifier, "version_id": version, "version_codename": codename}
    return {"name": "arbeitsplatz-1", "os": release, "architecture": machine}


def snapshot(*, pending=(), patterns=(PATTERN,), machine=None, **support):
    section = {
        "release": None,
        "held": [],
        "kept_back": [],
        "sources": [],
        "trust": {},
        "archives": [MAIN, SECURITY],
        "watched_by": {"OnFailure": [], "OnSuccess": []},
        "status": ACCOUNT,
        **support,
    }
    document = {
        "schema_version": 1,
        "collected_at": "2026-11-24T12:00:00+00:00",
        "errors": [],
        "host": machine or host(),
        "support": section,
        "updates": {"pending_security": list(pending)},
        "apt": {"Unattended-Upgrade::Origins-Pattern": list(patterns)},
    }
    return Snapshot.from_json(document)


def account(**changes):
    return {**ACCOUNT, **changes}


# -- until when --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "until", "kind"),
    [
        (snapshot(), "2028-06-30", "LTS"),
        (snapshot(machine=host(machine="ppc64le")), "2026-07-11", "regulär"),
        (snapshot(archives=[MAIN]), "0001-01-01", ""),
        (snapshot(archives=[SECURITY, {**OTHERS, "site": "deb.freexian.com"}]), "2033-06-30", "ELTS"),
        (snapshot(release={"eol": "2027-01-01", "eol-lts": None}), "2027-01-01", "regulär"),
    ],
    ids=["LTS", "no LTS for this machine", "no security archive", "ELTS", "the host's own table"],
)
def test_support_ends_when_nothing_reaches_the_host_any_more(state, until, kind):
    assert str(state.security_support.until) == until
    assert state.security_support.kind == kind


def test_esm_counts_where_its_archive_is_one():
    machine = host("ubuntu", "22.04", "jammy")
    row = {"eol": "2027-06-01", "eol-esm": "2032-04-09"}
    standard = {
        "origin": "Ubuntu",
        "label": "Ubuntu",
        "archive": "jammy-security",
        "codename": "jammy",
        "site": "u.test",
    }
    esm = {**standard, "origin": "UbuntuESM", "archive": "jammy-infra-security"}
    without = snapshot(machine=machine, release=row, archives=[standard]).security_support
    assert (without.release, without.kind) == ("Ubuntu 22.04", "regulär")
    assert snapshot(machine=machine, release=row, archives=[standard, esm]).security_support.kind == "ESM"


def test_an_unknown_release_is_not_judged():
    with pytest.raises(Unreadable, match="debian 99"):
        _ = snapshot(machine=host(version="99", codename="forky")).security_support


def test_the_report_speaks_of_the_release_as_people_do():
    assert isinstance(snapshot().security_support, SecuritySupport)
    assert snapshot().security_support.release == "Debian 12"


# -- in time -----------------------------------------------------------------------------------------------------------


def test_an_update_is_as_old_as_the_archive_in_which_it_was_first_seen():
    known = account(pending={"openssl": {"version": "3.0.2", "available": "2026-11-14T12:00:00Z"}})
    ages = snapshot(pending=["openssl", "curl"], status=known).security_update_ages
    assert ages == {"openssl": timedelta(days=10), "curl": timedelta(days=1)}


def test_without_an_account_nobody_knows_how_long_an_update_waits():
    assert snapshot(status=None).security_update_ages == {}
    with pytest.raises(Unreadable, match="nicht Buch"):
        _ = snapshot(pending=["openssl"], status=None).security_update_ages


def test_a_host_without_an_installation_yet_counts_from_its_first_day():
    never = {"result": "none", "last_success": None, "message": ""}
    assert snapshot().last_installation == ("success", timedelta(hours=30))
    assert snapshot(status=account(run=never)).last_installation == ("none", timedelta(days=4))


@pytest.mark.parametrize("state", [2, 3])
def test_a_newer_kernel_on_the_disk_is_told(state):
    kernel = {"running": "6.1.0-56-amd64", "newest": "6.1.0-57-amd64", "state": state}
    assert snapshot().outdated_kernel is None
    assert snapshot(status=account(kernel=kernel)).outdated_kernel == ("6.1.0-56-amd64", "6.1.0-57-amd64")


@pytest.mark.parametrize("kernel", [None, {"running": "6.1", "newest": None, "state": 0}])
def test_a_kernel_that_the_host_cannot_judge_is_not_tested(kernel):
    with pytest.raises(Unreadable, match="Kernel"):
        _ = snapshot(status=account(kernel=kernel)).outdated_kernel


def test_packages_without_a_list_of_supported_ones_are_not_tested():
    assert snapshot().unsupported_packages["limited"] == ["binutils"]
    with pytest.raises(Unreadable, match="check-support-status"):
        _ = snapshot(status=account(unsupported=None)).unsupported_packages


# -- sources -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        (PATTERN, False),
        ("origin=Praxissoftware,codename=stable", True),
        ("o=Praxissoftware,a=stable", True),
        ("Praxissoftware:stable", True),
        ("Praxissoftware:testing", False),
        ("site=*.test", True),
        ("origin=Praxissoftware,flavour=vanilla", False),
    ],
)
def test_an_archive_of_others_needs_a_pattern(pattern, taken):
    found = snapshot(archives=[MAIN, SECURITY, OTHERS], patterns=[pattern]).archives_without_automatic_updates
    assert found == (() if taken else ("Praxissoftware (pvs.test)",))


@pytest.mark.parametrize(
    ("pattern", "taken"), [(PATTERN, True), ("${distro_id}:oldstable-security", True), ("a=now", False)]
)
def test_the_security_archive_has_to_be_met(pattern, taken):
    assert snapshot(patterns=[pattern]).security_archive_is_updated is taken


def test_sources_without_signatures_are_named():
    source = {"file": "/etc/apt/sources.list", "options": {"trusted": "yes", "allow-weak": "no"}}
    trust = {"APT::Get::AllowUnauthenticated": True, "Acquire::AllowInsecureRepositories": False}
    found = snapshot(sources=[source], trust=trust).unauthenticated_sources
    assert found == ("/etc/apt/sources.list: trusted=yes", "APT::Get::AllowUnauthenticated")


def test_holds_and_conffile_prompts_are_one_list():
    assert snapshot(held=["bash"], kept_back=["curl", "bash"]).held_back == ("bash", "curl")


# -- collecting --------------------------------------------------------------------------------------------------------


def test_both_notations_of_sources_are_read(tmp_path, monkeypatch):
    folder = tmp_path / "etc/apt/sources.list.d"
    folder.mkdir(parents=True)
    (folder / "a.list").write_text(
        "# comment\ndeb [arch=amd64 trusted=yes] https://betreuung:geheim@a.test/debian stable main\n"
        "deb-src http://b.test x main\n"
    )
    (folder / "b.sources").write_text(
        "Types: deb deb-src\nURIs: http://deb.debian.org/debian\nSuites: trixie trixie-updates\nComponents: main\n"
        "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n\nTypes: deb\nEnabled: no\nURIs: http://c.test\n"
        "\nTypes: deb\nURIs: file:/srv\nSuites: ./\nAllow-Insecure: Yes\nSigned-By: /srv/key.gpg\n"
    )
    real = collected.Path
    monkeypatch.setattr(collected, "Path", lambda *parts: real(tmp_path, *(str(part).lstrip("/") for part in parts)))
    first, second, third = collected.sources()
    assert first["uris"] == ["https://betreuung:***@a.test/debian"]
    assert first["options"] == {"trusted": "yes"}
    assert (second["suites"], second["signed_by"]) == (["trixie", "trixie-updates"], True)
    assert (third["options"], third["signed_by"]) == ({"allow-insecure": "yes"}, True)


def test_archives_are_named_once(tmp_path, monkeypatch):
    lists = tmp_path / "var/lib/apt/lists"
    lists.mkdir(parents=True)
    fields = {"Origin": "Debian", "Label": "Debian-Security", "Suite": "oldstable-security"}
    fields |= {"Codename": "bookworm-security", "SHA256": "\n Label: x"}
    head = "".join(f"{name}: {value}\n" for name, value in fields.items())
    (lists / "deb.debian.org_debian-security_dists_bookworm-security_InRelease").write_text(f"-----BEGIN\n{head}")
    (lists / "deb.debian.org_other_dists_bookworm-security_Release").write_text(head)
    (lists / "_srv_archive_dists_probe_InRelease").write_text("Origin: Praxissoftware\nLabel: PVS\nCodename: stable\n")
    real = collected.Path
    monkeypatch.setattr(collected, "Path", lambda path: real(tmp_path, str(path).lstrip("/")))
    assert collected.archives() == [SECURITY, {**OTHERS, "archive": "", "site": ""}]


def test_packages_on_hold_are_found(monkeypatch):
    monkeypatch.setattr(collected, "run", lambda *_command: "install apt\nhold curl\nhold bash\n")
    assert collected.held() == ["bash", "curl"]


def test_the_release_is_looked_up_in_the_hosts_table(tmp_path, monkeypatch):
    (tmp_path / "debian.csv").write_text("version,series,eol,eol-lts\n12,bookworm,2026-07-11,2028-06-30\n13,trixie,,\n")
    monkeypatch.setattr(collected, "DISTRO_INFO", tmp_path)
    texts = {"/etc/os-release": 'ID=debian\nVERSION_CODENAME="bookworm"\n'}
    monkeypatch.setattr(
        collected, "read", lambda path: texts.get(str(path)) or (path.read_text() if path.is_file() else "")
    )
    assert collected.release()["eol-lts"] == "2028-06-30"
    texts["/etc/os-release"] = "ID=fedora\nVERSION_CODENAME=x\n"
    assert collected.release() is None


def test_the_hosts_account_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(collected, "STATUS", tmp_path / "status.json")
    assert collected.status() is None
    (tmp_path / "status.json").write_text(json.dumps(ACCOUNT))
    assert collected.status() == ACCOUNT


# -- separated ---------------------------------------------------------------------------------------------------------

OUTPUT = {"family": "inet", "table": "p", "hook": "output", "type": "filter", "prio": 0, "policy": "drop"}


def rule(**fields):
    """A rule that accepts what matches; names as ``ip_daddr``, ``oifname``."""
    matches = [
        {"match": {"op": "==", "left": _left(*name.split("_")), "right": value}} for name, value in fields.items()
    ]
    return {"rule": {"family": "inet", "table": "p", "chain": "output", "expr": [*matches, {"accept": None}]}}


def _left(first, field=None):
    return {"payload": {"protocol": first, "field": field}} if field else {"meta": {"key": first}}


RULESET = [{"chain": {**OUTPUT, "name": "output"}}, rule(oifname="lo"), rule(ip_daddr="10.77.5.13", tcp_dport=445)]


@pytest.mark.parametrize(
    ("packet", "drops"),
    [
        (Packet("10.77.5.11", port=445, hook="output", destination="10.77.5.13"), False),
        (Packet("10.77.5.11", port=445, hook="output", destination="192.0.2.77"), True),
        (Packet("10.77.5.11", port=443, hook="output", destination="10.77.5.13"), True),
        (Packet("2001:db8::1", port=445, hook="output", destination="2001:db8::77"), True),
        (Packet("127.0.0.1", port=9, hook="output", destination="127.0.0.1", interface="lo"), False),
    ],
    ids=str,
)
def test_what_leaves_a_host_is_judged_by_where_it_goes(packet, drops):
    assert Ruleset.from_json(RULESET).drops(packet) is drops
