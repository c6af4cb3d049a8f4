"""What outside judges say of the hosts: Lynis, ssh-audit, systemd-analyze security, testssl.sh.

Each judge looks twice in one run, at a fresh host and after the baseline. None of them is the aim: a figure that gets
worse is named, a figure that gets better proves no requirement.
"""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisschild.connection import RemoteHost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from praxisschild.inventory import Inventory

LYNIS = """
import subprocess, time
started = time.monotonic()
subprocess.run(["lynis", "audit", "system", "--quiet", "--no-colors"], capture_output=True, check=True)
lines = open("/var/log/lynis-report.dat", encoding="utf-8", errors="replace").read().splitlines()
found = [line.partition("=") for line in lines]
print(json.dumps({
    "index": next(int(value) for key, _, value in found if key == "hardening_index"),
    "warnings": sum(key == "warning[]" for key, _, _ in found),
    "suggestions": sum(key == "suggestion[]" for key, _, _ in found),
    "seconds": time.monotonic() - started,
}))
"""
INSTALL_LYNIS = """
import os, subprocess
quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
command = ["apt-get", "install", "-qqy", "--no-install-recommends", "lynis"]
done = subprocess.run(command, capture_output=True, text=True, env=quiet)
if done.returncode:
    subprocess.run(["apt-get", "update", "-qq"], capture_output=True, env=quiet)
    done = subprocess.run(command, capture_output=True, text=True, env=quiet)
print(json.dumps(done.stderr if done.returncode else ""))
"""
# of all that run, and of our own, most of which run for a moment only and are not listed by themselves
EXPOSURE = r"""
import glob, os, re, subprocess
analyze = ["systemd-analyze", "security", "--no-pager"]
listed = json.loads(subprocess.run([*analyze, "--json=short"], capture_output=True, text=True, check=True).stdout)
found = {one["unit"]: float(one["exposure"]) for one in listed}
files = glob.glob("/etc/systemd/system/praxisschild-*.service")
for own in sorted(os.path.basename(file).replace("@.", "@bench.") for file in files):
    said = subprocess.run([*analyze, own], capture_output=True, text=True).stdout
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    if level:
        found[own.replace("@bench.", "@.")] = float(level[1])
print(json.dumps(found))
"""
# listening on an address that others reach
LISTENERS = """
import subprocess
lines = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout.splitlines()
local = [line.split()[3].rpartition(":") for line in lines]
print(json.dumps(sorted({int(port) for address, _, port in local if not address.startswith(("127.", "[::1]"))})))
"""
OWN_UNITS = "praxisschild-"
NOT_TLS = 22
SEVERE = ("HIGH", "CRITICAL")
# what only a public authority offers; the practice's own is in no browser's list and revokes by being replaced
PUBLIC_TRUST = frozenset({"cert_trust", "cert_chain_of_trust", "cert_revocation", "OCSP_stapling"})


@dataclass(frozen=True)
class Opinion:
    """All that the judges say of one host at one moment.

    `lynis` is empty where it was not asked; `tls` holds findings per open TLS port.
    """

    lynis: Mapping[str, float]
    ssh: Mapping[str, int]
    exposure: Mapping[str, float]
    tls: Mapping[int, Sequence[str]] = field(default_factory=dict)


def prepare(inventory: Inventory, host: str) -> None:
    """Install Lynis, which looks from inside."""
    if trouble := _everywhere(inventory, [host], INSTALL_LYNIS, 180)[host]:
        raise SystemExit(f"{host}: lynis cannot be installed: {trouble}")


def opinions(inventory: Inventory, hosts: Sequence[str], audited: str) -> dict[str, Opinion]:
    """What the judges say of the hosts now; Lynis, which takes long, looks at `audited` only."""
    lynis = _everywhere(inventory, [audited], LYNIS, 240)
    exposure = _everywhere(inventory, hosts, EXPOSURE, 60)
    ports = _everywhere(inventory, hosts, LISTENERS, 30)
    addresses = {name: _address(inventory, name) for name in hosts}
    return {
        name: Opinion(
            lynis.get(name, {}),
            _ssh_audit(addresses[name]),
            exposure[name],
            {
                port: _testssl(addresses[name], port)
                for port in ports[name]
                if port != NOT_TLS and _speaks_tls(addresses[name], port)
            },
        )
        for name in hosts
    }


def _everywhere(inventory: Inventory, hosts: Sequence[str], script: str, timeout: float) -> dict[str, Any]:
    def ask(host: RemoteHost) -> Any:
        try:
            return host.python_as_root(script, timeout=timeout)
        finally:
            host.close()

    remote = [RemoteHost(inventory.connection(name)) for name in hosts]  # Ansible's plugins take no second thread
    with ThreadPoolExecutor(len(hosts)) as pool:
        return dict(zip(hosts, pool.map(ask, remote), strict=True))


def _address(inventory: Inventory, name: str) -> str:
    """Where the host is, in numbers: the judges that look from outside do not read ssh_config."""
    connection = inventory.connection(name)
    command = ["ssh", "-G", *connection.ssh_arguments, connection.address]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return next(line.split()[1] for line in lines if line.startswith("hostname "))


def _ssh_audit(address: str) -> dict[str, int]:
    command = ["ssh-audit", "--json", "--port", "22", address]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    report = json.loads(said)
    notes = [one.get("notes", {}) for kind in ("kex", "key", "enc", "mac") for one in report[kind]]
    return {level: sum(len(note.get(level, ())) for note in notes) for level in ("fail", "warn")}


def _speaks_tls(address: str, port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((address, port), 2) as raw, context.wrap_socket(raw):
            return True
    except ssl.SSLError as error:
        # a listener that wants a certificate of ours says so in TLS
        return "ALERT" in (error.reason or "")
    except OSError:
        return False


def _testssl(address: str, port: int) -> list[str]:
    """Findings of testssl.sh that are more than a hint, as `SEVERITY id: finding`."""
    program = shutil.which("testssl") or shutil.which("testssl.sh")
    if program is None:
        raise SystemExit("testssl.sh is missing: lab/setup bench")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        command = [program, "--quiet", "--color", "0", "--warnings", "off", "--protocols", "--standard", "--fs"]
        command += ["--server-defaults", "--vulnerable", "--jsonfile", str(file), f"{address}:{port}"]
        subprocess.run(command, capture_output=True, check=False, timeout=150, stdin=subprocess.DEVNULL)
        found = json.loads(file.read_text(encoding="utf-8"))
    return [
        f"{one['severity']} {one['id']}: {one['finding']}"
        for one in found
        if one["severity"] in {"MEDIUM", *SEVERE} and one["id"].partition(" ")[0] not in PUBLIC_TRUST
    ]


@dataclass(frozen=True)
class Figure:
    """One figure before and after; `worse` says in words what got worse, or is empty."""

    judge: str
    what: str
    before: str
    after: str
    worse: str = ""


def compare(name: str, before: Opinion, after: Opinion) -> list[Figure]:
    """A host's figures side by side."""
    figures = []

    def add(judge: str, what: str, old: float, new: float, *, less_is_better: bool = True) -> None:
        bad = new > old if less_is_better else new < old
        figures.append(Figure(judge, f"{name}: {what}", f"{old:g}", f"{new:g}", f"{old:g} → {new:g}" if bad else ""))

    if before.lynis:
        add("Lynis", "hardening index", before.lynis["index"], after.lynis["index"], less_is_better=False)
        for kind in ("warnings", "suggestions"):
            add("Lynis", kind, before.lynis[kind], after.lynis[kind])
    for level in ("fail", "warn"):
        add("ssh-audit", f"findings of level {level}", before.ssh[level], after.ssh[level])
    figures += _exposures(name, before.exposure, after.exposure)
    figures += _tls(name, before.tls, after.tls)
    return figures


def _exposures(name: str, before: Mapping[str, float], after: Mapping[str, float]) -> list[Figure]:
    """Units that were there before may not become more exposed; what a role brings is shown apart."""
    judge = "systemd-analyze security"
    both = sorted(before.keys() & after.keys())
    up = [f"{unit} {before[unit]:g} → {after[unit]:g}" for unit in both if after[unit] > before[unit]]
    own = {unit: value for unit, value in after.items() if unit.startswith(OWN_UNITS)}
    foreign = {unit: value for unit, value in after.items() if unit not in before and unit not in own}
    return [
        Figure(
            judge,
            f"{name}: mean exposure of the {len(both)} units that stayed",
            _mean([before[unit] for unit in both]),
            _mean([after[unit] for unit in both]),
            ", ".join(up),
        ),
        Figure(judge, f"{name}: mean of all units", _count(before), _count(after)),
        Figure(judge, f"{name}: our own units", "–", _count(own)),
        Figure(judge, f"{name}: units of packages that roles install", "–", _count(foreign)),
    ]


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.2f}" if values else "–"


def _count(exposure: Mapping[str, float]) -> str:
    if not exposure:
        return "none"
    worst = max(exposure, key=lambda unit: exposure[unit])
    mean = _mean(list(exposure.values()))
    return f"{mean} ({len(exposure)}, sum {sum(exposure.values()):.1f}, worst {worst} {exposure[worst]:g})"


def _tls(name: str, before: Mapping[int, Sequence[str]], after: Mapping[int, Sequence[str]]) -> list[Figure]:
    if not before and not after:
        return [Figure("testssl.sh", f"{name}: no port speaks TLS", "skipped", "skipped")]
    figures = []
    for port in sorted({*before, *after}):
        old, new = before.get(port), after.get(port, ())
        known = set(old or ())
        # a listener that a role brings is held against having none
        fresh = [one for one in new if one not in known and (old is not None or one.startswith(SEVERE))]
        was = "closed" if old is None else f"{len(old)} findings"
        figures.append(
            Figure("testssl.sh", f"{name}: TLS on port {port}", was, f"{len(new)} findings", "; ".join(fresh))
        )
    return figures
