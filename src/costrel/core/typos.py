"""Which of the known names somebody meant and mistyped. Knows nothing else."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["distance", "find_meant"]

_SHORT = 5
"""Up to so many letters one wrong letter is a typo, and two make another word."""


def find_meant(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that this one is a typo of; ``None`` if it is none, but another name.

    Args:
        name: A name that is not known.
        known: The others.

    Example:
        >>> find_meant("DATABASE_URL", ["ECHO", "DATABASE_URI"])
        'DATABASE_URI'
        >>> find_meant("DATABASE_PASSWORD", ["ECHO", "DATABASE_URI"]) is None
        True
    """
    found = [(distance(name, one), one) for one in known]
    near = [(count, one) for count, one in found if count <= (1 if len(one) <= _SHORT else 2)]

    return min(near)[1] if near else None


def distance(one: str, other: str) -> int:
    """Count the letters to insert, leave out, replace, or swap with the next, to make one text of another.

    Example:
        >>> distance("PORT", "PROT"), distance("PORT", "PORTS"), distance("PORT", "HOST")
        (1, 1, 2)
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one):
        now = [row + 1]
        for column, wanted in enumerate(other):
            count = min(last[column + 1] + 1, now[column] + 1, last[column] + (letter != wanted))
            if row and column and (letter, one[row - 1]) == (other[column - 1], wanted):
                count = min(count, before[column - 1] + 1)
            now.append(count)
        before, last = last, now

    return last[-1]
