"""The module on a host: compare, stage, validate, switch, put back. Packages and units are spoken to by stand-ins."""

from __future__ import annotations

import importlib
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ansible.module_utils
import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

if TYPE_CHECKING:
    from collections.abc import Callable

    Batch = Callable[..., dict[str, Any]]

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
OWN = {"owner": str(os.geteuid()), "group": str(os.getegid())}
# what AnsiballZ does on a host: one namespace for Ansible's module_utils and ours
ansible.module_utils.__path__.append(str(PLUGINS / "module_utils"))

# counts what the interpreter reports of files and processes, by its kind, and dies of the one it is told
IN_A_PROCESS = f"""
import atexit, collections, json, os, signal, sys
import ansible.module_utils
ansible.module_utils.__path__.append({str(PLUGINS / "module_utils")!r})
sys.path.insert(0, {str(PLUGINS / "modules")!r})
from ansible.module_utils.testing import patch_module_args
import host_batch
seen, kind, last = collections.Counter(), sys.argv[1], int(sys.argv[2])
def count(event, arguments):
    if event == "open" or event.startswith(("os.", "subprocess.")):
        seen.update([event, ""])
        if event.startswith(kind) and seen[kind] == last:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
atexit.register(lambda: json.dump(seen, sys.stderr))
with patch_module_args(json.load(sys.stdin)):
    host_batch.main()
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    return folder


def arguments(state: Path, files: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    items = [{**OWN, **item, "dest": str(item["dest"])} for item in files]
    return {"files": items, "state_dir": str(state), "role": "firewall", "_ansible_no_log": True, **more}


@pytest.fixture
def batch(state: Path, capsys: pytest.CaptureFixture[str]) -> Batch:
    """Run the module in this process; a failure is a result like any other."""
    module = importlib.import_module("host_batch")

    def run(files: list[dict[str, Any]], *, check: bool = False, **more: Any) -> dict[str, Any]:
        flags = {"_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args({**arguments(state, files, **more), **flags}), pytest.raises(SystemExit):
            module.main()
        found: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        return found

    return run


def inventory_of(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_file_is_written_once_and_then_left_alone(batch: Batch, etc: Path, state: Path):
    item = {"dest": etc / "new" / "a.conf", "content": "ä 1\n", "mode": "0600", "requirements": ["2021-A1-13"]}
    assert batch([item])["changed"]
    path = etc / "new" / "a.conf"
    assert path.read_text() == "ä 1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    manifest = json.loads((state / "manifest.json").read_text())
    assert manifest[str(path)]["requirements"] == ["2021-A1-13"]
    before = path.stat()
    assert not batch([item])["changed"]
    assert path.stat().st_ino == before.st_ino


def test_check_mode_tells_everything_and_touches_nothing(batch: Batch, etc: Path, state: Path):
    (etc / "old").write_text("old\n")
    files = [
        {"dest": etc / "sub" / "a", "content": "1\n", "validate": "test -s %s"},
        {"dest": etc / "old", "state": "absent"},
        {"dest": etc / "d", "state": "directory"},
        {"dest": etc / "later", "content": "x", "owner": "clamav-not-yet", "validate": "no-such-validator %s"},
    ]
    result = batch(files, check=True)
    assert [item["changed"] for item in result["items"]] == [True] * 4
    assert "not installed" in result["items"][3]["deferred"]
    assert result["diff"][0]["after"] == "1\n"
    assert result["diff"][1]["before"] == "old\n"
    assert inventory_of(etc) == {"old": "old\n"}
    assert not state.exists()


def test_a_link_is_replaced_and_its_target_left_alone(batch: Batch, etc: Path):
    (etc / "target").write_text("secret\n")
    (etc / "a").symlink_to(etc / "target")
    result = batch([{"dest": etc / "a", "content": "new\n"}])
    assert not (etc / "a").is_symlink()
    assert inventory_of(etc) == {"target": "secret\n", "a": "new\n"}
    assert "symbolic link" in result["items"][0]["note"]


@pytest.mark.parametrize("mode", [0o666, 0o640, 0o4755])
def test_foreign_permissions_are_corrected_and_told(batch: Batch, etc: Path, mode: int):
    (etc / "a").write_text("same\n")
    (etc / "a").chmod(mode)
    result = batch([{"dest": etc / "a", "content": "same\n"}])
    assert f"mode {mode:04o} -> 0644" in result["items"][0]["note"]
    assert stat.S_IMODE((etc / "a").stat().st_mode) == 0o644
    assert result["diff"][0]["before"]["mode"] == f"{mode:04o}"


def test_a_hard_link_does_not_carry_the_change_elsewhere(batch: Batch, etc: Path):
    (etc / "a").write_text("old\n")
    (etc / "twin").hardlink_to(etc / "a")
    batch([{"dest": etc / "a", "content": "new\n"}])
    assert inventory_of(etc) == {"a": "new\n", "twin": "old\n"}


def test_one_failing_validator_leaves_the_whole_group_untouched(batch: Batch, etc: Path):
    (etc / "a").write_text("old\n")
    files = [
        {"dest": etc / "a", "content": "new\n", "validate": "grep -q new %s"},
        {"dest": etc / "deep" / "er" / "b", "content": "broken\n", "validate": "grep -q good %s"},
    ]
    result = batch(files)
    assert result["failed"]
    assert "no file was changed" in result["msg"]
    assert inventory_of(etc) == {"a": "old\n"}


def test_a_secret_is_in_no_diff_and_in_no_error(batch: Batch, etc: Path):
    item = {"dest": etc / "key", "content": "geheim\n", "no_diff": True, "validate": "grep -v hidden %s"}
    assert "geheim" not in json.dumps(batch([item]))
    failing = {**item, "content": "geheim 2\n", "validate": "sh -c 'cat %s; exit 1'"}
    result = batch([failing])
    assert result["failed"]
    assert "geheim" not in json.dumps(result)


@pytest.mark.parametrize("where", ["verify", "handler"])
def test_a_command_that_fails_after_the_switch_puts_everything_back(batch: Batch, etc: Path, where: str):
    (etc / "a").write_text("old\n")
    (etc / "a").chmod(0o600)
    (etc / "link").symlink_to("a")
    (etc / "going").write_text("going\n")
    failing = ["sh", "-c", "echo kaputt; exit 3"]
    files = [
        {"dest": etc / "a", "content": "new\n", "notify": ["H"]},
        {"dest": etc / "link", "content": "new\n"},
        {"dest": etc / "b" / "c", "content": "new\n"},
        {"dest": etc / "going", "state": "absent"},
    ]
    more: dict[str, Any] = {"verify": [failing]} if where == "verify" else {}
    result = batch(files, handlers=[{"name": "H", "command": failing}], **more)
    assert result["failed"]
    assert "kaputt" in result["msg"]
    assert "put back" in result["msg"]
    assert inventory_of(etc) == {"a": "old\n", "link": "old\n", "going": "going\n"}
    assert (etc / "link").readlink() == Path("a")
    assert stat.S_IMODE((etc / "a").stat().st_mode) == 0o600


def test_the_kept_script_takes_a_run_back(batch: Batch, etc: Path, state: Path):
    name = "it's ü.conf"
    (etc / name).write_text("old\n")
    files = [
        {"dest": etc / name, "content": "new\n", "notify": ["H"]},
        {"dest": etc / "neu" / "x", "content": "x"},
        {"dest": etc / "d", "state": "directory", "mode": "0700"},
    ]
    log = etc.parent / "log"
    result = batch(files, handlers=[{"name": "H", "command": ["sh", "-c", f"cat '{etc}'/it* >> {log}"]}])
    script = state / "runs" / result["run"] / "revert.sh"
    subprocess.run(["sh", script], check=True)
    assert inventory_of(etc) == {name: "old\n"}
    assert log.read_text() == "new\nold\n"


def test_handlers_run_only_if_notified_and_in_their_own_order(batch: Batch, etc: Path):
    log = etc.parent / "log"
    handlers = [{"name": n, "command": ["sh", "-c", f"echo {n} >> {log}"]} for n in ("one", "two", "three")]
    files = [{"dest": etc / "a", "content": "1", "notify": ["three", "one"]}, {"dest": etc / "b", "content": "1"}]
    result = batch(files, handlers=handlers)
    assert log.read_text() == "one\nthree\n"
    assert [i["changed"] for i in result["items"] if i["kind"] == "handler"] == [True, False, True]
    batch(files, handlers=handlers)
    assert log.read_text() == "one\nthree\n"


def test_handlers_of_a_killed_run_are_made_up_for(batch: Batch, etc: Path, state: Path):
    log = etc.parent / "log"
    files = [{"dest": etc / "a", "content": "1", "notify": ["H"]}]
    handlers = [{"name": "H", "command": ["sh", "-c", f"echo ran >> {log}"]}]
    batch(files, handlers=handlers)
    left = {"handlers": [{**handlers[0], "unit": None, "action": "restart"}], "daemon_reload": False}
    (state / "pending" / "firewall.json").write_text(json.dumps(left))
    assert batch(files, handlers=handlers)["changed"]
    assert log.read_text() == "ran\nran\n"
    assert not batch(files, handlers=handlers)["changed"]


def test_only_files_of_ours_go_when_their_last_row_was_dropped(batch: Batch, etc: Path):
    (etc / "theirs").write_text("theirs\n")
    batch([{"dest": etc / "ours", "content": "ours\n"}])
    result = batch([{"dest": etc / name, "state": "absent", "managed_only": True} for name in ("ours", "theirs")])
    assert [item["changed"] for item in result["items"]] == [True, False]
    assert inventory_of(etc) == {"theirs": "theirs\n"}


def test_a_directory_that_others_may_write_to_is_refused(batch: Batch, etc: Path):
    (etc / "open").mkdir()
    (etc / "open").chmod(0o777)
    result = batch([{"dest": etc / "first", "content": "1"}, {"dest": etc / "open" / "a", "content": "1"}])
    assert "everybody may write" in result["msg"]
    assert not (etc / "first").exists()
    (etc / "way").symlink_to(etc / "open")
    assert "everybody may write" in batch([{"dest": etc / "way" / "sub" / "a", "content": "1"}])["msg"]
    declared = [{"dest": etc / "open", "state": "directory"}, {"dest": etc / "open" / "a", "content": "1"}]
    assert "failed" not in batch(declared)
    assert stat.S_IMODE((etc / "open").stat().st_mode) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused(batch: Batch, etc: Path):
    (etc / "foreign").mkdir()
    os.chown(etc / "foreign", 12345, 0)
    assert "user 12345 owns it" in batch([{"dest": etc / "foreign" / "a", "content": "1"}])["msg"]


@pytest.mark.parametrize(
    ("prepare", "item", "complaint"),
    [
        (lambda etc: (etc / "x").mkdir(), {"content": "1"}, "is a directory, not a file"),
        (lambda etc: os.mkfifo(etc / "x"), {"content": "1"}, "special file"),
        (lambda etc: (etc / "x").write_text(""), {"state": "directory"}, "not a directory"),
        (lambda etc: (etc / "x" / "y").mkdir(parents=True), {"state": "absent"}, "directory with content"),
        (lambda etc: None, {"content": "1", "mode": "644x"}, "not octal"),
        (lambda etc: None, {"content": "1", "owner": "nobody-here"}, "no owner nobody-here"),
        (lambda etc: None, {"content": "1", "notify": ["H"]}, "no handler"),
        (lambda etc: None, {"content": "1", "validate": "no-such-validator %s"}, "not installed"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_changes(batch: Batch, etc: Path, prepare, item, complaint):
    prepare(etc)
    result = batch([{"dest": etc / "first", "content": "1"}, {"dest": etc / "x", **item}])
    assert complaint in result["msg"]
    assert not (etc / "first").exists()


def test_old_runs_are_forgotten_role_by_role(batch: Batch, etc: Path, state: Path):
    batch([{"dest": etc / "b", "content": "1"}], role="browser_policy")
    for number in range(13):
        batch([{"dest": etc / "a", "content": str(number)}])
    kept = [path.name for path in (state / "runs").iterdir()]
    assert sum("Z-firewall" in name for name in kept) == 10
    assert sum("Z-browser_policy" in name for name in kept) == 1, "a rollback needs every role's last run"


def test_a_second_batch_waits_for_the_first(batch: Batch, etc: Path, state: Path, monkeypatch: pytest.MonkeyPatch):
    guard = importlib.import_module("ansible.module_utils.praxisschild.guard")
    monkeypatch.setattr(guard, "LOCK_PATIENCE", 0.3)
    with guard.State(str(state), "other").lock():
        assert "another Praxisschild run" in batch([{"dest": etc / "a", "content": "1"}])["msg"]


@pytest.mark.slow
def test_a_batch_killed_at_any_moment_leaves_whole_files(etc: Path, state: Path, batch: Batch):
    """Power cut, OOM killer, closed lid: every file is the old or the new one, and the next run finishes the work."""
    count, size = 40, 60_000
    combined = etc.parent / "combined"
    handler = {"name": "Combine", "command": ["sh", "-c", f"cat {etc}/* > {combined}"]}

    def run_until(kind: str, number: int, files: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", IN_A_PROCESS, kind, str(number)],
            input=json.dumps(arguments(state, files, handlers=[handler])),
            capture_output=True,
            text=True,
            check=False,
        )

    def of(number: int) -> list[dict[str, Any]]:
        content = str(number) * size + "\n"
        return [{"dest": etc / f"{i:02}", "content": content, "notify": ["Combine"]} for i in range(count)]

    run_until("", 0, of(0))
    events = json.loads(run_until("", 0, of(1)).stderr)
    assert events["os.rename"] >= count
    whole = set()
    for number, kind in enumerate(("", "os.rename") * 4, 2):
        old, new = of(number - 1), of(number)
        killed = run_until(kind, random.randint(1, events[kind] - 5), new)  # noqa: S311 - nothing secret
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        for before, after in zip(old, new, strict=True):
            content = after["dest"].read_text()
            assert content in {before["content"], after["content"]}
            whole.add(content == after["content"])
        assert "failed" not in batch(new, handlers=[handler])
        assert inventory_of(etc) == {item["dest"].name: item["content"] for item in new}
        assert combined.read_text() == new[0]["content"] * count
        assert not batch(new, handlers=[handler])["changed"]
    assert whole == {True, False}


def test_documentation_and_argument_spec_say_the_same():
    module = importlib.import_module("host_batch")

    def compare(documented: dict[str, Any], spec: dict[str, Any], place: str) -> None:
        assert documented.keys() == spec.keys(), place
        for key, option in spec.items():
            words = documented[key]
            for name in ("type", "elements", "choices", "default", "required", "aliases"):
                assert words.get(name) == option.get(name), f"{place}.{key}: {name}"
            if "options" in option:
                compare(words["suboptions"], option["options"], f"{place}.{key}")

    compare(yaml.safe_load(module.DOCUMENTATION)["options"], module.ARGUMENTS, "host_batch")
    yaml.safe_load(module.EXAMPLES)
    yaml.safe_load(module.RETURN)


class Shell:
    """Answers commands by their beginning and remembers them."""

    def __init__(self, answers: dict[str, tuple[int, str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, command: list[str], timeout: int = 0) -> tuple[int, str]:
        line = " ".join(command)
        self.asked.append(line)
        return next((answer for start, answer in self.answers.items() if start in line), (0, ""))


def test_packages_are_compared_in_one_query():
    packages = importlib.import_module("ansible.module_utils.praxisschild.packages")
    answer = "ii |nftables|amd64\nrc |telnet|amd64\nhi |cron|amd64\niU |half|amd64\nun |mta|\n"
    shell = Shell({"dpkg-query": (1, answer)})
    names = ["nftables", "telnet", "cron", "half", "cron:amd64", "unknown"]
    assert packages.installed(names, shell) == {"nftables", "cron", "cron:amd64"}
    assert len(shell.asked) == 1
    with pytest.raises(Exception, match="not the name"):
        packages.installed(["-o=Foo"], shell)


def test_lists_are_fetched_only_if_old_or_ignorant(monkeypatch: pytest.MonkeyPatch):
    packages = importlib.import_module("ansible.module_utils.praxisschild.packages")
    monkeypatch.setattr(packages, "_lists_date", time.time)
    shell = Shell({})
    packages.install(["a"], shell)
    assert [line.rsplit("confold ", 1)[1] for line in shell.asked] == ["install -- a"]
    shell = Shell({"install": (100, "E: Unable to locate package a")})
    with pytest.raises(Exception, match="ended with 100"):
        packages.install(["a"], shell)
    assert [line.rsplit("confold ", 1)[1] for line in shell.asked] == ["install -- a", "update", "install -- a"]


def unit(name: str, **wanted: Any) -> dict[str, Any]:
    return {"name": name, "state": None, "enabled": None, "masked": None, "requirements": [], **wanted}


SHOW = """LoadState=loaded
ActiveState=inactive
UnitFileState=disabled

LoadState=loaded
ActiveState=active
UnitFileState=enabled

LoadState=masked
ActiveState=inactive
UnitFileState=masked

LoadState=not-found
ActiveState=inactive

LoadState=loaded
ActiveState=active
UnitFileState=static
"""


def test_units_are_read_in_one_call_and_changed_in_one_per_verb():
    units = importlib.import_module("ansible.module_utils.praxisschild.units")
    shell = Shell({"systemctl show": (0, SHOW)})
    wanted = [
        unit("a.timer", enabled=True, state="started"),
        unit("b.service", masked=True),
        unit("c.service", masked=True),
        unit("d.timer", enabled=True, state="started"),
        unit("e.service", enabled=True, state="started"),
    ]
    plan = units.plan(wanted, shell)
    assert [item["changed"] for item in plan.items] == [True, True, False, True, False]
    assert "not there yet" in plan.items[3]["deferred"]
    plan.apply(shell, lambda: None)
    assert shell.asked[1:] == [
        "systemctl enable a.timer d.timer",
        "systemctl mask b.service",
        "systemctl stop b.service",
        "systemctl start a.timer d.timer",
    ]
    assert plan.undo_before() == [
        ["systemctl", "stop", "a.timer", "d.timer"],
        ["systemctl", "reset-failed", "a.timer", "d.timer"],
        ["systemctl", "disable", "a.timer", "d.timer"],
    ]
    assert plan.undo_after() == [["systemctl", "unmask", "b.service"], ["systemctl", "start", "b.service"]]


DEAD = """\
Id=a.service
Type=simple
ActiveState=activating
SubState=auto-restart
Result=exit-code
ExecMainStatus=3
InactiveExitTimestampMonotonic=1

Id=b.service
Type=notify
ActiveState=active
SubState=running
Result=success
ExecMainStatus=0
InactiveExitTimestampMonotonic=1
"""


def test_a_service_that_does_not_stay_up_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch):
    units = importlib.import_module("ansible.module_utils.praxisschild.units")
    monkeypatch.setattr(units, "PROBATION", 0)
    shell = Shell(
        {"systemctl show": (0, DEAD), "--unit=a.service": (0, "kein Schlüssel in /etc/a\n\nMain process exited\n")}
    )
    with pytest.raises(Exception, match=r"a\.service does not run \(exit-code, exit status 3\)") as caught:
        units.prove(["a.service", "b.service"], shell)
    assert "its journal: kein Schlüssel in /etc/a | Main process exited" in str(caught.value)
    assert "b.service" not in str(caught.value)


def test_a_service_that_dies_and_comes_back_is_not_taken_for_one_that_runs(monkeypatch: pytest.MonkeyPatch):
    units = importlib.import_module("ansible.module_utils.praxisschild.units")
    monkeypatch.setattr(units, "PROBATION", 0)
    living = "Id=a.service\nType=simple\nActiveState=active\nSubState=running\nResult=success\nExecMainStatus=0\n"
    dead = DEAD.partition("\n\n")[0]
    looks = iter([f"{living}NRestarts=1\n", f"{living}NRestarts=4\n", f"{living}NRestarts=4\n", dead])

    def run(command: list[str]) -> tuple[int, str]:
        return 0, next(looks) if command[1] == "show" else ""

    with pytest.raises(Exception, match=r"a\.service does not run \(exit-code, exit status 3\)"):
        units.prove(["a.service"], run)


def test_the_reason_stands_in_place_of_systemctls_advice_to_look_it_up():
    units = importlib.import_module("ansible.module_utils.praxisschild.units")
    plan = units.Plan(verbs={"start": ["a.service"]})
    advice = (1, "Job for a.service failed. See systemctl status a.service.")
    with pytest.raises(Exception, match="its journal says nothing"):
        plan.apply(Shell({"systemctl start": advice, "systemctl show": (0, DEAD)}), lambda: None)
    with pytest.raises(Exception, match="ended with 1: Job for"):
        plan.apply(Shell({"systemctl start": advice}), lambda: None)


def test_units_that_run_cost_one_question():
    units = importlib.import_module("ansible.module_utils.praxisschild.units")
    shell = Shell({"systemctl show": (0, DEAD.partition("\n\n")[2])})
    units.prove(["b.service"], shell)
    units.prove([], shell)
    assert {line.split(" --")[0] for line in shell.asked} == {"systemctl show"}
