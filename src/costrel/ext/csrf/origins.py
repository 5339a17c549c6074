"""Whether a request over HTTPS shows that a page of this origin sent it. Knows no request object."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

__all__ = ["find_foreign", "same_origin"]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def find_foreign(
    headers: Headers | Mapping[str, str], *, host: str, trusted: Collection[str] = ()
) -> str | None:
    """Return why a request over HTTPS may be another site's.

    What the browser says most plainly is believed: ``Sec-Fetch-Site``, else
    ``Origin``, else ``Referer``. Scripts of other sites can write none of them.

    Args:
        headers: The headers of the request.
        host: The value of its ``Host`` header.
        trusted: Origins that may send requests too, as ``"https://app.example.org"``.

    Returns:
        The reason, for the visitor; ``None`` if it is this origin's, or a trusted one's.

    Example:
        >>> find_foreign({"Origin": "https://shop.example"}, host="shop.example") is None
        True
        >>> find_foreign({"Origin": "null"}, host="shop.example")
        'The origin does not match the host.'
    """
    own = f"https://{host}"
    origin = headers.get("Origin")
    site = headers.get("Sec-Fetch-Site")
    if site:
        known = site in ("same-origin", "none") or origin in trusted
        return None if known else "The request was sent by another site."
    if origin:
        known = origin in trusted or same_origin(origin, own)
        return None if known else "The origin does not match the host."

    referrer = headers.get("Referer")
    if not referrer:
        return "The referrer header is missing."
    if any(same_origin(referrer, one) for one in (own, *trusted)):
        return None

    return "The referrer does not match the host."


def same_origin(current_uri: str, compare_uri: str) -> bool:
    """Tell whether two URLs have one scheme, host and port.

    Example:
        >>> same_origin("https://shop.example/cart", "https://shop.example:443/")
        True
        >>> same_origin("https://shop.example@evil.example/", "https://shop.example/")
        False
    """
    try:
        one, other = urlsplit(current_uri), urlsplit(compare_uri)
        ports = [url.port or _DEFAULT_PORTS.get(url.scheme) for url in (one, other)]
    except ValueError:
        return False

    return bool(one.scheme) and (one.scheme, one.hostname, ports[0]) == (
        other.scheme,
        other.hostname,
        ports[1],
    )
