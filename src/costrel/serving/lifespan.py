"""When an application begins to serve, and when it stops: once in a process, on every protocol.

An asynchronous server says so (ASGI's lifespan). Elsewhere serving begins
with the first request of the process and stops with the process. What is
begun and stopped is a ``serving.span.Serving``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from costrel.core.lifespan import BEGUN, TEST_MARK
from costrel.serving import offload
from costrel.serving.process_end import is_ending
from costrel.serving.span import Serving, inside

__all__ = [
    "abegin",
    "aend",
    "aserving",
    "begin",
    "begin_for",
    "begin_for_scope",
    "end",
    "run_lifespan",
    "serving",
]

A = TypeVar("A")

_lock = threading.Lock()


def _claim(app: Any) -> tuple[Serving, bool]:
    """Return the application's time of serving, and whether it is the caller's to begin it."""
    with _lock:
        now: Serving | None = app._serving
        if now is not None:
            return now, False
        now = app._serving = Serving(app)

    return now, True


def _has_no_need(app: Any) -> bool:
    return inside.get() or is_ending() or not app._has_lifespan()


def _loop_to_wait_for() -> asyncio.AbstractEventLoop:
    """Return the loop on which async code runs that this thread waits for.

    Raises:
        RuntimeError: If that is the loop which this thread runs.
    """
    loop = offload._served.loop
    if loop is None:
        loop = offload.kept_loop()
    if asyncio._get_running_loop() is loop:
        raise RuntimeError(
            "serving was to begin from a synchronous function on the event loop itself, which would wait for"
            " ever\n  hint: Use  async with aserving(app):  there."
        )

    return loop


def begin_for(app: Any, ctx: Any) -> None:
    """Begin to serve, if that is due with this request; see ``begin``.

    Args:
        app: The application.
        ctx: The request's context.
    """
    environ = {} if ctx is None or ctx._request_scope is None else ctx._request_scope.environ
    scope = environ.get("asgi.scope", {})
    if TEST_MARK in environ or TEST_MARK in scope:
        app._refuses_setup = True
    elif scope.get(BEGUN) is not None:
        raise scope[BEGUN]
    elif BEGUN not in scope:
        begin(app)


async def begin_for_scope(app: Any, scope: Any) -> None:
    """Begin to serve on the running loop, if that is due with this request or connection.

    An error is left in the scope, for the lifecycle of the request to meet.

    Args:
        app: The application.
        scope: ASGI's.
    """
    scope[BEGUN] = None
    if TEST_MARK not in scope:
        try:
            await abegin(app)
        except (Exception, SystemExit) as error:
            scope[BEGUN] = error


def begin(app: Any) -> None:
    """Begin to serve, unless that was done; wait if another thread is at it.

    Raises:
        Exception: What a function raised; the next call tries again.
    """
    if _has_no_need(app):
        return

    now, is_mine = _claim(app)
    if is_mine:
        if now.needs_loop():
            now.begin_on(_loop_to_wait_for())
        else:
            now.begin_here()
    now.is_begun.result()


async def abegin(app: Any) -> None:
    """Begin to serve on the running loop, as ``begin`` does."""
    if _has_no_need(app):
        return

    now, is_mine = _claim(app)
    if is_mine:
        now.begin_on(asyncio.get_running_loop())
    await asyncio.wrap_future(now.is_begun)


def end(app: Any) -> None:
    """Stop serving, where it was begun; called in a thread that runs no event loop.

    Raises:
        Exception: The first error of the functions; all of them are run.
    """
    now: Serving | None = app._serving
    if now is not None:
        now.stop_here()
    elif app._background is not None:
        app._background.drain()


async def aend(app: Any) -> None:
    """Stop serving, as ``end`` does, called on an event loop."""
    await asyncio.get_running_loop().run_in_executor(None, end, app)


@contextmanager
def serving(app: A) -> Iterator[A]:
    """Serve in a ``with`` block: what goes before is done at its start, what goes after at its end.

    For tests, and for servers that are started from a program. Within such a
    block, another one does nothing.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> @app.before_serving
        ... def open_shop():
        ...     print("open")
        >>> with serving(app):
        ...     app.test_client().get("/").status_code
        open
        404
    """
    before = app._serving  # type: ignore[attr-defined]  # an application
    begin(app)
    try:
        yield app
    finally:
        if before is None:
            end(app)


@asynccontextmanager
async def aserving(app: A) -> AsyncIterator[A]:
    """Serve in an ``async with`` block, on the running loop and in this task; as ``serving``."""
    now, is_mine = _claim(app)
    if not is_mine:
        await asyncio.wrap_future(now.is_begun)
        yield app
        return

    await _apart(now.begin_in_task)
    try:
        yield app
    finally:
        await _apart(now.stop_in_task)


async def _apart(step: Callable[[], Awaitable[None]]) -> None:
    """Run a step in this task, and let nothing of its context variables stay."""
    token = inside.set(True)
    try:
        await step()
    finally:
        inside.reset(token)


async def run_lifespan(
    app: Any, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answer ASGI's ``lifespan`` messages: begin at startup, stop at shutdown.

    Args:
        app: The application.
        scope: ASGI's; nothing of it is needed.
        receive: Likewise ASGI's.
        send: Likewise.
    """
    await receive()
    now, is_mine = _claim(app)
    try:
        if is_mine:
            await now.begin_in_task()
        else:
            await asyncio.wrap_future(now.is_begun)
    except (Exception, SystemExit) as error:
        app.logger.critical("The application cannot begin to serve", exc_info=error)
        await send({"type": "lifespan.startup.failed", "message": _describe(error)})
        return

    await send({"type": "lifespan.startup.complete"})
    try:
        await receive()
    finally:  # a server in a hurry cancels instead of saying so
        failure = await _stop(now) if is_mine else ""
    if failure:
        await send({"type": "lifespan.shutdown.failed", "message": failure})
    else:
        await send({"type": "lifespan.shutdown.complete"})


async def _stop(now: Serving) -> str:
    """Stop, and describe the first error; it is logged."""
    try:
        await now.stop_in_task()
    except Exception as error:
        now.app._log_lifespan_error(error)
        return _describe(error)

    return ""


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
