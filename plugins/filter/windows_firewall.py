"""A rule of the Windows firewall out of what the practice says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from praxisschild import windows_firewall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def windows_firewall_rule(wanted: Mapping[str, Any], networks: Mapping[str, Any]) -> str:
    """The text that the policy store of Windows holds; see ``praxisschild.windows_firewall.rule``."""
    try:
        return windows_firewall.rule(wanted, networks)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """What templates call it."""
        return {"windows_firewall_rule": windows_firewall_rule}
