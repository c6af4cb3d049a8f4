"""A PC from the electronics market."""

from __future__ import annotations

from tests.lab.windows_mutations import Mutation

MUTATIONS = {
    "the PC runs Windows Home": Mutation(
        "pc-1",
        (("set", r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\EditionID", "string:Core"),),
        frozenset({"test_edition_of_windows_can_be_managed", "test_windows_writes_to_encrypted_media_only"}),
        "endpoint_hardening",
        mended=False,
    ),
}
