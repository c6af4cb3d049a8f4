"""What a run costs, beside its peers, in one go on one machine: `make bench`.

Peers that install from PyPI or Debian run here (plain and mitogen task cost, Lynis). dev-sec's roles do not, so their
wall time is carried over from a recorded run by the ratio of a yardstick that both runs share: fifty pings.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).resolve().parents[1]
PRACTICE = PROJECT / "inventories/musterpraxis"
HOST = "arbeitsplatz-1"
ROLES = sorted(path.parent.name for path in PROJECT.glob("roles/*/tasks"))
# Recorded on one machine (2 vCPU, ansible-core 2.19, dev-sec os_hardening + ssh_hardening 10.6, one host, no change).
RECORDED_PINGS, RECORDED_DEVSEC, RECORDED_DEVSEC_MITOGEN = 14.32, 102.8, 30.6


@dataclass(frozen=True)
class Timing:
    """Median wall seconds of some runs of a command, and the spread."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:.2f} s ({self.least:.2f} to {self.most:.2f})"


def timed(*command: str, runs: int = 3, accept: tuple[int, ...] = (0,), **environment: str) -> Timing:
    seconds = []
    for _ in range(runs):
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, check=False, env={**os.environ, **environment}
        )
        seconds.append(time.monotonic() - started)
        if done.returncode not in accept:
            sys.exit(f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return Timing(statistics.median(seconds), min(seconds), max(seconds))


def play(*arguments: str, runs: int = 3, **environment: str) -> Timing:
    return timed("ansible-playbook", "-i", str(PRACTICE), "--limit", HOST, *arguments, runs=runs, **environment)


def scratch_play(folder: Path, name: str, tasks: list[dict[str, object]]) -> str:
    path = folder / f"{name}.yml"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    return str(path)


def rows(count: int) -> list[dict[str, object]]:
    """One batch of twenty files that share this many rows, none of them new after the first run."""
    files = [
        {
            "dest": f"/etc/praxisschild-bench/{number}.conf",
            "rows": [
                {"option": f"option{row}", "value": row, "requirement": "2021-A1-13"} for row in range(count // 20)
            ],
            "style": {"kind": "lines", "separator": " = "},
        }
        for number in range(20)
    ]
    return [{"name": "Settle rows", "host_batch": {"files": files}}]


def main() -> None:
    console = Console(width=150)
    note = Console(stderr=True, highlight=False)
    table = Table("what", "wall (median, spread)", "against", box=None, pad_edge=False)
    note.print("bringing the model practice up and applying the baseline …")
    for command in (["lab/lab.py", "up"], ["ansible-playbook", "-i", str(PRACTICE), "playbooks/site.yml"]):
        subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        note.print("task cost: fifty pings, plain and under mitogen …")
        pings = scratch_play(folder, "pings", [{"name": "ping", "ansible.builtin.ping": {}}] * 50)
        plain = play(pings)
        import ansible_mitogen

        strategies = str(Path(ansible_mitogen.__file__).parent / "plugins/strategy")
        mitogen = play(pings, ANSIBLE_STRATEGY="mitogen_linear", ANSIBLE_STRATEGY_PLUGINS=strategies)
        scale = plain.median / RECORDED_PINGS
        devsec, devsec_mitogen = RECORDED_DEVSEC * scale, RECORDED_DEVSEC_MITOGEN * scale
        table.add_row(
            "50 pings, plain / mitogen", f"{plain} / {mitogen}", f"this machine is {scale:.2f} × the recorded one"
        )

        note.print("a run that changes nothing …")
        whole = play("playbooks/site.yml")
        table.add_row(
            "site.yml, one host, nothing to change",
            str(whole),
            f"dev-sec os+ssh {devsec:.0f} s: 1/{devsec / whole.median:.1f}; under mitogen {devsec_mitogen:.0f} s: "
            f"1/{devsec_mitogen / whole.median:.1f}",
        )
        start = play(scratch_play(folder, "nothing", [{"name": "ping", "ansible.builtin.ping": {}}]))
        bare = play("playbooks/site.yml", "--tags", "none")
        table.add_row("  one ping / preflight and facts only", f"{start.median:.2f} s / {bare.median:.2f} s", "")
        for role in ROLES:
            one = play("playbooks/site.yml", "--tags", role, runs=2)
            table.add_row(f"  {role} adds", f"{one.median - bare.median:.2f} s", "")

        note.print("twice the rows …")
        few, many = (scratch_play(folder, f"rows{count}", rows(count)) for count in (400, 800))
        for warm in (few, many):
            play(warm, runs=1)
        few_time = play(few)
        play(many, runs=1)
        many_time = play(many)
        subprocess.run(
            ["ansible", "-i", str(PRACTICE), HOST, "-m", "file", "-a", "path=/etc/praxisschild-bench state=absent"],
            cwd=PROJECT,
            check=True,
            capture_output=True,
        )
        ratio = many_time.median / few_time.median
        table.add_row(
            "400 / 800 rows in 20 files", f"{few_time.median:.2f} s / {many_time.median:.2f} s", f"× {ratio:.2f}"
        )

    note.print("configuration checks, and Lynis on the same host …")
    verify = ["pytest", "tests/compliance", "--practice", str(PRACTICE), "--host", HOST, "--no-probes", "-q"]
    checks = timed(*verify, accept=(0, 1))
    said = subprocess.run(verify, cwd=PROJECT, capture_output=True, text=True, check=False).stdout
    own = re.search(r"in ([\d.]+)s", said)
    subprocess.run(
        ["ansible", "-i", str(PRACTICE), HOST, "-m", "apt", "-a", "name=lynis install_recommends=false"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    command = ["ansible", "-i", str(PRACTICE), HOST, "-m", "command", "-a", "lynis audit system --quiet --no-colors"]
    lynis = timed(*command, runs=1)
    table.add_row(
        "configuration checks, one host, whole command",
        str(checks),
        f"lynis audit system {lynis.median:.1f} s: × {lynis.median / checks.median:.1f}",
    )
    table.add_row("  of it connection, snapshot and checks", f"{own[1] if own else '?'} s", "")
    console.print(table)
    subprocess.run(["lab/lab.py", "down"], cwd=PROJECT, check=True)


if __name__ == "__main__":
    main()
