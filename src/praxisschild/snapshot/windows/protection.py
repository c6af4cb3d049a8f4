"""Who guards a Windows host against malware, and what he is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from praxisschild.snapshot.sections import Sections, Unreadable

DEFENDER = "Windows Defender"
NEVER = 0xFFFFFFFF  # what MSFT_MpComputerStatus says of a scan that there was none of
# productState of AntiVirusProduct: the second byte's upper half is 1 for on (0 off, 2 snoozed, 3 expired), the lowest
# byte's is 1 for signatures that are out of date. Microsoft documents neither; every tool that reads them agrees.
_STATE, _ON, _OUTDATED = 0xF000, 0x1000, 0xF0
# ScanParameters and ScanScheduleDay of MSFT_MpPreference
_FULL, _EVERY_DAY, _NO_DAY = 2, 0, 8


@dataclass(frozen=True)
class Product:
    """A malware scanner that Windows' security centre knows; `current`: its signatures are not out of date."""

    name: str
    on: bool
    current: bool


@dataclass(frozen=True)
class Protection(Sections):
    """Defender, and what registered with the security centre. A Windows Server has no such centre."""

    PLATFORM = "windows"

    @property
    def other_products(self) -> tuple[Product, ...]:
        """Scanners other than Defender, as the security centre sees them."""
        return tuple(
            Product(
                one["name"],
                one["product_state"] & _STATE == _ON,
                not one["product_state"] & _OUTDATED,
            )
            for one in self._section("antivirus")
            if one["name"] != DEFENDER and not one["name"].startswith("Microsoft Defender")
        )

    @property
    def guard(self) -> Product | None:
        """Another product that is on and has made Defender step back; None if there is none."""
        return next((one for one in self.other_products if one.on), None)

    @property
    def defender_guards(self) -> bool:
        """Whether Defender's service runs and looks at files before programs do."""
        found = self._section("defender", absent={})
        return bool(
            found.get("AMServiceEnabled") and found["RealTimeProtectionEnabled"] and found["OnAccessProtectionEnabled"]
        )

    @property
    def defender_watches(self) -> dict[str, bool]:
        """Defender's further watchers by property: of behaviour, of downloads; and whether it can be tampered with."""
        found = self._section("defender", absent={})
        return {
            name: bool(found.get(name))
            for name in ("BehaviorMonitorEnabled", "IoavProtectionEnabled", "IsTamperProtected")
        }

    @property
    def defender_signature_age(self) -> int | None:
        """Days since Defender's signatures were last renewed; None without Defender."""
        return self._defender_days("AntivirusSignatureAge")

    @property
    def defender_full_scan_age(self) -> timedelta | None:
        """Time since Defender looked through everything; None if it never has."""
        found = self._defender_days("FullScanAge")
        return None if found is None else timedelta(days=found)

    def _defender_days(self, name: str) -> int | None:
        found = self._section("defender", absent={}).get(name)
        return None if found in {None, NEVER} else int(found)

    @property
    def _preferences(self) -> dict[str, Any]:
        found = self._section("defender_preferences", absent={})
        if not found:
            raise Unreadable("Defender sagt nicht, was ihm vorgegeben ist; vermutlich ist er nicht installiert.")
        return dict(found)

    @property
    def defender_exclusions(self) -> tuple[str, ...]:
        """Folders, programs and endings that Defender leaves alone, wherever that was set."""
        kinds = ("ExclusionPath", "ExclusionProcess", "ExclusionExtension")
        return tuple(sorted(one for kind in kinds for one in self._preferences[kind] or ()))

    @property
    def defender_skips(self) -> tuple[str, ...]:
        """What Defender is told not to scan: properties of MSFT_MpPreference."""
        names = (
            "DisableArchiveScanning",
            "DisableEmailScanning",
            "DisableScriptScanning",
            "DisableRemovableDriveScanning",
        )
        return tuple(name for name in names if self._preferences[name])

    @property
    def defender_scans_everything_every(self) -> timedelta | None:
        """Distance of scheduled full scans; None without any."""
        if self._preferences["ScanParameters"] != _FULL or self._preferences["ScanScheduleDay"] == _NO_DAY:
            return None
        return timedelta(days=1 if self._preferences["ScanScheduleDay"] == _EVERY_DAY else 7)

    @property
    def defender_looks_for_signatures_every(self) -> timedelta | None:
        """Distance at which Defender looks for signatures by itself; None if that is left to Windows Update."""
        hours = self._preferences["SignatureUpdateInterval"]
        return timedelta(hours=hours) if hours else None

    def defender_rule(self, identifier: str) -> int:
        """What an attack surface reduction rule does: 1 blocks, 2 only tells, 6 warns, 0 nothing."""
        names = [one.lower() for one in self._preferences["AttackSurfaceReductionRules_Ids"] or ()]
        actions = self._preferences["AttackSurfaceReductionRules_Actions"] or ()
        return int(dict(zip(names, actions, strict=True)).get(identifier.lower(), 0))
