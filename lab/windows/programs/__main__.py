"""A model program by its name: ``python -m windows.programs secedit /export …`` (see System32 of a stand-in host)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .. import state
from ..unmodelled import PREFIX, Unmodelled
from . import PROGRAMS, Ended

EXIT_FILE = "PRAXISSCHILD_EXIT_FILE"


def main() -> int:
    """Exit codes of Windows have 32 bits: the whole one goes to the file that ``PRAXISSCHILD_EXIT_FILE`` names."""
    name, *words = sys.argv[1:]
    try:
        code, text = 0, PROGRAMS[name](state.folder(), words)
    except Ended as ended:
        code, text = ended.code, str(ended)
    except Unmodelled as error:
        code, text = 120, str(error)
    except state.StateError as error:
        code, text = 120, f"{PREFIX} {error}"
    if text:
        sys.stdout.buffer.write(text.replace("\n", "\r\n").encode() + b"\r\n")
    if found := os.environ.get(EXIT_FILE):
        Path(found).write_text(str(code))
    return code if 0 <= code < 256 else 1


if __name__ == "__main__":
    sys.exit(main())
