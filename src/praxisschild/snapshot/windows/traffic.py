"""Old and new protocols of Windows networks, and who may listen."""

from __future__ import annotations

from dataclasses import dataclass

from praxisschild.snapshot.windows.host import Host
from praxisschild.snapshot.windows.settings import Settings

_SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
_POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft"
_LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
_SCHANNEL = r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols"
WINDOWS_11_22H2 = 22621
WINDOWS_11_24H2 = 26100  # Server 2025 has the same number
_BY_SERVERS_ONLY = 2  # NetBT's node type P


@dataclass(frozen=True)
class Traffic(Host, Settings):
    """Defaults are those of Microsoft's documentation for the host's build."""

    @property
    def smb1_features(self) -> list[str]:
        """Features of Windows that speak SMB 1 and are switched on."""
        return [name for name in ("SMB1Protocol", "SMB1Protocol-Client", "SMB1Protocol-Server") if self.feature(name)]

    def signs_files(self, service: str) -> bool:
        """Whether `LanmanServer` or `LanmanWorkstation` insists on signatures."""
        found = self.registry(rf"{_SERVICES}\{service}\Parameters", "RequireSecuritySignature")
        if found is None:  # Windows 11 24H2 was the first to insist by itself; of servers, the client only
            return self.build >= WINDOWS_11_24H2 and (service == "LanmanWorkstation" or not self.is_server)
        return found == 1

    @property
    def asks_guests_in(self) -> bool:
        """Whether the host takes files from a server that lets everybody in without a log-in."""
        found = self.registry(rf"{_POLICIES}\Windows\LanmanWorkstation", "AllowInsecureGuestAuth")
        if found is None:
            found = self.registry(rf"{_SERVICES}\LanmanWorkstation\Parameters", "AllowInsecureGuestAuth")
        if found is None:
            return self.build < WINDOWS_11_24H2 and self.edition == "Professional"
        return found != 0

    @property
    def asks_everybody_for_names(self) -> list[str]:
        """Protocols by which the host asks the whole network for a name, so that anybody may answer."""
        client = rf"{_POLICIES}\Windows NT\DNSClient"
        found = [] if self.registry(client, "EnableMulticast") == 0 else ["LLMNR"]
        by_servers = self.registry(rf"{_SERVICES}\NetBT\Parameters", "NodeType") == _BY_SERVERS_ONLY
        off = self.build >= WINDOWS_11_22H2 and self.registry(client, "EnableNetbios") == 0
        return found if by_servers or off else [*found, "NetBIOS"]

    @property
    def lan_manager_level(self) -> int:
        """LmCompatibilityLevel: 5 speaks and takes NTLMv2 only; without a value Windows behaves as with 3."""
        found = self.registry(_LSA, "LmCompatibilityLevel")
        return found if isinstance(found, int) else 3

    @property
    def keeps_lan_manager_hashes(self) -> bool:
        """Whether passwords are kept in a form that is broken in seconds; not by default."""
        return self.registry(_LSA, "NoLMHash") == 0

    @property
    def outdated_tls(self) -> list[str]:
        """Protocols before TLS 1.2 that Windows' own TLS speaks. SSL is off by itself since Windows 10 1607."""
        found = []
        for protocol, default in (("SSL 2.0", 0), ("SSL 3.0", 0), ("TLS 1.0", 1), ("TLS 1.1", 1)):
            for side in ("Client", "Server"):
                enabled = self.registry(rf"{_SCHANNEL}\{protocol}\{side}", "Enabled")
                if (default if enabled is None else enabled) != 0:
                    found.append(f"{protocol} ({side})")
        return found
