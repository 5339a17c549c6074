"""Whether a browser sent a request on behalf of another site. Knows no request object.

The algorithm is that of Go's ``http.CrossOriginProtection``: no tokens, only
what browsers say of themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

__all__ = ["SAFE_METHODS", "is_cross_origin"]

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


def is_cross_origin(environ: Mapping[str, Any], trusted_origins: Collection[str] = ()) -> bool:
    """Tell whether an unsafe request comes from another origin.

    A request without ``Sec-Fetch-Site`` and ``Origin`` does not come from a
    browser that could be misled, and passes.

    Args:
        environ: The WSGI environment.
        trusted_origins: Origins that may send requests, as
            ``"https://app.example.org"``. SECURITY: each of them can act as
            the user who is logged in.

    Example:
        >>> is_cross_origin({"REQUEST_METHOD": "POST", "HTTP_SEC_FETCH_SITE": "cross-site"})
        True
        >>> is_cross_origin({"REQUEST_METHOD": "POST", "HTTP_SEC_FETCH_SITE": "same-origin"})
        False
    """
    if environ["REQUEST_METHOD"] in SAFE_METHODS:
        return False

    # One origin without a list: its parts must not count as origins.
    trusted = (trusted_origins,) if isinstance(trusted_origins, str) else trusted_origins
    origin = environ.get("HTTP_ORIGIN")
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site:
        if site in ("same-origin", "none"):
            return False
    elif not origin or _host_of(origin) == environ.get("HTTP_HOST", ""):
        return False

    return origin not in trusted


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None
