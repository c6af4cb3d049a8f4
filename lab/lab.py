#!/usr/bin/env python3
"""The model practice: real systemd hosts as podman containers, brought up and taken down by one command each.

The notebook is a virtual machine, see ``machine.py``: it has a kernel, disks, USB ports and radios of its own. Windows
hosts are stand-ins, see ``windows/README.md``: they need neither root nor podman.

Everything the lab writes stays in the checkout's git-ignored ``.lab``; podman's own images and containers carry the
prefix ``praxisschild`` and ``clean`` removes them. Several practices can stand side by side: LAB_INSTANCE=1 is a
second one in 10.77.1.0/24.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import resource
import secrets
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from machine import Machine, Way, disk
from shell import ACCOUNT, LabError, note, run
from windows import control as stand_ins

LAB = Path(__file__).resolve().parent
STATE = LAB.parent / ".lab"
OURS = f"praxisschild.checkout={STATE}"  # a label
DEVICE_LIST = LAB.parent / "inventories/musterpraxis/mobilgeraete/geraete.csv"
IMAGE_PREFIX = "localhost/praxisschild-lab"
OPERATOR = "betreuung"
BASE_PACKAGES = (
    "apt,ca-certificates,dbus,debian-archive-keyring,init,iproute2,libpam-systemd,"
    "openssh-server,python3,sudo,systemd,systemd-sysv"
)
# What a practice host's root may do, short of touching the kernel that it shares with this machine.
CAPABILITIES = (
    "AUDIT_WRITE,CHOWN,DAC_OVERRIDE,DAC_READ_SEARCH,FOWNER,FSETID,IPC_LOCK,KILL,MKNOD,NET_ADMIN,NET_BIND_SERVICE,"
    "NET_RAW,SETFCAP,SETGID,SETPCAP,SETUID,SYS_ADMIN,SYS_CHROOT,SYS_NICE,SYS_PTRACE"
)


@dataclass(frozen=True)
class Host:
    """One host of the model practice: its image is ``lab/images/<image>`` on top of a bare Debian release."""

    name: str
    image: str
    release: str
    octet: int
    own_kernel: bool = False


HOSTS = {
    host.name: host
    for host in (
        Host("arbeitsplatz-1", "arbeitsplatz", "bookworm", 11),
        Host("arbeitsplatz-2", "arbeitsplatz", "trixie", 12),
        Host("server-1", "server", "bookworm", 21),
        Host("leitstand", "leitstand", "bookworm", 2),
        Host("notebook-1", "notebook", "bookworm", 31, own_kernel=True),
    )
}
# what `up` without a name brings up: the model practice
PRACTICE_HOSTS = ["arbeitsplatz-1", "arbeitsplatz-2", "server-1"]


def podman(*arguments: str, stdin: str | None = None, quiet: bool = False) -> str:
    return run(["podman", *arguments], stdin, quiet=quiet)


def containers(*options: str) -> set[str]:
    """Names of this checkout's running containers: podman's store is the machine's, and another checkout may use it."""
    return set(podman("ps", *options, f"--filter=label={OURS}", "--format", "{{.Names}}").split())


def remove(names: set[str]) -> None:
    if names:
        podman("rm", "--force", "--ignore", "--time=1", *sorted(names))


class Instance:
    """One model practice: its network, its hosts and its secrets below ``.lab/<number>``."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.state = STATE / str(number)
        self.network = f"praxisschild-{number}"
        self.ssh_config = self.state / "ssh_config"

    def container(self, host: Host) -> str:
        return f"praxisschild-{self.number}-{host.name}"

    def address(self, host: Host) -> str:
        return f"10.77.{self.number}.{host.octet}"

    def bridge(self) -> str:
        """The network's interface on this machine; empty without a network."""
        return podman("network", "inspect", "--format", "{{.NetworkInterface}}", self.network, quiet=True).strip()

    def machine(self, host: Host) -> Machine:
        return Machine(self.state / host.name, host.name, self.number, host.octet)

    def running(self) -> set[str]:
        names = containers()
        return {
            host.name
            for host in HOSTS.values()
            if (self.machine(host).pid() if host.own_kernel else self.container(host) in names)
        }


def prepare_machine() -> None:
    """Point podman at settings of this checkout; only what the machine's own cgroups and limits make necessary."""
    if os.geteuid() != 0:
        raise LabError("systemd containers with addresses of their own need root: run `sudo make demo`")
    if not shutil.which("podman"):
        raise LabError("podman is missing: run `make setup`")
    STATE.mkdir(exist_ok=True)
    STATE.chmod(0o700)
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    engine = []
    if not unified and shutil.which("runc"):
        engine.append('runtime = "runc"')  # crun refuses hosts that mix cgroups v1 and v2
    if not Path("/run/systemd/system").exists():
        engine += ['cgroup_manager = "cgroupfs"', 'events_logger = "file"']
    limits = []
    for name, kind in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(kind)[1]
        wanted = 20000 if hard == resource.RLIM_INFINITY else min(hard, 20000)
        limits.append(f'"{name}={wanted}:{wanted}"')
    config = "\n".join(
        [
            "[engine]",
            *engine,
            "[network]",
            'network_backend = "netavark"',
            f'network_config_dir = "{STATE}/networks"',
            "[containers]",
            f"default_ulimits = [{', '.join(limits)}]",
            "",
        ]
    )
    (STATE / "containers.conf").write_text(config)
    os.environ["CONTAINERS_CONF"] = str(STATE / "containers.conf")


def apt_sources(release: str) -> str:
    """The machine's own Debian mirrors, for the given release.

    Raises:
        LabError: this machine names no Debian mirror (it is not a Debian).
    """
    folder = Path("/etc/apt")
    text = "\n".join(
        path.read_text()
        for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
        if path.suffix in {".list", ".sources"} and path.exists()
    )
    mirrors = [uri for uri in re.findall(r"https?://[^\s\]]+", text) if "/debian" in uri]
    main = next((uri for uri in mirrors if re.search(r"/debian/?$", uri)), os.environ.get("LAB_DEBIAN_MIRROR"))
    security = next((uri for uri in mirrors if re.search(r"/debian-security/?$", uri)), None)
    if not main:
        raise LabError("no Debian mirror in /etc/apt: name one in the environment variable LAB_DEBIAN_MIRROR")
    lines = [f"deb {main} {release} main", f"deb {main} {release}-updates main"]
    if security:
        lines.append(f"deb {security} {release}-security main")
    return "\n".join(lines) + "\n"


def image_exists(tag: str) -> bool:
    return subprocess.run(["podman", "image", "exists", tag], check=False).returncode == 0


def base_image(release: str) -> str:
    """Tag of the bare release, bootstrapped from packages if this machine has not done so yet."""
    sources = apt_sources(release)
    recipe = hashlib.sha256(f"{BASE_PACKAGES}{sources}".encode()).hexdigest()[:12]
    tag = f"{IMAGE_PREFIX}-{release}:{recipe}"
    if image_exists(tag):
        return tag
    note(f"bootstrapping Debian {release} from packages (about half a minute)")
    tarball = STATE / f"{release}.tar"
    command = ["mmdebstrap", "--variant=minbase", "--quiet", f"--include={BASE_PACKAGES}"]
    # lists stay in the image: a practice host has them too, and a first installation need not fetch them again
    command += ["--skip=cleanup/apt/lists", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]
    run([*command, release, str(tarball), "-"], stdin=sources)
    podman("import", "--quiet", str(tarball), tag)
    tarball.unlink()
    return tag


def host_image(host: Host) -> str:
    """Tag of the host's image: its Containerfile on top of the bare release."""
    base = base_image(host.release)
    folder = LAB / "images" / host.image
    content = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    recipe = hashlib.sha256(base.encode() + content).hexdigest()[:12]
    tag = f"{IMAGE_PREFIX}-{host.image}-{host.release}:{recipe}"
    if not image_exists(tag):
        note(f"building the image of {host.name} ({host.image} on {host.release})")
        podman("build", "--quiet", "--network=host", f"--build-arg=BASE={base}", f"--tag={tag}", str(folder))
    return tag


def build(hosts: list[Host]) -> dict[str, str]:
    """Image tag per host, everything that is missing built side by side."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(base_image, sorted({host.release for host in hosts})))
        tags = dict(zip([host.name for host in hosts], pool.map(host_image, hosts), strict=True))
    for host in hosts:
        if host.own_kernel:
            disk(STATE, host.name, tags[host.name])
    return tags


PROVISION = (
    r"""
set -eu
"""
    + ACCOUNT
    + r"""rm -f /run/nologin
i=0
until systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; do
  i=$((i+1)); [ $i -lt 300 ] || {{ echo 'systemd does not come up' >&2; exit 1; }}; sleep 0.2
done
cat /etc/ssh/ssh_host_ed25519_key.pub
"""
)

# The makers' signatures are out of reach: each host has a mirror of its own, with a database of today.
SIGNATURES = r"""
cat > /usr/local/sbin/lab-signatures <<'PROGRAM'
{program}PROGRAM
chmod 0755 /usr/local/sbin/lab-signatures
printf '%s\n' '[Unit]' 'Description=Mirror with the signatures of the lab' '[Service]' \
  'ExecStart=/usr/local/sbin/lab-signatures' '[Install]' 'WantedBy=multi-user.target' \
  > /etc/systemd/system/lab-signatures.service
systemctl enable --quiet lab-signatures.service
systemctl start --no-block lab-signatures.service
"""


def signatures() -> str:
    """The shell commands that set up the mirror."""
    return SIGNATURES.format(program=(LAB / "signatures.py").read_text())


def start_machine(instance: Instance, host: Host, tag: str) -> None:
    """Boot the host; its key is known before it answers, so nothing is trusted on first use."""
    way = Way(
        user=OPERATOR,
        password=(instance.state / "become_password").read_text().strip(),
        key=(instance.state / "id_ed25519.pub").read_text().strip(),
        nameservers=re.findall(r"^nameserver\s+(\S+)", Path("/etc/resolv.conf").read_text(), re.MULTILINE),
        neighbours={one.name: instance.address(one) for one in HOSTS.values() if one != host},
        setup=signatures(),
    )
    key = instance.machine(host).start(disk(STATE, host.name, tag), instance.bridge(), way)
    (instance.state / f"{host.name}.pub").write_text(key + "\n")


def start(instance: Instance, host: Host, tag: str) -> None:
    if host.own_kernel:
        start_machine(instance, host, tag)
        return
    name = instance.container(host)
    if name not in containers("--all") and name in podman("ps", "--format", "{{.Names}}").split():
        raise LabError(f"{name} belongs to another checkout: take it down there, or choose another LAB_INSTANCE here")
    podman("rm", "--force", "--ignore", name)
    options = [
        f"--name={name}",
        f"--hostname={host.name}",
        "--systemd=always",
        "--label=praxisschild=lab",
        f"--label={OURS}",
        f"--network={instance.network}",
        f"--ip={instance.address(host)}",
        f"--network-alias={host.name}",
        *[f"--add-host={one.name}:{instance.address(one)}" for one in HOSTS.values() if one.own_kernel],
        "--cap-drop=ALL",
        f"--cap-add={CAPABILITIES}",
        "--stop-timeout=3",
    ]
    if host.image == "leitstand":
        # the control node works on this very checkout, with the Python it was set up with
        paths = [path for path in (str(LAB.parent), sys.base_prefix) if not path.startswith("/usr")]
        options += [f"--volume={path}:{path}" for path in paths]
    podman("run", "--detach", "--quiet", *options, tag, "/sbin/init")


def provision(instance: Instance, host: Host) -> str:
    """Install the operator's way in and return the host's public key."""
    if host.own_kernel:
        return (instance.state / f"{host.name}.pub").read_text().strip()
    script = PROVISION.format(
        user=OPERATOR,
        password=(instance.state / "become_password").read_text().strip(),
        key=(instance.state / "id_ed25519.pub").read_text().strip(),
    )
    key = podman("exec", "--interactive", instance.container(host), "sh", stdin=script).strip().splitlines()[-1]
    podman("exec", "--interactive", instance.container(host), "sh", stdin=signatures())
    return key


def secrets_of(instance: Instance) -> None:
    instance.state.mkdir(parents=True, exist_ok=True)
    (instance.state / "cp").mkdir(exist_ok=True)
    key = instance.state / "id_ed25519"
    if not key.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "praxisschild lab", "-f", str(key)])
    for name in ("become_password", "backup_password"):
        password = instance.state / name
        if not password.exists():
            password.touch(mode=0o600)
            password.write_text(secrets.token_urlsafe(18) + "\n")


def write_ssh_config(instance: Instance) -> None:
    """Addresses and host keys of the hosts that run; host key checking stays on."""
    known, sections = [], []
    for host in HOSTS.values():
        key = instance.state / f"{host.name}.pub"
        if not key.exists():
            continue
        kind, value = key.read_text().split()[:2]
        known.append(f"{host.name} {kind} {value}")
        sections.append(f"Host {host.name}\n  HostName {instance.address(host)}\n  HostKeyAlias {host.name}\n")
    (instance.state / "known_hosts").write_text("\n".join(known) + "\n")
    common = (
        f"Host *\n  User {OPERATOR}\n  IdentityFile {instance.state}/id_ed25519\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {instance.state}/known_hosts\n  GlobalKnownHostsFile /dev/null\n"
        "  StrictHostKeyChecking yes\n  ConnectTimeout 10\n"
    )
    instance.ssh_config.write_text("\n".join([*sections, common]))


def clear_away(instance: Instance, bridge: str) -> None:
    """Remove the bridge of a checkout that ended without taking its hosts down; never one with a host that answers."""
    with ThreadPoolExecutor(max_workers=len(HOSTS)) as pool:
        found = pool.map(lambda host: answers_ssh(instance.address(host), bridge), HOSTS.values())
        answering = [name for name, answers in zip(HOSTS, found, strict=True) if answers]
    if answering:
        raise LabError(
            f"instance {instance.number} is in use by another checkout ({', '.join(answering)} answer): take it down "
            f"there with `LAB_INSTANCE={instance.number} lab/lab.py down`, or choose another LAB_INSTANCE here"
        )
    note(f"removing the bridge {bridge}, left behind without hosts")
    run(["ip", "link", "delete", bridge])


def answers_ssh(address: str, bridge: str) -> bool:
    """Whether there is a host on this bridge; a gateway elsewhere may answer for addresses that it does not know."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode())
        connection.settimeout(1)
        return connection.connect_ex((address, 22)) == 0


def create_network(instance: Instance) -> None:
    """The instance's own subnet, on a bridge of its own.

    Podman counts bridges per folder of networks: two checkouts would share one, and the first to go down would cut the
    other off. Not every podman takes the bridge's name as an option.
    """
    bridge = f"lab{instance.number}"
    if Path("/sys/class/net", bridge).exists():
        clear_away(instance, bridge)
    podman("network", "create", "--subnet", f"10.77.{instance.number}.0/24", instance.network)
    path = STATE / "networks" / f"{instance.network}.json"
    found = json.loads(path.read_text())
    path.write_text(json.dumps({**found, "network_interface": bridge}))


def write_device_list(instance: Instance) -> None:
    """The model practice's list of phones as if exported today: one of last month proves nothing."""
    text = DEVICE_LIST.read_text(encoding="utf-8")
    days = re.compile(r"\b(\d\d)\.(\d\d)\.(\d{4})\b")
    first = days.search(text)
    if first is None:
        raise LabError(f"{DEVICE_LIST}: names no day")
    shift = date.today() - timedelta(days=1) - day_of(first)
    folder = instance.state / DEVICE_LIST.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    fresh = days.sub(lambda match: f"{day_of(match) + shift:%d.%m.%Y}", text)
    (folder / DEVICE_LIST.name).write_text(fresh, encoding="utf-8")


def day_of(match: re.Match[str]) -> date:
    return date(int(match[3]), int(match[2]), int(match[1]))


def up(instance: Instance, names: list[str]) -> None:
    """Build what is missing, start what is down, and leave every named host reachable over SSH."""
    started = time.monotonic()
    hosts = [HOSTS[name] for name in names]
    secrets_of(instance)
    write_device_list(instance)
    running = instance.running()
    missing = [host for host in hosts if host.name not in running]
    if missing:
        if instance.network not in podman("network", "ls", "--format", "{{.Name}}").split():
            create_network(instance)
        tags = build(missing)
        for host in missing:
            start(instance, host, tags[host.name])
    with ThreadPoolExecutor(max_workers=4) as pool:
        for host, key in zip(hosts, pool.map(lambda host: provision(instance, host), hosts), strict=True):
            (instance.state / f"{host.name}.pub").write_text(key + "\n")
    write_ssh_config(instance)
    for host in hosts:
        if host.own_kernel:
            instance.machine(host).wait(instance.ssh_config)
        run(["ssh", "-F", str(instance.ssh_config), host.name, "true"])
    note(f"{', '.join(names)} up after {time.monotonic() - started:.0f} s: ssh -F {instance.ssh_config} {names[0]}")


def down(instance: Instance, names: list[str]) -> None:
    for control in (instance.state / "cp").glob("*"):
        subprocess.run(["ssh", "-O", "exit", "-o", f"ControlPath={control}", "x"], capture_output=True, check=False)
        control.unlink(missing_ok=True)
    ours = containers("--all") & {instance.container(HOSTS[name]) for name in names}
    remove(ours)
    for name in names:
        if HOSTS[name].own_kernel:
            instance.machine(HOSTS[name]).stop()
        (instance.state / f"{name}.pub").unlink(missing_ok=True)
    if not instance.running():
        bridge = instance.bridge()
        if bridge:  # without a network of ours the name is another checkout's, and its hosts would go with it
            podman("network", "rm", "--force", instance.network, quiet=True)
            run(["ip", "link", "delete", bridge], quiet=True)  # podman leaves one that it did not make


def clean() -> None:
    """Remove every container, machine, network and image of the lab, and its folder."""
    for folder in STATE.glob("[0-9]*"):
        for host in HOSTS.values():
            if host.own_kernel:
                Instance(int(folder.name)).machine(host).stop()
    remove(containers("--all"))
    for network in podman("network", "ls", "--format", "{{.Name}}").split():
        if network.startswith("praxisschild-"):
            podman("network", "rm", "--force", network)
    images = json.loads(podman("image", "ls", "--format", "json"))
    names = [name for image in images for name in image.get("Names") or [] if name.startswith(IMAGE_PREFIX)]
    if names:
        podman("image", "rm", "--force", *names)
    podman("image", "prune", "--force", "--filter=label=praxisschild=lab", quiet=True)
    shutil.rmtree(STATE, ignore_errors=True)


def stick(instance: Instance, found: argparse.Namespace) -> None:
    machine = instance.machine(HOSTS[found.host[0]])
    if found.command == "plug":
        machine.plug(found.image, found.id, read_only=found.read_only)
    else:
        machine.unplug(found.id)


def stand_ins_command(instance: Instance, command: str, names: list[str]) -> None:
    """What up, down and fresh are to the Windows hosts."""
    started = time.monotonic()
    if command in {"down", "fresh"}:
        stand_ins.stop(instance.state, names)
    if command == "fresh":
        stand_ins.reset(instance.state, names)
    if command in {"up", "fresh"} and names:
        STATE.mkdir(exist_ok=True)
        STATE.chmod(0o700)
        stand_ins.start(instance.state, instance.number, names)
        note(f"{', '.join(names)} up after {time.monotonic() - started:.0f} s (stand-ins, no real Windows)")


def stand_ins_status(instance: Instance) -> None:
    for host in stand_ins.HOSTS.values():
        up_or_down = "up" if stand_ins.pid(instance.state / host.name) else "down"
        print(f"{host.name:16} {host.address(instance.number):14} {up_or_down} (stand-in)")


def status(instance: Instance) -> None:
    running = instance.running()
    for host in HOSTS.values():
        print(f"{host.name:16} {instance.address(host):14} {'up' if host.name in running else 'down'}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("up", "build, start and open the way in (default: the practice's hosts)"),
        ("down", "remove hosts; all of them if none is named"),
        ("fresh", "down and up again: hosts as on their first day"),
    ):
        sub = commands.add_parser(name, help=text)
        sub.add_argument("host", nargs="*", help=", ".join([*HOSTS, *stand_ins.HOSTS]))
    for name, text in (("plug", "put a USB stick into a virtual machine"), ("unplug", "pull it out")):
        sub = commands.add_parser(name, help=text)
        sub.add_argument("host", nargs=1, choices=[host.name for host in HOSTS.values() if host.own_kernel])
        if name == "plug":
            sub.add_argument("image", type=Path, help="file with the stick's content, partition table or file system")
            sub.add_argument("--read-only", action="store_true", help="a stick with its write protection on")
        sub.add_argument("--id", default="stick", help="name of the stick, also its serial number (default: stick)")
    sub = commands.add_parser("windows", help="show a stand-in's state, or break it by hand: windows pc-1 show")
    sub.add_argument("host", nargs=1, choices=list(stand_ins.HOSTS))
    sub.add_argument("rest", nargs=argparse.REMAINDER)
    commands.add_parser("build", help="build all images, start nothing")
    commands.add_parser("status", help="which hosts are up, and where")
    commands.add_parser("clean", help="remove containers, networks, images and .lab")
    sub = commands.add_parser("podman", help="run podman with the lab's settings, for example: podman ps")
    sub.add_argument("rest", nargs=argparse.REMAINDER)
    found = parser.parse_args()
    for name in getattr(found, "host", []):
        if name not in HOSTS and name not in stand_ins.HOSTS:
            parser.error(f"unknown host {name!r}: choose from {', '.join([*HOSTS, *stand_ins.HOSTS])}")
    return found


def hosts_command(instance: Instance, found: argparse.Namespace) -> None:
    """What up, down and fresh do: to the stand-ins, and to the hosts that need podman."""
    windows = [name for name in found.host if name in stand_ins.HOSTS]
    others = [name for name in found.host if name in HOSTS]
    if found.command == "down" and not found.host:
        windows = list(stand_ins.HOSTS)
    stand_ins_command(instance, found.command, windows)
    if found.host and not others:
        return
    prepare_machine()
    if found.command in {"down", "fresh"}:
        down(instance, others or list(HOSTS))
    if found.command in {"up", "fresh"}:
        up(instance, others or PRACTICE_HOSTS)


def main() -> int:
    found = arguments()
    try:
        instance = Instance(int(os.environ.get("LAB_INSTANCE", "0")))
        match found.command:
            case "up" | "down" | "fresh":
                hosts_command(instance, found)
            case "windows":
                return stand_ins.edit(instance.state, found.host[0], found.rest)
            case _:
                # before podman is asked for: they do without it
                if found.command == "status":
                    stand_ins_status(instance)
                if found.command == "clean":
                    for folder in STATE.glob("[0-9]*"):
                        stand_ins.stop(folder, list(stand_ins.HOSTS))
                prepare_machine()
                return other_command(instance, found)
    except (LabError, stand_ins.WindowsError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 3
    return 0


def other_command(instance: Instance, found: argparse.Namespace) -> int:
    match found.command:
        case "plug" | "unplug":
            stick(instance, found)
        case "build":
            build(list(HOSTS.values()))
        case "status":
            status(instance)
        case "clean":
            clean()
        case "podman":
            rest = found.rest[1:] if found.rest[:1] == ["--"] else found.rest
            return subprocess.run(["podman", *rest], check=False).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
