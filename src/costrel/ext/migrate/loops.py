"""Run a coroutine to its end, wherever the caller is, and connect inside of it. Knows no migration."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.engine import Engine
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

__all__ = ["connect", "run"]

T = TypeVar("T")


def run(function: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function on an event loop of its own, in this thread if that has none.

    Example:
        >>> async def answer():
        ...     return 42
        >>> run(answer)
        42
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(function())

    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(context.run, lambda: asyncio.run(function())).result()


@asynccontextmanager
async def connect(engine: AsyncEngine, *, is_of_loop: bool) -> AsyncIterator[AsyncConnection]:
    """Open a connection that belongs to the running loop.

    Args:
        engine: The engine.
        is_of_loop: Whether it was made for the running loop. The pool of
            another one may hold connections of other loops; a new pool makes
            them in the same way.
    """
    if is_of_loop or isinstance(engine.sync_engine.pool, StaticPool):
        async with engine.connect() as connection:
            yield connection
        return

    from sqlalchemy.ext.asyncio import AsyncEngine  # needs greenlet, which only async engines need

    pool = engine.sync_engine.pool.recreate()
    own = AsyncEngine(Engine(pool, engine.sync_engine.dialect, engine.sync_engine.url))
    try:
        async with own.connect() as connection:
            yield connection
    finally:
        await own.dispose()
