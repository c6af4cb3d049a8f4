from __future__ import annotations

import pytest

from praxisschild.bound_words import BOUND_NAMES, bound_in_words
from praxisschild.catalogue import Bound, load_catalogue


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        ({"at_most": 600, "unit": "s", "basis": "directive"}, "x: höchstens 10 Minuten (Richtlinie)"),
        ({"at_most": 90, "unit": "s", "basis": "directive"}, "x: höchstens 90 Sekunden (Richtlinie)"),
        ({"at_least": 1, "unit": "days", "basis": "derived"}, "x: mindestens 1 Tag (abgeleitet)"),
        (
            {"at_least": 8, "at_most": 64, "unit": "chars", "basis": "recommendation", "note": "BSI"},
            "x: mindestens 8 Zeichen und höchstens 64 Zeichen (Empfehlung der KVWL) – BSI",
        ),
        ({"one_of": ["TLSv1.2", "TLSv1.3"], "basis": "derived"}, "x: TLSv1.2 oder TLSv1.3 (abgeleitet)"),
        ({"equals": False, "basis": "derived"}, "x: nein (abgeleitet)"),
        ({"at_most": 0o640, "unit": "mode", "basis": "derived"}, "x: höchstens 0640 (abgeleitet)"),
    ],
)
def test_bound_reads_as_german(bound: dict[str, object], words: str) -> None:
    assert bound_in_words("x", Bound.model_validate(bound)) == words


def test_every_bound_of_the_catalogue_has_a_german_name() -> None:
    names = {name for one in load_catalogue().requirements.values() for name in one.bounds}
    assert sorted(names - set(BOUND_NAMES)) == []
