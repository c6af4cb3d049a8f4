"""What Windows hosts cost, against the lab's stand-ins: a run that changes nothing, and a batch beside a loop.

Wire, controller and our own C# are real; what a PC's PowerShell needs to start for every item of a loop is not in it,
so a real PC shows a larger difference.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from praxisschild.inventory import Inventory

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

PROJECT = Path(__file__).resolve().parents[1]
PRACTICE = PROJECT / "inventories/windowspraxis"
HOSTS = ("pc-1", "pc-2", "winserver-1")
HOST = "pc-1"
VALUES = 150
TARGET_WHOLE, TARGET_RATIO = 15.0, 4.0
KEY = r"HKLM:\SOFTWARE\Policies\Praxisschild\Messung"
COLLECTIONS = PROJECT / ".lab/collections"
LOCK = PROJECT / "benchmarks/collections.lock"


def collection() -> Path:
    """The folder with ansible.windows, out of the one package of the registry that has it; fetched once."""
    if not (COLLECTIONS / "ansible_collections/ansible/windows").is_dir():
        with tempfile.TemporaryDirectory() as folder:
            fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
            subprocess.run([*fetch, "--dest", folder, "-r", str(LOCK)], check=True)
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                names = [name for name in wheel.namelist() if name.startswith("ansible_collections/ansible/windows/")]
                wheel.extractall(COLLECTIONS, names)
    return COLLECTIONS


def play(folder: Path, name: str, task: dict[str, object]) -> list[str]:
    """The command that runs one task on one host."""
    # plain values: with templates Ansible would open a new shell for every item of a loop, until there are no more
    plain = Inventory(PRACTICE).windows_connection(HOST).variables
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {HOST: dict(plain)}}}))
    path = folder / f"{name}.yml"
    path.write_text(json.dumps([{"hosts": HOST, "gather_facts": False, "tasks": [task]}]))
    return ["ansible-playbook", "-i", str(inventory), str(path)]


def batch_and_loop(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """The same values as one call of our module, and as a loop over the collection's; and a play that does nothing."""
    rows = [
        {"key": KEY.replace(":", ""), "name": f"Batch {number}", "type": "dword", "value": number}
        for number in range(VALUES)
    ]
    batch = play(folder, "batch", {"name": "Settle", "win_registry_values": {"rows": rows}})
    loop = play(
        folder,
        "loop",
        {
            "name": "Settle",
            "ansible.windows.win_regedit": {
                "path": KEY,
                "name": "Loop {{ item }}",
                "type": "dword",
                "data": "{{ item }}",
            },
            "loop": list(range(VALUES)),
        },
    )
    return batch, loop, play(folder, "nothing", {"name": "Nothing", "ansible.builtin.meta": "noop"})


def measure(table: Table, timed: Callable[..., object], note: Callable[[str], object]) -> None:
    """Add the figures of the Windows stand-ins, which are brought up for it and taken down again."""
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(collection())}
    subprocess.run(["lab/lab.py", "fresh", *HOSTS], cwd=PROJECT, check=True, capture_output=True)
    try:
        site = ["ansible-playbook", "-i", str(PRACTICE), "playbooks/site.yml"]
        note("Windows stand-ins, the baseline …")
        timed(*site, runs=1)
        for hosts in (HOST, ",".join(HOSTS)):
            whole = timed(*site, "--limit", hosts)
            met = "met" if whole.median <= TARGET_WHOLE else "MISSED"
            title = f"site.yml on Windows stand-ins ({hosts}), nothing to change"
            table.add_row(title, str(whole), f"target {TARGET_WHOLE:g} s: {met}")
        note("a batch, and a loop …")
        with tempfile.TemporaryDirectory() as name:
            batch, loop, nothing = batch_and_loop(Path(name))
            for one in (batch, loop):
                timed(*one, runs=1, **environment)  # the first run writes
            ours, theirs = timed(*batch, **environment), timed(*loop, **environment)
            start = timed(*nothing, **environment).median
        ratio = (theirs.median - start) / (ours.median - start)
        met = "met" if ratio >= TARGET_RATIO else "MISSED"
        title = f"{VALUES} registry values: one call / loop over win_regedit"
        said = f"× {ratio:.1f} without Ansible's own start of {start:.2f} s; target × {TARGET_RATIO:g}: {met}"
        table.add_row(title, f"{ours} / {theirs}", said)
        checks = timed(*verification(), accept=(0, 1))
        table.add_row("checks of three Windows stand-ins, whole command", str(checks), "")
    finally:
        subprocess.run(["lab/lab.py", "down", *HOSTS], cwd=PROJECT, check=False, capture_output=True)


def verification() -> list[str]:
    return ["pytest", "tests/compliance", "--practice", str(PRACTICE), "--host", ",".join(HOSTS), "--no-probes", "-q"]
