"""The headers that every response gets unless the application set them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["SECURITY_HEADERS", "add_missing", "as_headers"]

SECURITY_HEADERS: tuple[tuple[str, str], ...] = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
"""No guessing of types, no full address to other sites, no framing and no opener by them."""


def as_headers(wanted: Mapping[str, str] | bool | None) -> tuple[tuple[str, str], ...]:
    """Read the value of ``SECURITY_HEADERS``.

    Example:
        >>> as_headers({"X-Frame-Options": "DENY"}), as_headers(False)
        ((('X-Frame-Options', 'DENY'),), ())
    """
    if wanted is True:
        return SECURITY_HEADERS
    if not wanted:
        return ()

    return tuple(wanted.items())


def add_missing(response: Any, headers: tuple[tuple[str, str], ...]) -> None:
    """Add those headers that a response does not have yet.

    A hook may have put another class in its place: Werkzeug's, or a bare WSGI
    callable, which is left alone.
    """
    own = getattr(response, "add_missing", None)
    if own is not None:
        own(headers)
    elif (present := getattr(response, "headers", None)) is not None:
        for name, value in headers:
            present.setdefault(name, value)
