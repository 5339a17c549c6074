"""Which synchronous functions may run on an event loop, because they do not block. Knows no event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["mark_on_loop", "may_run_on_loop"]

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__costrel_on_loop__"


def mark_on_loop(function: F) -> F:
    """Note that a function does not block, and return it.

    The note holds for this function alone: a wrapper that copies its
    attributes (``functools.wraps``) may block, and is asked for itself.

    Raises:
        TypeError: If the function takes no attributes, as built-in ones.

    Example:
        >>> def count(): ...
        >>> may_run_on_loop(mark_on_loop(count)), may_run_on_loop(print)
        (True, False)
    """
    plain = getattr(function, "__func__", function)
    try:
        setattr(plain, _MARK, id(plain))
    except AttributeError:
        raise TypeError(
            f"{function!r} cannot be marked with sync_to_thread=False\n  hint: Wrap it in a def."
        ) from None

    return function


def may_run_on_loop(function: Callable[..., Any]) -> bool:
    """Tell whether a synchronous function was noted as one that does not block."""
    mark = getattr(function, _MARK, None)

    return mark is not None and mark == id(getattr(function, "__func__", function))
