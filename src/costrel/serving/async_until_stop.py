"""Async streams that end, as if at their end, when the server stops. Knows no protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from costrel.serving import offload
from costrel.serving.stopping import closed, opened

__all__ = ["UntilStop"]

T = TypeVar("T")

_current_task = asyncio.current_task


class UntilStop(Generic[T]):
    """Iterate over an async stream until its end or the server's stop.

    What the stream waits for is cancelled then, as it is when the client
    leaves. To whoever iterates over this the stream has ended.

    Args:
        stream: The stream.
    """

    __slots__ = (
        "__weakref__",
        "_cancelled_before",
        "_has_to_end",
        "_iterator",
        "_loop",
        "_next",
        "_stream",
        "_task",
    )

    def __init__(self, stream: AsyncIterable[T]) -> None:
        self._stream = stream
        self._iterator: AsyncIterator[T] | None = None
        self._next: Callable[[], Awaitable[T]] | None = None
        """Set when it is open."""

        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        """The task that waits for the stream."""

        self._cancelled_before: int | None = None
        """How often that was asked to be cancelled before it was by this."""

        self._has_to_end = False

    def __aiter__(self) -> UntilStop[T]:
        if self._iterator is None:
            self._iterator = aiter(self._stream)

        return self

    async def __anext__(self) -> T:
        take = self._next or self._open()
        if self._has_to_end:
            raise StopAsyncIteration

        task = self._task = _current_task()
        try:
            return await take()
        except asyncio.CancelledError:
            before = self._cancelled_before
            if task is None or before is None or task.cancelling() > before + 1:
                raise
            raise StopAsyncIteration from None
        finally:
            self._task = None
            if self._cancelled_before is not None and task is not None:
                self._cancelled_before = None
                task.uncancel()
            del task  # its error's traceback holds this frame

    def _open(self) -> Callable[[], Awaitable[T]]:
        take = self._next = aiter(self)._iterator.__anext__  # type: ignore[union-attr]  # set by then
        loop = self._loop = asyncio.get_running_loop()
        opened(self, with_process=loop is offload._kept)

        return take

    def stop(self) -> None:
        """Have it end; in any thread."""
        self._has_to_end = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        if self._task is not None and self._cancelled_before is None:
            self._cancelled_before = self._task.cancelling()
            self._task.cancel()

    def over(self) -> None:
        """Take note that the last of it was sent."""
        closed(self)

    async def aclose(self) -> None:
        """End the stream now."""
        self._has_to_end = True
        close = getattr(self._iterator or self._stream, "aclose", None)
        if close is not None:
            await close()
