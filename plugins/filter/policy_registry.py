"""Filters that turn rows for policy files into rows for the registry of Windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from praxisschild import policy_registry

if TYPE_CHECKING:
    from collections.abc import Callable


def _telling(function: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[dict[str, Any]]]:
    """The function, with its mistakes in Ansible's words."""

    def filter_rows(*arguments: Any, **options: Any) -> list[dict[str, Any]]:
        try:
            return function(*arguments, **options)
        except (KeyError, ValueError) as error:
            raise AnsibleFilterError(f"{function.__name__}: {error}") from error

    return filter_rows


class FilterModule:
    """Rows into rows: ``chromium_registry(key)``, ``mozilla_registry(key, dropped)``, ``libreoffice_registry(key)``."""

    def filters(self) -> dict[str, Callable[..., list[dict[str, Any]]]]:
        """The filters by name."""
        return {
            "chromium_registry": _telling(policy_registry.chromium),
            "mozilla_registry": _telling(policy_registry.mozilla),
            "libreoffice_registry": _telling(policy_registry.libreoffice),
        }
