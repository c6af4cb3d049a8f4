"""Two editions side by side: what stayed, was renumbered, got another bound, was dropped, is new."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from praxisschild.bound_words import bound_in_words
from praxisschild.errors import InputError
from praxisschild.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from praxisschild.catalogue import Bound, Catalogue, Requirement

Kind = Literal["same", "renumbered", "dropped", "new"]
KINDS: tuple[Kind, ...] = get_args(Kind)
KIND_LABELS: dict[Kind, str] = {
    "same": N_("same number"),
    "renumbered": N_("renumbered"),
    "dropped": N_("dropped"),
    "new": N_("new"),
}
FIELD_LABELS = {
    "title": N_("title"),
    "group": N_("target object"),
    "sizes": N_("sizes of practices"),
    "applies_if": N_("condition"),
}


@dataclass(frozen=True)
class BoundChange:
    """One bound as both editions have it, in German words; None where there is none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Compared:
    """A demand in both editions, or in one of them.

    `before` are several where the newer edition merged them. `related` are numbers of the other edition that treat the
    same matter without being the same demand. `changed` are the fields that differ besides the number (keys of
    `FIELD_LABELS`).
    """

    kind: Kind
    before: tuple[Requirement, ...]
    after: Requirement | None
    bounds: tuple[BoundChange, ...] = ()
    related: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The newest there is."""
        return (self.after or self.before[0]).title

    def as_dict(self) -> dict[str, Any]:
        """What a program may want to read."""
        return {
            "change": self.kind,
            "before": [entry.id for entry in self.before],
            "after": self.after.id if self.after else None,
            "title": self.title,
            "valid_from": self.after.valid_from.isoformat() if self.after else None,
            "bounds": [{"name": one.name, "before": one.before, "after": one.after} for one in self.bounds],
            "changed": self.changed,
            "related": self.related,
        }


@dataclass(frozen=True)
class Comparison:
    """Every requirement of both editions once: those of the newer in its order, then the dropped ones."""

    old: str
    new: str
    entries: tuple[Compared, ...] = field(default=())

    @property
    def dropped(self) -> set[str]:
        return {entry.id for one in self.of("dropped") for entry in one.before}

    def of(self, kind: Kind) -> list[Compared]:
        return [one for one in self.entries if one.kind == kind]

    @property
    def with_bounds(self) -> list[Compared]:
        """Those whose bounds differ, whatever became of their numbers."""
        return [one for one in self.entries if one.bounds]


def compare(catalogue: Catalogue, old: str, new: str) -> Comparison:
    """The newer edition against the older one.

    Raises:
        InputError: there is no such edition, or the first is not older than the second.
    """
    older, newer = catalogue.edition(old), catalogue.edition(new)
    order = list(catalogue.editions)
    if order.index(old) >= order.index(new):
        reason = _("{old} is not older than {new}", old=old, new=new)
        raise InputError("--compare", f"{old} {new}", reason, _("name the older edition first"))
    sources: dict[str, list[Requirement]] = {entry.id: [] for entry in newer}
    dropped = []
    for entry in older:
        followers = catalogue.carried_forward(entry.id, new)
        for follower in followers:
            sources[follower].append(entry)
        if not followers:
            dropped.append(entry)
    entries = [_carried(catalogue, tuple(sources[entry.id]), entry, old) for entry in newer]
    entries += [Compared("dropped", (one,), None, related=tuple(_related(one, newer))) for one in dropped]
    return Comparison(old, new, tuple(entries))


def _carried(catalogue: Catalogue, before: tuple[Requirement, ...], after: Requirement, old: str) -> Compared:
    kin = [catalogue.requirement(one) for one in _related(after, catalogue.edition(old))]
    if not before:
        # a bound that the older edition had elsewhere counts as changed only where it really is another
        bounds = (change for other in kin for change in _bounds(other, after) if change.before and change.after)
        return Compared("new", (), after, tuple(bounds), tuple(one.id for one in kin))
    same = any(entry.id.partition("-")[2] == after.id.partition("-")[2] for entry in before)
    changed = [name for name in FIELD_LABELS if all(getattr(one, name) != getattr(after, name) for one in before)]
    return Compared(
        kind="same" if same else "renumbered",
        before=before,
        after=after,
        bounds=tuple(change for other in before for change in _bounds(other, after)),
        related=tuple(one.id for one in kin),
        changed=tuple(changed),
    )


def _related(entry: Requirement, others: list[Requirement]) -> Iterator[str]:
    return (one.id for one in others if one.id in entry.relates_to or entry.id in one.relates_to)


def _bounds(before: Requirement, after: Requirement) -> Iterator[BoundChange]:
    for name in dict.fromkeys([*before.bounds, *after.bounds]):
        then, now = before.bounds.get(name), after.bounds.get(name)
        if _figure(then) != _figure(now):
            yield BoundChange(
                name, bound_in_words(name, then) if then else None, bound_in_words(name, now) if now else None
            )


def _figure(bound: Bound | None) -> tuple[object, ...] | None:
    """What is demanded, without who named it and why."""
    return (bound.at_most, bound.at_least, bound.equals, bound.one_of, bound.unit) if bound else None
