"""The command for practices with a domain: the rows of the Windows hosts as backups of group policies."""

from __future__ import annotations

import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from xml.etree import ElementTree

import typer

from praxisschild.cli_common import PROJECT, HostOption, JsonOption, PracticeArgument, notes, output, print_hint
from praxisschild.cli_run import Follower, follow_playbook
from praxisschild.errors import InputError, RunError
from praxisschild.i18n import _, n_

if TYPE_CHECKING:
    from collections.abc import Iterable

    from praxisschild.gpo.backup import Backup
    from praxisschild.gpo.model import LeftOut
    from praxisschild.inventory import Inventory, PracticeFolder
    from praxisschild.playbook_run import PlaybookRun
    from praxisschild.rows import Dropped
    from praxisschild.windows_rows import Row

# nobody is connected; what would be, by mistake, finds no such host (RFC 6761), and needs no secret of the practice
NOBODY = {
    "ansible_winrm_host": "niemand.invalid",
    "ansible_psrp_host": "niemand.invalid",
    "ansible_password": "",
    "ansible_become_password": "",
}
_MANIFEST = "{http://www.microsoft.com/GroupPolicy/GPOOperations/Manifest}"
_GUID = re.compile(r"\{[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", re.IGNORECASE)

RoleOption = Annotated[list[str] | None, typer.Option(help="only what this role sets (repeatable)")]


def gpo(
    practice: PracticeArgument,
    folder: Annotated[Path, typer.Option("--output", "-o", help="folder for the backups")],
    role: RoleOption = None,
    host: HostOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the settings of a practice's Windows hosts as group policies that a domain administrator imports.

    No host is contacted. What is alike on all hosts becomes one policy, what a group of hosts has of its own another
    one. `LIESMICH.md` says how to import them and what no policy carries, `einstellungen.csv` which value serves which
    requirement.

    Exit codes: 0 written, 2 misuse or a mistake in the practice's folder, 3 the rows could not be collected.
    """
    from praxisschild.applicability import edition_of
    from praxisschild.gpo import backup, readme
    from praxisschild.gpo.plan import plan
    from praxisschild.inventory import open_practice
    from praxisschild.mdm.overview import numbers

    opened = open_practice(practice)
    everybody = [one for one in opened.inventory.hosts if opened.inventory.platform(one) == "windows"]
    hosts = _chosen(opened.inventory, everybody, host or [])
    _refuse_foreign(folder)
    rows, run = _collect(practice, hosts, role or [])
    planned = plan(rows, opened.inventory.groups, whole=hosts == everybody)
    edition = edition_of(opened.catalogue, opened.practice, datetime.now(UTC).date())
    day = opened.catalogue.editions[edition].in_force_from  # no clock: the same rows give the same bytes
    backups = [backup.write(one, opened.practice.name, _slug(opened), day) for one in planned.gpos]
    if not backups:
        raise RunError(
            _("the roles set nothing on these hosts that a policy could carry"), _("leave out --role or --host")
        )
    dropped = _dropped(run)

    def numbered(codes: Iterable[str]) -> str:
        return numbers(codes, opened.catalogue, edition)

    files = {f"{one.id}/{path}": content for one in backups for path, content in one.files.items()}
    files[readme.TABLE] = readme.table(backups, numbered)
    page = readme.render(opened.practice.name, edition, backups, planned.left_out, dropped, numbered)
    files[readme.README] = page.encode()
    files[backup.MANIFEST] = backup.manifest(backups, day)  # last: it lists what is there
    _keep(folder, files)
    if as_json:
        output.print_json(data=_record(folder, backups, planned.left_out, dropped))
    else:
        _print(folder, backups, planned.left_out)


def _chosen(inventory: Inventory, found: list[str], wanted: list[str]) -> list[str]:
    """The hosts that the options leave of the practice's Windows hosts.

    Raises:
        InputError: there is none, or one of the wanted is not among them.
    """
    for name in wanted:
        if name not in found:
            reason = _("{host} is no Windows host of the practice", host=name)
            raise InputError("--host", "", reason, _("choose from: {hosts}", hosts=", ".join(found) or "–"))
    if not found:
        reason = _("the practice has no Windows hosts (ansible_connection: winrm or psrp)")
        raise InputError(inventory.directory, "", reason, _("group policies are for Windows only"))
    return [one for one in found if not wanted or one in wanted]


def _collect(practice: Path, hosts: list[str], roles: list[str]) -> tuple[dict[str, dict[str, list[Row]]], PlaybookRun]:
    """What the baseline would set on each host, from the baseline's own play.

    Raises:
        InputError: the practice's folder has a mistake, or there is no such role.
        RunError: the play did not come to its end.
    """
    import json

    from praxisschild import windows_rows

    for name in roles:
        if not (PROJECT / "roles" / name).is_dir():
            raise InputError("--role", "", _("there is no role {role!r}", role=name), _("docs/roles.md lists them"))
    with tempfile.TemporaryDirectory(prefix="praxisschild-gpo-") as place:
        variables = {**NOBODY, "praxisschild_rows_to": place}
        arguments = ["--limit", ",".join(hosts), "--extra-vars", json.dumps(variables)]
        arguments += ["--tags", ",".join(roles)] if roles else []
        with Follower() as follower:
            run, code = follow_playbook(practice, PROJECT / "playbooks/site.yml", tuple(arguments), follower)
        for hint in run.hints:
            print_hint(notes, hint)
        if run.refused:
            raise InputError(practice, "", run.refused, _("`praxisschild check` says more"))
        failure = next((one.failure for one in run.hosts.values() if one.failure), None)
        if code or failure:
            reason = (
                f"{failure.role}: {failure.detail}" if failure else _("Ansible ended with exit code {code}", code=code)
            )
            raise RunError(_("the rows could not be collected: {reason}", reason=reason))
        return {host: windows_rows.handed_over(Path(place), host) for host in hosts}, run


def _dropped(run: PlaybookRun) -> list[tuple[tuple[str, ...], Dropped]]:
    """What does not apply to hosts, each once with its hosts."""
    from praxisschild.rows import Dropped

    found: dict[Dropped, list[str]] = {}
    for host in run.hosts.values():
        for one in host.dropped:
            key = Dropped(one["kind"], one["name"], tuple(one["requirements"]), one["reason"])
            found.setdefault(key, []).append(host.name)
    return [(tuple(hosts), one) for one, hosts in found.items()]


def _slug(opened: PracticeFolder) -> str:
    """The folder's name: a policy is the same one after the practice was renamed."""
    return opened.inventory.directory.name.lower()


def _refuse_foreign(folder: Path) -> None:
    """Nobody else's list of backups is overwritten.

    Raises:
        InputError: the folder's manifest is not ours, or cannot be read.
    """
    _own_backups(folder)


def _own_backups(folder: Path) -> set[str]:
    from praxisschild.gpo.backup import COMMENT, MANIFEST

    path = folder / MANIFEST
    if not path.exists():
        return set()
    try:
        instances = list(ElementTree.parse(path).getroot().iter(f"{_MANIFEST}BackupInst"))  # noqa: S314 - expat expands nothing without bound
    except (OSError, ElementTree.ParseError):
        instances = []
    comments = {one.findtext(f"{_MANIFEST}Comment") for one in instances}
    if comments != {COMMENT}:
        reason = _("there are backups here that Praxisschild did not write; their list would be lost")
        raise InputError(path, "", reason, _("name an empty folder"))
    return {one.findtext(f"{_MANIFEST}ID", "") for one in instances}


def _keep(folder: Path, files: dict[str, bytes]) -> None:
    stale = _own_backups(folder)
    try:
        for name in stale:
            if _GUID.fullmatch(name):
                shutil.rmtree(folder / name, ignore_errors=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        reason = _("cannot be written ({error})", error=error.strerror)
        raise InputError(folder, "", reason, _("name another folder")) from None


def _record(
    folder: Path,
    backups: list[Backup],
    left_out: Iterable[LeftOut],
    dropped: Iterable[tuple[tuple[str, ...], Dropped]],
) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "gpos": [
            {
                "name": one.name,
                "backup": one.id,
                "gpo": one.gpo_id,
                "hosts": list(one.gpo.hosts),
                "values": {
                    "machine": len(one.gpo.registry("machine")),
                    "user": len(one.gpo.registry("user")),
                    "security": len(one.gpo.template),
                    "audit": len(one.gpo.audit),
                },
                "requirements": one.gpo.requirements,
                "files": [f"{one.id}/{path}" for path in one.files],
            }
            for one in backups
        ],
        "left_out": [
            {
                "kind": one.kind,
                "name": one.name,
                "hosts": list(one.hosts),
                "requirements": list(one.requirements),
                "role": one.role,
                "reason": str(one.reason),
            }
            for one in left_out
        ],
        "dropped": [
            {"kind": one.kind, "name": one.name, "hosts": list(hosts), "reason": one.reason} for hosts, one in dropped
        ],
    }


def _print(folder: Path, backups: list[Backup], left_out: Iterable[LeftOut]) -> None:
    from praxisschild.gpo.readme import README, by_reason

    for one in backups:
        said = n_(
            "{name}: {count} value, for {hosts}",
            "{name}: {count} values, for {hosts}",
            len(one.gpo.entries),
            name=one.name,
            hosts=", ".join(one.gpo.hosts),
        )
        output.print(said, markup=False, soft_wrap=True)
    for reason, members in by_reason(left_out).items():
        notes.print(_("not in a policy – {reason}:", reason=reason), style="yellow", markup=False, soft_wrap=True)
        names = dict.fromkeys(gone.name for gone in members)
        notes.print(f"  {', '.join(names)}", markup=False, soft_wrap=True)
    output.print(_("How to import them: {file}", file=folder / README), markup=False, soft_wrap=True)
