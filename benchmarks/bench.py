"""What a run costs beside its peers, and what outside judges say before and after it: `make bench`.

Peers that install from PyPI or Debian run here (plain and mitogen task cost, Lynis). dev-sec's roles do not, so their
wall time is carried over from a recorded run by the ratio of a yardstick that both runs share: fifty pings.

Ends with 1, and says why, if a judge's figure is worse after the baseline than on a fresh host. Times are compared with
their targets in words only: a busy machine is no finding.
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

import judges
import windows
import yaml
from rich.console import Console
from rich.table import Table

from praxisschild.inventory import Inventory

PROJECT = Path(__file__).resolve().parents[1]
PRACTICE = PROJECT / "inventories/musterpraxis"
HOST = "arbeitsplatz-1"
HOSTS = (HOST, "server-1")
TARGET_WHOLE, TARGET_ROLE = 15.0, 1.0  # seconds of a run that changes nothing, on two cores
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


def shares(runs: int = 3) -> tuple[Timing, dict[str, float]]:
    """A run of all roles that changes nothing: its time, and the median seconds of each role ("" is the rest)."""
    plugins = {"ANSIBLE_CALLBACK_PLUGINS": str(PROJECT / "benchmarks"), "ANSIBLE_CALLBACKS_ENABLED": "role_seconds"}
    seconds: list[float] = []
    per_role: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "seconds.json"
        for _ in range(runs):
            seconds.append(play("playbooks/site.yml", runs=1, ROLE_SECONDS=str(file), **plugins).median)
            for role, spent in json.loads(file.read_text()).items():
                per_role.setdefault(role, []).append(spent)
    timing = Timing(statistics.median(seconds), min(seconds), max(seconds))
    return timing, {role: statistics.median(spent) for role, spent in per_role.items()}


def roles() -> list[str]:
    """The roles of the baseline, in its order."""
    plays = yaml.safe_load((PROJECT / "playbooks/site.yml").read_text(encoding="utf-8"))
    return [role["role"] if isinstance(role, dict) else role for one in plays for role in one.get("roles", [])]


def against(seconds: float, target: float, scale: float) -> str:
    """Whether a target was met, on a machine that is slower than the recorded one by so much."""
    allowed = target * max(scale, 1.0)
    words = f"target {target:g} s" + (f", here {allowed:.1f} s" if allowed > target else "")
    return f"{words}: {'met' if seconds <= allowed else 'MISSED'}"


def no_change(table: Table, scale: float) -> None:
    """The whole run and each role's share of it."""
    whole, spent = shares()
    devsec, devsec_mitogen = RECORDED_DEVSEC * scale, RECORDED_DEVSEC_MITOGEN * scale
    table.add_row(
        "site.yml, one host, nothing to change",
        str(whole),
        f"{against(whole.median, TARGET_WHOLE, scale)}; dev-sec os+ssh {devsec:.0f} s: 1/{devsec / whole.median:.1f}; "
        f"under mitogen {devsec_mitogen:.0f} s: 1/{devsec_mitogen / whole.median:.1f}",
    )
    inside = sum(spent.values())
    rest = whole.median - inside + spent.get("", 0.0)
    table.add_row("  start, preflight and facts", f"{rest:.2f} s", "")
    for role in roles():
        own = spent.get(role, 0.0)
        table.add_row(
            f"  {role}", f"{own:.2f} s", f"{100 * own / whole.median:.0f} %; {against(own, TARGET_ROLE, scale)}"
        )


def yardsticks(table: Table, folder: Path) -> float:
    """Fifty pings; returns how much slower this machine is than the one whose figures were recorded."""
    pings = scratch_play(folder, "pings", [{"name": "ping", "ansible.builtin.ping": {}}] * 50)
    plain = play(pings)
    import ansible_mitogen

    strategies = str(Path(ansible_mitogen.__file__).parent / "plugins/strategy")
    mitogen = play(pings, ANSIBLE_STRATEGY="mitogen_linear", ANSIBLE_STRATEGY_PLUGINS=strategies)
    scale = plain.median / RECORDED_PINGS
    table.add_row(
        "50 pings, plain / mitogen", f"{plain} / {mitogen}", f"this machine is {scale:.2f} × the recorded one"
    )
    return scale


def growth(table: Table, folder: Path) -> None:
    """Twice the rows in as many files."""
    few, many = (scratch_play(folder, f"rows{count}", rows(count)) for count in (400, 800))
    medians = []
    for one in (few, many):
        play(one, runs=1)  # writes the files
        medians.append(play(one).median)
    subprocess.run(
        ["ansible", "-i", str(PRACTICE), HOST, "-m", "file", "-a", "path=/etc/praxisschild-bench state=absent"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    ratio = medians[1] / medians[0]
    table.add_row("400 / 800 rows in 20 files", f"{medians[0]:.2f} s / {medians[1]:.2f} s", f"× {ratio:.2f}")


def verification(table: Table, lynis: float) -> None:
    """The configuration checks of one host beside the audit that Lynis makes there."""
    verify = ["pytest", "tests/compliance", "--practice", str(PRACTICE), "--host", HOST, "--no-probes", "-q"]
    checks = timed(*verify, accept=(0, 1))
    said = subprocess.run(verify, cwd=PROJECT, capture_output=True, text=True, check=False).stdout
    own = re.search(r"in ([\d.]+)s", said)
    table.add_row(
        "configuration checks, one host, whole command",
        str(checks),
        f"lynis audit system {lynis:.1f} s: × {lynis / checks.median:.1f}",
    )
    table.add_row("  of it connection, snapshot and checks", f"{own[1] if own else '?'} s", "")


def quietly(*command: str) -> None:
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-2000:]}")


def main() -> None:
    console = Console(width=170)
    note = Console(stderr=True, highlight=False)
    times = Table("what", "wall (median, spread)", "against", box=None, pad_edge=False)
    inventory = Inventory(PRACTICE)

    note.print("fresh hosts, and what the judges say of them …")
    quietly("lab/lab.py", "fresh", *HOSTS)
    judges.prepare(inventory, HOST)
    before = judges.opinions(inventory, HOSTS, HOST)
    note.print("the baseline …")
    quietly("ansible-playbook", "-i", str(PRACTICE), "--limit", ",".join(HOSTS), "playbooks/site.yml")
    note.print("and what they say now …")
    after = judges.opinions(inventory, HOSTS, HOST)
    figures = [figure for host in HOSTS for figure in judges.compare(host, before[host], after[host])]
    verdicts = Table("judge", "what", "fresh", "after the baseline", "", box=None, pad_edge=False)
    for figure in figures:
        verdicts.add_row(figure.judge, figure.what, figure.before, figure.after, "WORSE" if figure.worse else "")
    console.print(verdicts, "")

    note.print("task cost, and a run that changes nothing …")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        no_change(times, yardsticks(times, folder))
        growth(times, folder)
    note.print("configuration checks …")
    verification(times, after[HOST].lynis["seconds"])
    windows.measure(times, timed, note.print)
    console.print(times)
    quietly("lab/lab.py", "down", *HOSTS)
    worse = [f"{figure.judge}, {figure.what}: {figure.worse}" for figure in figures if figure.worse]
    if worse:
        sys.exit("worse than on a fresh host:\n  " + "\n  ".join(worse))


if __name__ == "__main__":
    main()
