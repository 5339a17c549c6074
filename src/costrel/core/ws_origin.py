"""Whether a page may open a WebSocket here. Knows no request object and no configuration.

Browsers send cookies along with the handshake and let any page read the
messages: CORS does not hold for WebSockets. What they say of the page is its
``Origin``, so that decides (RFC 6455 10.2).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

__all__ = ["may_connect"]

_USUAL_PORTS = {"http": ":80", "https": ":443", "ws": ":80", "wss": ":443"}


def may_connect(environ: Mapping[str, Any], allowed: Collection[str] = ()) -> bool:
    """Tell whether the origin of a handshake is the host itself, or listed.

    A client without an origin is no browser that could be misled, and passes.

    Args:
        environ: The WSGI environment of the handshake.
        allowed: Origins that may connect, as ``"https://app.example.org"``.
            SECURITY: pages there can act as the user who is logged in here;
            ``"*"`` lets the pages of every site do so.

    Example:
        >>> may_connect({"HTTP_HOST": "shop.example", "HTTP_ORIGIN": "https://shop.example"})
        True
        >>> may_connect({"HTTP_HOST": "shop.example", "HTTP_ORIGIN": "https://evil.example"})
        False
    """
    origin: str | None = environ.get("HTTP_ORIGIN")
    if origin is None or _is_of_host(origin, environ.get("HTTP_HOST", "")):
        return True

    listed = (allowed,) if isinstance(allowed, str) else allowed

    return "*" in listed or origin.lower() in {entry.lower().rstrip("/") for entry in listed}


def _is_of_host(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    # The scheme is not compared: behind a proxy that does TLS, the server sees another one.
    port = _USUAL_PORTS.get(parts.scheme)
    if port is None or not parts.netloc:
        return False

    return parts.netloc.removesuffix(port) == host.lower().removesuffix(port)
