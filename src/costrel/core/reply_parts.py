"""The parts a plain response is put together from, made once and kept.

Knows no response class. What is kept is bounded and checked, because a
content type may come from a view's arguments.
"""

from __future__ import annotations

from werkzeug.utils import get_content_type

from costrel.core.header_rules import check_value
from costrel.core.werkzeug_names import STATUS_PHRASES

__all__ = [
    "STATUS_LINES",
    "content_type_of",
    "kept_lengths",
    "kept_types",
    "length_pair",
    "plain_content_type",
]

STATUS_LINES: dict[object, tuple[str, int]] = {
    code: (f"{code} {phrase.upper()}", code) for code, phrase in STATUS_PHRASES.items()
}
"""Status line and code by code, as Werkzeug writes them."""

_MAX_KEPT = 256
kept_types: dict[str, str] = {}
"""Content types by mimetype, as far as they were asked for; ``content_type_of`` knows all."""
_checked: dict[str, str] = {}
_MAX_KEPT_LENGTHS = 1024
kept_lengths: dict[int, tuple[str, str]] = {}
"""``Content-Length`` headers by length, as far as they were asked for; ``length_pair`` knows all."""


def content_type_of(mimetype: str) -> str | None:
    """Return the content type for a mimetype, with its charset.

    ``None`` for what is no plain text; Werkzeug's constructor then answers.

    Raises:
        ValueError: If it holds a CR, LF or NUL.

    Example:
        >>> content_type_of("text/plain"), content_type_of("application/json")
        ('text/plain; charset=utf-8', 'application/json')
    """
    known = kept_types.get(mimetype)
    if known is None and type(mimetype) is str:
        known = check_value(get_content_type(mimetype, "utf-8"))
        if len(kept_types) < _MAX_KEPT:
            kept_types[mimetype] = known

    return known


def length_pair(length: int) -> tuple[str, str]:
    """Return the header that says how long a body is.

    Example:
        >>> length_pair(13)
        ('Content-Length', '13')
    """
    pair = "Content-Length", str(length)
    if len(kept_lengths) < _MAX_KEPT_LENGTHS:
        kept_lengths[length] = pair

    return pair


def plain_content_type(content_type: str) -> str | None:
    """Return a content type as it was given, if it can be sent.

    ``None`` and the error are as those of ``content_type_of``.
    """
    known = _checked.get(content_type)
    if known is None and type(content_type) is str:
        known = check_value(content_type)
        if len(_checked) < _MAX_KEPT:
            _checked[content_type] = known

    return known
