"""Async code for servers that are not: one event loop per process, kept, in a thread of its own.

Pools and clients that are bound to a loop survive from request to request,
because it is always the same one. Knows no application.
"""

from __future__ import annotations

import contextvars
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

__all__ = ["async_to_sync", "finish", "kept_loop"]

_lock = threading.Lock()
_kept: dict[int, asyncio.AbstractEventLoop] = {}


def kept_loop() -> asyncio.AbstractEventLoop:
    """Return this process's event loop, started at the first use.

    A child process does not inherit the thread that runs a loop, so it gets
    a loop of its own.
    """
    loop = _kept.get(os.getpid())
    if loop is not None:
        return loop

    import asyncio  # for cost: 15 ms and 3 MiB, which applications without async views need not pay

    with _lock:
        loop = _kept.get(os.getpid())
        if loop is None:
            _kept.clear()
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="costrel-loop", daemon=True).start()
            _kept[os.getpid()] = loop

    return loop


def async_to_sync(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Return a function that runs a coroutine function to its end and returns its result.

    Context variables are seen by the coroutine as they are at the call.

    Raises:
        RuntimeError: When called on an event loop, which it would block.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        return finish(function(*args, **kwargs))

    return call


def finish(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end on the kept loop and return its result."""
    loop = kept_loop()
    if threading.get_ident() == getattr(loop, "_thread_id", None):
        coroutine.close()
        raise RuntimeError(
            "async code was to be run from a synchronous function on the event loop itself, which would wait"
            " for ever\n  hint: Make the calling function async and await it."
        )

    handled = sys.exc_info()[1]
    if handled is not None:
        coroutine = _while_handling(handled, coroutine)
    context = contextvars.copy_context()
    done = threading.Event()
    outcome: list[Any] = [None, None]

    async def run() -> None:
        try:
            outcome[0] = await coroutine
        except BaseException as error:
            outcome[1] = error
        finally:
            done.set()

    loop.call_soon_threadsafe(lambda: loop.create_task(run(), context=context), context=context)
    done.wait()
    try:
        if outcome[1] is not None:
            raise outcome[1]

        return outcome[0]
    finally:
        outcome.clear()  # the error's traceback holds this frame


async def _while_handling(error: BaseException, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Let an async error handler see its error as the one being handled; that thread's is not seen here."""
    traceback = error.__traceback__
    try:
        raise error
    except BaseException:
        error.__traceback__ = traceback  # this frame is no part of the story
        return await coroutine
