"""Read the ``Cookie`` header in linear time, and refuse unfit ``Set-Cookie`` parts.

The result of reading is Werkzeug's, for every header; a test holds the two
against each other. Knows no request and no response.
"""

from __future__ import annotations

import re

from werkzeug.sansio.http import parse_cookie

__all__ = ["check_cookie_domain", "check_cookie_expires", "check_cookie_name", "read_cookies"]

# RFC 6265 4.1.1: cookie-name is a token of RFC 9110.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNFIT_FOR_DATE = re.compile(r"[\x00-\x1f;\x7f]")
_UNFIT_FOR_DOMAIN = re.compile(r"[\x00-\x20;,\x7f]")


def read_cookies(header: str) -> list[tuple[str, str]]:
    """Split a ``Cookie`` header into names and values; those of one name are in their order.

    Cookies without a name are dropped: what was set as ``=name=value`` would
    else pass for the cookie ``name`` (CVE-2023-23934).

    Example:
        >>> read_cookies("a=1; =b=2; c=3")
        [('a', '1'), ('c', '3')]
    """
    if '"' in header:
        return list(parse_cookie(header).items(multi=True))

    pairs = []
    for item in header.split(";"):
        name, _, value = item.partition("=")
        name, value = name.strip(" \t"), value.strip(" \t")
        if name and not _has_space(name) and not _has_space(value):
            pairs.append((name, value))

    return pairs


def _has_space(text: str) -> bool:
    return " " in text or "\t" in text


def check_cookie_name(name: str) -> None:
    """Refuse a cookie name that browsers would misread.

    SECURITY: a name with ``=``, ``;`` or a control character lets whoever
    chose it set another cookie, or add attributes to this one.

    Raises:
        ValueError: If the name is not a token of RFC 6265.
    """
    if _TOKEN.fullmatch(name) is None:
        raise ValueError(
            f"a cookie name must be an RFC 6265 token (letters, digits, !#$%&'*+-.^_`|~), got {name!r}"
        )


def check_cookie_domain(domain: str | None) -> None:
    """Refuse a cookie domain that could carry further attributes.

    Raises:
        ValueError: If it has a semicolon, comma, space or control character.
    """
    if domain and _UNFIT_FOR_DOMAIN.search(domain) is not None:
        raise ValueError(f"a cookie domain must be a host name, got {domain!r}")


def check_cookie_expires(expires: object) -> None:
    """Refuse a text for a cookie's date that could carry further attributes.

    Raises:
        ValueError: If it has a semicolon or control character.
    """
    if isinstance(expires, str) and _UNFIT_FOR_DATE.search(expires) is not None:
        raise ValueError(f"a cookie's expires must be a date, got {expires!r}")
