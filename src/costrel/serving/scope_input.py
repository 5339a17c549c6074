"""The body of an ASGI request as WSGI has it, and its async twin. Knows no environment and no limits."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Iterator
from io import BytesIO
from tempfile import SpooledTemporaryFile
from time import monotonic
from typing import IO, Any, cast

from werkzeug.exceptions import RequestTimeout

from costrel.core.timeouts import body_within
from costrel.serving.offload import finish

__all__ = ["ScopeInput"]

_IN_MEMORY_BYTES = 4_194_304
"""What is read of a body in advance and is longer than this goes to a temporary file."""


_KEPT_BYTES = 262_144
"""So much is taken of a body that nobody reads while the response is a stream."""


class ScopeInput:
    """The body of an ASGI request: ``wsgi.input`` and its async twin in one.

    What is read in advance (``read_ahead``) is there without waiting. The rest
    comes by ``areceive`` on the event loop, or by the blocking methods in a
    worker thread.

    Args:
        receive: The ``receive`` of the request.
    """

    def __init__(self, receive: Any) -> None:
        self._receive = receive
        self._buffer: IO[bytes] | None = None
        self.ended = False
        self.seconds_left: float | None = None
        """How long it may yet be waited for, all waits together; ``None``: as long as it takes."""

        self._failure: Exception | None = None
        # Who waits for the client to leave keeps what comes of the body for who reads it.
        self._turn: asyncio.Lock | None = None
        self._kept: deque[Any] = deque()
        self._kept_bytes = 0
        self._is_receiving = False
        self._changed: asyncio.Future[None] | None = None

    async def areceive(self) -> bytes:
        """Return the next piece of the body, ``b""`` at its end.

        Raises:
            ConnectionResetError: If the client left before the end.
        """
        if self._buffer is not None:
            data = self._buffer.read()
            self._buffer = None
            if data:
                return data

        return await self._next()

    async def _next(self) -> bytes:
        while not self.ended:
            if self._failure is not None:
                raise self._failure
            try:
                if self.seconds_left is None:
                    message = await self._message()
                else:
                    message = await self._receive_in_time(self.seconds_left)
            except OSError as error:  # servers may tell so of a client that left
                self._failure = error
                raise
            data = self._piece_of(message)
            if data:
                return data

        return b""

    async def _message(self) -> Any:
        """Return the server's next message."""
        if self._turn is None:
            self._is_receiving = True
            try:
                return await self._receive()
            finally:
                self._is_receiving = False
                self._tell_of_change()

        if not self._kept:
            async with self._turn:
                if not self._kept:
                    return await self._receive()
        message = self._kept.popleft()
        self._kept_bytes -= len(message.get("body", b""))
        self._tell_of_change()

        return message

    async def until_left(self) -> None:
        """Wait until the client has left; what comes of the body meanwhile is still there to be read.

        Of a body that is longer than what is read ahead, and that nobody
        reads, the end of the connection is not seen behind it.
        """
        if self._is_receiving:
            await self._change()
        turn = self._turn = asyncio.Lock()
        while True:
            while self._kept_bytes >= _KEPT_BYTES:
                await self._change()
            async with turn:
                message = await self._receive()
                if not self.ended:
                    self._kept.append(message)
                    self._kept_bytes += len(message.get("body", b""))
            if message["type"] != "http.request":
                return

    def _change(self) -> asyncio.Future[None]:
        self._changed = asyncio.get_running_loop().create_future()

        return self._changed

    def _tell_of_change(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def _receive_in_time(self, seconds: float) -> Any:
        began = monotonic()
        try:
            return await body_within(seconds, self._message())
        except RequestTimeout as error:
            self._failure = error
            raise
        finally:
            self.seconds_left = max(0.0, seconds - (monotonic() - began))

    async def read_ahead(self, max_bytes: int | None) -> None:
        """Read the body now, so that synchronous code finds it.

        Args:
            max_bytes: Stop after more than this; ``None`` reads all of it.
        """
        parts: list[bytes] = []
        count = 0
        spool: Any = None
        try:
            if self.seconds_left is None and self._turn is None and self._failure is None:
                # PERF: most bodies come in one piece; 0.6 µs less than by the loop.
                await self._read_first(parts)
                count = len(parts[0]) if parts else 0
            while not self.ended and (max_bytes is None or count <= max_bytes):
                data = await self._next()
                count += len(data)
                if spool is None and count <= _IN_MEMORY_BYTES:
                    parts.append(data)
                    continue
                if spool is None:
                    spool = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  # closed with this object
                    spool.writelines(parts)
                    parts.clear()
                spool.write(data)
        except (OSError, RequestTimeout):
            pass  # told to who reads on
        if spool is not None:
            spool.seek(0)
            self._buffer = cast("IO[bytes]", spool)
        elif parts:
            self._buffer = BytesIO(parts[0] if len(parts) == 1 else b"".join(parts))

    async def _read_first(self, parts: list[bytes]) -> None:
        """Put the next piece into a list, if there is one."""
        if self.ended:
            return

        self._is_receiving = True
        try:
            message = await self._receive()
        except OSError as error:
            self._failure = error
            raise
        finally:
            self._is_receiving = False
            self._tell_of_change()
        parts.append(self._piece_of(message))

    def _piece_of(self, message: Any) -> bytes:
        if message["type"] != "http.request":
            self._failure = ConnectionResetError("the client left before its request was whole")
            raise self._failure
        self.ended = not message.get("more_body", False)

        return cast(bytes, message.get("body", b""))

    def _wait_for_more(self) -> bytes:
        """Return the next piece; the thread waits for it."""
        if self.ended:
            return b""
        if self._failure is not None:
            raise self._failure
        if asyncio._get_running_loop() is not None:
            raise RuntimeError(
                "the request's body was to be read on the event loop by a synchronous call, and is not there"
                "\n  hint: Write `async for chunk in request.stream` or `await request.stream.aread()`,"
                " or leave out stream_body=True at the route."
            )
        return cast(bytes, finish(self._next()))

    def read(self, size: int = -1, /) -> bytes:
        """Read ``size`` bytes, fewer only at the end (PEP 3333), or all that is left."""
        left = sys.maxsize if size < 0 else size
        parts: list[bytes] = []
        while left:
            if self._buffer is None:
                more = self._wait_for_more()
                if not more:
                    break
                if len(more) <= left:
                    parts.append(more)
                    left -= len(more)
                    continue
                self._buffer = BytesIO(more)
            part = self._buffer.read(left)
            if not part:
                self._buffer = None
                continue
            parts.append(part)
            left -= len(part)

        return parts[0] if len(parts) == 1 else b"".join(parts)

    def take_whole(self) -> bytes | None:
        """Return the body if it lies here whole, and nobody has read of it; it is read then."""
        buffer = self._buffer
        if type(buffer) is not BytesIO or not self.ended or self._failure is not None or buffer.tell():
            return None

        self._buffer = None

        return buffer.getvalue()

    def readline(self, size: int = -1, /) -> bytes:
        """Read one line, or ``size`` bytes of it."""
        parts: list[bytes] = []
        left = sys.maxsize if size < 0 else size
        while left:
            if self._buffer is None:
                more = self._wait_for_more()
                if not more:
                    break
                self._buffer = BytesIO(more)
            part = self._buffer.readline(left)
            if not part:
                self._buffer = None
                continue
            parts.append(part)
            left -= len(part)
            if part.endswith(b"\n"):
                break

        return b"".join(parts)

    def readlines(self, hint: int = -1, /) -> list[bytes]:
        """Read all lines that are left."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def close(self) -> None:
        """Give up what was read in advance."""
        if self._buffer is not None:
            self._buffer.close()
            self._buffer = None
