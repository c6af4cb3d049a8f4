"""What `praxisschild coverage --compare` prints."""

from __future__ import annotations

from rich.console import Console

output = Console(highlight=False)


def print_comparison(old: str, new: str, *, as_json: bool = False) -> None:
    """Two editions side by side, for a person or a program.

    Raises:
        InputError: there is no such edition, or the first is not older than the second.
    """
    from praxisschild.catalogue import load_catalogue
    from praxisschild.comparison import compare
    from praxisschild.formats.comparison_text import print_comparison as print_text

    catalogue = load_catalogue()
    found = compare(catalogue, old, new)
    if as_json:
        output.print_json(data={"old": old, "new": new, "requirements": [one.as_dict() for one in found.entries]})
    else:
        print_text(output, catalogue, found)
