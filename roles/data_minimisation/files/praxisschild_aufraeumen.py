#!/usr/bin/python3
# Verwaltet von Praxisschild: Änderungen hier werden überschrieben.
"""Remove what people have deleted and what programs have left over, once it is old enough.

For every person the work is done by a process that has become that person: whatever links somebody lays in a trash,
nothing can be removed that this person could not remove anyway. No link is ever followed.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import sys
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = Path("/etc/praxisschild/aufraeumen.json")
DAY = 86400
NETWORK = {"9p", "afs", "cifs", "fuse.sshfs", "nfs", "nfs4", "smb3", "smbfs"}
PSEUDO = {"autofs", "cgroup2", "devpts", "devtmpfs", "mqueue", "proc", "squashfs", "sysfs", "tmpfs"}


def people() -> Iterator[pwd.struct_passwd]:
    """Root and everybody who has a home of their own."""
    for entry in pwd.getpwall():
        if entry.pw_uid == 0 or 1000 <= entry.pw_uid < 65000:
            home = Path(entry.pw_dir)
            with suppress(OSError):
                found = home.lstat()
                if stat.S_ISDIR(found.st_mode) and found.st_uid == entry.pw_uid:
                    yield entry


def disks() -> list[Path]:
    """Mounted local file systems, which may have a trash of their own (freedesktop.org, Trash specification 1.0)."""
    found = []
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, target, kind = line.split()[:3]
        path = Path(target.replace("\\040", " "))
        # what somebody mounted with FUSE is closed to root, or its program may have ended
        with suppress(OSError):
            if kind not in NETWORK | PSEUDO and path != Path("/") and path.is_dir():
                found.append(path)
    return found


def real_folder(path: Path) -> bool:
    """Whether this is a folder and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def without_links(top: Path, *parts: str) -> Path | None:
    """The folder below the top, if no part of the way to it is a link."""
    for part in parts:
        top = top / part
        if not real_folder(top):
            return None
    return top


def remove(path: Path) -> bool:
    """Remove a file, a link or a folder with all that is in it; whether it is gone."""
    try:
        if real_folder(path):
            # what somebody protected against writing was deleted all the same
            for folder, _, _ in os.walk(path):
                with suppress(OSError):
                    Path(folder).chmod(0o700)
            shutil.rmtree(path)  # follows no links, also when they appear meanwhile
        else:
            path.unlink()
    except OSError as error:
        sys.stderr.write(f"<4>nicht entfernt: {error.strerror}\n")  # names of files are nobody's business
        return False
    return True


def deleted_at(info: Path, item: Path) -> float:
    """When the item was thrown away: as the trash says, else when it got its place there."""
    with suppress(OSError, ValueError):
        descriptor = os.open(info, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
            for line in file.read(65536).splitlines():
                if line.startswith("DeletionDate="):
                    return datetime.fromisoformat(unquote(line.partition("=")[2].strip())).timestamp()
    return item.lstat().st_ctime


def empty_trash(trash: Path, before: float) -> int:
    """Remove what was thrown away before that instant; how many things."""
    files, infos = without_links(trash, "files"), without_links(trash, "info")
    if files is None:
        return 0
    removed = 0
    for item in list(files.iterdir()):
        info = (infos or trash / "info") / f"{item.name}.trashinfo"
        with suppress(OSError):
            if deleted_at(info, item) < before and remove(item):
                removed += 1
                if infos:
                    info.unlink(missing_ok=True)
    for info in list(infos.glob("*.trashinfo")) if infos else []:
        if not os.path.lexists(files / info.name[: -len(".trashinfo")]) and info.lstat().st_ctime < before:
            with suppress(OSError):
                info.unlink()
    return removed


def remove_old_files(folder: Path | None, before: float) -> int:
    """Remove files that nobody has touched since; how many."""
    removed = 0
    if folder is None:
        return 0
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with suppress(OSError):
                found = path.lstat()
                if max(found.st_atime, found.st_mtime, found.st_ctime) < before and remove(path):
                    removed += 1
    return removed


def clean(entry: pwd.struct_passwd, days: dict[str, int], places: list[Path]) -> int:
    """Clean up after one person; how many things were removed."""
    home, now = Path(entry.pw_dir), time.time()
    trashes = [without_links(home, ".local", "share", "Trash")]
    for place in places:
        trashes += [without_links(place, f".Trash-{entry.pw_uid}"), without_links(place, ".Trash", str(entry.pw_uid))]
    removed = sum(empty_trash(trash, now - days["trash"] * DAY) for trash in trashes if trash is not None)
    removed += remove_old_files(without_links(home, ".cache", "thumbnails"), now - days["thumbnails"] * DAY)
    if days["downloads"]:
        removed += remove_old_files(without_links(home, "Downloads"), now - days["downloads"] * DAY)
    return removed


def as_person(entry: pwd.struct_passwd, days: dict[str, int], places: list[Path]) -> bool:
    """Clean up in a process of that person's own; whether it ended well."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
            os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
            removed = clean(entry, days, places)
            sys.stderr.write(f"<6>Konto {entry.pw_name}: {removed} Dateien und Ordner endgültig gelöscht\n")
            code = 0
        except Exception as error:
            sys.stderr.write(f"<3>Konto {entry.pw_name}: {type(error).__name__}\n")
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def main() -> None:
    """Clean up after everybody."""
    days = json.loads(CONFIG.read_text(encoding="utf-8"))
    places = disks()
    ended_well = [as_person(entry, days, places) for entry in people()]
    sys.exit(0 if all(ended_well) else 1)


if __name__ == "__main__":
    main()
