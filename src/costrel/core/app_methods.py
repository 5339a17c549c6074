"""Which lifecycle methods of an application are not costrel's own, and how to call them.

Extensions replace methods on an instance, on a subclass and on the class
itself, before and after the first request; so this asks the objects each time
and remembers nothing that could change.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

__all__ = ["Step", "own_method", "remember_originals", "styled_args"]

Step = Callable[..., Any]

_originals: dict[str, Any] = {}


def remember_originals(cls: type, names: tuple[str, ...]) -> None:
    """Note the methods that count as costrel's own, once, when their class is made."""
    for name in names:
        _originals[name] = inspect.getattr_static(cls, name)


def originals(names: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the methods noted for the names."""
    return tuple(_originals[name] for name in names)


def own_method(app: Any, name: str) -> Callable[..., Any] | None:
    """Return the application's method if it is not costrel's own, else ``None``."""
    if name in app.__dict__ or getattr(type(app), name) is not _originals[name]:
        return getattr(app, name)  # type: ignore[no-any-return]  # an override's

    return None


def styled_args(method: Callable[..., Any], name: str, ctx: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments in the style the method was written for.

    Flask 3.2 hands the context to these methods first; 3.1 does not. What
    takes anything (``*args``) is a wrapper, and gets the style of 3.1.
    """
    function = getattr(method, "__func__", method)
    if function is _originals.get(name):
        return args

    return (ctx, *args) if _takes_context(function, bound=hasattr(method, "__self__")) else args


@lru_cache(maxsize=1024)
def _takes_context(function: Callable[..., Any], bound: bool) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False

    first = parameters[1:2] if bound else parameters[:1]
    return bool(first) and first[0].name == "ctx" and first[0].kind is not first[0].VAR_POSITIONAL
