"""Registrars of hooks that are called with a function, or with options as decorators. Knows no table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from costrel._missing import MISSING
from costrel.core.drive import is_async
from costrel.core.on_loop import mark_on_loop

__all__ = ["register"]


# Any: what is registered keeps its own type by the overloads of the registrars.
def register(add: Callable[[Any], object], f: Any, sync_to_thread: bool | None) -> Any:
    """Register a function now, or return the decorator that will.

    Args:
        add: What keeps it.
        f: The function; ``MISSING`` asks for a decorator. ``None`` does not:
            a hook that somebody forgot to return must not vanish in silence.
        sync_to_thread: ``False`` says that a synchronous function does not block.

    Returns:
        The function, or the decorator.

    Example:
        >>> kept = []
        >>> @register(kept.append, MISSING, False)
        ... def hook(): ...
        >>> kept == [hook]
        True
    """

    def decorator(function: Any) -> Any:
        if sync_to_thread is False and not is_async(function):
            mark_on_loop(function)
        add(function)

        return function

    return decorator if f is MISSING else decorator(f)
