"""Removable media, and where data lie encrypted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from praxisschild.snapshot.sections import Sections, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

UNENCRYPTED = frozenset({"vfat", "exfat", "ntfs", "ext2", "ext3", "ext4", "btrfs", "xfs", "hfsplus"})


@dataclass(frozen=True)
class Container:
    """An encrypted volume's own account of itself; sizes in bits."""

    device: str
    version: int
    cipher: str
    key_bits: int
    kdf: frozenset[str]
    slots: int


@dataclass(frozen=True)
class Place:
    """The file system that holds a folder, and the encrypted volumes beneath it."""

    mountpoint: str
    device: str
    containers: tuple[Container, ...]
    removable: bool


@dataclass(frozen=True)
class Part:
    """A medium that is plugged in, or a part of it."""

    device: str
    file_system: str
    read_only: bool
    unlocked: bool

    @property
    def is_open(self) -> bool:
        """Whether anybody who finds it can read it, and data may still be written to it."""
        return self.file_system in UNENCRYPTED and not self.unlocked and not self.read_only


@dataclass(frozen=True)
class Media(Sections):
    """What is plugged in, and what protects the data on disks."""

    @property
    def media_are_examined(self) -> bool:
        """Whether udev hides a new medium and starts a scanner for it."""
        return any(one["loaded"] and one["scans"] and one["hides"] for one in self._section("media")["examiners"])

    @property
    def media_scanners(self) -> tuple[str, ...]:
        """Programs that can look for malware now."""
        found = self._section("media")
        names = [name for name in found["scanners"] if name != "clamdscan" or found["scanner_answers"]]
        return tuple(names)

    @property
    def media_mount_options(self) -> tuple[frozenset[str], frozenset[str]] | None:
        """What udisks always mounts with, and what may be asked for; None where nobody mounts without being root."""
        found = self._section("media")
        if not found["udisks_installed"]:
            return None
        # udisks itself adds nodev and nosuid, and lets anybody ask for exec unless it is told otherwise
        always = {"nodev", "nosuid", *found["udisks"].get("defaults", "").split(",")}
        allowed = set(found["udisks"].get("allow", "exec").split(","))
        return frozenset(always - {""}), frozenset(allowed - {""})

    @property
    def usbguard_blocks_by_default(self) -> bool | None:
        """Whether unknown USB devices get nothing; None without a running USBGuard."""
        found = self._section("media")["usbguard"]
        return found["default"] in {"block", "reject"} if found["active"] else None

    @property
    def media_parts(self) -> tuple[Part, ...]:
        """What is plugged in, part by part."""
        return tuple(
            Part(one["device"], one["file_system"] or "", one["read_only"], one["type"] == "crypt")
            for one in self._section("media")["plugged"]
        )

    @property
    def media_tools(self) -> Mapping[str, Any]:
        """Programs on the host: ``erasers``, ``practice``, ``checksums``."""
        found: Mapping[str, Any] = self._section("media_tools")
        return found

    @property
    def erasure_record(self) -> Mapping[str, Any] | None:
        """The record of erased media: ``entries``, ``broken``, ``append_only``; None if nothing was erased yet."""
        found: Mapping[str, Any] | None = self._section("media_tools")["record"]
        return found

    def place_of(self, folder: str) -> Place:
        """Where the folder's data lie.

        Raises:
            Unreadable: it cannot be told.
        """
        mounted = self._section("disks")["mounted"]
        path = PurePosixPath(folder)
        for parent in (path, *path.parents):
            if str(parent) in mounted:
                found = mounted[str(parent)]
                containers = tuple(self._container(name) for name in found["encrypted_by"])
                return Place(str(parent), found["device"], containers, found["removable"])
        raise Unreadable(f"Es ist nicht zu erkennen, auf welchem Datenträger {folder} liegt.")

    @property
    def disk_places(self) -> tuple[Place, ...]:
        """Every file system and swap on a disk of the host, without those from which it starts."""
        found = self._section("disks")["mounted"]
        boot = ("/boot", "/boot/efi", "/efi")
        return tuple(
            Place(place, one["device"], tuple(self._container(name) for name in one["encrypted_by"]), one["removable"])
            for place, one in sorted(found.items())
            if place not in boot and not one["device"].startswith(("zram", "loop", "sr", "ram"))
        )

    @property
    def disk_containers(self) -> tuple[Container, ...]:
        """The encrypted volumes of the host."""
        return tuple(self._container(name) for name in self._section("disks")["containers"])

    def _container(self, name: str) -> Container:
        found = self._section("disks")["containers"][name]
        if not found or not found["cipher"] or not found["key_bits"]:
            raise Unreadable(f"Die Verschlüsselung von {name} ist nicht zu erkennen.")
        return Container(
            name, found["version"] or 0, found["cipher"], found["key_bits"], frozenset(found["kdf"]), found["slots"]
        )
