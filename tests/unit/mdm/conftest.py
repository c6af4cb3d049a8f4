"""A practice with phones, and the device lists that the tests read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from praxisschild.practice import Practice

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).resolve().parents[3]
VENDOR = PROJECT / "tests/data/vendor"
LISTS = PROJECT / "tests/data/mobile"
# the day after the lists were taken
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
CHOICES = {
    "wlan": ["Praxis"],
    "vpn": {"server": "vpn.praxis.example", "android_app": "org.strongswan.android"},
    "apps": {
        "ios": ["de.gematik.erp4ios.eRezept"],
        "android": [{"package": "de.gematik.ti.erp.app", "permissions": ["android.permission.CAMERA"]}],
    },
}


def practice_with(size: str = "gross", **mobile: Any) -> Practice:
    facts = {"name": "Praxis am Markt", "size": size, "networks": {}, "features": {"mdm": True}}
    return Practice.model_validate({**facts, "mobile_devices": {**CHOICES, **mobile}})


@pytest.fixture(scope="session")
def apple_table() -> dict[str, Any]:
    return json.loads((VENDOR / "apple_payloads.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def android_table() -> dict[str, Any]:
    return json.loads((VENDOR / "amapi_policy.json").read_text(encoding="utf-8"))["fields"]


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Keep a text or JSON document as a file."""

    def save(content: Any, name: str = "") -> Path:
        path = tmp_path / (name or ("liste.csv" if isinstance(content, str | bytes) else "liste.json"))
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return save
