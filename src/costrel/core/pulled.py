"""Iterate asynchronously over what can only be iterated over by waiting: in a thread of its own.

Its own, because one that blocks for minutes would take a place in a pool from
requests that need it for milliseconds. Knows of the context that it can be
held and released.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio

__all__ = ["Pulled"]

T = TypeVar("T")

_CLOSE_SECONDS = 1.0
_END: Any = object()


class Pulled(Generic[T]):
    """An async iterator over a synchronous one.

    The thread begins with the first ``anext`` and ends with the stream. A
    stream that is closed while it blocks is closed as soon as it no longer
    does; nobody waits longer than a second for that.

    Args:
        stream: The iterator; its ``close`` is called at the end.
        ctx: What is held until then, and released on the event loop.
    """

    def __init__(self, stream: Iterator[T], ctx: Any = None) -> None:
        self._stream = stream
        self._ctx = ctx
        # What the thread is to do next: ``next`` or, for ``None``, to close.
        self._jobs: SimpleQueue[asyncio.Future[Any] | None] = SimpleQueue()
        self._ended: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._closed = False

    def __aiter__(self) -> Pulled[T]:
        return self

    async def __anext__(self) -> T:
        from asyncio import get_running_loop  # for cost: who is here has it loaded

        if self._closed:
            raise StopAsyncIteration

        loop = get_running_loop()
        if self._ended is None:
            self._begin(loop)
        answer = loop.create_future()
        self._jobs.put(answer)
        try:
            item = await answer
        except Exception as error:
            self._error = error
            raise
        finally:
            del answer  # its error's traceback holds this frame
        if item is _END:
            await self.aclose()
            raise StopAsyncIteration

        return item  # type: ignore[no-any-return]  # what the stream gave

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._ctx is not None:
            self._ctx.hold()
        closed: asyncio.Future[BaseException | None] = loop.create_future()
        self._ended = loop.create_task(self._end(closed))
        context = contextvars.copy_context()
        work = _Work(self._stream, self._jobs, loop, closed)
        threading.Thread(target=context.run, args=(work,), name="costrel-stream", daemon=True).start()

    async def _end(self, closed: asyncio.Future[BaseException | None]) -> None:
        """Wait until the thread has closed the stream, and release what was held."""
        error = await closed
        try:
            if self._ctx is not None:
                await self._ctx.arelease(error or self._error)
            if error is not None:
                raise error
        finally:
            del closed, error  # as above
            self._error = None

    async def aclose(self) -> None:
        """Close the stream in its thread."""
        import asyncio  # for cost, as above

        if self._closed:
            return

        self._closed = True
        if self._ended is None:
            self._begin(asyncio.get_running_loop())
        self._jobs.put(None)
        assert self._ended is not None
        await asyncio.wait({self._ended}, timeout=_CLOSE_SECONDS)
        if self._ended.done():
            self._ended.result()


class _Work:
    """What the thread does."""

    def __init__(
        self,
        stream: Iterator[Any],
        jobs: SimpleQueue[asyncio.Future[Any] | None],
        loop: asyncio.AbstractEventLoop,
        closed: asyncio.Future[BaseException | None],
    ) -> None:
        self.stream = stream
        self.jobs = jobs
        self.loop = loop
        self.closed = closed

    def __call__(self) -> None:
        while (answer := self.jobs.get()) is not None:
            try:
                item = next(self.stream, _END)
            except BaseException as error:
                self._tell(_fail, answer, error)
            else:
                self._tell(_settle, answer, item)
        failure: BaseException | None = None
        try:
            _close(self.stream)
        except BaseException as error:
            failure = error
        self._tell(_settle, self.closed, failure)

    def _tell(self, how: Callable[..., None], future: asyncio.Future[Any], value: Any) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(how, future, value)


def _settle(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _close(stream: Iterator[Any]) -> None:
    close = getattr(stream, "close", None)
    if close is not None:
        close()
