"""The headers that every response gets unless the application set them."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["SECURITY_HEADERS", "as_headers"]

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
