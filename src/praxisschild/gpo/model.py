"""What a group policy is made of, between the rows of the roles and the files of a backup."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from praxisschild.i18n import _

if TYPE_CHECKING:
    from collections.abc import Mapping

Scope = Literal["machine", "user"]


@dataclass(frozen=True)
class Reason:
    """Why something is left out, in the language of whoever reads it at that moment; `message` is marked with N_."""

    message: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return _(self.message, **self.values)


@dataclass(frozen=True)
class RegistryEntry:
    """One instruction of a Registry.pol: `kind` is the number of the registry type, `data` as the registry keeps it."""

    scope: Scope
    key: str
    name: str
    kind: int
    data: bytes


@dataclass(frozen=True)
class TemplateLine:
    """One line in a section of GptTmpl.inf."""

    section: str
    text: str


@dataclass(frozen=True)
class AuditEntry:
    """One subcategory of audit.csv: 1 success, 2 failure, 3 both, 4 neither (0 would leave it as it is)."""

    subcategory: str
    name: str
    setting: int


Entry = RegistryEntry | TemplateLine | AuditEntry


@dataclass(frozen=True)
class Setting:
    """A role's row and what became of it in a policy."""

    kind: str
    name: str
    row: Mapping[str, Any]
    entries: tuple[Entry, ...]

    @property
    def requirements(self) -> tuple[str, ...]:
        return tuple(self.row.get("requirements") or ())

    @property
    def role(self) -> str:
        return str(self.row.get("role") or "")

    @property
    def policy(self) -> str:
        return str(self.row.get("policy") or "")


@dataclass(frozen=True)
class LeftOut:
    """A row, or a part of one, that no policy carries."""

    kind: str
    name: str
    hosts: tuple[str, ...]
    requirements: tuple[str, ...]
    role: str
    reason: Reason


@dataclass(frozen=True)
class Gpo:
    """One policy: what is alike on these hosts. `subject` tells it from the practice's others and never changes."""

    subject: str
    label: str
    hosts: tuple[str, ...]
    settings: tuple[Setting, ...]

    @property
    def requirements(self) -> list[str]:
        return list(dict.fromkeys(code for setting in self.settings for code in setting.requirements))

    @property
    def entries(self) -> list[Entry]:
        return [entry for setting in self.settings for entry in setting.entries]

    def registry(self, scope: Scope) -> list[RegistryEntry]:
        return [one for one in self.entries if isinstance(one, RegistryEntry) and one.scope == scope]

    @property
    def template(self) -> list[TemplateLine]:
        return [one for one in self.entries if isinstance(one, TemplateLine)]

    @property
    def audit(self) -> list[AuditEntry]:
        return [one for one in self.entries if isinstance(one, AuditEntry)]


@dataclass(frozen=True)
class Plan:
    """A practice's policies, and what they do not carry."""

    gpos: tuple[Gpo, ...]
    left_out: tuple[LeftOut, ...]
