"""An inventory folder as Ansible reads it: hosts, their variables, and the way to reach them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from praxisschild.catalogue import Catalogue, load_catalogue
from praxisschild.errors import InputError
from praxisschild.i18n import _
from praxisschild.references import check_role_variables, parse_practice
from praxisschild.rules import Facts, Hint, Objection, judge
from praxisschild.windows_connection import WindowsConnection

if TYPE_CHECKING:
    from praxisschild.practice import Practice

PROJECT = Path(__file__).resolve().parents[2]
WINDOWS_CONNECTIONS = ("winrm", "psrp")
# what Ansible and YAML let through when a file holds something that nobody would write
UNREADABLE = (OSError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True)
class Connection:
    """How Ansible reaches one host over SSH, in the terms of its own connection variables."""

    name: str
    address: str
    port: int | None
    user: str | None
    identity_file: str | None
    extra_arguments: tuple[str, ...]
    become_password: str | None

    @property
    def ssh_arguments(self) -> list[str]:
        """Options for the ``ssh`` command, without the host."""
        options = [*self.extra_arguments]
        if self.user:
            options += ["-o", f"User={self.user}"]
        if self.port:
            options += ["-o", f"Port={self.port}"]
        if self.identity_file:
            options += ["-i", self.identity_file]
        return options


@cache
def _own_loader() -> Any:
    """Ansible's reader of files with this process's vault secrets; Ansible allows one per process."""
    from ansible import constants
    from ansible.cli import CLI
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()
    loader = DataLoader()
    secrets = CLI.setup_vault_secrets(loader, constants.DEFAULT_VAULT_IDENTITY_LIST, auto_prompt=False)
    loader.set_vault_secrets(secrets)
    return loader


class Inventory:
    """One practice's folder, read through Ansible so that groups, precedence, templates and vault mean the same.

    Inside of an Ansible run, ``loader`` is that run's own, with its vault secrets.

    Raises:
        InputError: the folder is missing or Ansible cannot parse it.
    """

    def __init__(self, directory: Path, loader: Any = None) -> None:
        # Ansible's import costs half a second; commands that need no inventory should not pay for it
        from ansible.errors import AnsibleError
        from ansible.inventory.manager import InventoryManager
        from ansible.vars.manager import VariableManager

        self.directory = directory.resolve()
        if not directory.is_dir():
            raise InputError(directory, "", _("there is no such inventory folder"), _("copy inventories/vorlage to it"))
        try:
            self._loader: Any = loader or _own_loader()
            self._manager: Any = InventoryManager(loader=self._loader, sources=[str(self.directory)])
            self._variables: Any = VariableManager(loader=self._loader, inventory=self._manager)
        except (AnsibleError, *UNREADABLE) as error:
            raise self._unreadable(error) from None
        if not self.hosts:
            raise InputError(directory, "", _("the inventory has no hosts"), _("name them in hosts.yml"))

    @cached_property
    def hosts(self) -> list[str]:
        """Names of all hosts, in the inventory's order."""
        return [str(host) for host in self._manager.get_hosts()]

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Group → its hosts, also those of the groups below it, as the inventory orders them."""
        found = self._manager.get_groups_dict()
        return {str(name): [str(host) for host in hosts] for name, hosts in found.items()}

    def select(self, pattern: str) -> list[str]:
        """Hosts that an Ansible host pattern names, in the inventory's order."""
        chosen = {str(host) for host in self._manager.get_hosts(pattern)}
        return [host for host in self.hosts if host in chosen]

    def variable_names(self, host: str) -> set[str]:
        """Names of all variables that the host has before a play begins."""
        return {str(name) for name in self._all_variables(host)}  # YAML takes anything for a key

    def _all_variables(self, host: str) -> dict[str, Any]:
        from ansible.errors import AnsibleError

        try:
            known: dict[str, Any] = self._variables.get_vars(host=self._manager.get_host(host), include_hostvars=False)
        except (AnsibleError, *UNREADABLE) as error:
            raise self._unreadable(error) from None
        return known

    def _unreadable(self, error: Exception) -> InputError:
        """What to say of a file that is no YAML, or not of the kind that an inventory wants."""
        origin = getattr(getattr(error, "obj", None), "ansible_pos", None)
        file = Path(origin[0]) if origin else self._spoilt_file() or self.directory
        way_out = _("correct it there; `ansible-inventory -i {folder} --list` says more", folder=self.directory)
        return InputError(file, "", " ".join(str(error).split()) or type(error).__name__, way_out)

    def _spoilt_file(self) -> Path | None:
        """The first file of the folder that is no YAML."""
        for path in sorted(self.directory.rglob("*.y*ml")):
            try:
                list(yaml.compose_all(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))
            except (yaml.YAMLError, *UNREADABLE):
                return path
        return None

    def value(self, host: str, name: str) -> Any:
        """A variable of the host, templated; None if it is not set.

        Raises:
            InputError: its template cannot be resolved.
        """
        from ansible.errors import AnsibleError
        from ansible.template import Templar

        variables = self._all_variables(host)
        if name not in variables:
            return None
        try:
            return Templar(loader=self._loader, variables=variables).template(variables[name])
        except (AnsibleError, *UNREADABLE) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise InputError(self.file_of(name), name, reason, _("correct the template")) from None

    def file_of(self, name: str) -> Path:
        """The file that sets the variable, for messages; the folder if none is found."""
        pattern = re.compile(rf"^\s*{re.escape(name)}\s*:", re.MULTILINE)
        for path in sorted(self.directory.rglob("*.y*ml")):
            if pattern.search(path.read_text(encoding="utf-8", errors="replace")):
                return path
        return self.directory

    def platform(self, host: str) -> Literal["linux", "windows"]:
        """What the host runs, by the connection that the inventory gives it."""
        return "windows" if self.value(host, "ansible_connection") in WINDOWS_CONNECTIONS else "linux"

    def windows_connection(self, host: str) -> WindowsConnection:
        """How to reach a Windows host."""
        names = (name for name in self.variable_names(host) if name.startswith("ansible_"))
        variables = {name: self.value(host, name) for name in names}
        return WindowsConnection(host, variables["ansible_connection"], {**variables, "inventory_hostname": host})

    def connection(self, host: str) -> Connection:
        """How to reach a Linux host."""

        def first(*names: str) -> Any:
            return next((value for name in names if (value := self.value(host, name)) is not None), None)

        arguments = [first("ansible_ssh_common_args") or "", first("ansible_ssh_extra_args") or ""]
        port = first("ansible_port", "ansible_ssh_port")
        return Connection(
            name=host,
            address=str(first("ansible_host", "ansible_ssh_host") or host),
            port=int(port) if port else None,
            user=first("ansible_user", "ansible_ssh_user"),
            identity_file=first("ansible_ssh_private_key_file", "ansible_private_key_file"),
            extra_arguments=tuple(shlex.split(" ".join(str(part) for part in arguments))),
            become_password=first("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"),
        )


def practice_folder(sources: list[str]) -> Path:
    """The one folder among Ansible's inventory sources that describes a practice.

    Raises:
        InputError: there is none, or more than one.
    """
    found = [Path(one) for one in sources if any(_defines_practice(path) for path in Path(one).rglob("*.y*ml"))]
    if len(found) != 1:
        reason = (
            _("more than one of them describes a practice") if found else _("none of them sets the variable `praxis`")
        )
        raise InputError(
            ", ".join(sources), "praxis", reason, _("run with -i inventories/<practice>, one practice at a time")
        )
    return found[0]


def _defines_practice(path: Path) -> bool:
    return re.search(r"^praxis:", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE) is not None


@cache
def role_options(roles: Path = PROJECT / "roles") -> dict[str, set[str]]:
    """Variables that each role declares in its argument_specs."""
    options: dict[str, set[str]] = {}
    for path in sorted(roles.glob("*/meta/argument_specs.yml")):
        specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
        options[path.parts[-3]] = {name for spec in specs.values() for name in spec.get("options", {})}
    return options


@dataclass(frozen=True)
class PracticeFolder:
    """A practice whose inventory has been read and found valid; `hints` are what may not be meant all the same."""

    inventory: Inventory
    practice: Practice
    catalogue: Catalogue
    hints: tuple[Hint, ...] = ()


def open_practice(directory: Path, *, strict: bool = True, loader: Any = None) -> PracticeFolder:
    """Read and validate a practice's folder; with strict=False an expired deviation is left to the report.

    Raises:
        InputError: the first thing that is wrong in the folder.
    """
    catalogue = load_catalogue()
    inventory = Inventory(directory, loader)
    names = {host: inventory.variable_names(host) for host in inventory.hosts}
    options = role_options()
    known = {option for role in options.values() for option in role}
    unknown = {name for host in names.values() for name in host} - known
    check_role_variables(names, options, {name: inventory.file_of(name) for name in unknown if "_" in name})
    practice = parse_practice(
        inventory.value(inventory.hosts[0], "praxis"),
        inventory.file_of("praxis"),
        catalogue,
        inventory.hosts,
        datetime.now(UTC).date(),
        strict=strict,
    )
    findings = judge(Facts(practice, catalogue, inventory.hosts, inventory.value))
    for objection in (one for one in findings if isinstance(one, Objection)):
        file = inventory.file_of(objection.field.partition(".")[0])
        raise InputError(file, objection.field, objection.reason, objection.way_out)
    return PracticeFolder(inventory, practice, catalogue, tuple(one for one in findings if isinstance(one, Hint)))
