"""Plug a virtual USB stick with three media into this host, and see what the host does with them.

The stick hangs on a USB controller that the kernel simulates (``dummy_hcd`` with a ``mass_storage`` gadget): for the
host it is a USB stick like any other. Its media are one with EICAR, the test sample that every scanner knows, one that
is clean and unencrypted, and one that is encrypted and holds EICAR once more. Then the clean one is erased by the
practice's command, and a file that was changed behind a list of checksums is looked for with it.

Prints ``{"supported": false, "reason": str}`` where the kernel cannot do that, else ``{"infected": medium, "clean":
medium, "inside": medium, "erased": {"exit": int, "left": bool} | null, "checksum": {"before": int, "after": int} |
null}``; ``medium`` is ``{"appeared": bool, "usable": bool, "writable": bool, "seconds": float}``.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisschild.probes.host import ProbeError, probe, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GADGETS = Path("/sys/kernel/config/usb_gadget")
GADGET = "praxisschild-probe"
MODULES = ("dummy_hcd", "libcomposite", "usb_f_mass_storage")
# in two halves, so that no scanner takes this program for the sample
EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + "STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MARK = b"Befund: geheim " * 40
PATIENCE = 60  # seconds for a scan, which in an emulated machine takes ten times as long
SIZE = 32 << 20


def wait_for(condition: Callable[[], bool], seconds: float) -> float | None:
    """Seconds until it is true; None if it does not become so."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if condition():
            return round(time.monotonic() - begun, 1)
        time.sleep(0.3)
    return None


def required(*command: str, stdin: str | None = None) -> str:
    """What the command says.

    Raises:
        ProbeError: it fails.
    """
    done = run(command, stdin, timeout=60)
    if done.returncode:
        raise ProbeError(f"{command[0]}: {(done.stderr or done.stdout).strip()[-200:]}")
    return done.stdout


def image(path: Path, folder: Path) -> None:
    """A file system with the folder's content."""
    with path.open("wb") as file:
        file.truncate(SIZE)
    required("mkfs.ext4", "-q", "-F", "-d", str(folder), str(path))


def encrypted_image(path: Path, inside: Path, passphrase: str) -> None:
    """A container that holds the other image; its key is derived quickly, because it protects nothing."""
    with path.open("wb") as file:
        file.truncate(SIZE + (20 << 20))
    kdf = ("--pbkdf=pbkdf2", "--pbkdf-force-iterations=1000")
    name = f"probe-{secrets.token_hex(4)}"
    required(
        "cryptsetup", "luksFormat", "--batch-mode", "--type=luks2", *kdf, "--key-file=-", str(path), stdin=passphrase
    )
    required("cryptsetup", "open", "--key-file=-", str(path), name, stdin=passphrase)
    try:
        with inside.open("rb") as source, Path("/dev/mapper", name).open("wb") as target:
            shutil.copyfileobj(source, target)
    finally:
        required("cryptsetup", "close", name)


@contextlib.contextmanager
def stick(images: list[Path]) -> Iterator[None]:
    """The virtual stick, plugged in; pulled out and taken apart at the end."""
    remove()
    gadget = GADGETS / GADGET
    try:
        gadget.mkdir()
        for name, value in (("idVendor", "0x1d6b"), ("idProduct", "0x0104")):
            (gadget / name).write_text(value, encoding="utf-8")
        strings = gadget / "strings/0x409"
        strings.mkdir()
        for name, value in (("manufacturer", "Praxisschild"), ("product", "Probe"), ("serialnumber", GADGET)):
            (strings / name).write_text(value, encoding="utf-8")
        (gadget / "configs/c.1").mkdir()
        function = gadget / "functions/mass_storage.0"
        function.mkdir()
        for number, path in enumerate(images):
            unit = function / f"lun.{number}"
            unit.mkdir(exist_ok=True)
            (unit / "removable").write_text("1", encoding="utf-8")
            (unit / "inquiry_string").write_text(f"PROBE   Medium {number}", encoding="utf-8")
            (unit / "file").write_text(str(path), encoding="utf-8")
        (gadget / "configs/c.1/mass_storage.0").symlink_to(function)
        controller = next((path.name for path in Path("/sys/class/udc").glob("dummy_udc.*")), "")
        if not controller:
            raise ProbeError("no simulated USB controller")
        (gadget / "UDC").write_text(controller, encoding="utf-8")
        yield
    finally:
        remove()


def remove() -> None:
    """Pull the stick out, and take what an earlier probe may have left."""
    gadget = GADGETS / GADGET
    if not gadget.exists():
        return
    with contextlib.suppress(OSError):
        (gadget / "UDC").write_text("\n", encoding="utf-8")
    (gadget / "configs/c.1/mass_storage.0").unlink(missing_ok=True)
    for folder in (
        *sorted(gadget.glob("functions/mass_storage.0/lun.[1-9]")),
        gadget / "functions/mass_storage.0",
        gadget / "configs/c.1",
        gadget / "strings/0x409",
        gadget,
    ):
        with contextlib.suppress(OSError):
            folder.rmdir()


def disk(number: int) -> str:
    """The kernel's name of a medium of the stick; empty until it has appeared."""
    for path in Path("/sys/class/block").glob("sd*"):
        with contextlib.suppress(OSError):
            if (path / "device/model").read_text(encoding="utf-8").strip() == f"Medium {number}":
                return path.name
    return ""


def is_offered(name: str) -> bool:
    """Whether the host lets people and its own services see the device."""
    shown = dict(
        line.partition("=")[::2]
        for line in run(["udevadm", "info", "--query=property", f"--name=/dev/{name}"]).stdout.splitlines()
    )
    # a device that udev has not got to yet is nobody's
    seen = "USEC_INITIALIZED" in shown
    return seen and shown.get("UDISKS_IGNORE") != "1" and shown.get("SYSTEMD_READY", "1") != "0"


def mounts(name: str, option: str) -> bool:
    """Whether even root can mount it, in a view of the files of its own."""
    script = f'mount -o {option},nodev,nosuid,noexec "$1" /mnt && umount /mnt'
    return run(["unshare", "--mount", "sh", "-c", script, "sh", f"/dev/{name}"]).returncode == 0


def is_held(name: str) -> bool:
    """Whether somebody has claimed the device for himself, and not by mounting it, as a scanner does for a moment."""
    with contextlib.suppress(OSError):
        os.close(os.open(f"/dev/{name}", os.O_RDONLY | os.O_EXCL))
        return False
    number = Path(f"/sys/class/block/{name}/dev").read_text(encoding="utf-8").strip()
    for mounted in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):
            if f" {number} " in mounted.read_text(encoding="utf-8", errors="replace"):
                return False
    return True


def outcome(name: str) -> dict[str, Any]:
    """What the host has made of the medium, as soon as it has made up its mind."""
    if not name:
        return {"appeared": False, "usable": False, "writable": False, "seconds": 0.0}
    node = Path("/dev", name)
    refusals = 0

    def decided() -> bool:
        nonlocal refusals
        if not node.exists() or is_offered(name):
            return True
        refusals = refusals + 1 if is_held(name) else 0
        return refusals > 1

    seconds = wait_for(decided, PATIENCE)
    # a container that is locked again at once has gone
    usable = node.exists() and is_offered(name) and mounts(name, "ro")
    read_only = Path(f"/sys/class/block/{name}/ro")
    writable = usable and read_only.read_text(encoding="utf-8").strip() == "0" and mounts(name, "rw")
    return {"appeared": True, "usable": usable, "writable": writable, "seconds": seconds or float(PATIENCE)}


def unlock(number: int, passphrase: str) -> dict[str, Any]:
    """Open the encrypted medium as its owner does, and see what the host makes of its content."""
    name = f"probe-{secrets.token_hex(4)}"
    device = disk(number)
    if not device or wait_for(lambda: is_offered(device), PATIENCE) is None:
        return outcome("")
    opened = run(["cryptsetup", "open", "--key-file=-", f"/dev/{device}", name], passphrase, timeout=60)
    if opened.returncode:
        return outcome("")
    try:
        mapped = Path(f"/dev/mapper/{name}").resolve().name
        return outcome(mapped)
    finally:
        run(["systemctl", "stop", "praxisschild-medium@dm-*.service"])
        run(["cryptsetup", "close", name])


def erase(number: int, path: Path) -> dict[str, Any] | None:
    """Erase a medium by the practice's command, and look whether anything is left in it."""
    command = shutil.which("praxisschild-medium")
    device = disk(number)
    if not command or not device:
        return None
    before = MARK in path.read_bytes()
    done = run([command, "loeschen", f"/dev/{device}"], f"{device}\n", timeout=90)
    run(["sync"])
    return {"exit": done.returncode, "left": MARK in path.read_bytes(), "before": before, "says": done.stderr[-200:]}


def checksum(folder: Path) -> dict[str, Any] | None:
    """Exit codes of the practice's comparison before and after a file was changed."""
    command = shutil.which("praxisschild-pruefsumme")
    if not command:
        return None
    (folder / "Befund.txt").write_text("Befund: unauffällig", encoding="utf-8")
    required(command, "erstellen", str(folder))
    before = run([command, "pruefen", str(folder)]).returncode
    (folder / "Befund.txt").write_text("Befund: auffällig!!", encoding="utf-8")
    return {"before": before, "after": run([command, "pruefen", str(folder)]).returncode}


def load_modules() -> str:
    """Why the kernel cannot simulate a stick; empty if it can."""
    for name in MODULES:
        loaded = run(["modprobe", name])
        if loaded.returncode:
            return f"kernel module {name}: {loaded.stderr.strip()[-200:]}"
    return "" if GADGETS.is_dir() else "no USB gadgets in configfs"


def experiment() -> dict[str, Any]:
    """The whole probe."""
    was_loaded = Path("/sys/module/dummy_hcd").exists()
    with tempfile.TemporaryDirectory(prefix="praxisschild-probe-") as place:
        folder = Path(place)
        result: dict[str, Any] = {"checksum": None}
        sums = folder / "sums"
        sums.mkdir()
        result["checksum"] = checksum(sums)
        reason = load_modules()
        if reason:
            return {**result, "supported": False, "reason": reason}
        images = [folder / f"medium-{number}" for number in range(3)]
        for number, (name, content) in enumerate((("Befund.com", EICAR.encode()), ("Befund.txt", MARK))):
            source = folder / f"content-{number}"
            source.mkdir()
            (source / name).write_bytes(content)
            image(images[number], source)
        passphrase = secrets.token_urlsafe(20)
        encrypted_image(images[2], images[0], passphrase)
        try:
            with stick(images):
                wait_for(lambda: all(disk(number) for number in range(3)), 30)
                result["infected"] = outcome(disk(0))
                result["clean"] = outcome(disk(1))
                result["inside"] = unlock(2, passphrase)
                result["erased"] = erase(1, images[1])
        finally:
            if not was_loaded:
                time.sleep(1)
                run(["modprobe", "--remove", "usb_f_mass_storage", "dummy_hcd", "libcomposite"])
        return {**result, "supported": True, "reason": ""}


if __name__ == "__main__":
    probe(experiment, 280)
