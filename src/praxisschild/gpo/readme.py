"""What a folder of backups holds, for the technician: a German page, and every value with its requirements."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import TYPE_CHECKING

from praxisschild.gpo.model import AuditEntry, RegistryEntry
from praxisschild.i18n import german

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from praxisschild.gpo.backup import Backup
    from praxisschild.gpo.model import Entry, LeftOut, Setting
    from praxisschild.rows import Dropped

README = "LIESMICH.md"
TABLE = "einstellungen.csv"
HEADINGS = ("GPO", "Teil", "Einstellung", "Wert", "Richtlinie", "Anforderungen", "Rolle", "Rechner")
PARTS = {
    "machine": "Computer: Registry.pol",
    "user": "Benutzer: Registry.pol",
    "template": "Computer: GptTmpl.inf",
    "audit": "Computer: audit.csv",
}
# what a spreadsheet would take for a formula (CWE-1236)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table(backups: Iterable[Backup], numbers: Callable[[Iterable[str]], str]) -> bytes:
    """Every value as CSV for a German Excel; ``numbers`` writes requirements in an edition's numbering."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for backup in backups:
        for setting in backup.gpo.settings:
            for part in dict.fromkeys(_part(entry) for entry in setting.entries):
                cells = (
                    backup.name,
                    PARTS[part],
                    setting.name,
                    shown(setting),
                    setting.policy,
                    numbers(setting.requirements),
                    setting.role,
                    ", ".join(backup.gpo.hosts),
                )
                writer.writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    return ("\ufeff" + buffer.getvalue()).encode("utf-8")


def _part(entry: Entry) -> str:
    if isinstance(entry, RegistryEntry):
        return entry.scope
    return "audit" if isinstance(entry, AuditEntry) else "template"


def shown(setting: Setting) -> str:
    """A setting's value in a few words."""
    row = setting.row
    match setting.kind:
        case "audit":
            words = [word for key, word in (("success", "Erfolg"), ("failure", "Fehler")) if row[key]]
            return " und ".join(words) or "keine Überwachung"
        case "components":
            return f"Start {row['start']}"
    if row.get("state") == "absent":
        return "nicht vorhanden"
    if "value" not in row:
        return "vorhanden"
    value = row["value"]
    text = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    return text or ("niemand" if setting.kind == "security" else "leer")


def render(
    practice: str,
    edition: str,
    backups: Sequence[Backup],
    left_out: Sequence[LeftOut],
    dropped: Sequence[tuple[tuple[str, ...], Dropped]],
    numbers: Callable[[Iterable[str]], str],
) -> str:
    """The page as Markdown; ``dropped`` are rows that do not apply to these hosts."""
    with german():
        lines = [
            f"# Gruppenrichtlinien: {practice}",
            "",
            f"Nach der IT-Sicherheitsrichtlinie der KBV, Fassung {edition}. Von `praxisschild gpo` geschrieben; beim "
            "nächsten Mal wird dieser Ordner überschrieben.",
            "",
            "Jeder Ordner `{…}` ist die Sicherung einer Gruppenrichtlinie, wie die Gruppenrichtlinienverwaltung (GPMC) "
            f"sie einliest. Welcher Wert welcher Anforderung dient, steht in `{TABLE}`.",
            "",
            *_gpos(backups, numbers),
            *_steps(backups),
            *_left_out(left_out, numbers),
            *_dropped(dropped, numbers),
        ]
    return "\n".join(lines) + "\n"


def _gpos(backups: Sequence[Backup], numbers: Callable[[Iterable[str]], str]) -> list[str]:
    lines = ["## Was hier liegt", ""]
    for backup in backups:
        gpo = backup.gpo
        counts = (
            (len(gpo.registry("machine")), "Registrierung (Computer)"),
            (len(gpo.registry("user")), "Registrierung (Benutzer)"),
            (len(gpo.template), "Sicherheitsvorlage"),
            (len(gpo.audit), "Überwachung"),
        )
        lines += [
            f"### {backup.name}",
            "",
            f"- Sicherung `{backup.id}`",
            f"- Rechner: {', '.join(gpo.hosts)}",
            f"- Werte: {', '.join(f'{count} {word}' for count, word in counts if count)}",
            f"- Anforderungen: {numbers(gpo.requirements) or 'keine'}",
            "",
        ]
    return lines


def _steps(backups: Sequence[Backup]) -> list[str]:
    names = "\n".join(
        f"Import-GPO -Path . -BackupId '{one.id}' -TargetName {_quoted(one.name)} -CreateIfNeeded" for one in backups
    )
    lines = [
        "## Einlesen",
        "",
        "Auf einem Rechner mit Gruppenrichtlinienverwaltung, angemeldet als Domänenadministrator, in diesem Ordner:",
        "",
        "```powershell",
        names,
        "```",
        "",
        "Oder in der GPMC: *Gruppenrichtlinienobjekte* → *Neu* (Name wie oben), dann rechte Maustaste → *Einstellungen "
        "importieren…* und diesen Ordner wählen.",
        "",
        "Danach mit der Organisationseinheit verknüpfen, in der die genannten Rechner stehen; zuerst mit einer zum "
        "Proben, in der ein einziger Rechner steht. Nie mit der Einheit *Domain Controllers*, und nicht mit der ganzen "
        "Domäne.",
    ]
    if any(one.gpo.registry("user") for one in backups):
        lines.append(
            "Der Teil für Benutzer gilt nur für Konten, deren Organisationseinheit ebenfalls verknüpft ist (oder mit "
            "Loopback-Verarbeitung)."
        )
    lines += ["", "Mehr dazu: `docs/gpo.md`.", ""]
    return lines


def _quoted(text: str) -> str:
    """A text that PowerShell takes as it is; it ends a text at typographic apostrophes too."""
    return "'" + re.sub(r"(['‘’‚‛])", r"\1\1", text) + "'"


def by_reason(left_out: Iterable[LeftOut]) -> dict[str, list[LeftOut]]:
    """What is left out, under the reason in the language of the moment."""
    found: dict[str, list[LeftOut]] = {}
    for one in left_out:
        found.setdefault(str(one.reason), []).append(one)
    return found


def _left_out(left_out: Sequence[LeftOut], numbers: Callable[[Iterable[str]], str]) -> list[str]:
    heading = "## Was keine dieser Richtlinien trägt"
    if not left_out:
        return [heading, "", "Nichts: Sie tragen alles, was Praxisschild selbst setzen würde.", ""]
    lines = [heading, "", "Das setzt nur Praxisschild selbst (`praxisschild apply`).", ""]
    for reason, members in by_reason(left_out).items():
        lines += [f"**{reason[0].upper()}{reason[1:]}:**", "", "| Was | Anforderungen | Rechner |", "|---|---|---|"]
        lines += [_line(f"`{one.name}`", numbers(one.requirements), ", ".join(one.hosts)) for one in members]
        lines.append("")
    return lines


def _dropped(dropped: Sequence[tuple[tuple[str, ...], Dropped]], numbers: Callable[[Iterable[str]], str]) -> list[str]:
    if not dropped:
        return []
    counts = Counter((hosts, one.requirements, one.reason) for hosts, one in dropped)
    lines = [
        "## Was für diese Praxis nicht gilt",
        "",
        "Setzt auch Praxisschild selbst nicht.",
        "",
        "| Anforderungen | Warum | Einstellungen | Rechner |",
        "|---|---|---|---|",
    ]
    for (hosts, requirements, reason), count in counts.items():
        lines.append(_line(numbers(requirements), reason, str(count), ", ".join(hosts)))
    return [*lines, ""]


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
