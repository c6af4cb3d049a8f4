from __future__ import annotations

from praxisschild.results import Status


def test_severity_is_the_order_of_the_words() -> None:
    assert [status.severity for status in Status] == list(range(7))
    assert Status.worst([Status.PASSED, Status.DEVIATION, Status.NOT_TESTED]) is Status.NOT_TESTED
    assert {status.label for status in Status} >= {"nicht erfüllt", "nicht geprüft", "erfüllt"}
