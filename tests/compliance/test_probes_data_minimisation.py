"""A trash is filled and emptied, a program crashes; see ``praxisschild.probes``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.checks import Measured, requirement
from praxisschild.probes import ask

if TYPE_CHECKING:
    from praxisschild.connection import RemoteHost

pytestmark = pytest.mark.probe


@pytest.fixture
def trash(remote: RemoteHost) -> dict[str, Any]:
    """What was left after the host's own clean-up."""
    answer: dict[str, Any] = ask(remote, "trash")
    return answer


@requirement("KVWL-01")
def test_old_trash_goes_and_fresh_trash_stays(trash: dict[str, Any], measured: Measured) -> None:
    """What somebody threw away by mistake this morning is still wanted back; last year's findings are not."""
    assert trash["job"], "no timer empties the trashes"
    german = {True: "noch da", False: "entfernt"}
    measured(f"vor über einem Jahr Gelöschtes: {german[trash['old']]}; eben Gelöschtes: {german[trash['fresh']]}")
    assert trash["result"] == "success"
    assert not trash["old"]
    assert trash["fresh"]


@requirement("KVWL-01")
def test_links_in_a_trash_lead_nowhere(trash: dict[str, Any], measured: Measured) -> None:
    """Who lays a link to the patients' files into the trash must not have them deleted by the administrator."""
    assert trash["job"], "no timer empties the trashes"
    german = {True: "unberührt", False: "gelöscht"}
    measured(f"Ziel eines Verweises: {german[trash['outside']]}; hinter einem Verweis: {german[trash['behind_link']]}")
    assert trash["outside"]
    assert trash["behind_link"]


@requirement("2021-A1-18")
def test_crashed_program_leaves_nothing_behind(remote: RemoteHost, measured: Measured) -> None:
    """The dump of a crashed program shows every patient whose file was open."""
    found = ask(remote, "crash")
    limit = "unbegrenzt" if found["limit"] is None else f"{found['limit']} Byte"
    measured(f"Absturz ausgelöst: {'ja' if found['crashed'] else 'nein'}; Abbilder: {found['dumps']}; Grenze: {limit}")
    assert found["crashed"]
    assert not found["dumps"]
    assert found["limit"] == 0
