"""Merges what two requests made of one session. Knows no session and no store.

A request that finds its session changed by another one keeps what it changed
itself and takes the rest from the other: a three-way merge.
"""

from __future__ import annotations

from typing import Any

__all__ = ["merge"]

_NONE: Any = object()
"""Stands for a key that is not there."""


def merge(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Apply to ``theirs`` what was changed between ``base`` and ``ours``.

    Keys are merged one by one, dicts within them likewise. Of a list that one
    side only appended to, the new items are appended to the other side's.
    Where both sides changed the same other value, ours stands.

    Args:
        base: What both began with.
        ours: What this request made of it.
        theirs: What is stored now.

    Example:
        >>> merge({"n": 1}, {"n": 1, "a": 2}, {"n": 5})
        {'n': 5, 'a': 2}
        >>> merge({"cart": ["tea"]}, {"cart": ["tea", "jam"]}, {"cart": ["tea", "nuts"]})
        {'cart': ['tea', 'nuts', 'jam']}
    """
    merged = {}
    for key in [*theirs, *(key for key in ours if key not in theirs)]:
        value = _merged(base.get(key, _NONE), ours.get(key, _NONE), theirs.get(key, _NONE))
        if value is not _NONE:
            merged[key] = value

    return merged


def _merged(base: Any, ours: Any, theirs: Any) -> Any:
    if _is_same(ours, base) or _is_same(ours, theirs):
        return theirs
    if _is_same(theirs, base):
        return ours
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return merge(base if isinstance(base, dict) else {}, ours, theirs)
    if isinstance(base, list):
        ours_added, theirs_added = _appended(base, ours), _appended(base, theirs)
        if ours_added:
            return [*_as_list(theirs), *ours_added] if _is_list(theirs) else ours
        if theirs_added:
            return [*_as_list(ours), *theirs_added] if _is_list(ours) else ours

    return ours


def _appended(base: list[Any], now: Any) -> list[Any]:
    """Return what was appended to a list, if nothing else was done to it."""
    if isinstance(now, list) and len(now) > len(base) and _is_same(now[: len(base)], base):
        return now[len(base) :]

    return []


def _is_list(value: Any) -> bool:
    """Tell whether it is a list, or was one that is deleted now."""
    return value is _NONE or isinstance(value, list)


def _as_list(value: Any) -> list[Any]:
    return [] if value is _NONE else value


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of the same types, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))

    return bool(one == other)
