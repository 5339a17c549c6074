"""Times as they are stored: text in ISO 8601, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> str:
    """Return the present moment, to the second."""
    return ago(0)


def ago(seconds: float) -> str:
    """Return the moment so many seconds ago."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
