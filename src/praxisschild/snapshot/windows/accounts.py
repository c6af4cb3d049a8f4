"""Local accounts of a Windows host, and who is in which local group. By SID: names differ from language to language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from praxisschild.snapshot.sections import Sections

ADMINISTRATORS = "S-1-5-32-544"
# relative ids of accounts that Windows makes for itself; nobody can log in with those of SYSTEM_ACCOUNTS
BUILT_IN_ADMINISTRATOR, GUEST = 500, 501
DOMAIN_ADMINISTRATORS = 512
SYSTEM_ACCOUNTS = {503, 504}


@dataclass(frozen=True)
class LocalAccount:
    """A login of this host alone. `last_logon` is a day, None for never."""

    sid: str
    name: str
    enabled: bool
    locked: bool
    password_required: bool
    password_expires: bool
    last_logon: str | None

    @property
    def relative_id(self) -> int:
        """Last number of the SID, which is the same everywhere for accounts that Windows makes."""
        return relative_id(self.sid)


def relative_id(sid: str) -> int:
    """Last number of a SID."""
    return int(sid.rpartition("-")[2])


@dataclass(frozen=True)
class Accounts(Sections):
    """Who can log in with a password of this host."""

    PLATFORM = "windows"

    @cached_property
    def accounts(self) -> tuple[LocalAccount, ...]:
        """Local accounts, those that Windows makes for itself too."""
        return tuple(LocalAccount(**one) for one in self._section("accounts"))

    @property
    def logins(self) -> dict[str, LocalAccount]:
        """Accounts by name in lower case with which somebody can log in; on a domain's members people have others."""
        return {
            one.name.lower(): one for one in self.accounts if one.enabled and one.relative_id not in SYSTEM_ACCOUNTS
        }

    def members(self, group: str) -> frozenset[str]:
        """SIDs right in a local group; nobody if this Windows has no such group.

        Raises:
            LookupError: it is no SID. Under a name every group would be empty on a Windows of another language.
        """
        if not group.startswith("S-1-"):
            raise LookupError(f"{group} is no SID")
        return frozenset(self._section("groups").get(group, ()))

    def called(self, sids: frozenset[str]) -> list[str]:
        """Names for people: of local accounts, of all others the SID."""
        names = {one.sid: one.name for one in self.accounts}
        return sorted(names.get(sid, sid) for sid in sids)
