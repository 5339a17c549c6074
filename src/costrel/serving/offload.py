"""Async code for synchronous callers: one event loop per process, kept, in a thread of its own.

Pools and clients that are bound to a loop survive from request to request,
because it is always the same one. In a worker thread of an asynchronous
server (``serving/threads.py``) the loop is the server's. Knows no application.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import Context, copy_context
from sys import exc_info
from typing import TYPE_CHECKING, Any

from costrel._missing import MISSING

if TYPE_CHECKING:
    import asyncio

__all__ = ["async_to_sync", "bring_back", "finish", "kept_loop", "serve_thread"]

_lock = threading.Lock()
_kept: Any = None  # Any: the class is made where asyncio is loaded


class _Served(threading.local):
    loop: asyncio.AbstractEventLoop | None = None
    pool: Any = None  # Any: the class is made where asyncio is loaded


_served = _Served()
_serves_any = False
"""PERF: whether any thread was ever served; what is of a thread takes 40 ns to look up."""


@contextmanager
def serve_thread(loop: asyncio.AbstractEventLoop, pool: Any = None) -> Iterator[None]:
    """Let async code that this thread waits for run on a loop that runs in another thread.

    Args:
        loop: The loop.
        pool: The thread's pool, if it has one; it is told when the thread waits.
    """
    global _serves_any
    _serves_any = True
    before = _served.loop, _served.pool
    _served.loop, _served.pool = loop, pool
    try:
        yield
    finally:
        _served.loop, _served.pool = before


def kept_loop() -> asyncio.AbstractEventLoop:
    """Return this process's event loop, started at the first use.

    A child process does not inherit the thread that runs a loop, so it gets
    a loop of its own.
    """
    global _kept
    if _kept is None:
        from costrel.serving.kept_loop import KeptLoop  # for cost: asyncio takes 15 ms and 3 MiB

        with _lock:
            if _kept is None:
                loop = KeptLoop()
                threading.Thread(target=loop.run_always, name="costrel-loop", daemon=True).start()
                os.register_at_fork(after_in_child=_forget)
                _kept = loop

    return _kept  # type: ignore[no-any-return]  # see above


def _forget() -> None:
    global _kept, _lock
    _kept = None
    _lock = threading.Lock()  # another thread of the parent may have held it


def async_to_sync(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Return a function that runs a coroutine function to its end and returns its result.

    Context variables are seen by the coroutine as they are at the call.

    Raises:
        RuntimeError: When called on an event loop, which it would block.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return finish(function(*args, **kwargs))
        finally:
            del args, kwargs  # an error handler's error may be raised again, and hold this frame

    return call


def finish(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end and return its result.

    It runs on the server's loop in a worker thread of an asynchronous server,
    else on the kept loop. What it changes in context variables is there
    afterwards, as if it had been called in place.

    Raises:
        RuntimeError: When called on an event loop, which it would block.
    """
    # PERF: 2.3 µs for a coroutine that never waits; through another thread it is 60.
    handled = exc_info()[1]
    if handled is not None:
        coroutine = _while_handling(handled, coroutine)
        handled = None  # its traceback may come to hold this frame
    context = copy_context()
    loop: Any = _served.loop if _serves_any else None
    if loop is None:
        loop = _kept or kept_loop()
        try:
            value = loop.finish(coroutine, context)
        except BaseException:
            bring_back(context)
            del coroutine, context  # the error's traceback holds this frame
            raise
        bring_back(context)
        if value is not MISSING:
            return value

    if _runs_here(loop):
        coroutine.close()
        raise RuntimeError(
            "async code was to be run from a synchronous function on the event loop itself, which would wait"
            " for ever\n  hint: Make the calling function async and await it."
        )

    # The value, the error, and a lock that is let go when they are there.
    outcome: list[Any] = [None, None, _locked()]
    loop.call_soon_threadsafe(_start, loop, _settle(coroutine, outcome), context)
    with nullcontext() if _served.pool is None else _served.pool.waiting():
        outcome[2].acquire()
    try:
        if outcome[1] is not None:
            raise outcome[1]

        return outcome[0]
    finally:
        bring_back(context)
        outcome.clear()  # the error's traceback holds this frame
        del coroutine, context


def bring_back(context: Context) -> None:
    """Give the context variables here the values that they have in a copy of this context.

    Args:
        context: The copy, in which something has run meanwhile.
    """
    # PERF: 0.1 µs for two variables.
    for variable, value in context.items():
        try:
            if variable.get() is not value:
                variable.set(value)
        except LookupError:
            variable.set(value)


def _runs_here(loop: Any) -> bool:
    """Tell whether this thread is the one that runs the loop at the moment."""
    asyncio = sys.modules["asyncio"]  # the loop was made with it
    return asyncio._get_running_loop() is loop


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()

    return lock


def _start(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], context: Any) -> None:
    loop.create_task(coroutine, context=context)


async def _settle(coroutine: Coroutine[Any, Any, Any], outcome: list[Any]) -> None:
    """Await a coroutine and note how it ended; ``SystemExit`` too, which would end the loop."""
    try:
        outcome[0] = await coroutine
    except BaseException as error:
        outcome[1] = error
    finally:
        outcome[2].release()


async def _while_handling(error: BaseException, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Let an async error handler see its error as the one being handled; that thread's is not seen here."""
    traceback = error.__traceback__
    try:
        raise error
    except BaseException:
        error.__traceback__ = traceback  # this frame is no part of the story
        return await coroutine
    finally:
        del error, coroutine  # it may be raised again, and hold this frame
