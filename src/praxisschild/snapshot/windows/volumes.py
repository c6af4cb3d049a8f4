"""BitLocker's volumes, in the numbers of Win32_EncryptableVolume."""

from __future__ import annotations

from dataclasses import dataclass

from praxisschild.snapshot.sections import Sections

REMOVABLE = 2
# EncryptionMethod → cipher as Linux calls it, and bits of all its keys together
METHODS = {
    1: ("aes-cbc-elephant", 128),
    2: ("aes-cbc-elephant", 256),
    3: ("aes-cbc-plain", 128),
    4: ("aes-cbc-plain", 256),
    6: ("aes-xts-plain64", 256),
    7: ("aes-xts-plain64", 512),
}
NAMES = {
    1: "AES-128 mit Diffusor",
    2: "AES-256 mit Diffusor",
    3: "AES-128",
    4: "AES-256",
    6: "XTS-AES-128",
    7: "XTS-AES-256",
}


@dataclass(frozen=True)
class Volume:
    """A volume; `encrypted` is the whole of it, `protected`: and the key does not lie beside it."""

    letter: str
    removable: bool
    encrypted: bool
    protected: bool
    method: int

    @property
    def cipher(self) -> tuple[str, int]:
        """Cipher as the catalogue calls it, and bits of its keys; hardware encryption and none are neither."""
        return METHODS.get(self.method, ("", 0))

    @property
    def method_name(self) -> str:
        """The method for people."""
        return NAMES.get(self.method, "unbekannt")


@dataclass(frozen=True)
class Volumes(Sections):
    """Every volume that has a letter."""

    PLATFORM = "windows"

    @property
    def has_bitlocker(self) -> bool:
        """Whether this Windows has BitLocker at all: a server only with the feature."""
        return self.document.get("volumes") is not None

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """Fixed and removable volumes; a locked one counts as protected, or nobody would have to unlock it."""
        return tuple(
            Volume(
                one["letter"].upper(),
                one["type"] == REMOVABLE,
                one["conversion"] == 1,
                one["protection"] in {1, 2},
                one["method"] or 0,
            )
            for one in self._section("volumes", absent=[])
            if one["letter"]
        )

    @property
    def fixed_volumes(self) -> tuple[Volume, ...]:
        """Those that stay in the host."""
        return tuple(one for one in self.volumes if not one.removable)

    @property
    def plugged_volumes(self) -> tuple[Volume, ...]:
        """Those that somebody has plugged in."""
        return tuple(one for one in self.volumes if one.removable)
