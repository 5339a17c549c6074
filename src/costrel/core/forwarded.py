"""Read the ``Forwarded`` header (RFC 7239 4). Knows neither whom to believe nor what the values mean."""

from __future__ import annotations

import re

__all__ = ["read_elements"]

# One pair, and what stands behind it. The alternatives begin with different
# characters and none repeats another, so reading takes linear time.
_PAIR = re.compile(
    r"[ \t]*(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)="
    r'(?:"(?P<quoted>(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\t -~])*)"|(?P<token>[!#$%&\'*+.^_`|~0-9A-Za-z-]+))'
    r"[ \t]*(?P<end>[;,]|\Z)",
    re.ASCII,
)
_ESCAPED = re.compile(r"\\(.)", re.ASCII | re.DOTALL)


def read_elements(text: str) -> list[dict[str, str]]:
    """Return what each proxy wrote, the one nearest to the client first.

    Args:
        text: The header's value; several lines of it joined by commas.

    Returns:
        Names in lower case with their values. Nothing, if any part is
        malformed: it cannot be told any more who wrote which.

    Example:
        >>> read_elements('for=192.0.2.60;proto=https, for="[2001:db8::1]:80"')
        [{'for': '192.0.2.60', 'proto': 'https'}, {'for': '[2001:db8::1]:80'}]
        >>> read_elements('for="192.0.2.60, for=10.0.0.1')
        []
    """
    elements: list[dict[str, str]] = []
    element: dict[str, str] = {}
    position = 0
    while True:
        match = _PAIR.match(text, position)
        if match is None:
            return []

        name, quoted = match["name"].lower(), match["quoted"]
        # A name that comes twice could be read one way here and another way elsewhere.
        if name in element:
            return []
        element[name] = match["token"] if quoted is None else _ESCAPED.sub(r"\1", quoted)
        position = match.end()
        if match["end"] == ";":
            continue

        elements.append(element)
        if not match["end"]:
            return elements
        element = {}
