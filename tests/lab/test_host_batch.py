"""host_batch on a real host: real ansible-playbook, SSH, sudo, systemd, apt, mounts and kills."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.conftest import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("batch")
NAME = "server-1"
PLACE = "/etc/praxisschild-test"
STATE = "/var/lib/praxisschild"

KILL_WHILE_SWITCHING = f"""
import os, re, signal, time
before = os.stat("{PLACE}/000").st_ino
lock = os.stat("{STATE}/lock").st_ino
give_up = time.monotonic() + 30
while os.stat("{PLACE}/000").st_ino == before:
    assert time.monotonic() < give_up
for line in open("/proc/locks"):
    found = re.search(r"FLOCK .* (\\d+) \\S+:(\\d+) ", line)
    if found and int(found[2]) == lock:
        os.kill(int(found[1]), signal.SIGKILL)
"""


@dataclass
class LabHost:
    """One host of the lab, by way of its instance's ssh_config."""

    folder: Path
    work: Path

    def root(self, script: str, *, check: bool = True) -> str:
        """Output of a shell script that ran as root."""
        password = (self.folder / "become_password").read_text()
        command = f"sudo -S -p '' sh -c {shlex.quote(script)}"
        done = subprocess.run(
            # sshd listens anew while it reloads
            ["ssh", "-F", self.folder / "ssh_config", "-o", "ConnectionAttempts=5", NAME, command],
            input=password, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def start(self, batch: dict[str, Any], *flags: str, **variables: Any) -> subprocess.Popen[str]:
        """Begin a play with this batch as its only task."""
        inventory = self.work / "hosts.json"
        host = {"ansible_ssh_common_args": f"-F {self.folder / 'ssh_config'}", "ansible_become": True}
        inventory.write_text(json.dumps({"all": {"hosts": {NAME: host}}}))
        playbook = self.work / "play.json"
        task = {"name": "linux | Settle", "host_batch": batch}
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": [task]}]))
        environment = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_BECOME_PASSWORD_FILE": str(self.folder / "become_password"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.work / "cp"),
        }
        ansible = Path(sys.executable).parent / "ansible-playbook"
        return subprocess.Popen(
            [ansible, "-v", "-i", inventory, playbook, *flags],
            env={**os.environ, **environment}, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def play(self, batch: dict[str, Any], *flags: str, **variables: Any) -> dict[str, Any]:
        """The task's result; the play's whole output is in `output`."""
        output, _nothing = self.start(batch, *flags, **variables).communicate(timeout=240)
        mark = f"[{NAME}] => {{" if f"[{NAME}] => {{" in output else "FAILED! => {"
        assert mark in output, output
        result: dict[str, Any] = json.JSONDecoder().raw_decode(output, output.index(mark) + len(mark) - 1)[0]
        return {**result, "failed": "FAILED!" in output, "output": output}


@pytest.fixture(scope="module")
def lab_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHost]:
    """A host of its own, so that these experiments run beside the practice's."""
    lab = Lab(2)
    lab.hosts("down")
    lab.hosts("up", NAME)
    # a control socket's path has to be short
    yield LabHost(ROOT / ".lab" / str(lab.instance), tmp_path_factory.mktemp("hb"))
    lab.hosts("down")


@pytest.fixture
def host(lab_host: LabHost) -> Iterator[LabHost]:
    """The host with an empty folder to work in."""
    lab_host.root(f"rm -rf {PLACE} && mkdir {PLACE}")
    yield lab_host
    lab_host.root(f"umount {PLACE}/mount 2>/dev/null; rm -rf {PLACE}")


def item(name: str, content: str = "new\n", **more: Any) -> dict[str, Any]:
    return {"dest": f"{PLACE}/{name}", "content": content, **more}


def kill_family(pid: int) -> None:
    """End the controller as a closed lid would: Ansible's workers have sessions of their own."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        kill_family(int(child))
    os.kill(pid, signal.SIGKILL)


def assert_disarmed(host: LabHost) -> None:
    found = host.root(f"ls /etc/systemd/system/praxisschild-revert.* {STATE}/armed 2>/dev/null; true")
    assert found == ""
    assert "praxisschild" not in host.root("systemctl list-timers --all --no-legend; systemctl --failed --no-legend")


def test_check_mode_tells_from_a_fresh_host_what_the_run_then_does(host: LabHost):
    host.root("apt-get remove -qqy jq; rm -f /etc/systemd/system/praxis-test.*; systemctl daemon-reload")
    service = "[Service]\nType=oneshot\nExecStart=/bin/true\n"
    timer = "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"
    batch = {
        "packages": {"present": ["jq"]},
        "files": [
            item("deep/er/a.json", '{"a": 1}\n', validate="jq empty %s"),
            {"dest": "/etc/systemd/system/praxis-test.service", "content": service},
            {"dest": "/etc/systemd/system/praxis-test.timer", "content": timer},
        ],
        "units": [{"name": "praxis-test.timer", "enabled": True, "state": "started"}],
    }
    before = host.root(f"find {PLACE} /etc/systemd -newer {PLACE}; ls {STATE} 2>/dev/null; true")
    told = host.play(batch, "--check", "--diff")
    assert host.root(f"find {PLACE} /etc/systemd -newer {PLACE}; ls {STATE} 2>/dev/null; true") == before
    assert "validation" in told["items"][1]["deferred"]
    for text in ("+ package jq", f"+++ after: {PLACE}/deep/er/a.json", "+OnCalendar=daily", '+    "active": "active"'):
        assert text in told["output"], told["output"]
    done = host.play(batch)
    assert [one["changed"] for one in done["items"]] == [one["changed"] for one in told["items"]] == [True] * 5
    assert (
        host.root("systemctl is-enabled praxis-test.timer; systemctl is-active praxis-test.timer")
        == "enabled\nactive\n"
    )
    assert host.root(f"stat -c %a:%U {PLACE}/deep/er {PLACE}/deep/er/a.json") == "755:root\n644:root\n"
    again = host.play(batch)
    assert not again["changed"]
    assert not any(one["changed"] for one in again["items"])


def test_a_unit_goes_together_with_its_file(host: LabHost):
    timer = "/etc/systemd/system/praxis-going.timer"
    host.root(f"printf '[Timer]\\nOnCalendar=daily\\n[Install]\\nWantedBy=timers.target\\n' > {timer}")
    host.root("printf '[Service]\\nExecStart=true\\n' > /etc/systemd/system/praxis-going.service")
    host.root("systemctl daemon-reload; systemctl enable --now praxis-going.timer")
    batch = {
        "files": [{"dest": timer, "state": "absent"}],
        "units": [{"name": "praxis-going.timer", "enabled": False, "state": "stopped"}],
    }
    assert host.play({**batch, "verify": [["false"]]})["failed"]
    assert (
        host.root("systemctl is-enabled praxis-going.timer; systemctl is-active praxis-going.timer")
        == "enabled\nactive\n"
    )
    assert host.play(batch)["changed"]
    assert "praxis-going" not in host.root("systemctl list-timers --all; ls /etc/systemd/system/timers.target.wants")
    assert not host.play(batch)["changed"]


BROKEN = """[Service]
Type={type}
Restart={restart}
ExecStart=/bin/sh -c 'echo "kein Schlüssel in /etc/praxis"; exit 3'
[Install]
WantedBy=multi-user.target
"""


@pytest.mark.parametrize(("kind", "restart"), [("oneshot", "no"), ("simple", "no"), ("simple", "always")])
def test_a_service_that_cannot_start_says_why_and_leaves_nothing_behind(host: LabHost, kind: str, restart: str):
    unit = "/etc/systemd/system/praxis-ill.service"
    files = [item("praxis.conf"), {"dest": unit, "content": BROKEN.format(type=kind, restart=restart)}]
    wanted = [{"name": "praxis-ill.service", "state": "started", "enabled": True}]
    result = host.play({"files": files, "units": wanted})
    assert result["failed"]
    assert "praxis-ill.service does not run (exit-code, exit status 3)" in result["msg"]
    assert "kein Schlüssel in /etc/praxis" in result["msg"]
    assert "the earlier files were put back" in result["msg"]
    assert host.root(f"ls {PLACE} {unit} 2>/dev/null; true").split() == [f"{PLACE}:"]
    left = (
        "systemctl list-units --all --no-legend 'praxis-ill*'; ls /etc/systemd/system/*/praxis-ill* 2>/dev/null; true"
    )
    assert host.root(left) == ""


def test_a_service_that_new_settings_kill_runs_again_with_the_old_ones(host: LabHost):
    run = f". {PLACE}/settings; exec sleep infinity"
    unit = f"[Service]\nRestart=always\nRestartSec=50ms\nExecStart=/bin/sh -c '{run}'\n"
    host.root(
        f"printf 'A=1\\n' > {PLACE}/settings; printf %s {shlex.quote(unit)} > /run/systemd/system/praxis-ill.service;"
        "systemctl daemon-reload; systemctl start praxis-ill.service"
    )
    wrong = item("settings", 'echo "Zeile 1: unbekannte Einstellung"; exit 7\n', notify=["R"])
    handler = {"name": "R", "unit": "praxis-ill.service", "action": "restart"}
    result = host.play({"files": [wrong], "handlers": [handler]})
    assert "praxis-ill.service does not run" in result["msg"]
    assert "Zeile 1: unbekannte Einstellung" in result["msg"]
    assert host.root(f"cat {PLACE}/settings; systemctl is-active praxis-ill.service").split() == ["A=1", "active"]
    host.root("systemctl stop praxis-ill.service; rm /run/systemd/system/praxis-ill.service; systemctl daemon-reload")


def test_a_full_disk_changes_nothing(host: LabHost):
    host.root(f"mkdir {PLACE}/mount && mount -t tmpfs -o size=64k,mode=755 tmpfs {PLACE}/mount; echo old > {PLACE}/a")
    result = host.play({"files": [item("a"), item("mount/b", "x" * 100_000)]})
    assert "No space left on device" in result["msg"]
    assert "no file was changed" in result["msg"]
    assert host.root(f"cat {PLACE}/a; ls -A {PLACE} {PLACE}/mount") == f"old\n{PLACE}:\na\nmount\n\n{PLACE}/mount:\n"


def test_a_read_only_file_system_changes_nothing(host: LabHost):
    host.root(f"mkdir {PLACE}/mount && mount -t tmpfs -o ro,mode=755 tmpfs {PLACE}/mount")
    assert "Read-only file system" in host.play({"files": [item("a"), item("mount/b")]})["msg"]
    assert host.root(f"ls {PLACE}") == "mount\n"


def test_a_foreign_file_and_a_link_become_roots_own(host: LabHost):
    host.root(f"cd {PLACE}; echo new > a; chown gast:gast a; chmod 0666 a; echo secret > t; ln -s t b")
    result = host.play({"files": [item("a"), item("b", "b\n")]})
    assert "owner" in result["items"][0]["note"]
    assert host.root(f"cd {PLACE}; stat -c '%U %G %a %F' a b; cat t") == (
        "root root 644 regular file\nroot root 644 regular file\nsecret\n"
    )


def test_a_folder_that_everybody_may_write_to_is_refused(host: LabHost):
    host.root(f"mkdir -m 0777 {PLACE}/offen")
    result = host.play({"files": [item("offen/a")]})
    assert f"{PLACE}/offen: everybody may write to it" in result["msg"]


SSHD = {"dest": "/etc/ssh/sshd_config.d/00-praxis-test.conf", "mode": "0600", "notify": ["Reload sshd"]}
GUARD = {
    "verify": [["sshd", "-t"]],
    "handlers": [{"name": "Reload sshd", "unit": "ssh.service"}],
    "guard": True,
    "guard_seconds": 12,
}


def test_a_good_change_is_confirmed_and_the_timer_is_gone(host: LabHost):
    host.root(f"rm -f {SSHD['dest']}")
    result = host.play({"files": [{**SSHD, "content": "X11Forwarding no\n", "requirement": "2021-A1-13"}], **GUARD})
    assert result["changed"]
    assert result["armed"]
    assert_disarmed(host)
    assert "x11forwarding no" in host.root("sshd -T")
    assert "00-praxis-test.conf" in host.root(f"cat {STATE}/manifest.json")
    again = host.play({"files": [{**SSHD, "content": "X11Forwarding no\n", "requirement": "2021-A1-13"}], **GUARD})
    assert not again["changed"]
    assert not again["armed"]
    host.root(f"sh {STATE}/runs/{result['run']}/revert.sh")
    assert "00-praxis-test.conf" not in host.root("ls /etc/ssh/sshd_config.d")


def test_a_change_that_locks_everybody_out_is_reverted(host: LabHost):
    started = time.monotonic()
    result = host.play({"files": [{**SSHD, "content": "AllowUsers nobody\n"}], **GUARD})
    assert "Permission denied" in result["msg"]
    assert "earlier files back by itself and is reachable again" in result["msg"]
    assert time.monotonic() - started < 30
    assert "allowusers" not in host.root("sshd -T")
    assert_disarmed(host)


@pytest.mark.parametrize("hook", ["input", "output"])
def test_a_firewall_that_shuts_us_out_is_reverted(host: LabHost, hook: str):
    host.root("command -v nft || apt-get install -qqy nftables")
    port = "dport" if hook == "input" else "sport"
    rules = f"table inet zu {{ chain c {{ type filter hook {hook} priority 0; tcp {port} 22 drop; }}; }}\n"
    load = {"name": "Load", "command": ["nft", "-f", f"{PLACE}/zu.nft"]}
    batch = {"files": [item("zu.nft", rules, notify=["Load"], validate="nft -c -f %s")], "handlers": [load]}
    undo = [["nft", "delete", "table", "inet", "zu"]]
    result = host.play({**batch, "guard": True, "guard_seconds": 12, "guard_undo": undo})
    assert "The host has put its earlier files back by itself" in result["msg"] or "put back already" in result["msg"]
    assert "table inet zu" not in host.root("nft list ruleset")
    assert host.root(f"ls {PLACE}") == ""
    assert_disarmed(host)


def test_files_that_a_handler_changes_are_restored_too(host: LabHost):
    host.root(f"echo old > {PLACE}/common-auth")
    update = {"name": "Update", "command": ["sh", "-c", f"[ -e {PLACE}/a ] && echo new > {PLACE}/common-auth"]}
    batch = {"files": [item("a", notify=["Update"])], "handlers": [update], "guard": True}
    assert host.play(
        {**batch, "guard_keep": [f"{PLACE}/common-auth"], "units": [{"name": "no.service", "state": "started"}]}
    )["failed"]
    assert host.root(f"ls {PLACE}; cat {PLACE}/common-auth") == "common-auth\nold\n"
    assert_disarmed(host)


def test_a_step_longer_than_the_guard_waits_is_reverted(host: LabHost):
    slow = {"name": "Slow", "command": ["sleep", "6"]}
    result = host.play({"files": [item("a", notify=["Slow"])], "handlers": [slow], "guard": True, "guard_seconds": 2})
    assert "took longer than guard_seconds (2 s)" in result["msg"]
    time.sleep(5)  # the revert runs the handler too
    assert host.root(f"ls {PLACE}") == ""
    assert_disarmed(host)


def test_an_unconfirmed_change_is_put_back_by_the_next_run_first(host: LabHost):
    host.root(f"echo old > {PLACE}/a")
    batch = {"files": [item("a", "never confirmed\n")], "guard": True, "guard_seconds": 120}
    process = host.start({**batch, "verify": [["sleep", "4"]]})
    while "armed" not in host.root(f"ls {STATE}"):
        assert process.poll() is None
    kill_family(process.pid)
    process.communicate()
    time.sleep(5)
    assert host.root(f"cat {PLACE}/a; systemctl is-enabled praxisschild-revert.timer") == "never confirmed\nenabled\n"
    result = host.play({"files": [item("b")]})
    assert result["settled"]
    assert "was never confirmed" in result["output"]
    assert host.root(f"cat {PLACE}/a {PLACE}/b") == "old\nnew\n"
    assert_disarmed(host)


def test_a_module_killed_between_two_files_leaves_whole_files(host: LabHost):
    count, size = 200, 20_000
    host.root(f"cd {PLACE}; for i in $(seq -w 0 {count - 1}); do head -c {size} /dev/zero | tr '\\0' o > $i; done")
    files = [item(f"{number:03}", "n" * size, notify=["Count"]) for number in range(count)]
    handlers = [{"name": "Count", "command": ["sh", "-c", f"cat {PLACE}/??? | tr -d o | wc -c > {PLACE}/counted"]}]
    batch = {"files": files, "handlers": handlers}
    host.root(f"mkdir -p {STATE}; touch {STATE}/lock")
    process = host.start(batch)
    host.root(f"python3 -c {shlex.quote(KILL_WHILE_SWITCHING)}")
    output, _nothing = process.communicate(timeout=60)
    assert "FAILED!" in output
    kinds = host.root(f'cd {PLACE}; for i in ???; do tr -s on < $i; echo " $(stat -c %s $i)"; done | sort | uniq -c')
    assert {line.split()[1] for line in kinds.splitlines()} <= {"n", "o"}, kinds
    assert {line.split()[2] for line in kinds.splitlines()} == {str(size)}
    result = host.play(batch)
    assert result["changed"]
    assert host.root(f"cat {PLACE}/counted") == f"{count * size}\n"
    assert not host.play(batch)["changed"]


def test_a_module_killed_before_its_handlers_makes_up_for_them(host: LabHost):
    suicide = [
        "sh",
        "-c",
        f"test -e {PLACE}/killed || {{ touch {PLACE}/killed; kill -9 $(cut -d' ' -f4 /proc/$PPID/stat); }}",
    ]
    handlers = [{"name": "Mark", "command": ["touch", f"{PLACE}/handled"]}]
    batch = {"files": [item("a", notify=["Mark"])], "verify": [suicide], "handlers": handlers}
    assert host.play(batch)["failed"]
    assert host.root(f"ls {PLACE}") == "a\nkilled\n"
    result = host.play(batch)
    assert [one["state"] for one in result["items"] if one["kind"] == "handler"] == ["due from an earlier run"]
    assert host.root(f"ls {PLACE}") == "a\nhandled\nkilled\n"
    assert not host.play(batch)["changed"]
