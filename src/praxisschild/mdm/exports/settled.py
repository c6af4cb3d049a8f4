"""What follows from the profile or policy of this project being installed: the topics that its rows settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.mdm.exports.model import Answer
from praxisschild.mdm.rows import load_rows
from praxisschild.mdm.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from praxisschild.mdm.declared import MobileDevices, Platform

# what a list says itself is better than what a policy promises; the rest is settled by what is installed
BY_POLICY = (
    Topic.LOCK_SCREEN,
    Topic.WIPES,
    Topic.APP_UPDATES,
    Topic.STORE_ONLY,
    Topic.PERMISSIONS,
    Topic.SHARING,
    Topic.CLOUD,
    Topic.ASSISTANT,
    Topic.BROWSER,
    Topic.APPROVED_APPS,
)


def wipe_after(platform: Platform) -> int:
    """After how many wrong codes the rows let a device erase itself."""
    values = [
        value
        for row in load_rows().rows
        if row.topic is Topic.WIPES
        for value in (row.android.values() if platform == "android" else [one.value for one in row.apple])
    ]
    return max(int(value) for value in values)


def needs_a_choice(topic: Topic, platform: Platform, declared: MobileDevices) -> Answer | None:
    """The answer where the rows set nothing because the practice has not chosen; None otherwise."""
    if topic is not Topic.APPROVED_APPS:
        return None
    named: Iterable[object] = declared.apps.ios if platform == "ios" else declared.apps.android
    if named:
        return None
    return Answer(None, f"die Praxis nennt keine freigegebenen Apps (praxis.mobile_devices.apps.{platform})")
