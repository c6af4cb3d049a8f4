"""How a program ends that does not do what it was asked."""

from __future__ import annotations


class Ended(Exception):  # noqa: N818 # the model works; the modelled program refuses
    """The program's own exit code and words."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
