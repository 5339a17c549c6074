"""Conditional and range requests as RFC 9110 decides them (sections 13 and 14).

Header texts and a representation's validators go in, a decision comes out.
Knows no request, no response and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from werkzeug.http import parse_date, unquote_etag

from costrel.core.werkzeug_names import read_etags

__all__ = [
    "CONDITIONS",
    "MAX_RANGES",
    "Unsatisfiable",
    "Validators",
    "decide",
    "if_range_holds",
    "pick_range",
    "read_date",
]

MAX_RANGES = 16

CONDITIONS = frozenset(
    ("HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")
)
"""The headers that ``decide`` looks at, as the WSGI environment names them."""


class Unsatisfiable(ValueError):
    """The range asked for cannot be given; an HTTP 416."""


# A tuple because a dataclass takes 0.5 ms to make, at every start, and this 0.1.
class Validators(NamedTuple):
    """What identifies the state of a representation."""

    etag: str | None = None
    """The ``ETag`` header as it is sent, quotes and ``W/`` included."""

    last_modified: datetime | None = None
    date: datetime | None = None
    """When the response was made, its ``Date`` header."""

    @property
    def opaque_tag(self) -> str | None:
        """The tag without quotes and weakness."""
        return unquote_etag(self.etag)[0] if self.etag else None

    @property
    def is_weak(self) -> bool:
        """Whether equal tags need not mean equal bytes."""
        return self.etag is not None and self.etag[:2] in ("W/", "w/")


def read_date(text: str | None) -> datetime | None:
    """Parse an HTTP date; ``None`` for whatever is not one.

    Example:
        >>> read_date("Sun, 06 Nov 1994 08:49:37 GMT").year
        1994
        >>> read_date("Sun, 06 Nov 1994 08:49:37 +99999999999999") is None
        True
    """
    try:
        return parse_date(text)
    except (OverflowError, IndexError):
        # email.utils lets these through for absurd offsets and empty parts.
        return None


def decide(environ: Mapping[str, Any], validators: Validators) -> Literal[200, 304, 412]:
    """Evaluate a GET's or HEAD's preconditions in their order (13.2.2).

    Args:
        environ: The WSGI environment.
        validators: Those of the representation that would be sent.

    Returns:
        200 to go on, 304 if the client has it already, 412 if it was changed.

    Example:
        >>> decide({"HTTP_IF_NONE_MATCH": '"a"'}, Validators(etag='W/"a"'))
        304
    """
    tag = validators.opaque_tag
    changed_at = _whole_second(validators.last_modified)

    if "HTTP_IF_MATCH" in environ:
        wanted = read_etags(environ["HTTP_IF_MATCH"])
        strong = tag is not None and not validators.is_weak and wanted.is_strong(tag)
        if wanted and not wanted.star_tag and not strong:
            return 412
    elif "HTTP_IF_UNMODIFIED_SINCE" in environ:
        since = read_date(environ["HTTP_IF_UNMODIFIED_SINCE"])
        if since is not None and changed_at is not None and changed_at > since:
            return 412

    if "HTTP_IF_NONE_MATCH" in environ:
        known = read_etags(environ["HTTP_IF_NONE_MATCH"])
        if known.star_tag or (tag is not None and known.contains_weak(tag)):
            return 304
    elif "HTTP_IF_MODIFIED_SINCE" in environ:
        since = read_date(environ["HTTP_IF_MODIFIED_SINCE"])
        if since is not None and changed_at is not None and changed_at <= since:
            return 304

    return 200


def if_range_holds(text: str | None, validators: Validators) -> bool:
    """Tell whether ``If-Range`` lets the ``Range`` count (13.1.5).

    Only strong validators do: the parts that a client joins have to come from
    the same bytes.
    """
    if text is None:
        return True

    text = text.strip(" \t")
    if text.startswith(('"', "W/", "w/")):
        return validators.etag is not None and not validators.is_weak and text == validators.etag

    since = read_date(text)
    changed_at = _whole_second(validators.last_modified)
    if since is None or changed_at is None or since != changed_at:
        return False

    # 8.8.2.2: a date is strong if a second has passed since, so that no
    # second change can hide behind the same date.
    return validators.date is None or validators.date - changed_at >= timedelta(seconds=1)


def pick_range(text: str, length: int) -> tuple[int, int] | None:
    """Choose which bytes to send for a ``Range`` header (14.1.2).

    Ranges that touch or overlap are joined. If more than one is left, the
    whole representation is the answer, which the RFC allows.

    Args:
        text: The header's value.
        length: The representation's length in bytes.

    Returns:
        Start and end, the end not included; ``None`` to send the whole.

    Raises:
        Unsatisfiable: If the header is malformed, has more than 16 ranges or
            none within the length.

    Example:
        >>> pick_range("bytes=0-4", 10), pick_range("bytes=-3", 10)
        ((0, 5), (7, 10))
    """
    unit, equals, specs = text.partition("=")
    if not equals:
        raise Unsatisfiable(text)
    if unit.strip(" \t").lower() != "bytes":
        # 14.2: a unit that is not understood is ignored.
        return None
    if specs.count(",") >= MAX_RANGES:
        raise Unsatisfiable("too many ranges")

    spans = [_read_span(spec.strip(" \t"), length) for spec in specs.split(",")]
    wanted = sorted(span for span in spans if span[0] < span[1])
    if not wanted:
        raise Unsatisfiable(text)

    start, end = wanted[0]
    for other_start, other_end in wanted[1:]:
        if other_start > end:
            return None
        end = max(end, other_end)

    return start, end


def _read_span(spec: str, length: int) -> tuple[int, int]:
    """Read ``first-last``, ``first-`` or ``-suffix``; empty beyond the length."""
    first, dash, last = spec.partition("-")
    first, last = first.strip(" \t"), last.strip(" \t")
    if not dash or not (first or last) or not all(map(_is_number, filter(None, (first, last)))):
        raise Unsatisfiable(spec)
    if not first:
        return max(0, length - int(last)), length
    if not last:
        return int(first), length
    if int(first) > int(last):
        raise Unsatisfiable(spec)

    return int(first), min(int(last) + 1, length)


def _is_number(text: str) -> bool:
    # int() refuses more than 4,300 digits; no file needs more than 19.
    return text.isascii() and text.isdigit() and len(text) <= 19


def _whole_second(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None

    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).replace(microsecond=0)
