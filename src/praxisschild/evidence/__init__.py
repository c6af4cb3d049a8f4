"""The evidence: bundles that verification runs leave, how they are sealed, and how a seal is verified."""

from __future__ import annotations

from praxisschild.evidence.bundle import (
    bundles,
    latest_bundle,
    latest_bundles,
    load_bundle,
    load_snapshot,
    previous_bundle,
    slug,
    write_bundle,
)

__all__ = [
    "bundles",
    "latest_bundle",
    "latest_bundles",
    "load_bundle",
    "load_snapshot",
    "previous_bundle",
    "slug",
    "write_bundle",
]
