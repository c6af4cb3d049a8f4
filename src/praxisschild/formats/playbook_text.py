"""A playbook run for a terminal: what would change or has changed per host, and what stands in the way."""

from __future__ import annotations

import difflib
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from praxisschild.i18n import N_, _, n_

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from praxisschild.playbook_run import HostOutcome, Item, PlaybookRun

_KINDS = {
    "file": N_("File"),
    "package": N_("Package"),
    "unit": N_("Service"),
    "handler": N_("Reload"),
    "step": N_("Step"),
    "registry": N_("Registry"),
    "profile": N_("User profile"),
    "security": N_("Policy"),
    "audit": N_("Audit"),
    "service": N_("Service"),
    "feature": N_("Feature"),
    "task": N_("Task"),
    "account": N_("Account"),
    "group": N_("Group"),
}
# What the modules on a host remark of an item, as far as it is a sentence; names and numbers stand before and after it
REMARKS = (
    N_("no longer asked for: as it was before the first run"),
    N_("no longer asked for, and changed by somebody else since: left alone"),
    N_("takes effect at the next restart"),
    N_("nobody with this SID has a profile here"),
    N_("nobody here is called"),
    N_("stays, because this connection comes in by it"),
    N_("replaced the symbolic link to"),
    N_("its target was left alone"),
    N_("corrected:"),
    N_("the unit is not there yet"),
    N_("not known yet"),
)
_SIGNS = {"new": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}
_EFFECTS = {"new": N_("new"), "changed": N_("changed"), "removed": N_("removed"), "unchanged": N_("unchanged")}
_STATUSES = {
    "changed": (N_("changed"), "yellow"),
    "unchanged": (N_("unchanged"), "green"),
    "failed": (N_("failed"), "red"),
    "unreachable": (N_("not reached"), "red"),
}
_PLANNED = {**_STATUSES, "changed": (N_("would change"), "yellow"), "unchanged": (N_("is as it should be"), "green")}
_STATES = {
    "started": N_("runs"),
    "stopped": N_("stopped"),
    "enabled": N_("starts with the host"),
    "disabled": N_("does not start with the host"),
    "masked": N_("locked"),
    "unmasked": N_("unlocked"),
}


def print_plan(console: Console, run: PlaybookRun, *, with_diffs: bool) -> None:
    """Every host with its changes, role by role, then the summary."""
    for host in run.hosts.values():
        if host.changes or not host.failure:
            _print_host(console, host, with_diffs=with_diffs)
    print_summary(console, run)


def print_applied(console: Console, run: PlaybookRun, *, with_diffs: bool) -> None:
    """What was changed per host, then the summary."""
    for host in run.hosts.values():
        if host.changes or host.diffs:
            _print_host(console, host, with_diffs=with_diffs)
    print_summary(console, run)


def _print_host(console: Console, host: HostOutcome, *, with_diffs: bool) -> None:
    console.print(f"\n[bold]{escape(host.name)}[/]")
    if not host.changes:
        console.print(_("  nothing to change"))
    before_roles = _("before the roles")
    for role, items in groupby(host.changes, key=lambda item: item.role):
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")  # the end of a path tells most
        for item in items:
            table.add_row(*_row(item))
        console.print(f"  {role or before_roles}", style="cyan", markup=False)
        console.print(table)
    unchanged = Counter(item.kind for item in host.items if item.effect == "unchanged")
    if unchanged:
        parts = ", ".join(f"{count} × {_(_KINDS.get(kind, kind))}" for kind, count in unchanged.items())
        console.print(_("  unchanged: {parts}", parts=parts), style="dim", markup=False)
    if host.dropped:
        names = sorted({identifier for one in host.dropped for identifier in one.get("requirements", ())})
        said = _("  left out, because it does not apply here: {names}", names=", ".join(names))
        console.print(said, style="dim", markup=False)
    if with_diffs:
        for diff in host.diffs:
            for line in diff_lines(diff):
                style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
                console.print(f"    {line}", style=style, markup=False, soft_wrap=True)


def _row(item: Item) -> tuple[str, ...]:
    sign, style = _SIGNS.get(item.effect, (" ", "dim"))
    said = [_(_EFFECTS[item.effect])]
    if item.kind == "unit" and item.state:
        said = [", ".join(_(_STATES.get(word, word)) for word in item.state.split(", "))]
    elif item.kind == "handler":
        said = [_("follows from the above")]
    if item.note:
        said.append(_remark(item.note))
    if item.deferred:
        said.append(_("only the run itself can tell: {why}", why=_remark(item.deferred)))
    kind = _(_KINDS.get(item.kind, item.kind))
    return (
        f"    [{style}]{sign}[/] {kind}",
        escape(item.name),
        escape("; ".join(said)),
        f"[dim]{' '.join(item.requirements)}[/]",
    )


def _remark(text: str) -> str:
    for known in REMARKS:
        text = text.replace(known, _(known))
    return text


def diff_lines(diff: dict[str, Any]) -> Iterator[str]:
    """One difference as `diff -u` shows it."""
    if "prepared" in diff:
        yield from str(diff["prepared"]).splitlines()
        return
    before, after = (_lines(diff.get(side)) for side in ("before", "after"))
    old, new = (str(diff.get(f"{side}_header") or "") for side in ("before", "after"))
    if not before and not after:
        yield f"--- {old}"
        yield f"+++ {new}"
        return
    yield from difflib.unified_diff(before, after, old, new, lineterm="")


def _lines(side: Any) -> list[str]:
    if isinstance(side, dict):
        return [f"{key}: {value}" for key, value in side.items()]
    return str(side or "").splitlines()


def print_summary(console: Console, run: PlaybookRun) -> None:
    """A line per host, and every failure with its way out."""
    words = _PLANNED if run.is_check else _STATUSES
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(_("Host"))
    for heading in ("new", "changed", "removed", "unchanged"):
        table.add_column(_(_EFFECTS[heading]), justify="right")
    table.add_column("")
    for host in run.hosts.values():
        counts = Counter(item.effect for item in host.items)
        word, style = words[host.status]
        numbers = [str(counts[effect] or "–") for effect in ("new", "changed", "removed", "unchanged")]
        table.add_row(escape(host.name), *numbers, f"[{style}]{_(word)}[/]")
    if run.hosts:
        console.print()
        console.print(table)
    for host in run.hosts.values():
        if host.failure:
            _print_failure(console, host)
    failed = sum(host.failure is not None for host in run.hosts.values())
    if failed:
        console.print()
        console.print(
            n_(
                "{count} of {all} hosts did not get through.",
                "{count} of {all} hosts did not get through.",
                failed,
                all=len(run.hosts),
            )
        )


def _print_failure(console: Console, host: HostOutcome) -> None:
    if host.failure is None:
        return
    where = f" ({host.failure.role})" if host.failure.role else ""
    console.print(f"\n[red]{escape(host.name)}{where}: {escape(host.failure.reason)}[/]", soft_wrap=True)
    console.print(f"  → {escape(host.failure.way_out)}", soft_wrap=True)
    for line in host.failure.detail.splitlines()[:3]:
        if line.strip() and line.strip() != host.failure.reason:
            console.print(f"  {line.strip()}", style="dim", markup=False, soft_wrap=True)
