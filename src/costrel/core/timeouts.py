"""Bounds on the time of a request: 504 when the view takes too long, 408 when the body does.

What is bounded is async and is cancelled. A thread cannot be, so synchronous
views have the bounds of their server. Knows no application.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import CoroutineType
from typing import Any, TypeVar

from werkzeug.exceptions import GatewayTimeout, HTTPException, RequestTimeout

from costrel.core.drive import is_async
from costrel.core.on_loop import mark_on_loop, may_run_on_loop
from costrel.core.seconds import check_seconds
from costrel.core.views import where_defined
from costrel.errors import SetupError

__all__ = ["body_within", "bounded", "check_timeout", "seconds_for", "within"]

T = TypeVar("T")


def seconds_for(rule: Any, config: Mapping[str, Any]) -> float | None:
    """Return how long a view may take, or ``None`` where nothing says so.

    Args:
        rule: The rule; its own ``timeout_seconds`` goes first, and 0 means no bound.
        config: The configuration, for ``REQUEST_TIMEOUT``.
    """
    seconds: float | None = getattr(rule, "timeout_seconds", None)
    if seconds is None:
        seconds = config.get("REQUEST_TIMEOUT")

    return seconds or None


def check_timeout(seconds: Any, view: Any, rule: str) -> None:
    """Refuse a route's ``timeout`` that would do nothing.

    Args:
        seconds: Its value; ``None`` says nothing, 0 that there is no bound.
        view: The view, or ``None`` if there is none yet.
        rule: The rule as it was written, for the message.

    Raises:
        ConfigError: If it is no number of seconds.
        SetupError: If the view is synchronous.
    """
    if seconds is None or (seconds == 0 and seconds is not False):
        return

    check_seconds("timeout", seconds)
    # What a decorator makes of an async function may be one to call, which returns a coroutine.
    if view is None or is_async(view) or is_async(inspect.unwrap(view)) or _has_async_method(view):
        return

    raise SetupError(
        f"the timeout of {rule!r} cannot stop its view, which is not async: {where_defined(view)}",
        hint="A thread cannot be cancelled. Write the view with 'async def', or leave out timeout= and"
        " bound the time at the server (gunicorn --timeout).",
    )


def _has_async_method(view: Any) -> bool:
    cls = getattr(view, "view_class", None)
    names = ("dispatch_request", *(method.lower() for method in getattr(cls, "methods", None) or ()))

    return any(is_async(getattr(cls, name, len)) for name in names)


def bounded(view: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    """Return a view that is cancelled when it takes too long, if it is async or returns a coroutine."""
    if is_async(view):

        async def run_async(**values: Any) -> Any:
            return await within(seconds, view(**values))

        return run_async

    def run(**values: Any) -> Any:
        rv = view(**values)
        return within(seconds, rv) if type(rv) is CoroutineType else rv

    return mark_on_loop(run) if may_run_on_loop(view) else run


async def within(seconds: float, awaitable: Awaitable[T]) -> T:
    """Await something for so long at most, then cancel it.

    A ``TimeoutError`` of what is awaited passes as it is.

    Args:
        seconds: How long; zero or less is no time at all.
        awaitable: The running of a view, say; it has cleaned up when this raises.

    Raises:
        GatewayTimeout: If it took longer; a 504.

    Example:
        >>> import asyncio
        >>> asyncio.run(within(0.001, asyncio.sleep(10)))
        Traceback (most recent call last):
          ...
        werkzeug.exceptions.GatewayTimeout: 504 Gateway Timeout: The answer took longer than 0.001 seconds.
    """
    return await _bounded(
        seconds, awaitable, GatewayTimeout(f"The answer took longer than {seconds:g} seconds.")
    )


async def body_within(seconds: float, awaitable: Awaitable[T]) -> T:
    """Await the reading of a body for so long at most, then cancel it.

    Args:
        seconds: How long.
        awaitable: The reading.

    Raises:
        RequestTimeout: If it took longer; a 408.
    """
    return await _bounded(seconds, awaitable, RequestTimeout("The request took too long to arrive."))


async def _bounded(seconds: float, awaitable: Awaitable[T], late: HTTPException) -> T:
    import asyncio  # for cost; whoever awaits has loaded it already

    bound = asyncio.timeout(seconds)
    try:
        async with bound:
            return await awaitable
    except TimeoutError:
        if not bound.expired():
            raise
    raise late
