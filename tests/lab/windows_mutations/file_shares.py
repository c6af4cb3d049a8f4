"""Shares, and what strangers learn of them."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

SERVER = r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters"
LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
ROLE = "file_shares"
STRANGERS = "test_windows_tells_and_gives_nothing_to_strangers"
ENCRYPTED = "test_windows_serves_files_encrypted"


def changed(host: str, path: str, value: str, *red: str, mended: bool = True) -> Mutation:
    return Mutation(host, (("set", path, value),), frozenset(red), ROLE, mended)


MUTATIONS = {
    "somebody shares a folder with everybody": changed(
        "pc-1",
        "shares.Austausch",
        r'{"path": "C:\\Austausch", "encrypted": false, "access": {"S-1-1-0": "full"}}',
        "test_windows_shares_are_for_named_groups",
        "test_windows_shares_exist_only_where_the_practice_needs_them",
        mended=False,
    ),
    "a PC shares a folder with the practice's people": changed(
        "pc-2",
        "shares.Scans",
        r'{"path": "C:\\Scans", "encrypted": true, "access": {"S-1-5-32-545": "change"}}',
        "test_windows_shares_exist_only_where_the_practice_needs_them",
        mended=False,
    ),
    "strangers see accounts": changed("pc-1", rf"{LSA}\RestrictAnonymousSAM", "dword:0", STRANGERS),
    "strangers see shares": changed("pc-2", rf"{LSA}\RestrictAnonymous", "dword:0", STRANGERS),
    "strangers count as everybody": changed("winserver-1", rf"{LSA}\EveryoneIncludesAnonymous", "dword:1", STRANGERS),
    "a share needs no name": changed("winserver-1", rf"{SERVER}\NullSessionShares", "multi_string:Scans", STRANGERS),
    "files pass in the clear": changed("winserver-1", rf"{SERVER}\EncryptData", "dword:0", ENCRYPTED),
    "who cannot encrypt is served, too": changed(
        "winserver-1", rf"{SERVER}\RejectUnencryptedAccess", "dword:0", ENCRYPTED
    ),
}
