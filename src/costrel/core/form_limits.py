"""What a form may take, urlencoded or multipart. Knows neither."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FormLimits"]


class FormLimits(NamedTuple):
    """What a form may take; ``None`` means that there is no limit."""

    max_parts: int | None = None
    """Fields and files together."""

    max_field_bytes: int | None = None
    """One field that is no file. Files go to disk and are not counted."""

    max_total_bytes: int | None = None
    """All fields that are no files."""
