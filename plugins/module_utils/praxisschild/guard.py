"""The way back: what a run replaced, the script that restores it, and the timer that runs it unless called off."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shlex
import shutil
import stat
import time
from typing import TYPE_CHECKING, Any

from ansible.module_utils.praxisschild.files import BatchError, Change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[..., tuple[int, str]]

KEPT_RUNS = 10  # per role, so that a whole apply can be put back however many roles it has
LOCK_PATIENCE = 60  # seconds
SERVICE = "/etc/systemd/system/praxisschild-revert.service"
TIMER = "/etc/systemd/system/praxisschild-revert.timer"

SERVICE_TEXT = """\
[Unit]
Description=Praxisschild: put back a change that nobody confirmed
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/bin/sh {script} armed
"""
TIMER_TEXT = """\
[Unit]
Description=Praxisschild: waits for the confirmation of a change
StartLimitIntervalSec=0

[Timer]
OnActiveSec={seconds}
AccuracySec=100ms

[Install]
WantedBy=timers.target
"""
# Plain POSIX sh: it must work when Python, the network or the login do not. `mv` of one marker decides who is first,
# the confirmation or the revert; a revert that was cut off by a reboot finds `reverting` and begins again.
SCRIPT_HEAD = """\
#!/bin/sh
# Puts back what the run {name} replaced. By hand: sh revert.sh
# praxisschild-revert.service calls it with the word `armed` when the change was not confirmed in time.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
state={state}
run={run}
status=0

attempt() {{
    "$@" || echo "praxisschild: failed: $*" >&2
}}
must() {{
    "$@" || {{ status=1; echo "praxisschild: failed: $*" >&2; }}
}}
put_back() {{
    new="${{2%/*}}/{temporary}$$.${{2##*/}}"
    if cp -a "$run/kept/$1" "$new" && mv -fT "$new" "$2"; then return; fi
    rm -f "$new"
    status=1
    echo "praxisschild: could not put back $2" >&2
}}
folder() {{
    [ -d "$1" ] || mkdir "$1"
    must chown "$2" "$1"
    must chmod "$3" "$1"
}}

if [ "${{1-}}" = armed ]; then
    mv "$state/armed" "$run/reverting" 2>/dev/null || [ -e "$run/reverting" ] || exit 0
fi
"""
SCRIPT_TAIL = """\
rm -f "$state/pending/"{role}.json
if [ "${{1-}}" = armed ]; then
    mv "$run/reverting" "$run/reverted"
    systemctl disable --quiet --now praxisschild-revert.timer
    rm -f {service} {timer}
    systemctl daemon-reload
fi
exit $status
"""


def write(path: str, text: str, mode: int = 0o600) -> None:
    """Write a file of our own as a whole, synced, by rename."""
    temporary = f"{path}.new"
    with open(
        os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode), "w", encoding="utf-8"
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)


def read_json(path: str) -> dict[str, Any]:
    """Content of a file of our own; empty if it is not there or not whole."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class State:
    """What the host remembers between runs, below /var/lib/praxisschild."""

    def __init__(self, folder: str, role: str) -> None:
        self.folder = folder
        self.role = re.sub(r"[^A-Za-z0-9_.-]", "_", role)
        self.runs = os.path.join(folder, "runs")
        self.armed_marker = os.path.join(folder, "armed")
        self.manifest_path = os.path.join(folder, "manifest.json")
        self.pending_path = os.path.join(folder, "pending", f"{self.role}.json")

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Let one batch at a time work on this host.

        Raises:
            BatchError: another one does not come to an end, or the folder cannot be written.
        """
        try:
            for folder in (self.folder, self.runs, os.path.dirname(self.pending_path)):
                os.makedirs(folder, mode=0o700, exist_ok=True)
            descriptor = os.open(os.path.join(self.folder, "lock"), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise BatchError(f"{self.folder}: {error.strerror}; nothing was changed") from error
        try:
            give_up = time.monotonic() + LOCK_PATIENCE
            while not _locked(descriptor):
                if time.monotonic() > give_up:
                    raise BatchError("another Praxisschild run is working on this host; nothing was changed")
                time.sleep(0.2)
            yield
        finally:
            os.close(descriptor)

    def armed(self) -> str | None:
        """Name of the run that waits for its confirmation."""
        try:
            with open(self.armed_marker, encoding="utf-8") as file:
                return file.read().strip()
        except FileNotFoundError:
            return None

    def manifest(self) -> dict[str, Any]:
        """Destination -> sha256, requirements and role of every file that Praxisschild put on this host."""
        return read_json(self.manifest_path)

    def record(self, entries: dict[str, Any]) -> None:
        """Update the manifest; an entry that is None goes away."""
        before = self.manifest()
        after = {dest: entry for dest, entry in {**before, **entries}.items() if entry is not None}
        if after != before:
            write(self.manifest_path, json.dumps(after, indent=1, sort_keys=True) + "\n")

    def pending(self) -> dict[str, Any]:
        """Handlers that a killed run of this role left due."""
        return read_json(self.pending_path)

    def settle(self, run: Run) -> str | None:
        """Put back an earlier change that was never confirmed; its name, or None if there is none.

        Raises:
            BatchError: that did not work; the host needs a person.
        """
        name = self.armed() or _armed_by_timer()
        if name is None:
            return None
        folder = os.path.join(self.runs, name)
        if os.path.exists(SERVICE):
            code, output = run(["systemctl", "start", os.path.basename(SERVICE)], timeout=600)  # waits if it is at work
        else:
            code, output = run(["sh", os.path.join(folder, "revert.sh"), "armed"], timeout=600)
        if self.armed() is not None:
            raise BatchError(f"the unconfirmed change {name} could not be put back ({code}): {output.strip()}")
        if os.path.exists(SERVICE):
            disarm(run)  # its run was confirmed, and cut off before it could clear up
        return name if os.path.exists(os.path.join(folder, "reverted")) else None

    def newest_run(self) -> str:
        """Name of this role's latest run; empty if there is none."""
        return max(self._own_runs(), default="")

    def _own_runs(self) -> list[str]:
        return [name for name in os.listdir(self.runs) if f"Z-{self.role}" in name]

    def prune(self) -> None:
        """Forget all but this role's newest runs."""
        for name in sorted(self._own_runs())[:-KEPT_RUNS]:
            if name != self.armed():
                shutil.rmtree(os.path.join(self.runs, name), ignore_errors=True)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _armed_by_timer() -> str | None:
    """Name of the run whose revert is at work, or was when the host went down."""
    try:
        with open(SERVICE, encoding="utf-8") as file:
            found = re.search(r"/runs/([^/]+)/revert\.sh", file.read())
    except FileNotFoundError:
        return None
    return found.group(1) if found else None


class KeptRun:
    """One run's folder: the kept versions and `revert.sh`."""

    def __init__(self, state: State) -> None:
        self.state = state
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        number = 0
        while True:
            self.name = f"{stamp}-{state.role}" + (f"-{number}" if number else "")
            self.folder = os.path.join(state.runs, self.name)
            with contextlib.suppress(FileExistsError):
                os.mkdir(self.folder, 0o700)
                break
            number += 1
        os.mkdir(os.path.join(self.folder, "kept"), 0o700)
        self._steps: list[str] = []
        self._kept = 0

    def keep(self, changes: list[Change], created_folders: list[str], extra: list[str]) -> None:
        """Copy what is about to be replaced, with owner, mode, ACL and security context."""
        for change in changes:
            self._keep_path(change.dest, change.existing, attributes_only=change.state == "directory")
        # directories last: they are empty only once their files are gone
        for path in reversed(created_folders):
            self._steps.append(f"rmdir {shlex.quote(path)} 2>/dev/null")
        for path in extra:
            if os.path.isdir(path):
                raise BatchError(f"guard_keep: {path} is a directory; name the files in it")
            self._keep_path(path, os.lstat(path) if os.path.lexists(path) else None)

    def _keep_path(self, path: str, existing: os.stat_result | None, *, attributes_only: bool = False) -> None:
        quoted = shlex.quote(path)
        if existing is None:
            if not attributes_only:
                self._steps.append(f"must rm -f {quoted}")
        elif stat.S_ISDIR(existing.st_mode):
            ids, mode = f"{existing.st_uid}:{existing.st_gid}", f"{stat.S_IMODE(existing.st_mode):04o}"
            self._steps.append(f"folder {quoted} {ids} {mode}")
        else:
            self._copy(path, str(self._kept))
            self._steps.append(f"put_back {self._kept} {quoted}")
            self._kept += 1

    def _copy(self, path: str, name: str) -> None:
        kept = os.path.join(self.folder, "kept", name)
        shutil.copy2(path, kept, follow_symlinks=False)
        status = os.lstat(path)
        os.chown(kept, status.st_uid, status.st_gid, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(kept, stat.S_IMODE(status.st_mode))  # chown has cleared set-user-id bits
            descriptor = os.open(kept, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def write_script(self, before: list[list[str]], after: list[list[str]]) -> None:
        """Write revert.sh: commands that need the new files, the paths, commands that need the old ones."""
        text = SCRIPT_HEAD.format(
            name=self.name,
            state=shlex.quote(self.state.folder),
            run=shlex.quote(self.folder),
            temporary=".praxisschild-new.",
        )
        lines = [*_attempts(before), *self._steps, *_attempts(after)]
        tail = SCRIPT_TAIL.format(role=self.state.role, service=SERVICE, timer=TIMER)
        write(os.path.join(self.folder, "revert.sh"), text + "\n".join(lines) + "\n\n" + tail, 0o700)

    def revert(self, run: Run, *, armed: bool) -> str:
        """Put everything back now; how that went, as the end of a sentence."""
        script = ["sh", os.path.join(self.folder, "revert.sh"), *(["armed"] if armed else [])]
        code, output = run(script, timeout=600)
        if code:
            return f"putting the earlier files back was not complete, see {self.folder}: {output.strip()}"
        # a command that needs a file of the change cannot succeed without it: told, but no reason for alarm
        return "the earlier files were put back" + (f" ({output.strip()})" if output.strip() else "")

    def discard(self) -> None:
        """Forget a run that changed nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _attempts(commands: list[list[str]]) -> list[str]:
    return ["attempt " + " ".join(shlex.quote(word) for word in command) for command in commands]


class DeadMan:
    """The revert that fires unless it is called off. Enabled, so that it fires after a reboot too."""

    def __init__(self, kept: KeptRun, seconds: int, run: Run) -> None:
        self._kept = kept
        self._seconds = seconds
        self._run = run

    def arm(self) -> None:
        """Start the countdown before anything is switched.

        Raises:
            BatchError: systemd does not take it; nothing was changed.
        """
        write(self._kept.state.armed_marker, self._kept.name + "\n")
        write(SERVICE, SERVICE_TEXT.format(script=os.path.join(self._kept.folder, "revert.sh")), 0o644)
        write(TIMER, TIMER_TEXT.format(seconds=self._seconds), 0o644)
        for arguments in (["daemon-reload"], ["enable", "--quiet", os.path.basename(TIMER)]):
            self._systemctl(*arguments)
        self._systemctl("restart", os.path.basename(TIMER))

    def sign_of_life(self) -> None:
        """Begin the countdown anew.

        Raises:
            BatchError: it has run out already.
        """
        # asked before, because the revert takes its timer away, and after, because it may have been faster
        for restart in (True, False):
            if self._kept.state.armed() != self._kept.name:
                raise BatchError(f"a step took longer than guard_seconds ({self._seconds} s): the revert came first")
            if restart:
                self._systemctl("restart", os.path.basename(TIMER))

    def _systemctl(self, *arguments: str) -> None:
        code, output = self._run(["systemctl", *arguments])
        if code:
            raise BatchError(f"the automatic revert could not be armed: {output.strip()}; nothing was changed")


def confirm(state: State, name: str, run: Run) -> None:
    """Call the revert off: the change `name` stays.

    Raises:
        BatchError: the revert was faster.
    """
    folder = os.path.join(state.runs, os.path.basename(name))
    if state.armed() == name:
        with contextlib.suppress(FileNotFoundError):
            os.rename(state.armed_marker, os.path.join(folder, "confirmed"))
    if not os.path.exists(os.path.join(folder, "confirmed")):
        raise BatchError(f"the change {name} was put back already: its confirmation came too late")
    state.record(read_json(os.path.join(folder, "entries.json")))
    disarm(run)


def disarm(run: Run) -> None:
    """Remove the timer and its service."""
    run(["systemctl", "disable", "--quiet", "--now", os.path.basename(TIMER)])
    for path in (TIMER, SERVICE):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    run(["systemctl", "daemon-reload"])
