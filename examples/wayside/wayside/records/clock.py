"""Times as they are stored: text in ISO 8601, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """Return the present moment, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
