"""The async engines of an application: one set for each event loop, closed before the loop is.

A connection belongs to the loop it was opened on, so loops share none. A
loop that ends closes its async generators first (``shutdown_asyncgens``, which
``asyncio.run`` and all servers call); one of them waits here to close the engines.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import sqlalchemy as sa
from sqlalchemy.exc import InvalidRequestError

from costrel.errors import ContextError
from costrel.ext.sqlalchemy.under_way import close_between_operations

if TYPE_CHECKING:  # what is loaded here makes async views under WSGI slower, also those without a database
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

__all__ = ["AsyncEngines", "LoopEngines", "SyncSides", "close_session", "closing_sessions"]

Make = Callable[[str | None], "AsyncEngine"]
closing_sessions: set[asyncio.Task[None]] = set()
"""Tasks that close sessions or engines; nobody may drop them before they end."""


class AsyncEngines(MutableMapping[str | None, "AsyncEngine"]):
    """The async engines of one loop, by bind key; each is made when it is first asked for.

    Args:
        keys: The bind keys.
        make: Makes the engine of one.
    """

    def __init__(self, keys: list[str | None], make: Make) -> None:
        self._keys = dict.fromkeys(keys)
        self.make = make
        self.made: dict[str | None, AsyncEngine] = {}
        self.sessions: WeakSet[AsyncSession] = WeakSet()
        """The sessions of this loop: what they hold is given back before the engines are closed."""

        self.sync_sides = SyncSides(self)
        self.closer: AsyncGenerator[None, None] | None = None

    def __getitem__(self, key: str | None) -> AsyncEngine:
        engine = self.made.get(key)
        if engine is None:
            if key not in self._keys:
                raise KeyError(key)
            engine = self.made[key] = self.make(key)

        return engine

    def __setitem__(self, key: str | None, engine: AsyncEngine) -> None:
        self._keys[key] = None
        self.made[key] = engine

    def __delitem__(self, key: str | None) -> None:
        del self._keys[key]
        self.made.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str | None]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    async def close(self) -> None:
        """Give back what sessions hold, and close all connections."""
        for session in list(self.sessions):
            with suppress(InvalidRequestError):  # something uses it still
                await session.close()
        made, self.made = self.made, {}
        for engine in made.values():
            if not _is_connection(engine):
                await engine.dispose()

    def forget(self) -> None:
        """Let go of all connections without closing them; their loop is gone, or another process's."""
        made, self.made = self.made, {}
        for engine in made.values():
            engine.sync_engine.dispose(close=False)


class SyncSides(Mapping[str | None, sa.Engine | sa.Connection]):
    """The sync sides of async engines, which an async session's inner session works on."""

    def __init__(self, engines: AsyncEngines) -> None:
        self._engines = engines

    def __getitem__(self, key: str | None) -> sa.Engine | sa.Connection:
        engine: Any = self._engines[key]
        if _is_connection(engine):
            return engine.sync_connection  # type: ignore[no-any-return]  # it was started by who put it there

        return engine.sync_engine  # type: ignore[no-any-return]  # as above

    def __contains__(self, key: object) -> bool:
        return key in self._engines

    def __iter__(self) -> Iterator[str | None]:
        return iter(self._engines)

    def __len__(self) -> int:
        return len(self._engines)


class LoopEngines:
    """The async engines of one application, by event loop.

    Args:
        keys: The bind keys.
        make: Makes the engine of one, on the running loop.
    """

    def __init__(self, keys: list[str | None], make: Make) -> None:
        self._keys = keys
        self.make = make
        self._pid = os.getpid()
        self._of: dict[asyncio.AbstractEventLoop, AsyncEngines] = {}

    def current(self) -> AsyncEngines:
        """Return the engines of the running loop.

        Raises:
            ContextError: If none runs.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ContextError(
                "an async engine was asked for where no event loop runs",
                hint="Use db.async_session and db.async_engine in async def functions, db.session in others.",
            ) from None

        engines = self._of.get(loop)
        if engines is None or self._pid != os.getpid():
            self._forget_dead()
            engines = self._of[loop] = AsyncEngines(self._keys, lambda key: self.make(key))
            self._close_with(loop, engines)

        return engines

    def _close_with(self, loop: asyncio.AbstractEventLoop, engines: AsyncEngines) -> None:
        """Have the loop close the engines when it ends."""
        engines.closer = self._wait_for_end(loop, engines)
        with suppress(StopIteration):  # it has come to its yield: the loop knows it now
            engines.closer.asend(None).send(None)

    async def _wait_for_end(
        self, loop: asyncio.AbstractEventLoop, engines: AsyncEngines
    ) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            if self._of.get(loop) is engines:
                del self._of[loop]
            await engines.close()

    def _forget_dead(self) -> None:
        """Let go of engines whose loop is closed, or is the parent process's."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            dead = list(self._of)
        else:
            dead = [loop for loop in self._of if loop.is_closed()]
        for loop in dead:
            engines = self._of.pop(loop, None)
            if engines is not None:
                engines.forget()

    def made(self) -> list[tuple[str | None, AsyncEngine]]:
        """Return the engines that exist on any loop, each with its bind key."""
        return [pair for engines in list(self._of.values()) for pair in engines.made.items()]

    def is_used(self) -> bool:
        """Tell whether there are engines on any loop."""
        return bool(self._of)

    def close_soon(self) -> None:
        """Have each loop that runs close its engines; from any thread."""
        if self._pid != os.getpid():
            return

        for loop, engines in list(self._of.items()):
            if loop.is_running():
                with suppress(RuntimeError):  # it has ended meanwhile, and closed them
                    loop.call_soon_threadsafe(_begin_to_close, engines)

    async def close(self) -> None:
        """Close the engines of the running loop."""
        engines = self._of.get(asyncio.get_running_loop())
        if engines is not None and engines.closer is not None:
            await engines.closer.aclose()


def _is_connection(engine: object) -> bool:
    """Tell whether a test has put a connection in an engine's place."""
    return hasattr(engine, "sync_connection")


def _begin_to_close(engines: AsyncEngines) -> None:
    if engines.closer is not None:
        _keep(asyncio.ensure_future(engines.closer.aclose()))


async def close_session(session: AsyncSession) -> None:
    """Close a session to the end, also if its request is cancelled meanwhile."""
    await asyncio.shield(_keep(asyncio.ensure_future(close_between_operations(session))))


def _keep(task: asyncio.Task[None]) -> asyncio.Task[None]:
    closing_sessions.add(task)
    task.add_done_callback(closing_sessions.discard)

    return task
