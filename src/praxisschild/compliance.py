"""One run of compliance checks: the practice, its hosts as parameters, and what every check says."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.applicability import dropped_requirements, edition_of, why_not_applicable
from praxisschild.assessment import assess
from praxisschild.attestations import load_attestations
from praxisschild.checks import Verdict
from praxisschild.connection import RemoteHost
from praxisschild.coverage import Project, summarise
from praxisschild.drift import drift_since
from praxisschild.errors import HostUnreachable, PraxisschildError
from praxisschild.evidence import bundles, latest_bundle, load_bundle, write_bundle
from praxisschild.evidence.seal import Seal
from praxisschild.evidence.timestamp import Authority, load_roots
from praxisschild.inventory import PROJECT, Connection, PracticeFolder, open_practice
from praxisschild.mdm.declared import MobileDevices
from praxisschild.mdm.subject import list_files, subjects
from praxisschild.reassessment import edition_facts, kept
from praxisschild.results import CheckResult, DroppedSetting, HostState, Part, PracticeFacts, Run, Status
from praxisschild.snapshot import Snapshot, WindowsSnapshot, read_snapshot
from praxisschild.trend import earlier_runs, trend_of
from praxisschild.windows_connection import WindowsHost

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from praxisschild.catalogue import Catalogue
    from praxisschild.mdm.subject import MobileSubject
    from praxisschild.practice import Deviation, Practice

_RECORD = "praxisschild"


@dataclass
class Reached:
    """A host's connection and, once taken, its snapshot or the reason why there is none."""

    remote: RemoteHost | WindowsHost
    snapshot: Snapshot | WindowsSnapshot | None = None
    taken: str | None = None
    reason: str | None = None


@dataclass
class Neighbour:
    """Another host of the practice, as a probe uses it to look at the first one from outside."""

    name: str
    address: str
    remote: RemoteHost

    @property
    def host(self) -> Any:
        return self.remote.testinfra

    def root(self, script: str, *arguments: str, stdin_data: Any = None, timeout: float = 300) -> Any:
        return self.remote.python_as_root(script, *arguments, stdin_data=stdin_data, timeout=timeout)


class ComplianceSession:
    """What one run of the checks holds: the practice, its hosts, and every check's result."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        options = config.option
        self.opened: PracticeFolder = open_practice(options.practice, strict=False)
        self.practice: Practice = self.opened.practice
        self.today = datetime.now(UTC).date()
        self.started = datetime.now(UTC)
        self.chosen = [name for names in options.host for name in names.split(",")]
        unknown = set(self.chosen) - set(self.opened.inventory.hosts)
        if unknown:
            known = ", ".join(self.opened.inventory.hosts)
            raise pytest.UsageError(f"--host: no host {min(unknown)!r} in this practice, only {known}")
        self.platforms = {host: self.opened.inventory.platform(host) for host in self.opened.inventory.hosts}
        self.hosts = [host for host in self.opened.inventory.hosts if not self.chosen or host in self.chosen]
        self.wanted = {code for name in options.requirement for code in self._codes(name)}
        self.reached: dict[str, Reached] = {}
        self.records: list[dict[str, Any]] = []
        self.bundle: Path | None = None
        self.notes: list[str] = []  # what a person should know about the evidence (German)
        worker = getattr(config, "workerinput", None)
        self.is_worker = worker is not None
        self.mobile = self._mobile()
        folder = self.opened.inventory.directory / self.practice.attestations
        self.attestations = load_attestations(folder, self.opened.catalogue, self.today)
        # before the run: a wrong passphrase should not be found when an hour of checks waits to be kept
        self.seal = None if self.is_worker or not options.evidence else Seal.of_this_machine(self._authority())
        self.folder = Path(worker["praxisschild"]) if worker else Path(tempfile.mkdtemp(prefix="praxisschild-run-"))

    def _mobile(self) -> dict[str, MobileSubject]:
        """The practice's smartphones and tablets by name; none where it declares none, or only hosts are asked for."""
        lists: list[Path] = self.config.option.mobile_list
        declared = self.practice.mobile_devices or (MobileDevices() if lists else None)
        # kept snapshots are of another day than today's device lists
        if declared is None or self.chosen or self.config.option.replay:
            return {}
        found = subjects(declared, lists or list_files(declared, self.opened.inventory.directory), self.started)
        return {one.name: one for one in found}

    def _authority(self) -> Authority | None:
        """Who stamps this practice's evidence."""
        configured = self.practice.evidence
        if configured.timestamp_authority is None:
            return None
        roots = load_roots(self.opened.inventory.directory / configured.timestamp_ca) if configured.timestamp_ca else ()
        return Authority(configured.timestamp_authority, roots)

    def _codes(self, name: str) -> set[str]:
        """Ids under which the code may know a requirement that a person named in any edition's numbering."""
        self.opened.catalogue.requirement(name)
        return {name, self.opened.catalogue.oldest(name)}

    # -- hosts -------------------------------------------------------------------------------------------------------

    def remote(self, name: str) -> RemoteHost | WindowsHost:
        if name not in self.reached:
            self.reached[name] = Reached(self._remote(name))
        return self.reached[name].remote

    def _remote(self, name: str) -> RemoteHost | WindowsHost:
        if self.config.option.replay:  # nothing connects, so that no secret has to be at hand
            return RemoteHost(Connection(name, name, None, None, None, (), None))
        if self.platforms[name] == "windows":
            return WindowsHost(self.opened.inventory.windows_connection(name))
        return RemoteHost(self.opened.inventory.connection(name))

    def snapshot(self, name: str) -> Snapshot | WindowsSnapshot:
        """The host's state, read once per run.

        Raises:
            HostUnreachable: with the reason, every time it is asked for.
        """
        remote = self.remote(name)
        reached = self.reached[name]
        if reached.snapshot is None and reached.reason is None:
            self._take(remote, reached)
        if reached.snapshot is None:
            raise HostUnreachable(reached.reason)
        return reached.snapshot

    def snapshot_or_verdict(self, name: str) -> Snapshot | WindowsSnapshot:
        """The host's state; without it the check ends as not tested, never as passed."""
        try:
            return self.snapshot(name)
        except HostUnreachable as error:
            raise Verdict(Status.NOT_TESTED, str(error)) from None

    def reached_remote(self, name: str) -> RemoteHost | WindowsHost:
        """The connection to a host that has been reached; without it the check ends as not tested."""
        self.snapshot_or_verdict(name)
        return self.remote(name)

    def _take(self, remote: RemoteHost | WindowsHost, reached: Reached) -> None:
        if self.config.option.replay:
            document = _kept_state(self.config.option.replay, remote.name)
            if document is None:
                reached.reason = "kein aufbewahrter Zustand dieses Hosts"
                return
        else:
            try:
                document = remote.snapshot_document()
            except HostUnreachable as error:
                reached.reason = str(error)
                return
            except RuntimeError as error:
                reached.reason = f"Zustandsaufnahme gescheitert: {error}"
                return
        reached.snapshot = read_snapshot(document)
        reached.taken = datetime.now(UTC).isoformat(timespec="seconds")
        folder = self.folder / "snapshots"
        folder.mkdir(exist_ok=True)
        (folder / f"{remote.name}.json").write_text(json.dumps(document, ensure_ascii=False, sort_keys=True), "utf-8")

    def address(self, name: str) -> str:
        """The host's own address as its neighbours see it."""
        return self.snapshot(name).address

    def neighbour(self, name: str) -> Neighbour:
        """Another reachable host of the practice."""
        self.snapshot_or_verdict(name)
        for other in self.opened.inventory.hosts:
            remote = self.remote(other)
            if other != name and isinstance(remote, RemoteHost):  # what experiments from there are written for
                try:
                    return Neighbour(other, self.address(other), remote)
                except HostUnreachable:
                    continue
        raise Verdict(Status.NOT_TESTED, "kein zweiter erreichbarer Host in der Praxis")

    def named(self, name: str) -> Neighbour:
        """The host of this name; if it cannot be reached the check ends as not tested."""
        remote = self.reached_remote(name)
        if not isinstance(remote, RemoteHost):
            raise Verdict(Status.NOT_TESTED, f"{name} ist ein Windows-Host; dieser Versuch braucht dort Linux")
        return Neighbour(name, self.address(name), remote)

    # -- which checks run --------------------------------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "host_name" in metafunc.fixturenames:
            platform = "windows" if "windows" in metafunc.fixturenames else "linux"
            hosts = [host for host in self.hosts if self.platforms[host] == platform]
            marks = [pytest.param(host, marks=pytest.mark.xdist_group(host)) for host in hosts]
            metafunc.parametrize("host_name", marks, scope="session")
        if "mobile_name" in metafunc.fixturenames:
            names = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in self.mobile]
            metafunc.parametrize("mobile_name", names, scope="session")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        keep: list[pytest.Item] = []
        leave: list[pytest.Item] = []
        for item in items:
            codes = self._requirements(item)
            probe = item.get_closest_marker("probe") is not None
            chosen = not self.wanted or self.wanted & set(codes)
            possible = not (probe and (config.option.no_probes or config.option.replay))
            asked = _has_subject(item) and (bool(self.mobile) or not _of_mobile_devices(item))
            (keep if chosen and possible and asked and self._applicable(codes) else leave).append(item)
        if leave:
            config.hook.pytest_deselected(items=leave)
            items[:] = keep
        # configuration checks of all hosts first, then the experiments
        items.sort(key=lambda item: item.get_closest_marker("probe") is not None)

    def _requirements(self, item: pytest.Item) -> list[str]:
        codes = [code for marker in item.iter_markers("requirement") for code in marker.args]
        if not codes:
            raise pytest.UsageError(f'{item.nodeid}: a check names its requirement: @requirement("2021-A1-13")')
        for code in codes:
            try:
                self.opened.catalogue.requirement(code)
            except PraxisschildError as error:
                raise pytest.UsageError(f"{item.nodeid}: {error}") from None
        return codes

    def _applicable(self, codes: list[str]) -> bool:
        catalogue, practice = self.opened.catalogue, self.practice
        edition = edition_of(catalogue, practice, self.today)
        return not all(
            why_not_applicable(catalogue, practice, catalogue.requirement(one), self.today)
            for code in codes
            for one in catalogue.carried_forward(code, edition) or [code]
        )

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Open every connection and read every state side by side, before the first check waits for one."""
        if session.config.option.collectonly or getattr(session.config.option, "numprocesses", None):
            return
        names = {
            item.callspec.params["host_name"]
            for item in session.items
            if hasattr(item, "callspec") and "host_name" in item.callspec.params
        }
        if self.is_worker:
            return
        try:
            for name in sorted(names):
                self.remote(name)  # Ansible's templates are not for several threads at once
        except PraxisschildError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(self._try_snapshot, sorted(names)))

    def _try_snapshot(self, name: str) -> None:
        try:
            self.snapshot(name)
        except HostUnreachable:
            return  # every check of this host will say so

    # -- what they say -----------------------------------------------------------------------------------------------

    def deviation_for(self, codes: list[str], host: str | None) -> Deviation | None:
        for deviation in self.practice.deviations:
            if (
                deviation.expires >= self.today
                and deviation.covers(host)
                and self._codes(deviation.requirement) & set(codes)
            ):
                return deviation
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "teardown" and report.passed:
            return report
        if call.when == "setup" and report.passed:
            return report
        params = item.callspec.params if hasattr(item, "callspec") else {}
        subject = params.get("host_name") or params.get("mobile_name") or None
        codes = self._requirements(item)
        status, reason = _judge(report, call)
        path, _, function = item.nodeid.partition("::")  # a parameter may hold slashes, too
        result = CheckResult(
            # xdist marks the group in the name; kept results of other runs do not know it
            check=f"{path.rpartition('/')[2]}::{function}".removesuffix(f"@{subject}"),
            title=(getattr(getattr(item, "obj", None), "__doc__", "") or "").strip().split("\n")[0],
            requirements=tuple(codes),
            host=subject,
            part=Part.MDM if _of_mobile_devices(item) else None,
            status=status,
            reason=reason,
            measured=tuple(str(value) for name, value in item.user_properties if name == "measured"),
            probe=item.get_closest_marker("probe") is not None,
            started=datetime.fromtimestamp(call.start, UTC),
            duration=call.duration,
            detail=str(call.excinfo.value)[:2000] if status == Status.FAILED and call.excinfo else "",
        )
        report.user_properties.append((_RECORD, result.model_dump(mode="json")))
        deviation = self.deviation_for(codes, subject)
        if status == Status.FAILED and deviation:
            report.outcome = "skipped"
            report.wasxfail = f"Abweichung bis {deviation.expires:%d.%m.%Y}: {deviation.reason}"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not self.is_worker:
            own = (value for name, value in report.user_properties if name == _RECORD)
            self.records += [value for value in own if isinstance(value, dict)]

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["praxisschild"] = str(self.folder)

    # -- the end -----------------------------------------------------------------------------------------------------

    def run(self) -> Run:
        """Everything this run found, as the evidence and the report take it."""
        catalogue, practice = self.opened.catalogue, self.practice
        checks = [CheckResult.model_validate(record) for record in self.records]
        hosts = [self._host_state(name) for name in self.hosts]
        assessment = assess(catalogue, practice, checks, hosts, self.today, self.attestations)
        dropped = dropped_requirements(catalogue, practice, self.hosts, self.today)
        drift = self.config.option.drift
        run = Run(
            tool_version=version("praxisschild"),
            practice=PracticeFacts(
                name=practice.name, size=practice.size, edition=assessment.edition, features=dict(practice.features)
            ),
            started=self.started,
            ended=datetime.now(UTC),
            limits=self._limits(),
            hosts=tuple(hosts),
            checks=tuple(checks),
            requirements=assessment.requirements,
            deviations=assessment.deviations,
            dropped=tuple(
                DroppedSetting(host=host, requirement=identifier, reason=reason)
                for host, reasons in dropped.items()
                for identifier, reason in reasons.items()
                if reason.startswith("Abweichung")
            ),
            drift=drift_since(drift, self._last_run(), checks) if drift else None,
            coverage=summarise(assessment.edition, Project(catalogue, PROJECT).covered(assessment.edition)),
            edition=edition_facts(catalogue, assessment.edition, self.today),
            attestations=kept(self.attestations),
        )
        return run.model_copy(update={"trend": trend_of(run, self._earlier_runs(catalogue, assessment.edition))})

    def _earlier_runs(self, catalogue: Catalogue, edition: str) -> Iterator[Run]:
        """The practice's kept runs by this edition's numbering, the newest first."""
        root = self.config.option.evidence
        return earlier_runs(reversed(bundles(root, self.practice.name)), catalogue, edition) if root else iter(())

    def _last_run(self) -> Run | None:
        bundle = latest_bundle(self.config.option.evidence, self.practice.name) if self.config.option.evidence else None
        return load_bundle(bundle) if bundle else None

    def _limits(self) -> tuple[str, ...]:
        options = self.config.option
        said = []
        if self.chosen:
            said.append(f"nur Host {', '.join(self.chosen)}")
        if options.requirement:
            said.append(f"nur Anforderung {', '.join(options.requirement)}")
        if options.no_probes:
            said.append("ohne Proben")
        if options.replay:
            said.append("aus aufbewahrten Zustandsaufnahmen")
        return tuple(said)

    def _host_state(self, name: str) -> HostState:
        kept = self.folder / "snapshots" / f"{name}.json"
        if kept.exists():
            taken = read_snapshot(json.loads(kept.read_text(encoding="utf-8")))
            return HostState(
                name=name,
                platform=taken.distribution,
                address=taken.address,
                reached=True,
                snapshot=f"snapshots/{name}.json.gz",
                snapshot_taken=taken.collected_at,
                stand_in=isinstance(taken, WindowsSnapshot) and taken.is_stand_in,
            )
        reasons = [record["reason"] for record in self.records if record["host"] == name]
        return HostState(name=name, reached=False, reason=next(iter(reasons), ""))

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        for reached in self.reached.values():
            reached.remote.close()
        if self.is_worker:
            return
        asked = {record["host"] for record in self.records}
        unreached = [
            name for name in self.hosts if name in asked and not (self.folder / "snapshots" / f"{name}.json").exists()
        ]
        if self.records and unreached and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = 3
        if self.config.option.evidence and self.records:
            snapshots = {
                path.stem: json.loads(path.read_text("utf-8")) for path in self.folder.glob("snapshots/*.json")
            }
            run = self.run()
            # drawing takes seconds; who asks for a part wants an answer, not a paper to sign
            no_pdf = self.notes.append if self.practice.evidence.pdf and not run.limits else None
            self.bundle = write_bundle(self.config.option.evidence, run, snapshots, self.seal, no_pdf)
        if self.config.option.check_results:
            self.config.option.check_results.write_text(json.dumps(self.records, ensure_ascii=False), "utf-8")
        shutil.rmtree(self.folder, ignore_errors=True)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.bundle:
            terminalreporter.write_sep("-", "evidence")
            for note in self.notes:
                terminalreporter.write_line(note)
            terminalreporter.write_line(str(self.bundle / "report.html"))


def _kept_state(folder: Path, host: str) -> Any:
    """A host's state as a bundle or somebody's own folder keeps it, compressed or not; None if it does not."""
    packed, plain = folder / f"{host}.json.gz", folder / f"{host}.json"
    if packed.exists():
        return json.loads(gzip.decompress(packed.read_bytes()))
    return json.loads(plain.read_text(encoding="utf-8")) if plain.exists() else None


def _has_subject(item: pytest.Item) -> bool:
    """Whether there is a host or a device for the check: pytest keeps one item of a parameter that has no values."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return all(isinstance(params.get(name, ""), str) for name in ("host_name", "mobile_name"))


def _of_mobile_devices(item: pytest.Item) -> bool:
    """Whether the check asks a device list instead of a host."""
    return not {"mobile", "device_lists"}.isdisjoint(getattr(item, "fixturenames", ()))


def _judge(report: pytest.TestReport, call: pytest.CallInfo[None]) -> tuple[Status, str]:
    """Status of one phase of one check, and the German reason if it did not pass."""
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, Verdict):
        return error.status, str(error.msg)
    if report.passed:
        return Status.PASSED, ""
    if isinstance(error, AssertionError) and call.when == "call":
        return Status.FAILED, "Der gemessene Zustand entspricht nicht der Anforderung."
    if report.skipped:
        return Status.NOT_TESTED, str(error)
    return Status.NOT_TESTED, f"Prüfung abgebrochen: {type(error).__name__}: {str(error)[:300]}"
