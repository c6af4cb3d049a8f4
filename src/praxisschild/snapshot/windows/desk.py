"""What happens at the screen: locks, sensors, programs that start by themselves."""

from __future__ import annotations

from dataclasses import dataclass

from praxisschild.snapshot.windows.settings import Settings

_POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft\Windows"
_CONSENT = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore"
_SAVER = r"Software\Policies\Microsoft\Windows\Control Panel\Desktop"
_RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
_DENIED = 2  # LetAppsAccess…: 0 the person decides, 1 allowed, 2 denied


@dataclass(frozen=True)
class Desk(Settings):
    """A policy counts before the local setting, and without either Windows' default."""

    @property
    def screen_savers(self) -> dict[str, int | None]:
        """Seconds after which each person's screen saver starts and asks for the password; None if it does not."""
        active, secure, after, program = (
            self.of_users(_SAVER, name)
            for name in ("ScreenSaveActive", "ScreenSaverIsSecure", "ScreenSaveTimeOut", "SCRNSAVE.EXE")
        )
        return {
            sid: int(str(seconds))
            if (active[sid], secure[sid]) == ("1", "1") and program[sid] and str(seconds).isdigit() and seconds != "0"
            else None
            for sid, seconds in after.items()
        }

    def is_closed_to_apps(self, device: str) -> bool:
        """Whether no packaged app gets a `Camera` or `Microphone`."""
        return self.registry(rf"{_POLICIES}\AppPrivacy", f"LetAppsAccess{device}") == _DENIED

    def is_closed_to_programs(self, device: str) -> bool:
        """Whether no program at all gets it: the switch of the device in Settings, which desktop programs obey, too."""
        capability = {"Camera": "webcam", "Microphone": "microphone"}[device]
        return self.registry(rf"{_CONSENT}\{capability}", "Value") == "Deny"

    def starts_for(self, name: str) -> list[str]:
        """SIDs of those for whom a program of this name starts when they log in; `default` for new accounts."""
        return [sid for sid, command in self.of_users(_RUN, name).items() if command is not None]
