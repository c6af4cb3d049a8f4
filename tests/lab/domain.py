"""A domain for the length of a test: a real Samba AD DC with network, processes and a view of the files of its own.

Nothing of it is seen from outside, and everything ends with the one process that holds the namespaces.
"""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

REALM = "PRAXIS.TEST"
DOMAIN = "PRAXIS"
PASSWORD = "Nur-für-Tests-4711"  # noqa: S105 # nobody's
ADMINISTRATOR = f"Administrator%{PASSWORD}"
URL = "ldap://dc1.praxis.test"
ADDRESS = "10.77.0.1"  # inside only; Samba takes no loopback address for a name that others look up
HOSTS = f"127.0.0.1 localhost\n{ADDRESS} dc1.praxis.test dc1\n"
RESOLVER = f"search praxis.test\nnameserver {ADDRESS}\n"
KERBEROS = f"""[libdefaults]
default_realm = {REALM}
dns_lookup_realm = false
dns_lookup_kdc = true
"""
# /etc and /var are seen as they are, and what programs write there goes into memory
BEGIN = """
set -e
ip address add {address}/24 dev lo
ip link set lo up
mount -t tmpfs none {place}/own
for folder in etc var; do
  mkdir {place}/own/$folder {place}/own/$folder.work
  mount -t overlay none -o lowerdir=/$folder,upperdir={place}/own/$folder,workdir={place}/own/$folder.work /$folder
done
rm -f /etc/resolv.conf
cp {place}/hosts {place}/resolv.conf {place}/krb5.conf /etc
hostname dc1
echo ready
exec sleep infinity
"""
NUMBERS = """
for number in $(seq 3000000 3000099); do
  echo "domain-$number:x:$number:$number::/nonexistent:/usr/sbin/nologin" >> /etc/passwd
  echo "domain-$number:x:$number:" >> /etc/group
done
"""


@dataclass
class Domain:
    """The DC's folder, and the process that holds its namespaces; `with` starts and ends it."""

    place: Path
    _holder: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.place.mkdir(parents=True, exist_ok=True)
        for name, content in (("hosts", HOSTS), ("resolv.conf", RESOLVER), ("krb5.conf", KERBEROS)):
            (self.place / name).write_text(content, encoding="utf-8")
        (self.place / "base.conf").write_text("[global]\n", encoding="utf-8")
        (self.place / "own").mkdir()
        script = BEGIN.format(place=self.place, address=ADDRESS)
        command = [
            "unshare",
            "--net",
            "--mount",
            "--pid",
            "--uts",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            script,
        ]
        self._holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            assert self._holder.stdout is not None
            said = self._holder.stdout.readline()
            assert said == "ready\n", said + self._holder.stdout.read()
            self._provision()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._holder:
            self._holder.kill()  # its child is the first process inside: with it, the kernel ends all others
            self._holder.wait(10)

    @property
    def configuration(self) -> Path:
        return self.place / "dc/etc/smb.conf"

    @property
    def _inside(self) -> list[str]:
        assert self._holder
        children = (
            Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text(encoding="ascii").split()
        )
        return ["nsenter", "--target", children[0], "--net", "--mount", "--pid", "--uts", "--"]

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.place)}

    def run(self, *command: str, code: int = 0, seconds: float = 300) -> str:
        """Run a program inside; what it says."""
        done = subprocess.run(
            [*self._inside, *command],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds,
        )
        assert done.returncode == code, f"{' '.join(command)}\n{done.stdout[-4000:]}"
        return done.stdout

    def tool(self, *arguments: str) -> str:
        """samba-tool as the domain's administrator."""
        return self.run("samba-tool", *arguments, "--configfile", str(self.configuration), "-U", ADMINISTRATOR)

    def put(self, *arguments: str) -> str:
        """samba_gpo.py's `put`, with the account of the domain's administrator."""
        script = str(Path(__file__).with_name("samba_gpo.py"))
        return self.run("/usr/bin/python3", script, "put", *arguments, str(self.configuration), ADMINISTRATOR)

    def join(self, name: str = "CLIENT1") -> Path:
        """Make this machine, as seen from inside, a Linux client of the domain; its configuration."""
        place = self.place / name.lower()
        folders = {f"{word} directory": place / word for word in ("state", "cache", "lock", "pid")}
        folders["private dir"] = place / "private"
        options = {
            "netbios name": name,
            "workgroup": DOMAIN,
            "realm": REALM,
            "security": "ads",
            "log file": place / "log",
        }
        for folder in folders.values():
            folder.mkdir(parents=True)
        lines = [f"{key} = {value}" for key, value in {**options, **folders}.items()]
        configuration = place / "smb.conf"
        configuration.write_text("\n".join(["[global]", "interfaces = lo", *lines, ""]), encoding="utf-8")
        # what libnss-winbind would say of the numbers that the domain gives its accounts
        self.run("sh", "-c", NUMBERS)
        self.run("net", "ads", "join", "--no-dns-updates", "-U", ADMINISTRATOR, "--configfile", str(configuration))
        return configuration

    def _provision(self) -> None:
        options = {
            "interfaces": "lo",
            "bind interfaces only": "yes",
            "log file": str(self.place / "log.%m"),
            "pid directory": str(self.place),
            "dns forwarder": "",
        }
        self.run(
            *("samba-tool", "domain", "provision", "--configfile", str(self.place / "base.conf")),
            *(f"--realm={REALM}", f"--domain={DOMAIN}", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL"),
            *(f"--adminpass={PASSWORD}", "--host-name=dc1", f"--host-ip={ADDRESS}", f"--targetdir={self.place / 'dc'}"),
            *(f"--option={name}={value}" for name, value in options.items()),
        )
        with (self.place / "samba.log").open("w", encoding="utf-8") as log:
            subprocess.Popen(
                [*self._inside, "samba", "-i", "-M", "single", "-s", str(self.configuration), "--debug-stdout"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        ends = time.monotonic() + 60
        while True:
            try:
                self.tool("gpo", "listall", "-H", URL)
            except AssertionError:
                assert time.monotonic() < ends, (self.place / "samba.log").read_text(encoding="utf-8")[-4000:]
                time.sleep(0.2)
            else:
                return
