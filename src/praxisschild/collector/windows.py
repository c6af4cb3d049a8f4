"""The Windows collector: C# that travels as one piece of text, and the PowerShell that compiles and starts it."""

from __future__ import annotations

import base64
import gzip
import re
from functools import cache
from importlib import resources
from pathlib import Path

from praxisschild.inventory import PROJECT

SOURCES = PROJECT / "plugins/module_utils"
MAIN = "Ansible.Praxisschild.Snapshot"
_USING = re.compile(r"^using (Ansible\.[\w.]+);", re.MULTILINE)


@cache
def script() -> str:
    """The PowerShell that reads `program` from its standard input."""
    return resources.files("praxisschild.collector").joinpath("windows.ps1").read_text(encoding="utf-8")


@cache
def program() -> bytes:
    """All C# that the snapshot needs: sources divided by NUL, compressed, in base64."""
    sources: dict[str, str] = {}
    _gather(MAIN, sources)
    return base64.b64encode(gzip.compress("\0".join(sources.values()).encode(), mtime=0))


def _gather(name: str, sources: dict[str, str]) -> None:
    if name in sources:
        return
    sources[name] = text = _source(name).read_text(encoding="utf-8-sig")
    for needed in _USING.findall(text):
        _gather(needed, sources)


def _source(name: str) -> Path:
    own = SOURCES / f"{name}.cs"
    if own.exists():
        return own
    import ansible  # the installed one: its Ansible.Basic is what our modules run with, too

    return Path(ansible.__file__).parent / "module_utils/csharp" / f"{name}.cs"
