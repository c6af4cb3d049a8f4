"""Files and directories of a batch: compare, stage beside the destination, validate, switch by rename."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
import shlex
import shutil
import stat
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ansible.module_utils.basic import AnsibleModule

# A leading dot keeps a staged file out of every `*.conf` and run-parts; the kept suffix suits validators that want one.
TEMPORARY = ".praxisschild-new."
UNIT_FOLDERS = (
    "/etc/systemd/system/",
    "/run/systemd/system/",
    "/usr/local/lib/systemd/system/",
    "/usr/lib/systemd/system/",
    "/lib/systemd/system/",
)
LARGEST_DIFF = 104448  # bytes; what Ansible's own max_diff_size says


class BatchError(Exception):
    """Why a batch cannot be done, in words for the operator."""


@dataclass
class Change:
    """One path that is not as the batch wants it."""

    item: dict[str, Any]
    dest: str
    state: str
    content: bytes = b""
    owner: int = 0
    group: int = 0
    mode: int = 0o644
    existing: os.stat_result | None = None
    before: bytes | None = None  # content of the regular file that stands there
    staged: str | None = None

    @property
    def notify(self) -> list[str]:
        """Names of the handlers this path is due."""
        return list(self.item["notify"])


def temporary_name(dest: str) -> str:
    """Where the next version of a file waits for its turn."""
    folder, name = os.path.split(dest)
    return os.path.join(folder, TEMPORARY + name)


def existing_status(path: str) -> os.stat_result | None:
    """The path's own status, a link's included; None if there is nothing."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BatchError(f"{path}: {error.strerror}") from error


def octal(mode: str | None, default: int, dest: str) -> int:
    """Permission bits of a quoted octal mode."""
    if mode is None:
        return default
    if not re.fullmatch(r"0?[0-7]{3,4}", mode):
        raise BatchError(f'{dest}: mode {mode!r} is not octal; write it in quotes, for example mode: "0644"')
    return int(mode, 8)


def account(name: str, kind: str) -> int | None:
    """Number of a user or group; None if the host does not know it (yet)."""
    if name.isdigit():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid if kind == "owner" else grp.getgrnam(name).gr_gid
    except KeyError:
        return None


class Folders:
    """Refuses destinations that somebody else than root could swap: checked up to the root directory, once each."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self._declared = {item["dest"] for item in items if item["state"] == "directory"}
        self._seen: dict[str, str | None] = {}

    def check(self, dest: str) -> None:
        """Raise BatchError if any directory above the destination is not root's alone."""
        folder = os.path.dirname(dest)
        for path in dict.fromkeys([*_upwards(folder), *_upwards(os.path.realpath(folder))]):
            if path not in self._seen:
                self._seen[path] = self._objection(path)
            objection = self._seen[path]
            # /tmp as a grandparent is no danger: its sticky bit protects root's own entries
            if objection and not (objection == "sticky" and path != folder):
                reason = "everybody may write to it" if objection == "sticky" else objection
                raise BatchError(
                    f"{dest}: refused, because of {path}: {reason}. Make it root's, or declare it in this batch as"
                    " {state: directory} with its owner and mode."
                )

    def _objection(self, path: str) -> str | None:
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return None  # it will be created as root's
        except OSError as error:
            return str(error.strerror)
        mode = status.st_mode
        objections = {
            "not a directory": not stat.S_ISDIR(mode),
            f"user {status.st_uid} owns it": status.st_uid not in {0, os.geteuid()},
            "sticky": mode & stat.S_ISVTX and mode & (stat.S_IWGRP | stat.S_IWOTH),
            "everybody may write to it": mode & stat.S_IWOTH,
            f"group {status.st_gid} may write to it": mode & stat.S_IWGRP and status.st_gid not in {0, os.getegid()},
        }
        return next((text for text, holds in objections.items() if holds and path not in self._declared), None)


def _upwards(folder: str) -> Iterator[str]:
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


@dataclass
class Comparison:
    """What is there against what is wanted."""

    folders: Folders
    managed: set[str]
    check_mode: bool
    changes: list[Change] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)

    def add(self, item: dict[str, Any]) -> None:
        """Compare one path; a difference becomes a `Change`."""
        dest = item["dest"] = _destination(item["dest"])
        self.folders.check(dest)
        state = item["state"]
        result = {
            "kind": "file",
            "name": dest,
            "changed": False,
            "requirements": item["requirements"],
            "state": {"file": "present"}.get(state, state),
        }
        self.items.append(result)
        existing = existing_status(dest)
        if state == "absent":
            change = self._removal(item, dest, existing)
        else:
            change = self._presence(item, dest, state, existing, result)
        if change:
            result["changed"] = True
            self.changes.append(change)

    def _removal(self, item: dict[str, Any], dest: str, existing: os.stat_result | None) -> Change | None:
        if existing is None or (item["managed_only"] and dest not in self.managed):
            return None
        if stat.S_ISDIR(existing.st_mode) and os.listdir(dest):
            raise BatchError(
                f"{dest}: is a directory with content; only files, links and empty directories are removed"
            )
        change = Change(item, dest, "absent", existing=existing)
        if stat.S_ISREG(existing.st_mode):
            change.before = _read(dest)
        return change

    def _presence(
        self, item: dict[str, Any], dest: str, state: str, existing: os.stat_result | None, result: dict[str, Any]
    ) -> Change | None:
        numbers = {kind: account(item[kind], kind) for kind in ("owner", "group")}
        unknown = [f"{kind} {item[kind]}" for kind, number in numbers.items() if number is None]
        if unknown and not self.check_mode:
            raise BatchError(f"{dest}: this host has no {' and no '.join(unknown)}")
        default = 0o755 if state == "directory" else 0o644
        change = Change(item, dest, state, existing=existing, mode=octal(item["mode"], default, dest))
        change.owner, change.group = (-1 if number is None else number for number in numbers.values())
        if unknown:
            result["deferred"] = f"{' and '.join(unknown)} not known yet"
        if state == "file":
            change.content = (item["content"] or "").encode()
        different = _different_kind(change)
        corrected = _attributes(change, existing) if existing and not different else []
        if different:
            result["note"] = different
        elif corrected:
            result["note"] = "corrected: " + ", ".join(corrected)
        same_content = state == "directory" or (change.before is not None and change.before == change.content)
        return None if existing and same_content and not different and not corrected else change


def _destination(dest: str) -> str:
    if not os.path.isabs(dest) or os.path.basename(dest) in {"", ".", ".."} or "\n" in dest:
        raise BatchError(f"{dest!r}: a destination is an absolute path without a slash at its end")
    return os.path.normpath(dest)


def _different_kind(change: Change) -> str | None:
    """What stands at the destination instead of the wanted kind; reads the content if the kind is right."""
    if change.existing is None:
        return None
    mode, dest = change.existing.st_mode, change.dest
    if change.state == "directory":
        if not stat.S_ISDIR(mode):
            raise BatchError(f"{dest}: is not a directory; remove it first (nothing is followed or overwritten)")
        return None
    if stat.S_ISLNK(mode):
        return f"replaced the symbolic link to {os.readlink(dest)}; its target was left alone"
    if not stat.S_ISREG(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "a special file"
        raise BatchError(f"{dest}: is {kind}, not a file; it was left alone")
    change.before = _read(dest)
    return None


def _attributes(change: Change, status: os.stat_result) -> list[str]:
    found = []
    if status.st_uid != change.owner:
        found.append(f"owner {status.st_uid} -> {change.item['owner']}")
    if status.st_gid != change.group:
        found.append(f"group {status.st_gid} -> {change.item['group']}")
    if stat.S_IMODE(status.st_mode) != change.mode:
        found.append(f"mode {stat.S_IMODE(status.st_mode):04o} -> {change.mode:04o}")
    return found


def _read(path: str) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read()


class Staging:
    """Everything that waits beside its destination; leaving the context by an error takes it all away again."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._temporary: list[str] = []
        self.created_folders: list[str] = []

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            return
        for path in self._temporary:
            with contextlib.suppress(OSError):
                os.unlink(path)
        for path in reversed(self.created_folders):
            with contextlib.suppress(OSError):
                os.rmdir(path)

    def prepare(self, changes: list[Change]) -> None:
        """Create missing directories and write the new files beside their destinations, synced to disk.

        Raises:
            BatchError: no space, a read-only file system and the like.
        """
        current = ""
        try:
            for change in changes:
                current = change.dest
                if change.state == "directory" and change.existing is None:
                    self._create_folder(change.dest, change)
                elif change.state == "file":
                    self._create_folder(os.path.dirname(change.dest))
                    self._write(change)
        except OSError as error:
            raise BatchError(f"{current}: {error.strerror} while staging it; no file was changed") from error

    def _create_folder(self, path: str, change: Change | None = None) -> None:
        if os.path.isdir(path):
            return
        self._create_folder(os.path.dirname(path))
        os.mkdir(path, 0o700)
        self.created_folders.append(path)
        set_attributes(path, *((change.owner, change.group, change.mode) if change else (-1, -1, 0o755)))
        self._label(path, path)

    def _write(self, change: Change) -> None:
        temporary = temporary_name(change.dest)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # left by a run that was killed
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        self._temporary.append(temporary)
        with open(descriptor, "wb") as file:
            file.write(change.content)
            # by descriptor: a name in a directory that is not root's could be swapped in between
            os.fchown(descriptor, change.owner, change.group)
            os.fchmod(descriptor, change.mode)
            file.flush()
            os.fsync(descriptor)
        self._label(temporary, change.dest)
        change.staged = temporary

    def _label(self, path: str, dest: str) -> None:
        if self._module.selinux_enabled():
            self._module.set_context_if_different(path, self._module.selinux_default_context(dest), False)


def set_attributes(path: str, owner: int, group: int, mode: int) -> None:
    """Owner, group (-1: leave) and mode of a directory, never through a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchown(descriptor, owner, group)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def switch(change: Change) -> None:
    """Make one staged change effective, in one step that leaves either the old or the new."""
    if change.state == "file" and change.staged:
        os.rename(change.staged, change.dest)
    elif change.state == "directory":
        set_attributes(change.dest, change.owner, change.group, change.mode)
    elif change.state == "absent" and change.existing:
        (os.rmdir if stat.S_ISDIR(change.existing.st_mode) else os.unlink)(change.dest)


def sync_folders(changes: list[Change]) -> None:
    """Let the renames survive a power cut."""
    for folder in {os.path.dirname(change.dest) for change in changes}:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def validate(change: Change, path: str, run: Callable[[list[str]], tuple[int, str]]) -> str | None:
    """Why the candidate at `path` is not valid; None if it is, or if the item names no validator."""
    if not change.item["validate"] or change.state != "file":
        return None
    command = [part.replace("%s", path) for part in shlex.split(change.item["validate"])]
    if not shutil.which(command[0]):
        return f"{change.dest}: its validator {command[0]} is not installed on this host"
    code, output = run(command)
    if not code:
        return None
    if change.item["no_diff"]:
        output = "(its output is hidden: no_diff)"
    return f"{change.dest}: {command[0]} ended with {code}: {output.replace(path, change.dest).strip()}"


def validate_all(changes: list[Change], run: Callable[[list[str]], tuple[int, str]]) -> None:
    """Ask every validator about its staged file.

    Raises:
        BatchError: one of them objects; its output is in the text.
    """
    for change in changes:
        objection = validate(change, change.staged or "", run)
        if objection:
            raise BatchError(f"{objection}; no file was changed")


def validate_pretended(
    changes: list[Change],
    items: dict[str, dict[str, Any]],
    run: Callable[[list[str]], tuple[int, str]],
    pretended: bool,
) -> None:
    """Check mode: ask the validators about copies elsewhere.

    What they cannot judge before packages of this batch are there is deferred, not failed.
    """
    folder = tempfile.mkdtemp(prefix="praxisschild-")
    try:
        for change in changes:
            path = os.path.join(folder, os.path.basename(change.dest))
            with open(path, "wb") as file:
                file.write(change.content)
                os.fchmod(file.fileno(), change.mode)
            objection = validate(change, path, run)
            if objection and not pretended and "is not installed on this host" not in objection:
                raise BatchError(objection)
            if objection:
                items[change.dest]["deferred"] = f"validation: {objection}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def difference(change: Change) -> dict[str, Any]:
    """The change as `--diff` shows it: content, or owner and mode where only those differ."""
    shown: dict[str, Any] = {"before_header": change.dest, "after_header": change.dest}
    after = change.content if change.state == "file" else b""
    if change.item["no_diff"]:
        return {**shown, "before": "", "after": "(content hidden: no_diff)\n"}
    if change.state == "directory" or (change.before == after and change.state == "file" and change.before is not None):
        return {**shown, "before": _shown_attributes(change.existing), "after": _wanted_attributes(change)}
    before = change.before or b""
    if change.existing and stat.S_ISLNK(change.existing.st_mode):
        before = f"(symbolic link to {os.readlink(change.dest)})\n".encode()
    for side, content in (("dst", before), ("src", after)):
        if b"\0" in content:
            return {**shown, f"{side}_binary": 1}
        if len(content) > LARGEST_DIFF:
            return {**shown, f"{side}_larger": LARGEST_DIFF}
    if change.existing is None:
        shown["before_header"] = f"{change.dest} (absent)"
    if change.state == "absent":
        shown["after_header"] = f"{change.dest} (absent)"
    return {**shown, "before": before.decode(errors="replace"), "after": after.decode(errors="replace")}


def _shown_attributes(status: os.stat_result | None) -> dict[str, Any]:
    if status is None:
        return {"state": "absent"}
    return {
        "owner": _name(status.st_uid, "owner"),
        "group": _name(status.st_gid, "group"),
        "mode": _bits(status.st_mode),
    }


def _wanted_attributes(change: Change) -> dict[str, Any]:
    item = change.item
    return {"owner": item["owner"], "group": item["group"], "mode": _bits(change.mode)}


def _bits(mode: int) -> str:
    return f"{stat.S_IMODE(mode):04o}"


def _name(number: int, kind: str) -> str:
    try:
        return pwd.getpwuid(number).pw_name if kind == "owner" else grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
