"""Find out whether a subclass replaced what a short path takes for granted."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["keeps"]


def keeps(cls: type, base: type, names: Iterable[str]) -> bool:
    """Tell whether a subclass left these attributes as its base has them."""
    return all(getattr(cls, name, None) is getattr(base, name, None) for name in names)
