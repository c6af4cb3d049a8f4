"""What can go wrong, in words for the person who can put it right."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path


class PraxisschildError(Exception):
    """The root of every error shown without a traceback; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 3


class InputError(PraxisschildError):
    """Something a person wrote cannot be used: exit code 2.

    `file` is where it stands, `field` which part of it (an id and the path inside that entry), `reason` what is wrong
    with it and `way_out` what to write instead. The message joins the four; the attributes keep them apart for
    programs.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, file: Path | str, field: str, reason: str, way_out: str) -> None:
        self.file = str(file)
        self.field = field
        self.reason = reason
        self.way_out = way_out
        place = f"{self.file}: {field}" if field else self.file
        super().__init__(f"{place}: {_message(reason, way_out)}")

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str, str]]:
        return type(self), (self.file, self.field, self.reason, self.way_out)


class RunError(PraxisschildError):
    """A run could not do its work although its input is sound: exit code 3.

    `reason` says what failed, `way_out` what to try next (empty when there is nothing to suggest).
    """

    def __init__(self, reason: str, way_out: str = "") -> None:
        self.reason = reason
        self.way_out = way_out
        super().__init__(_message(reason, way_out))

    def __reduce__(self) -> tuple[type[RunError], tuple[str, str]]:
        return type(self), (self.reason, self.way_out)


def _message(reason: str, way_out: str) -> str:
    text = "; ".join(part for part in (reason.strip().rstrip("."), way_out.strip()) if part)
    return text if text.endswith((".", "!", "?")) else f"{text}."


class HostUnreachable(Exception):  # noqa: N818 - a state of the host, not a fault of the program
    """No connection, or no way to an administrator's rights; the text is a reason in German for the report."""
