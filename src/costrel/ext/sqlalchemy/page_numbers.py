"""Arithmetic of pages: which one is asked for, which ones a widget shows. Knows no query and no request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["DEFAULT_LIMIT", "DEFAULT_PER_PAGE", "Limit", "limit_of", "page_numbers", "read_page_args"]

DEFAULT_PER_PAGE = 20
"""How many items a page has if nobody says."""

MAX_ASKED_PER_PAGE = 100
"""How many items a visitor may ask for if the view does not say."""

MAX_OFFSET = 2**63 - 1
"""The last row that the databases can count to; a page behind it is none, not an error of theirs."""


class _DefaultLimit:
    """No limit for what the view says, ``MAX_ASKED_PER_PAGE`` for what a visitor asks for."""

    def __repr__(self) -> str:
        return "DEFAULT_LIMIT"


DEFAULT_LIMIT: Final = _DefaultLimit()

Limit = int | _DefaultLimit | None


def read_page_args(
    asked: Mapping[str, Any],
    *,
    page: int | None = None,
    per_page: int | None = None,
    max_per_page: Limit = DEFAULT_LIMIT,
) -> tuple[int | None, int | None]:
    """Return the page and how many items it has; ``None`` for one that makes no sense.

    Args:
        asked: What the visitor asks for: ``page`` and ``per_page``, as text.
        page: What the view says; goes before what is asked for.
        per_page: As ``page``.
        max_per_page: The most items; by default only a limit for visitors.

    Example:
        >>> read_page_args({"page": "3", "per_page": "5000"})
        (3, 100)
        >>> read_page_args({"page": "one"}, per_page=500)
        (None, 500)
    """
    number = _read(asked.get("page", 1)) if page is None else _positive(page)
    size = _read(asked.get("per_page", DEFAULT_PER_PAGE)) if per_page is None else _positive(per_page)
    limit = limit_of(max_per_page, per_page)
    if size is not None and limit is not None:
        size = _positive(min(size, limit))
    if number is not None and size is not None and number * size > MAX_OFFSET:
        number = None

    return number, size


def limit_of(max_per_page: Limit, per_page: int | None) -> int | None:
    """Return the most items that a page may have; ``None`` for no limit.

    Args:
        max_per_page: What the view says of it.
        per_page: How many items the view wants, if it says so.
    """
    if not isinstance(max_per_page, _DefaultLimit):
        return max_per_page

    return MAX_ASKED_PER_PAGE if per_page is None else None


def _read(text: Any) -> int | None:
    try:
        return _positive(int(text))
    except (TypeError, ValueError):
        return None


def _positive(value: int) -> int | None:
    return value if value >= 1 else None


def page_numbers(
    page: int,
    pages: int,
    *,
    left_edge: int = 2,
    left_current: int = 2,
    right_current: int = 4,
    right_edge: int = 2,
) -> Iterator[int | None]:
    """Yield the numbers that a widget shows, and ``None`` for each gap.

    Args:
        page: The current page, from 1.
        pages: How many there are.
        left_edge: How many are shown from the first on.
        left_current: How many are shown before the current one.
        right_current: How many are shown after it.
        right_edge: How many are shown up to the last.

    Example:
        >>> list(page_numbers(7, 20))
        [1, 2, None, 5, 6, 7, 8, 9, 10, 11, None, 19, 20]
    """
    spans = (
        (1, left_edge),
        (page - left_current, page + right_current),
        (pages - right_edge + 1, pages),
    )
    last = 0
    for first, end in spans:
        start = max(first, last + 1)
        end = min(end, pages)
        if start > end:
            continue
        if start > last + 1:
            yield None
        yield from range(start, end + 1)
        last = end
    if last < pages:
        yield None
