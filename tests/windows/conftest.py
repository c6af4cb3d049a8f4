"""The real C# of our Windows modules, with the real Ansible.Basic.cs, on mono, against a stand-in host of its own."""

from __future__ import annotations

import base64
import json
import os
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.executor.powershell.module_manifest import PSModuleDepFinder
from ansible.plugins.loader import ps_module_utils_loader

from lab.windows import kinds, state
from lab.windows.csharp import Runner
from lab.windows.registry import Registry
from lab.windows.shim import read_shim

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "plugins" / "modules"
MODULE_OF = {
    "registry": "win_registry_values",
    "security": "win_security_policy_values",
    "audit": "win_audit_policy",
    "components": "win_components",
}
ps_module_utils_loader.add_directory(str(ROOT / "plugins" / "module_utils"))


def sources_of(module: str) -> dict[str, bytes]:
    """The C# that Ansible itself would send along with a module, by name."""
    finder = PSModuleDepFinder()
    finder.scan_module((MODULES / f"{module}.ps1").read_bytes(), fqn=module, powershell=True)
    return {name: base64.b64decode(one.script) for name, one in finder.scripts.items() if name.endswith(".cs")}


class Host:
    """A stand-in host; `host(kind, rows)` is one call of a module."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.runner = Runner(cache, folder)
        self.registry = Registry(folder / "registry")

    def __call__(self, kind: str, rows: Any = None, **more: Any) -> dict[str, Any]:
        check, diff = more.pop("check", False), more.pop("diff", False)
        arguments = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_no_log": True, **more}
        if rows is not None:
            arguments["rows"] = rows
        module = MODULE_OF[kind]
        return self.carry_out(module, read_shim((MODULES / f"{module}.ps1").read_text()), arguments)

    def carry_out(self, module: str, statements: list[dict[str, Any]], arguments: dict[str, Any]) -> dict[str, Any]:
        command = SimpleNamespace(terminated=threading.Event())
        outcome = self.runner.run(sources_of(module), statements, arguments, command)
        assert outcome.stdout, outcome.stderr.decode()
        result: dict[str, Any] = json.loads(outcome.stdout)
        assert "NICHT NACHGEBILDET" not in json.dumps(result, ensure_ascii=False), result
        assert bool(result.get("failed")) == (outcome.code == 1)
        return result

    def settled(self, kind: str, rows: Any = None, **more: Any) -> bool:
        """Whether there is nothing to do, nor anything that could not be done."""
        result = self(kind, rows, **more)
        return not result["changed"] and not result.get("failed")

    @property
    def state(self) -> dict[str, Any]:
        return state.load(self.folder)

    def editing(self):
        return state.editing(self.folder)

    def path(self, windows: str) -> Path:
        return self.folder / "drives" / "c" / windows.removeprefix("C:\\").replace("\\", "/")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    missing = [program for program in ("mcs", "mono") if not shutil.which(program)]
    if missing:
        pytest.fail(
            f"{' and '.join(missing)} missing: no C# of the Windows modules runs. `lab/setup windows` installs it"
        )
    base = tmp_path_factory.getbasetemp()
    # xdist's workers share what they compile
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "csharp"


def _fresh(tmp_path_factory: pytest.TempPathFactory, kind: str) -> Path:
    folder = tmp_path_factory.mktemp("fresh") / kind
    kinds.create(folder, kind, "praxisschild")
    return folder


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: _fresh(tmp_path_factory, kind) for kind in ("pc-1", "pc-2", "winserver-1")}


def _host(fresh: dict[str, Path], cache: Path, tmp_path: Path, kind: str) -> Host:
    shutil.copytree(fresh[kind], tmp_path / kind)
    return Host(tmp_path / kind, cache)


@pytest.fixture
def pc(fresh: dict[str, Path], cache: Path, tmp_path: Path) -> Host:
    """A Windows 11 Pro outside of a domain."""
    return _host(fresh, cache, tmp_path, "pc-1")


@pytest.fixture
def member(fresh: dict[str, Path], cache: Path, tmp_path: Path) -> Host:
    """A member of a domain whose policy sets some values."""
    return _host(fresh, cache, tmp_path, "pc-2")
