"""What travels between the host and others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from praxisschild.snapshot.sections import Sections

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class NetworkMount:
    """A folder of another host; `options` are those that decide about encryption."""

    target: str
    kind: str
    options: Mapping[str, str]

    @property
    def is_encrypted(self) -> bool:
        """SMB 3 with `seal`, NFS with Kerberos privacy or over TLS, or a folder inside SSH."""
        if self.kind in {"cifs", "smb3", "smbfs"}:
            return "seal" in self.options and self.options.get("vers", "3").startswith("3")
        if self.kind.startswith("nfs"):
            return self.options.get("sec") == "krb5p" or self.options.get("xprtsec") in {"tls", "mtls"}
        return self.kind == "fuse.sshfs"


@dataclass(frozen=True)
class Transport(Sections):
    """How the host speaks to others of its own accord."""

    @property
    def ssh_client(self) -> Mapping[str, str] | None:
        """Options of the SSH client by their names in lower case; None without a client."""
        found: Mapping[str, str] | None = self._section("transport")["ssh_client"]
        return found

    @property
    def network_mounts(self) -> tuple[NetworkMount, ...]:
        """Folders of other hosts that are mounted here."""
        found = self._section("transport")["network_mounts"]
        return tuple(NetworkMount(entry["target"], entry["type"], entry["options"]) for entry in found)
