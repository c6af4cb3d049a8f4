"""A lab host with a kernel of its own: QEMU on the instance's podman network, for what containers do not have.

Disk encryption, the audit system, udev, USB devices and radios need a kernel that is the host's own. The root disk is
made from the same kind of image as the containers', lies in ``.lab/disks`` and is never written to: what a machine
changes goes to a file that nobody can see and that ends with it, so every start is a first day.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shell import ACCOUNT, LabError, note, run

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT_SIZE = "6G"
DATA_SIZE = "512M"
MEMORY = "1536"  # MiB
SSH_PATIENCE = 240  # seconds; half a minute on an idle machine

SEED = (
    r"""
set -eu
hostname {name}; echo {name} > /etc/hostname
printf '%s\n' '127.0.0.1 localhost' '{address} {name}' {hosts} > /etc/hosts
printf 'nameserver %s\n' {nameservers} > /etc/resolv.conf
printf '%s\n' '[Match]' 'MACAddress={mac}' '[Network]' 'Address={address}/24' 'Gateway={gateway}' \
  'LinkLocalAddressing=no' 'IPv6AcceptRA=no' > /etc/systemd/network/10-lab.network
"""
    + ACCOUNT
    + r"""umask 077
cat > /etc/ssh/ssh_host_ed25519_key <<'KEY'
{host_key}KEY
ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key > /etc/ssh/ssh_host_ed25519_key.pub
chmod 0644 /etc/ssh/ssh_host_ed25519_key.pub
"""
)


@dataclass(frozen=True)
class Way:
    """How the operator gets in, as on every lab host."""

    user: str
    password: str
    key: str
    nameservers: list[str]
    neighbours: dict[str, str]  # address by name
    setup: str  # shell commands of its first boot


def accelerator() -> list[str]:
    """KVM where the processor has it; a ``/dev/kvm`` without those flags may hang."""
    flags = Path("/proc/cpuinfo").read_text().split()
    if ("vmx" in flags or "svm" in flags) and os.access("/dev/kvm", os.R_OK | os.W_OK):
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max"]


def disk(state: Path, name: str, tag: str) -> Path:
    """The folder with kernel, initrd and root disk of an image, made if this checkout has not done so yet."""
    disks = state / "disks"
    folder = disks / f"{name}-{tag.rpartition(':')[2]}"
    if folder.is_dir():
        return folder
    for program in ("qemu-system-x86_64", "mkfs.ext4"):
        if not shutil.which(program):
            raise LabError(f"{program} is missing: run `make machine`")
    note(f"making the disk of {name}")
    for old in disks.glob(f"{name}-*"):
        shutil.rmtree(old)  # a machine that still runs from it keeps the open file
    fresh = disks / f".{name}-{os.getpid()}"
    fresh.mkdir(parents=True)
    root = run(["podman", "image", "mount", tag]).strip()
    try:
        for kind, wanted in (("vmlinuz", "kernel"), ("initrd.img", "initrd")):
            shutil.copy(max(Path(root, "boot").glob(f"{kind}-*")), fresh / wanted)
        image = fresh / "root"
        run(["truncate", "-s", ROOT_SIZE, str(image)])
        run(["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard", "-L", "root", "-d", root, str(image)])
    finally:
        run(["podman", "image", "umount", tag])
    fresh.rename(folder)
    return folder


class Machine:
    """One virtual machine of one instance: its files lie below ``.lab/<number>/<name>``."""

    def __init__(self, folder: Path, name: str, number: int, octet: int) -> None:
        self.folder = folder
        self.name = name
        self.subnet = f"10.77.{number}"
        self.address = f"{self.subnet}.{octet}"
        self.mac = f"52:54:00:4d:{number:02x}:{octet:02x}"
        self.tap = f"lab{number}-{octet}"
        self.pid_file = folder / "pid"
        self.control = folder / "qmp"

    def pid(self) -> int | None:
        """Process of this machine; None if it does not run."""
        try:
            pid = int(self.pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        # the number may have gone to somebody else's process
        return pid if str(self.pid_file).encode() in command else None

    # -- start and stop ------------------------------------------------------------------------------------------------

    def start(self, image: Path, bridge: str, way: Way) -> str:
        """Boot it; returns the host's public key before anybody connected."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        public = self._seed(way)
        data = self.folder / "data"
        run(["truncate", "-s", DATA_SIZE, str(data)])
        self._connect(bridge)
        command = [
            "qemu-system-x86_64", "-name", self.name, *accelerator(), "-machine", "q35,usb=off", "-smp", "2",
            "-m", MEMORY, "-nodefaults", "-no-user-config", "-display", "none",
            "-daemonize", "-pidfile", str(self.pid_file),
            "-serial", f"file:{self.folder / 'console'}", "-qmp", f"unix:{self.control},server=on,wait=off",
            "-kernel", str(image / "kernel"), "-initrd", str(image / "initrd"),
            "-append", f"root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 systemd.hostname={self.name}",
            "-fw_cfg", f"name=opt/praxisschild/seed,file={self.folder / 'seed'}",
            "-drive", f"if=none,id=root,format=raw,snapshot=on,file={image / 'root'}",
            "-device", "virtio-blk-pci,drive=root,serial=system",
            "-drive", f"if=none,id=data,format=raw,file={data}",
            "-device", "virtio-blk-pci,drive=data,serial=praxisdaten",
            "-netdev", f"tap,id=net,ifname={self.tap},script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=net,mac={self.mac}",
            "-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
            "-device", "qemu-xhci,id=usb",
        ]  # fmt: skip
        done = subprocess.run(
            command, env={**os.environ, "TMPDIR": str(self.folder)}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            self.stop()
            raise LabError(f"QEMU does not start {self.name}: {done.stderr.strip()}")
        return public

    def _seed(self, way: Way) -> str:
        """Write what the machine runs on its first boot, see ``images/notebook/seed.service``."""
        key = self.folder / "host_key"
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"root@{self.name}", "-f", str(key)])
        seed = self.folder / "seed"
        seed.touch(mode=0o600)
        seed.write_text(
            SEED.format(
                name=self.name,
                address=self.address,
                gateway=f"{self.subnet}.1",
                mac=self.mac,
                hosts=" ".join(f"'{address} {name}'" for name, address in way.neighbours.items()),
                nameservers=" ".join(way.nameservers),
                user=way.user,
                password=way.password,
                key=way.key,
                host_key=key.read_text(),
            )
            + way.setup
        )
        return key.with_suffix(".pub").read_text().strip()

    def wait(self, ssh_config: Path) -> None:
        """Until systemd has come up and SSH answers.

        Raises:
            LabError: it did not within ``SSH_PATIENCE``; the console's last lines say why.
        """
        end = time.monotonic() + SSH_PATIENCE
        settled = "until systemctl is-system-running | grep -qE 'running|degraded'; do sleep 0.5; done"
        command = ["ssh", "-F", str(ssh_config), "-o", "ConnectTimeout=2", self.name, settled]
        while subprocess.run(command, capture_output=True, check=False).returncode:
            if self.pid() is None or time.monotonic() > end:
                console = (self.folder / "console").read_text(errors="replace").splitlines()
                raise LabError(f"{self.name} does not come up:\n" + "\n".join(console[-15:]))
            time.sleep(0.5)

    def stop(self) -> None:
        """End the process and take its network interface and files away."""
        pid = self.pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
            end = time.monotonic() + 5
            while self.pid() and time.monotonic() < end:
                time.sleep(0.1)
            if self.pid():
                os.kill(pid, signal.SIGKILL)
        run(["ip", "link", "delete", self.tap], quiet=True)
        run(["iptables", "-w", "-t", "nat", "-D", *self._masquerade], quiet=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- network -------------------------------------------------------------------------------------------------------

    @property
    def _masquerade(self) -> list[str]:
        subnet = f"{self.subnet}.0/24"
        return ["POSTROUTING", "-s", f"{self.address}/32", "!", "-d", subnet, "-j", "MASQUERADE"]

    def _connect(self, bridge: str) -> None:
        """A port on the network's bridge; podman makes the bridge for containers only, and uses one that is there."""
        if not Path("/sys/class/net", bridge).exists():
            run(["ip", "link", "add", bridge, "type", "bridge"])
            run(["ip", "address", "add", f"{self.subnet}.1/24", "dev", bridge])
        run(["ip", "link", "set", bridge, "up"])
        run(["ip", "link", "delete", self.tap], quiet=True)
        run(["ip", "tuntap", "add", "dev", self.tap, "mode", "tap"])
        run(["ip", "link", "set", self.tap, "master", bridge, "up"])
        # the way to the package mirror; a machine without NAT still has its hosts
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        run(["iptables", "-w", "-t", "nat", "-A", *self._masquerade], quiet=True)

    # -- devices -------------------------------------------------------------------------------------------------------

    def plug(self, image: Path, device: str, *, read_only: bool = False) -> None:
        """Put a USB stick with this content into the running machine.

        Raises:
            LabError: the machine is down, has one of this name, or the file cannot be opened.
        """
        backing = {"driver": "file", "filename": str(image.resolve()), "read-only": read_only}
        stick = {"driver": "usb-storage", "id": device, "bus": "usb.0", "drive": f"stick-{device}", "serial": device}
        with self._qmp() as ask:
            node = {"driver": "raw", "node-name": f"stick-{device}", "read-only": read_only, "file": backing}
            ask("blockdev-add", **node)
            try:
                ask("device_add", **stick, removable=True)
            except LabError:
                ask("blockdev-del", **{"node-name": f"stick-{device}"})
                raise

    def unplug(self, device: str) -> None:
        """Pull the USB stick out.

        Raises:
            LabError: the machine is down, or has none of this name.
        """
        with self._qmp() as ask:
            ask("device_del", id=device)
            for _ in range(50):
                try:
                    ask("blockdev-del", **{"node-name": f"stick-{device}"})
                except LabError:  # still in use until the machine has let go
                    time.sleep(0.1)
                else:
                    return
        raise LabError(f"{self.name} does not let go of {device}")

    @contextlib.contextmanager
    def _qmp(self) -> Iterator[Any]:
        """QEMU's control socket: a function that asks one question."""
        if self.pid() is None:
            raise LabError(f"{self.name} is down: run `lab/lab.py up {self.name}`")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(str(self.control))
            stream = connection.makefile("rw", encoding="utf-8")

            def ask(command: str, **arguments: object) -> Any:
                stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
                stream.flush()
                for line in stream:
                    answer = json.loads(line)
                    if "error" in answer:
                        raise LabError(f"{self.name}: {command}: {answer['error']['desc']}")
                    if "return" in answer:
                        return answer["return"]
                raise LabError(f"{self.name}: QEMU closed its control socket")

            stream.readline()  # the greeting
            ask("qmp_capabilities")
            yield ask
