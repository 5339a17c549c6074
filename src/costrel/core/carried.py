"""Functions that take a context along: to a thread, a task or an executor. Knows contexts by what they do.

Each call gets a context of its own. A generator has its context while it
works on its next piece and nowhere else (``core/streams.py``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar, cast

from costrel.core.drive import is_async
from costrel.core.streams import AsyncContextStream, ContextStream

__all__ = ["carried"]

F = TypeVar("F", bound=Callable[..., Any])


def carried(function: F, make: Callable[[], Any], *, keep_async: bool) -> F:
    """Make a function that runs in a context.

    Args:
        function: A function, a coroutine function, or a generator function of
            either kind; what comes back is of the same kind, but a generator
            can only be iterated over and closed.
        make: Makes a context for a call; one that can be pushed and popped,
            held and released.
        keep_async: Make a coroutine function of a coroutine function. If
            not, it becomes one to call, as in Flask.
    """
    wrapper: Callable[..., Any]
    if inspect.isasyncgenfunction(function):
        wrapper = _streaming(function, make, AsyncContextStream)
    elif inspect.isgeneratorfunction(function):
        wrapper = _streaming(function, make, ContextStream)
    elif keep_async and is_async(function):
        wrapper = _awaiting(function, make)
    else:
        wrapper = _calling(function, make)

    return cast(F, update_wrapper(wrapper, function))


def _calling(function: Callable[..., Any], make: Callable[[], Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        ctx = make()
        with ctx:
            return ctx.app.ensure_sync(function)(*args, **kwargs)

    return call


def _awaiting(function: Callable[..., Any], make: Callable[[], Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        async with make():
            return await function(*args, **kwargs)

    return call


def _streaming(
    function: Callable[..., Any], make: Callable[[], Any], stream: Callable[[Any, Any], Any]
) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        ctx = make()
        with ctx:  # left at once; the stream holds it until its own end
            return stream(ctx, function(*args, **kwargs))

    return call
