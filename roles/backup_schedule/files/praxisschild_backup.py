#!/usr/bin/python3
# Verwaltet von Praxisschild: Änderungen hier werden überschrieben.
"""Run one job of the data backup with restic, and leave its result in /var/lib/praxisschild/backup/<job>.json.

Usage: praxisschild-backup daily|medium|check|restore-test   (systemctl start praxisschild-backup@JOB.service)
       praxisschild-backup failed JOB                        (by systemd, when a job ended badly)
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import random
import shutil
import socket
import stat
import subprocess
import sys
import syslog
import tempfile
import time
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/praxisschild/backup/config.json")
STATE = Path("/var/lib/praxisschild/backup")
PRIVATE = STATE / "private"  # names of files are no evidence
NOTICES = Path("/etc/motd.d")
ALERT, INFO = "<1>", "<6>"  # syslog priorities, as journald reads them from stderr
SAMPLES = 20
LARGEST_SAMPLE = 50_000_000  # bytes
TAG = "praxisschild"
CHANCE = random.SystemRandom()
INCOMPLETE = 3  # restic's exit code when it could not read everything
TITLES = {
    "daily": "Tagessicherung",
    "medium": "Kopie auf dem Wechselmedium",
    "check": "Prüfung der Sicherung",
    "restore-test": "Rücksicherungstest",
}


class JobError(Exception):
    """The job failed; the text says why, in the words of the practice."""


def say(text: str, priority: str = INFO) -> None:
    """Write a line to the journal."""
    sys.stderr.write(f"{priority}{text}\n")


def now() -> str:
    """The time in UTC, as ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; empty if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write the file as a whole, or not at all."""
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


class Repository:
    """A restic repository: the one of the environment, or the one at `location`."""

    def __init__(self, location: str | None = None) -> None:
        self.environment = dict(os.environ, LC_ALL="C.UTF-8")
        if location:
            self.environment["RESTIC_REPOSITORY"] = location
        self.location = self.environment["RESTIC_REPOSITORY"]

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["restic", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )

    def run(self, *arguments: str) -> str:
        """Standard output of the command.

        Raises:
            JobError: restic refuses; the text holds the end of what it says.
        """
        done = self.attempt(*arguments)
        if done.returncode:
            raise JobError(f"restic {arguments[0]}: {last_words(done)}")
        return done.stdout

    def open(self) -> str:
        """The repository's id; a repository that has never been there is created, one that has gone is not.

        Raises:
            JobError: it cannot be reached, has gone, or is another one.
        """
        known = read_json(PRIVATE / "repositories.json")
        found = self.attempt("cat", "config")
        if found.returncode:
            if self.location in known:
                raise JobError(f"Das bisherige Repository ist nicht lesbar: {last_words(found)}")
            self.run("init")
            found = self.attempt("cat", "config")
        try:
            identity = str(json.loads(found.stdout)["id"])
        except (ValueError, KeyError):
            raise JobError(f"Das Repository ist nicht lesbar: {last_words(found)}") from None
        if known.get(self.location, identity) != identity:
            raise JobError("Unter der Adresse des bisherigen Repositorys liegt ein anderes")
        write_json(PRIVATE / "repositories.json", {**known, self.location: identity})
        return identity

    def backup(self, config: dict[str, Any], paths: list[str], exclude: list[str]) -> dict[str, Any]:
        """Make a snapshot, thin out the old ones; a summary in the words of the status file.

        Raises:
            JobError: there is no snapshot, or it lacks files.
        """
        there = [path for path in paths if Path(path).exists()]
        if not there:
            raise JobError(f"Nichts zu sichern: {', '.join(paths)} gibt es nicht")
        arguments = ["backup", "--json", "--host", config["host"], "--tag", TAG]
        arguments += [word for pattern in exclude for word in ("--exclude", pattern)]
        done = self.attempt(*arguments, "--", *there)
        if done.returncode == INCOMPLETE:  # files that went away meanwhile will not do so again
            done = self.attempt(*arguments, "--", *there)
        summary = next((line for line in reversed(done.stdout.splitlines()) if '"summary"' in line), None)
        if summary is None or done.returncode not in (0, INCOMPLETE):
            raise JobError(f"restic backup: {last_words(done)}")
        if done.returncode:
            raise JobError(f"Nicht alle Dateien waren lesbar: {last_words(done)}")
        found = json.loads(summary)
        keep = [word for age, count in config["keep"].items() for word in (f"--keep-{age}", str(count))]
        self.run("forget", "--host", config["host"], "--tag", TAG, "--group-by", "host,tags", *keep, "--prune")
        return {
            "snapshot": found["snapshot_id"],
            "files": found["total_files_processed"],
            "bytes": found["total_bytes_processed"],
            "added_bytes": found["data_added"],
            "keep": config["keep"],
        }


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """The end of what a command said."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return " / ".join(lines[-2:])[:300] or f"Ende mit {done.returncode}"


def daily(config: dict[str, Any]) -> dict[str, Any]:
    """Back up to the server, or to this host's own repository."""
    repository = Repository()
    identity = repository.open()
    repository.run("unlock")  # only locks of programs that have ended
    before = samples(config["paths"], config["exclude"])
    summary = repository.backup(config, config["paths"], config["exclude"])
    files = {path: digest for path, digest in before.items() if digest_of(Path(path)) == digest}
    write_json(PRIVATE / "samples.json", {"snapshot": summary["snapshot"], "files": files})
    return {"repository": identity, "target": config["target"], **summary}


def medium(config: dict[str, Any]) -> dict[str, Any]:
    """Back up to the removable medium that systemd has mounted for this job."""
    mountpoint = config["medium"]["mountpoint"]
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    if mountpoint not in {line.split()[4] for line in mounts}:
        raise JobError("Das Wechselmedium ist nicht eingehängt")
    location = Path(mountpoint, f"praxisschild-{config['host']}")
    repository = Repository(str(location))
    if not (location / "config").exists():
        # media take turns: one that has never been used is prepared, one with remains of a repository is not
        if location.exists() and any(location.iterdir()):
            raise JobError("Das Repository auf dem Wechselmedium ist beschädigt")
        repository.run("init")
    identity = str(json.loads(repository.run("cat", "config"))["id"])
    repository.run("unlock")
    summary = repository.backup(config, config["medium"]["paths"], config["medium"]["exclude"])
    repository.run("check")
    return {"repository": identity, "target": "medium", **summary}


def check(config: dict[str, Any]) -> dict[str, Any]:
    """Prove that the repository is whole, and read a share of its data."""
    repository = Repository()
    identity = repository.open()
    repository.run("check", f"--read-data-subset={config['check_subset']}")
    return {"repository": identity, "target": config["target"], "read": config["check_subset"]}


def restore_test(config: dict[str, Any]) -> dict[str, Any]:
    """Restore the files whose digests were taken at the last daily backup, and compare."""
    repository = Repository()
    identity = repository.open()
    recorded = read_json(PRIVATE / "samples.json")
    if not recorded.get("files"):
        raise JobError("Es gibt noch keine Tagessicherung mit Stichproben")
    with tempfile.TemporaryDirectory(prefix="praxisschild-", dir="/var/tmp") as folder:
        includes = [word for path in recorded["files"] for word in ("--include", escaped(path))]
        repository.run("restore", recorded["snapshot"], "--target", folder, *includes)
        restored = {path: digest_of(Path(folder + path)) for path in recorded["files"]}
    different = sum(restored[path] != digest for path, digest in recorded["files"].items())
    if different:
        raise JobError(f"{different} von {len(restored)} zurückgesicherten Dateien fehlen oder sind verändert")
    return {
        "repository": identity,
        "target": config["target"],
        "snapshot": recorded["snapshot"],
        "files": len(restored),
        "compared": len(restored),
    }


def samples(paths: list[str], exclude: list[str]) -> dict[str, str]:
    """Digests of files picked by chance: from a path downwards until a file comes up."""
    found: dict[str, str] = {}
    roots = [path for path in paths if Path(path).is_dir()]
    for _ in range(SAMPLES * 10 if roots else 0):
        if len(found) == SAMPLES:
            break
        path = stroll(Path(CHANCE.choice(roots)), exclude)
        digest = digest_of(path) if path else None
        if path and digest:
            found[str(path)] = digest
    return found


def stroll(path: Path, exclude: list[str]) -> Path | None:
    """A file below the folder, by chance; None if the way ends elsewhere."""
    while True:
        try:
            status = path.lstat()
            if any(is_excluded(path, pattern) for pattern in exclude):
                return None
            if stat.S_ISREG(status.st_mode):
                return path if status.st_size <= LARGEST_SAMPLE else None
            if not stat.S_ISDIR(status.st_mode):
                return None
            path = CHANCE.choice(list(path.iterdir()))
        except (OSError, IndexError):
            return None


def is_excluded(path: Path, pattern: str) -> bool:
    """Whether restic leaves out this file or folder, not asking about what lies above it.

    ``cache`` and ``*.iso`` are left out anywhere, ``/srv/cache`` only there; ``**`` stands for any number of folders.
    """
    head, spread, tail = pattern.replace("[^", "[!").partition("**")
    if not spread:
        return path.match(head or "*")
    return any(is_excluded(path, f"{head}{'*/' * depth}{tail.lstrip('/')}") for depth in range(len(path.parts)))


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file; None if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()


def escaped(path: str) -> str:
    """The path as a pattern of restic that matches nothing else."""
    return "".join(f"\\{letter}" if letter in "\\*?[" else letter for letter in path)


JOBS = {"daily": daily, "medium": medium, "check": check, "restore-test": restore_test}


def run(job: str) -> int:
    """Run the job and tell how it went, whatever happens."""
    path = STATE / f"{job}.json"
    before = read_json(path)
    status: dict[str, Any] = {"job": job, "started": now(), "ended": None, "result": "running"}
    status["last_success"] = before.get("last_success")
    PRIVATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_json(path, status)
    with (PRIVATE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one job after the other
        try:
            status |= JOBS[job](read_json(CONFIG))
            status |= {"result": "success", "ended": now(), "last_success": now()}
        except Exception as error:  # the one place that turns any fault into a result
            reason = str(error) if isinstance(error, JobError) else f"{type(error).__name__}: {error}"
            status |= {"result": "failed", "ended": now(), "message": reason}
    write_json(path, status)
    if status["result"] == "failed":
        say(f"{TITLES[job]} fehlgeschlagen: {status['message']}", "<3>")
        return 1
    (NOTICES / f"praxisschild-backup-{job}").unlink(missing_ok=True)
    say(f"{TITLES[job]} erfolgreich")
    return 0


def failed(job: str) -> int:
    """Make a failure visible: in the log at the highest priority, at every login, and by mail to root."""
    path = STATE / f"{job}.json"
    status = read_json(path)
    if status.get("result") != "failed":
        killed = status.get("result") == "running" or job != "medium"
        reason = "Der Lauf wurde abgebrochen" if killed else "Das Wechselmedium ist nicht angeschlossen"
        status |= {"job": job, "result": "failed", "ended": now(), "message": reason}
        write_json(path, status)
    text = f"{TITLES[job]} von {socket.gethostname()} fehlgeschlagen ({status['ended']}): {status['message']}"
    say(text, ALERT)
    # the log host tells the practice what it reads under this name
    syslog.openlog("praxisschild-alarm", 0, syslog.LOG_DAEMON)
    syslog.syslog(syslog.LOG_ALERT, f'kind=backup host={socket.gethostname()} what="{text.replace(chr(34), chr(39))}"')
    if NOTICES.is_dir():
        NOTICES.joinpath(f"praxisschild-backup-{job}").write_text(f"*** {text}\n", encoding="utf-8")
    sendmail = shutil.which("sendmail", path="/usr/sbin:/usr/lib:/usr/bin")
    if sendmail:
        head = f"To: root\nSubject: Praxisschild: {TITLES[job]} fehlgeschlagen\nContent-Type: text/plain; charset=utf-8"
        mail = f"{head}\n\n{text}\n\njournalctl -u praxisschild-backup@{job}.service\n"
        subprocess.run([sendmail, "-t"], input=mail, text=True, check=False, timeout=60)
    return 0


def main(arguments: list[str]) -> int:
    """Exit code: 0 done, 1 the job failed, 2 misuse."""
    match arguments:
        case [job] if job in JOBS:
            return run(job)
        case ["failed", job] if job in JOBS:
            return failed(job)
        case _:
            sys.stderr.write(__doc__ or "")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
