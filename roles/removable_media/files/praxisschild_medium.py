#!/usr/bin/python3
# Verwaltet von Praxisschild: Änderungen hier werden überschrieben.
"""Wechseldatenträger: vor der Benutzung untersuchen, sicher löschen, verschlüsselt einrichten.

Ein eingesteckter Datenträger ist gesperrt, bis er untersucht wurde. Danach ist er frei; wo die Praxis Verschlüsselung
verlangt, ist ein unverschlüsselter nur lesbar. Findet sich Schadsoftware, oder lässt er sich nicht untersuchen, bleibt
er gesperrt, auch für root.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import getpass
import json
import os
import pwd
import re
import stat
import subprocess
import sys
import syslog
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = Path("/etc/praxisschild/medium.json")
STATE = Path("/run/praxisschild/media")
LOG = Path("/var/log/praxisschild/medien.log")
SYS = Path("/sys/class/block")
BLKROSET, BLKFLSBUF = 0x125D, 0x1261
ALARM, IDENTIFIER = "praxisschild-alarm", "praxisschild-medium"
# What this program can look into, and with which driver. Anything else could hide things, and stays locked.
FILE_SYSTEMS = {
    "vfat": ("vfat", ""),
    "exfat": ("exfat", ""),
    "ntfs": ("ntfs-3g", ""),
    "ext2": ("ext4", "noload"),
    "ext3": ("ext4", "noload"),
    "ext4": ("ext4", "noload"),
    "iso9660": ("iso9660", ""),
    "udf": ("udf", ""),
}
CONTAINERS = {"crypto_LUKS", "BitLocker"}
PENDING, RELEASED, BLOCKED, SCANNING, TAKEN = "pending", "released", "blocked", "scanning", "taken"
WORDS = {
    PENDING: "wartet",
    RELEASED: "freigegeben",
    BLOCKED: "GESPERRT",
    SCANNING: "wird untersucht",
    TAKEN: "wird überschrieben",
}
UNFINISHED = "praxisschild-neu-"  # containers that are being set up


class RefusedError(Exception):
    """The command is not carried out; the text says why, in the words of the practice."""


class BlockedError(Exception):
    """The medium stays locked; the text says why."""


class GoneError(Exception):
    """The medium was pulled out."""


def run(*command: str, stdin: str | None = None, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
    """The finished command; code 127 if there is no such program."""
    try:
        return subprocess.run(
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]} ist nicht installiert")


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """The end of what a failed command said."""
    return " ".join((done.stderr or done.stdout).strip().splitlines()[-2:])[-300:] or f"Code {done.returncode}"


def log(text: str, identifier: str = IDENTIFIER, priority: int = syslog.LOG_NOTICE) -> None:
    """A line in the journal."""
    syslog.openlog(identifier, facility=syslog.LOG_AUTHPRIV)
    syslog.syslog(priority, text)


def alarm(kind: str, what: str) -> None:
    """A line that becomes a mail where the practice has alarms."""
    quoted = re.sub(r"[\x00-\x1f\"\\]", " ", what)
    urgent = syslog.LOG_ALERT if kind == "malware" else syslog.LOG_NOTICE
    log(f'kind={kind} host={os.uname().nodename} what="{quoted}"', ALARM, urgent)


def config() -> dict[str, Any]:
    """What the practice has chosen; empty without a file."""
    try:
        found = json.loads(CONFIG.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


# -- devices -----------------------------------------------------------------------------------------------------------


class Device:
    """A disk, a partition or an unlocked container, by the kernel's name for it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = (SYS / name).resolve()
        self.node = Path("/dev", name)

    @property
    def exists(self) -> bool:
        return self.folder.is_dir()

    def attribute(self, name: str) -> str:
        """A value of the kernel's; empty if there is none."""
        try:
            return (self.folder / name).read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    @property
    def is_partition(self) -> bool:
        return (self.folder / "partition").exists()

    @property
    def disk(self) -> Device:
        """The disk that a partition is part of, else the device itself."""
        return Device(self.folder.parent.name) if self.is_partition else self

    @property
    def partitions(self) -> list[Device]:
        return [Device(path.parent.name) for path in sorted(self.folder.glob("*/partition"))]

    @property
    def beneath(self) -> list[Device]:
        """The devices that a container lies on."""
        return [Device(path.name) for path in sorted((self.folder / "slaves").glob("*"))]

    @property
    def above(self) -> list[Device]:
        return [Device(path.name) for path in sorted((self.folder / "holders").glob("*"))]

    @property
    def is_read_only(self) -> bool:
        return self.attribute("ro") == "1"

    @property
    def size(self) -> int:
        """In bytes."""
        return int(self.attribute("size") or 0) * 512

    @property
    def sequence(self) -> str:
        """The kernel's number for this medium in this drive: a new one for every plug and every exchange."""
        return self.disk.attribute("diskseq")

    def properties(self) -> dict[str, str]:
        """What udev knows about the device."""
        shown = run("udevadm", "info", "--query=property", f"--name={self.node}").stdout
        return dict(line.partition("=")[::2] for line in shown.splitlines())

    @property
    def mounted_at(self) -> list[str]:
        """Where the host has mounted it; what a process mounted for itself does not count."""
        lines = Path("/proc/1/mountinfo").read_text(encoding="utf-8").splitlines()
        number = self.attribute("dev")
        return [line.split()[4] for line in lines if line.split()[2] == number]

    @property
    def is_swap(self) -> bool:
        used = Path("/proc/swaps").read_text(encoding="utf-8").split()
        return str(self.node) in used or (
            self.name.startswith("dm-") and f"/dev/mapper/{self.attribute('dm/name')}" in used
        )

    @property
    def family(self) -> list[Device]:
        """The device with all of its partitions and what is unlocked on them."""
        found = [self]
        for device in found:
            found += [one for one in (*device.partitions, *device.above) if one.name not in {f.name for f in found}]
        return found

    def set_read_only(self, value: bool) -> None:
        """Tell the kernel to refuse, or to take, writes.

        Raises:
            GoneError: the medium is not there any more.
        """
        try:
            descriptor = os.open(self.node, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            raise GoneError(self.name) from None
        try:
            fcntl.ioctl(descriptor, BLKROSET, int(value).to_bytes(4, sys.byteorder))
        except OSError as error:
            if not value:
                return  # a write-protected medium stays so
            raise BlockedError(f"Schreibschutz nicht möglich: {error.strerror}") from None
        finally:
            os.close(descriptor)


def described(properties: dict[str, str]) -> str:
    """Maker, model and serial number of the medium."""
    names = ("ID_VENDOR", "ID_MODEL", "ID_SERIAL_SHORT")
    return " ".join(properties[name] for name in names if properties.get(name)) or properties.get(
        "DM_NAME", "unbekannt"
    )


def key_of(device: Device, properties: dict[str, str]) -> str:
    """What the verdict holds for: another medium, or another file system on it, has another key."""
    names = ("ID_FS_TYPE", "ID_FS_UUID", "ID_PART_TABLE_UUID", "DM_UUID")
    return "/".join([device.sequence, *(properties.get(name, "") for name in names)])


def state_of(device: Device) -> dict[str, Any]:
    """The last verdict on the device; empty if there is none."""
    try:
        found = json.loads((STATE / device.name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def note_state(device: Device, key: str, state: str, reason: str, **more: Any) -> None:
    """Write the verdict down as a whole, or not at all."""
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = {"key": key, "sequence": device.sequence, "state": state, "reason": reason, "since": now(), **more}
    temporary = STATE / f".{device.name}.new"
    temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    temporary.replace(STATE / device.name)


def now() -> str:
    """The time in UTC, as ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


# -- udev asks ---------------------------------------------------------------------------------------------------------


def belongs_to_the_system(device: Device, properties: dict[str, str]) -> bool:
    """Whether the host mounts it when it starts: a system on an SD card or a disk in a USB case is no stick."""
    names = {str(device.node), *properties.get("DEVLINKS", "").split()}
    for tag, name in (("UUID", "ID_FS_UUID"), ("LABEL", "ID_FS_LABEL"), ("PARTUUID", "ID_PART_ENTRY_UUID")):
        if properties.get(name):
            names |= {f"{tag}={properties[name]}", f'{tag}="{properties[name]}"'}
    for table, column in (("/etc/fstab", 0), ("/etc/crypttab", 1)):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text(encoding="utf-8").splitlines():
                words = line.split("#")[0].split()
                options = words[3].split(",") if len(words) > 3 else []
                if len(words) > column and words[column] in names and "noauto" not in options:
                    return True
    return False


def judge(device: Device) -> None:
    """Tell udev, as properties, whether the device is a removable medium and what has become of it."""
    properties = dict(os.environ)
    if device.name.startswith("dm-"):
        if device.attribute("dm/name").startswith(UNFINISHED):
            return
        roots = [one for beneath in device.beneath for one in (beneath, beneath.disk)]
        if not any(one.properties().get("PRAXISSCHILD_MEDIUM") == "1" for one in roots):
            return
    known = state_of(device)
    same = known.get("sequence") == device.sequence
    in_use = bool(device.above) or any(one.mounted_at or one.is_swap for one in device.family)
    if not same and (in_use or belongs_to_the_system(device, properties)):
        return
    if device.name.startswith("sr") and not properties.get("ID_CDROM_MEDIA"):
        return  # an empty drive
    key, state = key_of(device, properties), PENDING
    if same and known["state"] == TAKEN:
        state = BLOCKED
    # what is in use is not taken away because a probe of its content went wrong
    elif same and (known["key"] == key or (in_use and known["state"] == RELEASED)):
        state = str(known["state"])
    if state == PENDING:
        # from now on it is known: whoever is faster than the scanner does not make it a disk of the host
        note_state(device, key, PENDING, "")
        device.set_read_only(True)
    sys.stdout.write(f"PRAXISSCHILD_MEDIUM=1\nPRAXISSCHILD_STATE={state}\n")


# -- the service scans -------------------------------------------------------------------------------------------------


def encryption_is_sound(device: Device) -> tuple[bool, str]:
    """Whether the container's parameters are those of the BSI's TR-02102, and why not."""
    dump = run("cryptsetup", "luksDump", str(device.node)).stdout
    if not dump:
        return True, "kein LUKS"
    ciphers = set(re.findall(r"^\s*[Cc]ipher:\s+(\S+)", dump, re.MULTILINE))
    ciphers |= {
        "-".join(words) for words in re.findall(r"^Cipher name:\s+(\S+)\s+Cipher mode:\s+(\S+)", dump, re.MULTILINE)
    }
    sizes = [int(bits) for bits in re.findall(r"^\s*(?:Cipher key|MK bits):\s+(\d+)", dump, re.MULTILINE)]
    if not ciphers or not all(cipher.startswith("aes-xts") for cipher in ciphers):
        return False, f"Verfahren {', '.join(sorted(ciphers)) or 'unbekannt'}"
    if not sizes or min(sizes) < 256:
        return False, "Schlüssel zu kurz"
    return True, ", ".join(sorted(ciphers))


@contextlib.contextmanager
def mounted(device: Device, kind: str) -> Iterator[Path]:
    """The file system, readable and nothing else, in this process's own view of the files.

    Raises:
        BlockedError: it cannot be mounted.
    """
    driver, extra = FILE_SYSTEMS[kind]
    place = Path("/run/praxisschild/scan", device.name)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = ",".join(filter(None, ("ro,nodev,nosuid,noexec", extra)))
    done = run("mount", "-t", driver, "-o", options, str(device.node), str(place))
    if done.returncode:
        raise BlockedError(f"Dateisystem {kind} ist nicht lesbar: {last_words(done)}")
    try:
        yield place
    finally:
        if run("umount", str(place)).returncode:
            run("umount", "--lazy", str(place))


def scan(place: Path) -> tuple[list[str], list[str]]:
    """Names of what was found, and of the files, by the resident scanner or by one of its own.

    Raises:
        BlockedError: there is no scanner, or it could not read everything.
    """
    said = []
    if run("clamdscan", "--ping", "1", timeout=60).returncode == 0:
        done = run("clamdscan", "--fdpass", "--infected", "--no-summary", str(place))
        if done.returncode in (0, 1):
            return findings(done.stdout, place)
        said.append(f"clamdscan: {last_words(done)}")
    options = ("--recursive", "--infected", "--no-summary", "--max-filesize=2000M", "--max-scansize=2000M")
    done = run("clamscan", *options, "--follow-dir-symlinks=0", "--follow-file-symlinks=0", str(place))
    if done.returncode in (0, 1):
        return findings(done.stdout, place)
    said.append(f"clamscan: {last_words(done)}")
    raise BlockedError(f"keine Untersuchung möglich ({'; '.join(said)})")


def findings(text: str, place: Path) -> tuple[list[str], list[str]]:
    """Signatures and files in a scanner's answer."""
    found = re.findall(rf"^{re.escape(str(place))}/(.*): (\S+) FOUND$", text, re.MULTILINE)
    return sorted({name for _, name in found}), [file for file, _ in found]


def examine(device: Device, properties: dict[str, str]) -> tuple[bool, str]:
    """Whether the medium may be written to, and what to tell about it.

    Raises:
        BlockedError: it must not be used at all.
    """
    kind = properties.get("ID_FS_TYPE", "")
    demanded = config().get("unencrypted") == "read-only"
    if kind in CONTAINERS:
        sound, why = encryption_is_sound(device)
        return sound or not demanded, f"verschlüsselt ({why}), wird nach dem Aufschließen untersucht"
    if not kind:
        what = "Partitionen werden einzeln untersucht" if device.partitions else "leer oder ohne lesbares Dateisystem"
        return True, what
    if kind not in FILE_SYSTEMS:
        raise BlockedError(f"Dateisystem {kind} kann hier nicht untersucht werden")
    with mounted(device, kind) as place:
        names, files = scan(place)
    if names:
        note_state(device, "", SCANNING, "", files=files)
        alarm("malware", f"{', '.join(names)} auf {described(properties)} ({len(files)} Dateien), Datenträger gesperrt")
        raise BlockedError(f"Schadsoftware: {', '.join(names)} in {len(files)} Dateien")
    if device.name.startswith("dm-"):
        return True, "verschlüsselt, untersucht, nichts gefunden"
    trusted = properties.get("ID_SERIAL_SHORT") in config().get("writable_serials", [])
    if device.name.startswith("sr") or (demanded and not trusted):
        return False, "untersucht, nichts gefunden; unverschlüsselt, daher nur lesbar"
    return True, "untersucht, nichts gefunden"


def announce(device: Device, properties: dict[str, str]) -> None:
    """Tell once of every plug."""
    if device.is_partition or device.name.startswith("dm-"):
        return
    told = STATE / f".{device.name}.told"
    if not told.exists() or told.read_text(encoding="utf-8") != device.sequence:
        told.write_text(device.sequence, encoding="utf-8")
        alarm("usb", f"Datenträger eingesteckt: {described(properties)}")


def watch(device: Device) -> None:
    """Examine the device, release or block it; a blocked one is held until it is pulled out."""
    properties = device.properties()
    if not device.exists or properties.get("PRAXISSCHILD_MEDIUM") != "1":
        return
    key, sequence = key_of(device, properties), device.sequence
    note_state(device, key, SCANNING, "")
    try:
        announce(device, properties)
        device.set_read_only(True)
        writable, reason = examine(device, properties)
        if writable:
            device.set_read_only(False)
        note_state(device, key, RELEASED, reason, writable=writable)
        log(f"{device.name} freigegeben: {reason}")
        run("udevadm", "trigger", "--action=change", str(device.folder))
    except GoneError:
        log(f"{device.name} wurde während der Untersuchung abgezogen")
    except BlockedError as error:
        if not device.exists or device.sequence != sequence:
            log(f"{device.name} wurde während der Untersuchung abgezogen")
            return
        note_state(device, key, BLOCKED, str(error), files=state_of(device).get("files", []))
        log(f"{device.name} bleibt gesperrt: {error}", priority=syslog.LOG_WARNING)
        run("udevadm", "trigger", "--action=change", str(device.folder))
        # an unlocked container is locked again, so that the medium can be pulled out or erased in peace
        if not device.name.startswith("dm-") or run("cryptsetup", "close", properties.get("DM_NAME", "")).returncode:
            hold(device, sequence)


def hold(device: Device, sequence: str) -> None:
    """Claim the device for this process alone, so that nobody mounts it, root included, until it is pulled out."""
    descriptor = -1
    while device.exists and device.sequence == sequence:
        if descriptor < 0:
            with contextlib.suppress(OSError):  # somebody else was faster
                descriptor = os.open(device.node, os.O_RDONLY | os.O_EXCL)
        time.sleep(2)


# -- people ask --------------------------------------------------------------------------------------------------------


def who() -> str:
    """The login that this command was typed in, also behind sudo."""
    with contextlib.suppress(OSError, KeyError, ValueError):
        number = int(Path("/proc/self/loginuid").read_text(encoding="utf-8"))
        if number < 1 << 31:
            return pwd.getpwuid(number).pw_name
    return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name


def keep_record(device: Device, properties: dict[str, str], what: str, result: str, **more: Any) -> None:
    """One more line in the log, which the kernel lets nobody shorten."""
    entry = {
        "at": now(),
        "what": what,
        "who": who(),
        "medium": described(properties),
        "bytes": device.size,
        "result": result,
        **more,
    }
    LOG.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    descriptor = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(descriptor, (json.dumps(entry, ensure_ascii=False) + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    run("chattr", "+a", str(LOG))  # not every file system can
    log(f"{what} von {described(properties)} durch {entry['who']}: {result}")


def chosen(path: str, *, internal: bool) -> tuple[Device, dict[str, str]]:
    """The whole medium that may be overwritten.

    Raises:
        RefusedError: it is none, or it is in use, or it is a disk of this host.
    """
    node = Path(path).resolve()
    if not node.exists() or not stat.S_ISBLK(node.stat().st_mode):
        raise RefusedError(f"{path} ist kein Datenträger. `praxisschild-medium liste` zeigt, was eingesteckt ist.")
    device = Device(node.name)
    if device.is_partition:
        raise RefusedError(f"{path} ist nur ein Teil: Nennen Sie den ganzen Datenträger {device.disk.node}.")
    if device.beneath or not device.size:
        raise RefusedError(f"{path} ist kein Datenträger, den man als Ganzes überschreiben kann.")
    for one in device.family:
        if one.mounted_at:
            raise RefusedError(f"{one.node} ist eingehängt ({one.mounted_at[0]}): erst auswerfen.")
        if one.is_swap:
            raise RefusedError(f"{one.node} ist Auslagerungsspeicher dieses Rechners.")
        if one.name.startswith("dm-"):
            raise RefusedError(f"{one.beneath[0].node} ist aufgeschlossen: erst schließen (auswerfen).")
        if belongs_to_the_system(one, one.properties()):
            raise RefusedError(f"{one.node} gehört zu diesem Rechner (/etc/fstab oder /etc/crypttab).")
    properties = device.properties()
    if properties.get("PRAXISSCHILD_MEDIUM") != "1" and not internal:
        raise RefusedError(f"{path} ist kein Wechseldatenträger. Für eine ausgediente Festplatte: --festplatte")
    return device, properties


def confirm(device: Device, properties: dict[str, str], what: str) -> None:
    """Have the person type the device's name.

    Raises:
        RefusedError: something else was typed.
    """
    sys.stdout.write(
        f"{what}: {device.node}, {described(properties)}, {device.size / 1e9:.1f} GB\n"
        "ALLES darauf geht verloren und lässt sich nicht wiederherstellen.\n"
        f"Zum Bestätigen „{device.name}“ eintippen: "
    )
    sys.stdout.flush()
    if sys.stdin.readline().strip() != device.name:
        raise RefusedError("Nicht bestätigt, nichts wurde verändert.")


@contextlib.contextmanager
def taken(device: Device) -> Iterator[None]:
    """The medium without its lock, and left alone by the scanner until what is done here has ended.

    Raises:
        RefusedError: it cannot be written to.
    """
    family = device.family
    for one in family:
        note_state(one, "", TAKEN, "wird gelöscht oder eingerichtet")
    run("systemctl", "stop", *(f"praxisschild-medium@{one.name}.service" for one in family))
    try:
        for one in reversed(family):
            one.set_read_only(False)
        if device.is_read_only:
            raise RefusedError(f"{device.node} ist schreibgeschützt (Schalter am Datenträger?).")
        yield
    finally:
        for one in family:
            (STATE / one.name).unlink(missing_ok=True)
        run("udevadm", "trigger", "--action=change", str(device.folder))


def overwrite(device: Device, rounds: int) -> str:
    """Overwrite with random data and then zeros, and read everything back; the method in words.

    Raises:
        RefusedError: something is left.
    """
    method = f"{rounds}-mal mit Zufallsdaten und einmal mit Nullen überschrieben"
    flash = device.attribute("queue/rotational") == "0" and device.attribute("queue/discard_max_bytes") not in ("", "0")
    if flash and run("blkdiscard", "--force", "--secure", str(device.node)).returncode == 0:
        method += ", vorher vom Laufwerk selbst sicher gelöscht"
    elif flash and run("blkdiscard", "--force", str(device.node)).returncode == 0:
        method += ", vorher alle Blöcke verworfen"
    with contextlib.suppress(subprocess.CalledProcessError):
        subprocess.run(["shred", f"--iterations={rounds}", "--zero", "--force", str(device.node)], check=True)
        with device.node.open("rb") as disk:
            fcntl.ioctl(disk, BLKFLSBUF)
        compared = run("cmp", "--bytes", str(device.size), str(device.node), "/dev/zero")
        if compared.returncode == 0:
            return method + ", zurückgelesen: alles leer"
        raise RefusedError(f"Beim Zurücklesen war nicht alles leer: {last_words(compared)}")
    raise RefusedError("Der Datenträger ließ sich nicht ganz überschreiben: physisch vernichten.")


def wipe(options: argparse.Namespace) -> None:
    """Erase a medium for good."""
    device, properties = chosen(options.geraet, internal=options.festplatte)
    confirm(device, properties, "Sicher löschen")
    rounds = options.durchgaenge or (3 if options.festplatte else 1)
    try:
        with taken(device):
            method = overwrite(device, rounds)
    except (RefusedError, GoneError, BlockedError) as error:
        keep_record(device, properties, "Löschen", f"gescheitert: {error}")
        raise
    keep_record(device, properties, "Löschen", "erfolgreich", method=method)
    sys.stdout.write(f"{method}.\nEingetragen in {LOG}.\n")


def passphrase(least: int) -> str:
    """What the person types twice, or the first line of standard input.

    Raises:
        RefusedError: too short, or not twice the same.
    """
    if not sys.stdin.isatty():
        typed = again = sys.stdin.readline().rstrip("\n")
    else:
        typed = getpass.getpass(f"Neue Passphrase (mindestens {least} Zeichen): ")
        again = getpass.getpass("Noch einmal: ")
    if len(typed) < least:
        raise RefusedError(f"Die Passphrase ist zu kurz: mindestens {least} Zeichen.")
    if typed != again:
        raise RefusedError("Die beiden Eingaben sind verschieden.")
    return typed


def encrypt(options: argparse.Namespace) -> None:
    """Set a medium up as an encrypted one."""
    device, properties = chosen(options.geraet, internal=False)
    confirm(device, properties, "Verschlüsselt neu einrichten")
    practice = config()
    secret = passphrase(int(practice.get("passphrase_length", 12)))
    cipher, bits = practice.get("cipher", "aes-xts-plain64"), practice.get("key_size", 512)
    pbkdf = practice.get("pbkdf", "argon2id")
    parameters = [f"--cipher={cipher}", f"--key-size={bits}", f"--pbkdf={pbkdf}", "--hash=sha256", "--key-file=-"]
    try:
        with taken(device):
            fill(device, parameters, secret, options.name)
    except (RefusedError, GoneError, BlockedError) as error:
        keep_record(device, properties, "Verschlüsseln", f"gescheitert: {error}")
        raise
    keep_record(device, properties, "Verschlüsseln", "erfolgreich", method=f"LUKS2, {cipher}, {bits} Bit, {pbkdf}")
    sys.stdout.write("Fertig. Einmal ab- und wieder anstecken; die Passphrase gehört in den Passwort-Manager.\n")


def fill(device: Device, parameters: list[str], secret: str, label: str) -> None:
    """The container, and a file system in it.

    Raises:
        RefusedError: a step failed.
    """
    node, mapper = str(device.node), UNFINISHED + device.name
    required(run("wipefs", "--all", "--force", node))
    required(run("cryptsetup", "luksFormat", "--batch-mode", "--type=luks2", *parameters, node, stdin=secret))
    required(run("cryptsetup", "open", "--key-file=-", node, mapper, stdin=secret))
    try:
        inside = f"/dev/mapper/{mapper}"
        required(run("mkfs.ext4", "-q", "-F", "-m", "0", *(["-L", label] if label else []), inside))
        # whoever of the practice opens it may write: the passphrase is the gate
        script = 'mount "$1" /mnt && chmod 0777 /mnt && umount /mnt'
        required(run("unshare", "--mount", "sh", "-c", script, "sh", inside))
    finally:
        run("cryptsetup", "close", mapper)


def required(done: subprocess.CompletedProcess[str]) -> None:
    """Nothing, if the command went well.

    Raises:
        RefusedError: it failed.
    """
    if done.returncode:
        raise RefusedError(f"{done.args[0]}: {last_words(done)}")


def listing(options: argparse.Namespace) -> None:
    """Show what is plugged in and what has become of it."""
    rows = []
    for path in sorted(SYS.glob("*")):
        device = Device(path.name)
        state = state_of(device)
        if not state or state.get("sequence") != device.sequence:
            continue
        rows.append(
            {"device": device.name, "read_only": device.is_read_only, **{k: state[k] for k in ("state", "reason")}}
        )
    if options.json:
        sys.stdout.write(json.dumps(rows, ensure_ascii=False) + "\n")
        return
    for row in rows:
        mode = "nur lesbar" if row["read_only"] else "beschreibbar"
        words = WORDS[str(row["state"])] + (f", {mode}" if row["state"] == RELEASED else "")
        sys.stdout.write(f"{row['device']:8} {words}: {row['reason']}\n")
    if not rows:
        sys.stdout.write("Kein Wechseldatenträger ist eingesteckt.\n")


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="praxisschild-medium",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Beispiele:\n"
        "  praxisschild-medium liste                          was ist eingesteckt, ist es frei?\n"
        "  sudo praxisschild-medium verschluesseln /dev/sdb   einen Stick verschlüsselt einrichten\n"
        "  sudo praxisschild-medium loeschen /dev/sdb         vor der Weitergabe restlos löschen\n"
        "  sudo praxisschild-medium loeschen --festplatte /dev/sdc   eine ausgediente Festplatte\n"
        f"Was gelöscht und eingerichtet wurde, wann und von wem, steht in {LOG}.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="BEFEHL")
    one = commands.add_parser("liste", help="zeigen, was eingesteckt ist")
    one.add_argument("--json", action="store_true", help="für Programme")
    one = commands.add_parser(
        "loeschen",
        help="restlos löschen",
        description="Überschreibt den ganzen Datenträger und liest ihn zurück. Eine SSD wird vorher angewiesen, sich "
        "selbst zu löschen; bietet ihr Hersteller ein eigenes Werkzeug, ist das vorzuziehen. Was eingehängt ist oder "
        "zu diesem Rechner gehört, wird verweigert. Ein Datenträger mit Fehlern gehört in den Schredder.",
    )
    one.add_argument("geraet", metavar="GERÄT", help="zum Beispiel /dev/sdb")
    one.add_argument("--festplatte", action="store_true", help="ausgediente Festplatte: dreimal überschreiben")
    one.add_argument("--durchgaenge", type=int, choices=range(1, 8), metavar="1-7", help="wie oft (sonst 1)")
    one = commands.add_parser(
        "verschluesseln",
        help="verschlüsselt neu einrichten",
        description="Richtet den ganzen Datenträger verschlüsselt ein (LUKS2, nach BSI TR-02102). Der alte Inhalt geht "
        "verloren; vertraulichen vorher mit `loeschen` überschreiben.",
    )
    one.add_argument("geraet", metavar="GERÄT", help="zum Beispiel /dev/sdb")
    one.add_argument("--name", default="", help="Name, unter dem er erscheint; ohne Hinweis auf Patienten")
    for hidden in ("judge", "watch"):
        commands.add_parser(hidden).add_argument("name")
    return parser


def main() -> int:
    """Exit code 0: done; 1: refused or failed."""
    options = arguments().parse_args()
    if options.command == "judge":
        judge(Device(options.name))
        return 0
    try:
        if options.command == "watch":
            watch(Device(options.name))
            return 0
        if options.command != "liste" and os.geteuid() != 0:
            raise RefusedError("Dafür braucht es Administratorrechte: sudo praxisschild-medium …")
        {"liste": listing, "loeschen": wipe, "verschluesseln": encrypt}[options.command](options)
    except (RefusedError, BlockedError) as error:
        sys.stderr.write(f"praxisschild-medium: {error}\n")
        return 1
    except GoneError:
        sys.stderr.write("praxisschild-medium: Der Datenträger wurde abgezogen.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
