"""Until which day Microsoft sends security updates for releases of Windows and for programs that practices have.

Sources, looked at on the day in ``CHECKED``: Microsoft's release information of Windows 10, 11 and Windows Server
(learn.microsoft.com/windows/release-health) and its lifecycle pages (learn.microsoft.com/lifecycle/products). Paid
extensions (ESU) are not counted: who has one knows it, and says so in a deviation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

CHECKED = date(2026, 11, 28)

_LONG_TERM = re.compile(r"EnterpriseSN?(Eval)?|IoTEnterpriseSK?")
_LARGE = re.compile(r"(IoT)?Enterprise(N|G|GN|K|Eval)?|Education(N)?|ServerRdsh|CloudEdition(N)?")
_SMALL = re.compile(
    r"Core(N|SingleLanguage|CountrySpecific)?|Professional(N|Education|EducationN|Workstation|WorkstationN)?"
)


@dataclass(frozen=True)
class Release:
    """A release by its build; last days of updates for Home and Pro, and for Enterprise and Education."""

    name: str
    small: date
    large: date


CLIENTS = {
    19041: Release("Windows 10 2004", date(2021, 12, 14), date(2021, 12, 14)),
    19042: Release("Windows 10 20H2", date(2022, 5, 10), date(2023, 5, 9)),
    19043: Release("Windows 10 21H1", date(2022, 12, 13), date(2022, 12, 13)),
    19044: Release("Windows 10 21H2", date(2023, 6, 13), date(2024, 6, 11)),
    19045: Release("Windows 10 22H2", date(2025, 10, 14), date(2025, 10, 14)),
    22000: Release("Windows 11 21H2", date(2023, 10, 10), date(2024, 10, 8)),
    22621: Release("Windows 11 22H2", date(2024, 10, 8), date(2025, 10, 14)),
    22631: Release("Windows 11 23H2", date(2025, 11, 11), date(2026, 11, 10)),
    26100: Release("Windows 11 24H2", date(2026, 10, 13), date(2027, 10, 12)),
    26200: Release("Windows 11 25H2", date(2027, 10, 12), date(2028, 10, 10)),
    26300: Release("Windows 11 26H2", date(2028, 10, 10), date(2029, 10, 9)),
    28000: Release("Windows 11 26H1", date(2028, 3, 14), date(2029, 3, 13)),
}
LONG_TERM = {
    14393: ("Windows 10 LTSB 2016", date(2026, 10, 13)),
    17763: ("Windows 10 LTSC 2019", date(2029, 1, 9)),
    19044: ("Windows 10 LTSC 2021", date(2027, 1, 12)),
    26100: ("Windows 11 LTSC 2024", date(2029, 10, 9)),
}
SERVERS = {
    9600: ("Windows Server 2012 R2", date(2023, 10, 10)),
    14393: ("Windows Server 2016", date(2027, 1, 12)),
    17763: ("Windows Server 2019", date(2029, 1, 9)),
    20348: ("Windows Server 2022", date(2031, 10, 14)),
    25398: ("Windows Server 23H2", date(2025, 10, 24)),
    26100: ("Windows Server 2025", date(2034, 10, 10)),
}
# as the list of installed programs shows them; a year in the name is the version's
PROGRAMS = {
    r"Microsoft SQL Server (2005|2008( R2)?|2012)\b": date(2022, 7, 12),
    r"Microsoft SQL Server 2014\b": date(2024, 7, 9),
    r"Microsoft SQL Server 2016\b": date(2026, 7, 14),
    r"Microsoft SQL Server 2017\b": date(2027, 10, 12),
    r"Microsoft SQL Server 2019\b": date(2030, 1, 8),
    r"Microsoft Office\b.* 2010\b": date(2020, 10, 13),
    r"Microsoft Office\b.* 2013\b": date(2023, 4, 11),
    r"Microsoft Office\b.* (2016|2019)\b": date(2025, 10, 14),
    r"Microsoft Office\b.* 2021\b": date(2026, 10, 13),
    r"Microsoft Exchange Server (2013|2016|2019)\b": date(2025, 10, 14),
    r"Microsoft Silverlight\b": date(2021, 10, 12),
    r"Adobe Flash Player\b": date(2020, 12, 31),
}
# what carries a product's name without being the product: clients, drivers and tools with a lifecycle of their own
_PARTS = re.compile(
    r"Native Client|ODBC|OLE ?DB|Management Objects|CLR Types|Browser|VSS Writer|Policies|Setup|Report Viewer"
    r"|Language Pack|Proof|MUI|Data-Tier|T-SQL|Transact-SQL|Compiler|LocalDB"
)


def client(build: int, edition: str) -> tuple[str, date] | None:
    """Name and last day of updates of a client's release by build and EditionID; None if the table has neither."""
    if _LONG_TERM.fullmatch(edition):
        return LONG_TERM.get(build)
    found = CLIENTS.get(build)
    if found and _LARGE.fullmatch(edition):
        return found.name, found.large
    if found and _SMALL.fullmatch(edition):
        return found.name, found.small
    return None


def server(build: int) -> tuple[str, date] | None:
    """The same of a Windows Server."""
    return SERVERS.get(build)


def program(name: str) -> date | None:
    """Last day of updates of an installed program; None if the table does not know it."""
    if _PARTS.search(name):
        return None
    return next((until for form, until in PROGRAMS.items() if re.match(form, name)), None)
