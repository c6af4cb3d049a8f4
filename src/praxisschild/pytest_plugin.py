"""pytest as the runner of compliance checks. Inactive unless ``--practice`` is given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from praxisschild.compliance import ComplianceSession, Neighbour
    from praxisschild.connection import RemoteHost
    from praxisschild.mdm.subject import MobileSubject
    from praxisschild.practice import Practice
    from praxisschild.snapshot import Snapshot, WindowsSnapshot
    from praxisschild.windows_connection import WindowsHost

_SESSION = "praxisschild-session"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of a compliance run."""
    group = parser.getgroup("praxisschild", "compliance of a practice")
    group.addoption("--practice", type=Path, metavar="FOLDER", help="inventory folder of the practice to verify")
    group.addoption("--host", action="append", default=[], metavar="HOST[,HOST]", help="only this host (repeatable)")
    group.addoption(
        "--requirement", action="append", default=[], metavar="ID", help="only this requirement (repeatable)"
    )
    group.addoption("--no-probes", action="store_true", help="configuration checks only, no live experiments")
    group.addoption(
        "--evidence", type=Path, metavar="FOLDER", help="write results, report and snapshots below this folder"
    )
    group.addoption(
        "--drift", type=Path, metavar="FOLDER", help="a drift run's folder: earlier results, changes made since"
    )
    group.addoption(
        "--mobile-list",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a device list instead of the declared",
    )
    group.addoption(
        "--check-results", type=Path, metavar="FILE", help="write the checks' results as JSON, without evidence"
    )
    group.addoption("--replay", type=Path, metavar="FOLDER", help="judge the snapshots in this folder, contact no host")


def pytest_configure(config: pytest.Config) -> None:
    """Open the practice, so that a mistake in its folder stops the run before anything is collected."""
    config.addinivalue_line("markers", "requirement(*ids): the requirements that the check proves")
    config.addinivalue_line("markers", "probe: a live experiment, not only a look at the configuration")
    config.addinivalue_line(
        "markers", "xdist_group(name): keeps a host's checks together; without xdist it says nothing"
    )
    if config.option.practice is not None:
        # a test run that has nothing to do with a practice should not pay for Ansible's import
        from praxisschild.compliance import ComplianceSession
        from praxisschild.errors import PraxisschildError

        try:
            session = ComplianceSession(config)
        except PraxisschildError as error:
            raise pytest.UsageError(str(error)) from None
        config.pluginmanager.register(session, _SESSION)


def _session(request: pytest.FixtureRequest) -> ComplianceSession:
    session = request.config.pluginmanager.get_plugin(_SESSION)
    if session is None:
        pytest.skip("give --practice inventories/<practice>")
    return cast("ComplianceSession", session)


@pytest.fixture
def practice(request: pytest.FixtureRequest) -> Practice:
    """The practice's facts."""
    return _session(request).practice


@pytest.fixture
def snapshot(request: pytest.FixtureRequest, host_name: str) -> Snapshot:
    """The effective state of one Linux host, read in one round trip."""
    return cast("Snapshot", _session(request).snapshot_or_verdict(host_name))


@pytest.fixture
def windows(request: pytest.FixtureRequest, host_name: str) -> WindowsSnapshot:
    """The effective state of one Windows host, read in one round trip; what asks for it is run on Windows hosts."""
    return cast("WindowsSnapshot", _session(request).snapshot_or_verdict(host_name))


@pytest.fixture
def remote(request: pytest.FixtureRequest, host_name: str) -> RemoteHost:
    """The connection to a Linux host that has been reached."""
    return cast("RemoteHost", _session(request).reached_remote(host_name))


@pytest.fixture
def windows_remote(request: pytest.FixtureRequest, host_name: str, windows: WindowsSnapshot) -> WindowsHost:
    """The connection to a Windows host that has been reached."""
    del windows  # asked for, so that the check runs on Windows hosts
    return cast("WindowsHost", _session(request).reached_remote(host_name))


@pytest.fixture
def root(remote: RemoteHost) -> Callable[..., Any]:
    """Run a Python script as root on the host; returns the JSON document that it prints."""
    return remote.python_as_root


@pytest.fixture
def neighbour(request: pytest.FixtureRequest, host_name: str) -> Neighbour:
    """Another host of the practice."""
    return _session(request).neighbour(host_name)


@pytest.fixture
def host_named(request: pytest.FixtureRequest) -> Callable[[str], Neighbour]:
    """Any host of the practice, by its name."""
    return _session(request).named


@pytest.fixture
def snapshot_of(request: pytest.FixtureRequest) -> Callable[[str], Snapshot | WindowsSnapshot]:
    """The effective state of any host of the practice, by its name."""
    return _session(request).snapshot_or_verdict


@pytest.fixture
def mobile(request: pytest.FixtureRequest, mobile_name: str) -> MobileSubject:
    """One smartphone or tablet of the practice, as a device list of its management tells."""
    return _session(request).mobile[mobile_name]


@pytest.fixture
def device_lists(request: pytest.FixtureRequest) -> tuple[MobileSubject, ...]:
    """All smartphones and tablets of the practice."""
    return tuple(_session(request).mobile.values())


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Say in German what was measured; the report shows it beside what is demanded."""

    def record(text: str) -> None:
        request.node.user_properties.append(("measured", text))

    return record
