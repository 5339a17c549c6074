"""A response body that comes from an async stream, with a face for each kind of server.

An asynchronous server iterates with ``async for`` and ends with ``aclose``. A
WSGI server iterates with ``for`` and ends with ``close``; each step then runs
on an event loop in another thread, and the context is given back in the
server's thread. Knows no protocol; how to run a coroutine it is told.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from werkzeug.wsgi import ClosingIterator

from costrel.core.pump import Pump
from costrel.core.silence import Silence
from costrel.core.streams import close_dropped, close_unseen, running_loop

__all__ = ["AppIter", "AsyncBody", "to_bytes"]


def to_bytes(piece: str | bytes) -> bytes:
    """Encode text."""
    return piece.encode() if isinstance(piece, str) else piece


class AsyncBody:
    """Iterate over an async stream in either way; the first step decides which.

    Args:
        source: The stream. If it holds a context (``AsyncContextStream``),
            this does too.
        finish: Runs a coroutine to its end from synchronous code.
        encode: Makes bytes of an item.
        first: Sent before the first item is asked for.
        idle: Sent when the stream was silent for ``idle_seconds``.
        idle_seconds: ``None`` waits for ever.
        ahead: How many items are taken before they are asked for; those that
            are there go out together.
    """

    def __init__(
        self,
        source: AsyncIterable[Any],
        finish: Callable[[Coroutine[Any, Any, Any]], Any],
        *,
        encode: Callable[[Any], bytes] = to_bytes,
        first: bytes = b"",
        idle: bytes = b"",
        idle_seconds: float | None = None,
        ahead: int = 0,
    ) -> None:
        self._pump = Pump(source, ahead=ahead)
        self.ctx: Any = getattr(source, "ctx", None)
        self._finish = finish
        self._encode = encode
        self._first = first
        self._idle = idle
        self._idle_seconds = idle_seconds
        self._holds = False
        self._closed = False
        self._loop: Any = None
        self._thread: int | None = None

    # The asynchronous face.

    def __aiter__(self) -> AsyncBody:
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        if self._closed:
            raise StopAsyncIteration
        if self._loop is None:
            self._loop = running_loop()
        try:
            items = await self._pump.take(self._idle_seconds)
        except StopAsyncIteration:
            self._closed = True
            raise
        if len(items) == 1:
            return self._encode(items[0])

        return b"".join(map(self._encode, items)) if items else self._idle

    async def write_to(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Hand each piece to ``await write(piece)``, to the end of the stream.

        The stream is worked on by the task that calls this, which ends it too.

        PERF: 7 µs an event; through the pump's task, which ``__anext__`` needs
        because it may be given up and called again, it is 35.
        """
        source = self._pump.begin_directly()
        if source is None:
            async for piece in self:
                await write(piece)
            return

        self._loop = running_loop()
        silence = (
            None if self._idle_seconds is None else Silence(self._loop, self._idle_seconds, self._idle, write)
        )
        try:
            if self._first:
                first, self._first = self._first, b""
                await write(first)
            encode = self._encode
            async for item in source:
                data = encode(item)
                if silence is not None and silence.broken():
                    await silence.sent()
                await write(data)
        finally:
            self._closed = True
            if silence is not None:
                silence.close()
            await self._pump.aclose()

    async def aclose(self) -> None:
        """End the stream now; its ``finally`` blocks have run then."""
        self._closed = True
        self._first = b""
        await self._pump.aclose()

    # The synchronous face.

    def __iter__(self) -> AsyncBody:
        return self

    def __next__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        if self._closed:
            raise StopIteration

        self._hold()
        try:
            return self._finish(self.__anext__())  # type: ignore[no-any-return]  # what __anext__ returns
        except StopAsyncIteration:
            self._release(None)
            raise StopIteration from None
        except BaseException as error:
            self._close(error)
            raise

    def close(self) -> None:
        """End the stream now, and give the context back in this thread.

        On an event loop, which would wait for itself, it is only begun.
        """
        if self._closed:
            return

        loop = running_loop()
        if loop is None:
            self._close(None)
        else:
            self._closed = True
            close_dropped(self.ctx, self._loop or loop, self._aclose_and_release)

    def _close(self, error: BaseException | None) -> None:
        self._hold()
        try:
            self._finish(self.aclose())
        except BaseException as raised:
            error = error or raised
            raise
        finally:
            self._closed = True
            self._release(error)

    def _hold(self) -> None:
        """Let the teardown wait for this thread, which made the request's connections and may close them."""
        self._thread = threading.get_ident()
        if self.ctx is not None and not self._holds:
            self.ctx.hold()
            self._holds = True

    def _release(self, error: BaseException | None) -> None:
        if self._holds:
            self._holds = False
            self.ctx.release(error)

    async def _aclose_and_release(self) -> None:
        try:
            await self.aclose()
        finally:
            if self._holds:
                self._holds = False
                await self.ctx.arelease()

    def __del__(self) -> None:
        # A server that loses its client may drop the body without closing it. What never began closes itself.
        if self._closed or self._loop is None:
            return

        if self._loop.is_closed():
            self._closed = True
            close_unseen(self.ctx, lambda: self._release(None))
        elif self._thread == threading.get_ident() and running_loop() is None:
            close_unseen(self.ctx, self.close)
        else:
            close_dropped(self.ctx, self._loop, self._aclose_and_release)


class AppIter(ClosingIterator):
    """What a WSGI server gets for such a body; an asynchronous one that comes by it may use the other face.

    Args:
        body: The body, with both faces.
        close: Closes the response.
    """

    def __init__(self, body: Any, close: Callable[[], None]) -> None:
        super().__init__(body, close)
        self._body = body

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._body)

    async def aclose(self) -> None:
        """Close the body on its event loop, and then the response."""
        try:
            await self._body.aclose()
        finally:
            self.close()
