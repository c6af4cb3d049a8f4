"""How large the logs of a Windows host are, whether they overwrite the oldest, and where they go."""

from __future__ import annotations

from dataclasses import dataclass

from praxisschild.snapshot.windows.settings import Settings

_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\EventLog"
_LOCAL = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog"
_DEFAULT_MB = 20
_READERS, _NETWORK_SERVICE = "S-1-5-32-573", "S-1-5-20"


@dataclass(frozen=True)
class Logs(Settings):
    """`log` is `Security`, `System` or `Application`."""

    def log_size(self, log: str) -> int:
        """Megabytes after which a log overwrites itself; the policy counts in KB, the local setting in bytes."""
        policy, local = self.registry(rf"{_POLICY}\{log}", "MaxSize"), self.registry(rf"{_LOCAL}\{log}", "MaxSize")
        if isinstance(policy, int):
            return policy // 1024
        return local // 1024**2 if isinstance(local, int) else _DEFAULT_MB

    def log_overwrites(self, log: str) -> bool:
        """Whether a full log forgets its oldest record, rather than the next one."""
        policy = self.registry(rf"{_POLICY}\{log}", "Retention")
        return str(policy if policy is not None else self.registry(rf"{_LOCAL}\{log}", "Retention") or 0) == "0"

    @property
    def log_targets(self) -> tuple[str, ...]:
        """Collectors that events are sent to, as in ``http://server.praxis.lan:5985/wsman/…``."""
        written = self.registry_values(rf"{_POLICY}\EventForwarding\SubscriptionManager").values()
        words = [str(one).partition(",")[0] for one in written]
        return tuple(one.partition("=")[2] for one in words if one.lower().startswith("server="))

    @property
    def sender_reads_security_log(self) -> bool:
        """Whether the network service, as which events are sent, may read the security log.

        By the policy “Configure log access” (an entry NS in its SDDL), or as one of the readers of the event log.
        """
        access = str(self.registry(rf"{_POLICY}\Security", "ChannelAccess") or "")
        readers = self._section("groups").get(_READERS, ())
        return ";NS)" in access or _NETWORK_SERVICE in access or _NETWORK_SERVICE in readers
