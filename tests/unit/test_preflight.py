"""What preflight finds out reaches every host of a run: what does not apply to a host is not applied there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_every_host_learns_what_does_not_apply_to_it(tmp_path):
    """Ansible gives the facts of an action that runs once to the first host alone, unless the task says run_once."""
    plays = yaml.safe_load((PROJECT / "playbooks/site.yml").read_text(encoding="utf-8"))
    (play,) = [one for one in plays if any("preflight" in task for task in one.get("tasks") or ())]
    tasks = [task for task in play["tasks"] if "preflight" in task]
    known = {"ansible.builtin.assert": {"that": "praxisschild.dropped[inventory_hostname] | length > 0"}}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{**play, "tasks": [*tasks, known]}]), encoding="utf-8")
    command = ["ansible-playbook", "-i", str(PROJECT / "inventories/musterpraxis"), str(tmp_path / "play.yml")]
    done = subprocess.run(
        [*command, "--extra-vars", '{"ansible_become_password": ""}'],
        cwd=PROJECT,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert done.stdout.count("failed=0") == 3
