"""One request over ASGI: the application runs in a task on an event loop, and its answer is fetched.

Knows the protocol's messages, no cookies and no redirects.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import IO, Any

from costrel.serving.offload import finish, serve_thread

__all__ = ["Body", "Exchange"]

_PIECE_BYTES = 65_536
"""Of a request's body so much goes into one message."""

PATIENCE_SECONDS = 10
"""How long an application may go on after its client has left."""

Asgi = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]


class Exchange:
    """A request on its way, and its response.

    The coroutine methods belong on one loop, the one that ``begin`` runs on.
    A piece of the body is not taken from the application before it is asked
    for, as a server does whose client reads slowly.

    Args:
        application: The ASGI application.
        scope: The request's scope.
        body: The request's body.
        length: How much of it is sent; ``None`` sends all of it.
    """

    def __init__(self, application: Asgi, scope: dict[str, Any], body: IO[bytes], length: int | None) -> None:
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_whole = False
        """Whether the response was sent to its end."""

        self.pieces: deque[bytes] = deque()
        """What of the body is here already."""

        self.loop: asyncio.AbstractEventLoop
        self._application = application
        self._scope = scope
        self._body = body
        self._left = length
        self._task: asyncio.Task[None]

    async def begin(self) -> None:
        """Send the request; return when a piece of the response is there, or all of it.

        Raises:
            Exception: What the application raised.
        """
        self.loop = asyncio.get_running_loop()
        self._has_news = asyncio.Event()
        self._is_wanted = asyncio.Event()
        self._has_left = asyncio.Event()
        self._request_is_sent = False
        self._is_over = False
        self._task = self.loop.create_task(self._run())
        try:
            await self._wait()
        except asyncio.CancelledError:
            await self.close()
            raise

    async def take(self) -> bytes:
        """Return the next piece of the body, ``b""`` at its end.

        Raises:
            Exception: What the application raised.
        """
        if not self.pieces:
            await self._wait()

        return self.pieces.popleft() if self.pieces else b""

    async def close(self) -> None:
        """Leave, if the response is not at its end, and wait for the application to end.

        Raises:
            Exception: What the application raised.
        """
        self.leave()
        done, _ = await asyncio.wait((self._task,), timeout=PATIENCE_SECONDS)
        if not done:
            self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def leave(self) -> None:
        """Tell the application that the client is gone."""
        self._has_left.set()
        self._is_wanted.set()

    async def _wait(self) -> None:
        """Wait for the next piece; once all was sent, for the application's end."""
        self._is_wanted.set()
        while not (self.pieces or self.is_whole or self._is_over):
            await self._has_news.wait()
            self._has_news.clear()
        if self.pieces and not self.is_whole:
            return

        await self._task
        if not self.is_whole:
            raise RuntimeError("the application ended before its response did")

    async def _run(self) -> None:
        try:
            await self._application(self._scope, self._receive, self._send)
        finally:
            self._is_over = True
            self._has_left.set()
            self._has_news.set()

    async def _receive(self) -> dict[str, Any]:
        if not self._request_is_sent:
            data = self._read()
            if data is not None:
                return {"type": "http.request", "body": data, "more_body": not self._request_is_sent}
            self._has_left.set()
        await self._has_left.wait()

        return {"type": "http.disconnect"}

    def _read(self) -> bytes | None:
        """Read a piece of the request's body, or ``None`` if it breaks off: that client is gone."""
        left = self._left
        try:
            data = self._body.read(_PIECE_BYTES if left is None else min(_PIECE_BYTES, left))
        except OSError:  # a server ends the connection
            self._request_is_sent = True
            return None
        if left is None:
            self._request_is_sent = not data
            return data

        self._left = left - len(data)
        self._request_is_sent = not data or not self._left

        return data if data or not self._left else None

    async def _send(self, message: dict[str, Any]) -> None:
        if self.is_whole:
            raise RuntimeError(f"the response is at its end, but the application sent {message['type']!r}")
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
            return
        if message["type"] != "http.response.body" or self.status is None:
            raise RuntimeError(f"an application must not send {message['type']!r} here")

        data = bytes(message.get("body", b""))
        if message.get("more_body", False):
            if data:
                await self._hand_over(data)
            return
        if data:
            self.pieces.append(data)
        self.is_whole = True
        self._has_left.set()
        self._has_news.set()

    async def _hand_over(self, data: bytes) -> None:
        """Give a piece to the client, when it wants one."""
        await self._is_wanted.wait()
        if self._has_left.is_set():
            raise ConnectionResetError("the client has left")
        self._is_wanted.clear()
        self.pieces.append(data)
        self._has_news.set()


class Body:
    """The body of a response that is still being sent, for synchronous and asynchronous readers.

    Args:
        exchange: Where it comes from; begun.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._is_closed = False

    def _finish(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        loop = self._exchange.loop
        if asyncio._get_running_loop() is loop:
            coroutine.close()
            raise RuntimeError(
                "a response that is still being sent was read on the event loop that sends it\n"
                "  hint: Write  async for piece in response.aiter_pieces():  and  await response.aclose(),"
                " or leave out buffered=False."
            )
        with serve_thread(loop):
            return finish(coroutine)

    def __iter__(self) -> Body:
        return self

    def __next__(self) -> bytes:
        data: bytes = b"" if self._is_closed else self._finish(self._exchange.take())
        if not data:
            raise StopIteration

        return data

    def close(self) -> None:
        """Leave, if that is not the end, and wait for the application."""
        if not self._is_closed:
            self._finish(self._exchange.close())
            self._is_closed = True

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        data: bytes = b"" if self._is_closed else await self._exchange.take()
        if not data:
            raise StopAsyncIteration

        return data

    async def aclose(self) -> None:
        """Leave, as ``close`` does."""
        if not self._is_closed:
            self._is_closed = True
            await self._exchange.close()

    def __del__(self) -> None:
        if not self._is_closed:
            with suppress(RuntimeError):  # the loop is closed
                self._exchange.loop.call_soon_threadsafe(self._exchange.leave)
