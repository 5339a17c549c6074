"""The connection of one context: opened at its first use, one thread at a time, closed with the context."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from costrel import g
from costrel.ctx import teardown_this_context
from costrel.ext.sqlite.connections import Connection
from costrel.ext.sqlite.database import Database
from costrel.serving.threads import in_thread

__all__ = ["HeldConnection"]

R = TypeVar("R")
_KEY = "_costrel_sqlite"
_log = logging.getLogger("costrel.sqlite")


class HeldConnection:
    """A connection, its lock, and what to do with it at the end.

    Args:
        database: What opens it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._lock = threading.RLock()
        self._runs: object = None

    @classmethod
    def of_context(cls, database: Callable[[], Database]) -> HeldConnection:
        """Return that of the current context.

        Args:
            database: Returns the database, where the context has none yet.

        Raises:
            ContextError: If there is no context.
        """
        held: HeldConnection | None = g.get(_KEY)
        if held is None:
            held = cls(database())
            setattr(g, _KEY, held)
            teardown_this_context(held.close)

        return held

    def get(self) -> Connection:
        """Return the connection, opened now if it was not."""
        with self._lock:
            if self._connection is None:
                self._connection = self._database.connect()

            return self._connection

    def run(self, function: Callable[..., R], *args: Any) -> R:
        """Call a function with the connection and the arguments, while nobody else uses it."""
        with self._lock:
            return function(self.get(), *args)

    async def arun(self, function: Callable[..., R], *args: Any) -> R:
        """Do as ``run`` in a worker thread; a cancellation interrupts the statement."""
        call = object()

        def run() -> R:
            with self._lock:
                self._runs = call
                try:
                    return function(self.get(), *args)
                finally:
                    self._runs = None

        task = asyncio.ensure_future(in_thread(run))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            connection = self._connection
            if self._runs is call and connection is not None:
                connection.interrupt()
            await asyncio.wait((task,))
            if not task.cancelled():
                task.exception()  # looked at: nobody else will
            raise

    def close(self, error: BaseException | None = None) -> None:
        """Close the connection; what was not committed is rolled back by that."""
        g.pop(_KEY, None)
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is None:
                return
            if connection.in_transaction and error is None:
                _log.warning(
                    "Changes were not committed and are lost."
                    " Write them inside of `with db.transaction():`, or call db.commit()."
                )
            connection.close()
