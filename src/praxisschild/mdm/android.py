"""An Android Management API policy from the setting rows (`enterprises.policies`, discovery document v1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from praxisschild.errors import InputError
from praxisschild.i18n import _
from praxisschild.mdm.rows import nested

if TYPE_CHECKING:
    from pathlib import Path

    from praxisschild.mdm.declared import Owner
    from praxisschild.mdm.rows import Selection

POLICY_IDS: dict[Owner, str] = {"company": "praxisschild-dienstlich", "personal": "praxisschild-privat"}
_LONGEST_MESSAGE = 4096


def policy(selection: Selection, practice: str, file: Path) -> dict[str, Any]:
    """The policy. JSON has no comments: the message that a device shows about its management names the requirements.

    Args:
        selection: the rows of the group.
        practice: the practice's name, for people.
        file: where the practice's choices stand, for messages.

    Raises:
        InputError: the practice approves an app that a requirement blocks.
    """
    try:
        document = nested((field, value) for row in selection.rows for field, value in row.android.items())
    except ValueError as error:
        way_out = _("take the app off the list, or record a deviation from the requirement that blocks it")
        raise InputError(file, "praxis.mobile_devices.apps.android", str(error), way_out) from None
    numbers = ", ".join(selection.requirements)
    message = f"{practice} verwaltet dieses Gerät nach der IT-Sicherheitsrichtlinie der KBV: {numbers}"
    document["longSupportMessage"] = {"defaultMessage": message[:_LONGEST_MESSAGE]}
    return document
