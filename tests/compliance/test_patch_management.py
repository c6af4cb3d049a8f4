"""Whether updates arrive in time, and whether software for which none will come is known and out of harm's way."""

from __future__ import annotations

import ipaddress
from datetime import timedelta

import pytest

from praxisschild.checks import bound, not_applicable, requirement
from praxisschild.packet_filter import Packet

ELSEWHERE = ["192.0.2.77", "2001:db8::77"]
# where nothing listens, and what everybody lets out
PORTS = [9, 80, 443]


def _names(found) -> str:
    return ", ".join(sorted(found)) or "keine"


@requirement("2025-A1-14")
def test_security_updates_install_themselves(snapshot, measured):
    """Most attacks use a hole for which an update has long been available."""
    limit = bound("2025-A1-14", "security_update_age").at_most
    refreshed, installed = snapshot.apt_every("Update-Package-Lists"), snapshot.apt_every("Unattended-Upgrade")
    included = any("security" in origin.lower() for origin in snapshot.unattended_origins)
    measured(
        f"Automatische Installation: {f'alle {installed:g} Tage' if installed else 'aus'}; "
        f"Sicherheitsupdates eingeschlossen: {'ja' if included else 'nein'}"
    )
    assert "unattended-upgrades" in snapshot.software
    assert 0 < refreshed <= limit
    assert 0 < installed <= limit
    assert included
    assert snapshot.security_archive_is_updated
    assert snapshot.is_active("apt-daily.timer")
    assert snapshot.is_active("apt-daily-upgrade.timer")


@requirement("2025-A1-14")
def test_no_security_update_waits(snapshot, measured):
    """Automatic updates that fail silently look like automatic updates."""
    limit = timedelta(days=bound("2025-A1-14", "security_update_age").at_most)
    ages, lists = snapshot.security_update_ages, snapshot.package_lists_age
    oldest = max(ages.values(), default=timedelta(0))
    waiting = f"{len(ages)}, das älteste seit {oldest.days} Tagen verfügbar" if ages else "keine"
    measured(f"Ausstehende Sicherheitsupdates: {waiting}; Paketlisten {lists.days} Tage alt")
    assert oldest <= limit
    assert lists <= limit


@requirement("2025-A1-14")
def test_last_automatic_installation_went_well(snapshot, measured):
    """A schedule that fails every night installs nothing."""
    limit = timedelta(days=bound("2025-A1-14", "security_update_age").at_most)
    result, since = snapshot.last_installation
    words = {
        "success": f"zuletzt erfolgreich vor {since.days} Tagen",
        "none": f"noch keine, eingerichtet vor {since.days} Tagen",
    }
    measured(f"Automatische Installation: {words.get(result, 'beim letzten Mal gescheitert')}")
    assert result != "failed"
    assert since <= limit


@requirement("2025-A1-14")
def test_somebody_notices_when_an_installation_fails(snapshot, measured):
    """What fails at six in the morning is seen by nobody who does not look for it."""
    limit = timedelta(days=bound("2025-A1-14", "watch_age").at_most)
    watchers = set(snapshot.updates_watched_by["OnFailure"]) & set(snapshot.updates_watched_by["OnSuccess"])
    age = snapshot.account_age if snapshot.keeps_account else None
    measured(
        f"Nach jeder Installation sieht nach: {_names(watchers)}; "
        f"zuletzt {'nie' if age is None else f'vor {age.total_seconds() / 3600:.0f} Stunden'}"
    )
    assert watchers
    assert age is not None
    assert age <= limit


@requirement("2025-A1-14")
def test_no_package_is_held_back(snapshot, measured):
    """A package on hold keeps its holes while everything says that updates are on."""
    held = snapshot.held_back
    measured(f"Zurückgehaltene Pakete: {_names(held)}")
    assert not held


@requirement("2025-A1-14")
def test_packages_come_signed(snapshot, measured):
    """Whoever can change an update on its way installs what he likes."""
    loose = snapshot.unauthenticated_sources
    measured(f"Paketquellen ohne Prüfung der Unterschrift: {_names(loose)}")
    assert not loose


@requirement("2025-A1-14")
def test_software_of_others_is_updated_too(snapshot, measured):
    """The browser from its maker's own archive is attacked as much as the distribution's."""
    left_out = snapshot.archives_without_automatic_updates
    measured(f"Fremde Paketquellen ohne automatische Updates: {_names(left_out)}")
    assert not left_out


@requirement("2025-A1-14")
def test_newest_kernel_runs(snapshot, measured):
    """A repaired kernel on the disk protects nobody until the host has been restarted."""
    if not snapshot.own_kernel:
        not_applicable("Dieser Host hat keinen eigenen Kernel (Container).")
    limit = timedelta(days=bound("2025-A1-14", "security_update_age").at_most)
    outdated = snapshot.outdated_kernel
    waiting = snapshot.outdated_for.get("Kernel", timedelta(0))
    measured(
        f"Kernel {outdated[0]} läuft, {outdated[1]} wartet seit {waiting.days} Tagen auf einen Neustart"
        if outdated
        else "Der neueste installierte Kernel läuft."
    )
    assert waiting <= limit


@requirement("2025-A1-14")
def test_services_run_with_updated_libraries(snapshot, measured):
    """A service keeps the hole in its memory until it is started again."""
    limit = timedelta(days=bound("2025-A1-14", "security_update_age").at_most)
    services = {name: age for name, age in snapshot.outdated_for.items() if name != "Kernel"}
    measured(f"Dienste in der Fassung vor einem Update: {_names(services)}")
    assert max(services.values(), default=timedelta(0)) <= limit


@requirement("2025-A1-16")
def test_software_without_updates_is_identified(snapshot, measured):
    """A product that its maker has given up looks like any other until somebody keeps a list."""
    limit = timedelta(days=bound("2025-A1-16", "support_review_age").at_most)
    if not snapshot.keeps_account:
        measured("Der Host sucht nicht nach Software ohne Sicherheitsupdates.")
    assert snapshot.keeps_account
    age, unsupported = snapshot.account_age, snapshot.unsupported_packages
    other = snapshot.software - snapshot.packages.keys()
    measured(
        f"Abgleich vor {age.total_seconds() / 3600:.0f} Stunden. "
        f"Ohne Sicherheitsupdates: {_names(unsupported['ended'])}; endet vorzeitig: {_names(unsupported['earlyend'])}; "
        f"eingeschränkt: {_names(unsupported['limited'])}; "
        f"ohne Paketquelle: {_names(snapshot.packages_without_source)}; Snaps und Flatpaks: {_names(other)}"
    )
    assert age <= limit


@pytest.fixture
def separated(snapshot, practice, host_name):
    """Whether the practice calls the host separated, and its packet filter lets nothing in or out that is not named."""
    named = {(service.protocol, service.port) for service in practice.services_of(host_name)}
    inside = [network for name, network in practice.networks.items() if name != "verwaltung"]
    neighbours = [str(network[-2] if network.num_addresses > 2 else network[0]) for network in inside]
    own = ipaddress.ip_address(snapshot.address)
    packets = [
        *(Packet(source, protocol, port) for source in [*ELSEWHERE, *neighbours]
          for protocol in ("tcp", "udp") for port in PORTS if (protocol, port) not in named),
        *(Packet(str(own) if ipaddress.ip_address(target).version == own.version else "2001:db8::1", protocol, port,
                 hook="output", destination=target)
          for target in [*ELSEWHERE, *neighbours] for protocol in ("tcp", "udp") for port in PORTS),
    ]  # fmt: skip
    return host_name in practice.separated_hosts and all(snapshot.ruleset.drops(packet) for packet in packets)


@requirement("2025-A1-17")
def test_release_gets_security_updates_or_is_separated(snapshot, separated, measured):
    """Every hole that is found from then on stays open for good."""
    support = snapshot.security_support
    supported = support.until >= snapshot.today
    until = (
        f"Sicherheitsupdates bis {support.until:%d.%m.%Y} ({support.kind})"
        if support.kind
        else "ohne Sicherheitsupdates"
    )
    measured(f"{support.release}: {until}{'' if supported else '; getrennt' if separated else '; nicht getrennt'}")
    assert supported or separated


@requirement("2025-A1-17")
def test_no_program_without_security_updates_is_in_use(snapshot, separated, measured):
    """One program that nobody repairs any more is a way in for everything else."""
    given_up = snapshot.unsupported_packages["ended"]
    measured(f"Programme ohne Sicherheitsupdates: {_names(given_up)}{'; getrennt' if given_up and separated else ''}")
    assert not given_up or separated
