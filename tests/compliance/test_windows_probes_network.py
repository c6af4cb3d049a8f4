"""Connections from here to a Windows host: what the practice has not named does not answer."""

from __future__ import annotations

import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from praxisschild.checks import not_tested, requirement

pytestmark = pytest.mark.probe

# RPC, NetBIOS, SMB, SQL Server, Remote Desktop, databases of practice software, VNC, WinRM, HTTP.SYS
PORTS = (80, 135, 139, 443, 445, 1433, 3050, 3306, 3389, 5357, 5432, 5800, 5900, 5985, 5986, 8080, 47001)
SECONDS = 3.0


def _answers(address: str, port: int) -> bool:
    """Whether somebody is there: sends something, or listens on. A filter drops the packet, or hangs up at once."""
    try:
        with socket.create_connection((address, port), SECONDS) as connection:
            connection.settimeout(1.0)
            connection.sendall(b"\r\n")
            try:
                return bool(connection.recv(1))
            except TimeoutError:
                return True
    except OSError:
        return False


def _our_address(address: str, port: int) -> str:
    """The address that the host sees us come from."""
    with socket.create_connection((address, port), SECONDS) as connection:
        return str(connection.getsockname()[0])


@requirement("2021-A1-32", "KVWL-05")
def test_no_port_of_windows_answers_here_that_nobody_named(windows_remote, windows, practice, host_name, measured):
    """A filter that only looks right lets in what it should not; a packet tells."""
    del windows
    connection = windows_remote.connection
    management = int(connection.variables.get("ansible_port") or 5986)
    try:
        source = ipaddress.ip_address(_our_address(connection.address, management))
    except OSError as error:
        not_tested(f"Von hier ist der Host nicht zu erreichen, vielleicht über einen Vermittler: {error}")
    named = {
        service.port
        for service in practice.services_of(host_name)
        if service.protocol == "tcp" and any(source in network for network in practice.sources_of(service))
    }
    knocked = [port for port in PORTS if port not in {*named, management}]
    with ThreadPoolExecutor(len(knocked)) as pool:
        answers = dict(zip(knocked, pool.map(lambda port: _answers(connection.address, port), knocked), strict=True))
    found = sorted(port for port, answered in answers.items() if answered)
    measured(
        f"Von {source} aus antworten ungenannte Ports: {', '.join(map(str, found)) or 'keine'} (von {len(knocked)})"
    )
    assert not found
