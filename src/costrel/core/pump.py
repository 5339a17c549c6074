"""Take items of an async stream with a task of its own, so that waiting for one can be given up.

A stream must be worked on by one task from its first item to its ``finally``
blocks (``asyncio.timeout`` and task groups in it count on that), and a
pending ``anext`` must not be cancelled by who grew tired of waiting. Knows
no request, no context and no protocol.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio

__all__ = ["Pump"]

T = TypeVar("T")


class Pump(Generic[T]):
    """Take items of an async stream as they come.

    Args:
        source: The stream; nothing of it runs before the first ``take``.
        ahead: How many items to take before they are asked for.
    """

    def __init__(self, source: AsyncIterable[T], *, ahead: int = 0) -> None:
        self._source = source
        self._ahead = ahead
        self._items: list[T] = []
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._ended = False
        self._error: BaseException | None = None
        self._taker: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    def begin_directly(self) -> AsyncIterable[T] | None:
        """Return the stream for a task that iterates to its end, or ``None`` if it was begun already."""
        if self._task is not None or self._ended or self._closing:
            return None

        return self._source

    async def take(self, timeout_seconds: float | None = None) -> list[T]:
        """Return the items that are there, one at least, or none after waiting for so long.

        Raises:
            StopAsyncIteration: At the end; an error of the stream goes before it.
            RuntimeError: If somebody else is waiting already.
        """
        if not self._items and not self._ended:
            await self._wait(timeout_seconds)
        items, self._items = self._items, []
        _wake(self._room)
        if items or not self._ended:
            return items

        error, self._error = self._error, None
        if error is not None:
            raise error
        raise StopAsyncIteration

    async def _wait(self, timeout_seconds: float | None) -> None:
        import asyncio  # for cost: who is here has it loaded

        if self._taker is not None:
            raise RuntimeError("this stream is read by another task already")

        loop = asyncio.get_running_loop()
        taker = self._taker = loop.create_future()
        if self._task is None:
            self._task = loop.create_task(self._run())
        else:
            _wake(self._room)
        alarm = None if timeout_seconds is None else loop.call_later(timeout_seconds, _wake, taker)
        try:
            await taker
        finally:
            self._taker = None
            if alarm is not None:
                alarm.cancel()

    async def _run(self) -> None:
        try:
            async for item in self._source:
                if self._closing:  # it held out against the cancellation
                    break
                self._items.append(item)
                _wake(self._taker)
                while len(self._items) >= self._ahead and not _waits(self._taker):
                    await self._wait_for_room()
        except BaseException as error:
            if not self._closing:
                self._error = error
        finally:
            await self._close_source()
            self._ended = True
            _wake(self._taker)

    async def _wait_for_room(self) -> None:
        from asyncio import get_running_loop  # for cost, as above

        self._room = get_running_loop().create_future()
        try:
            await self._room
        finally:
            self._room = None

    async def _close_source(self) -> None:
        close = getattr(self._source, "aclose", None)
        if close is None:
            return

        try:
            await close()
        except BaseException as error:
            self._error = error

    async def aclose(self) -> None:
        """Cancel what is pending, and wait until the stream's ``finally`` blocks have run.

        Raises:
            Exception: What they raised.
        """
        import asyncio  # for cost, as above

        self._closing = True
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})
        if not self._ended:  # it never began, or was cancelled before its first step
            self._ended = True
            await self._close_source()
            _wake(self._taker)
        self._items.clear()
        error, self._error = self._error, None
        if error is not None and not isinstance(error, asyncio.CancelledError):
            raise error


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


def _waits(future: asyncio.Future[None] | None) -> bool:
    return future is not None and not future.done()
