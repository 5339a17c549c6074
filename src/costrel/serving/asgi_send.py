"""Send a response to an ASGI server: at once, as a stream, or as a file. Knows no lifecycle."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import Any

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wsgi import _RangeWrapper

from costrel.core.asgi_headers import encode_headers
from costrel.core.async_body import AppIter
from costrel.core.async_response import with_context
from costrel.core.lifespan import AFTER_SENT
from costrel.serving.scope_input import ScopeInput
from costrel.serving.sent_file import PATHSEND, SentFile, Span, span_of
from costrel.serving.threaded_body import ThreadedBody, close_body
from costrel.serving.threads import begin_in_thread

__all__ = ["ClientLeftError", "Reply", "Started", "start"]

_AT_ONCE_BYTES = 65_536
"""A body up to this length that is known is put together before it is sent."""

_PIECES_A_TURN = 16
"""So many pieces of an async stream are sent before the event loop gets a turn."""


class ClientLeftError(ConnectionError):
    """A server's ``send`` failed, as some do when the client has left.

    A class of its own, because a stream may fail with an ``OSError`` too, and that is to be heard of.
    """


class Started:
    """What a WSGI application told its ``start_response``."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Note status and headers."""
        self.status = status
        self.headers = headers

        return self.refuse_write

    @staticmethod
    def refuse_write(data: bytes) -> None:
        """Refuse the ``write`` that PEP 3333 has for very old applications."""
        raise RuntimeError("write() of WSGI is not supported here; return the body from the application")

    def message(self) -> dict[str, Any]:
        """Return the ASGI message that starts the response."""
        return start(int(self.status.partition(" ")[0]), self.headers)


def start(status: int, headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Make the ASGI message that starts a response."""
    return {"type": "http.response.start", "status": status, "headers": encode_headers(headers)}


class Reply:
    """A response that is ready to be sent.

    Args:
        response: Werkzeug's, one of its subclasses, or a WSGI application.
        environ: The request's environment.
    """

    __slots__ = ("chunks", "context", "environ", "first", "response", "span", "started")

    def __init__(self, response: Any, environ: Any) -> None:
        self.response = response
        self.environ = environ
        self.started = Started()
        self.first: tuple[list[bytes], Any] | None = None
        """What was read of the body already."""
        self.context: contextvars.Context | None = None
        """In which context a synchronous body was begun, and goes on."""
        self.span: Span | None = None
        """What the server is to send by itself."""

        body: Any = getattr(response, "response", None)
        if isinstance(body, AsyncIterable) and hasattr(response, "get_wsgi_headers"):
            self.started(response.status, response.get_wsgi_headers(environ).to_wsgi_list())
            body = response.response = with_context(body)
            is_bodiless = environ["REQUEST_METHOD"] == "HEAD" or response.status_code in (204, 304)
            self.chunks: Any = _Bodiless(body) if is_bodiless else body
        else:
            self.chunks = response(environ, self.started)

    def read_first(self) -> Reply:
        """Read the beginning of the body, in a worker thread, and return this object."""
        chunks = self.chunks
        if isinstance(chunks, AsyncIterable):
            return self
        if type(chunks) in _FILES:
            self.span = self._find_span()
        self.first = ([], None) if self.span is not None else read_first(chunks, self.started)

        return self

    def _find_span(self) -> Span | None:
        """Return what of a file the server can send by itself."""
        scope = self.environ.get("asgi.scope") or {}
        # What waits for the end of the response may be what removes the file, and nobody tells of that end.
        if AFTER_SENT in scope:
            return None

        return span_of(self.chunks, _length_of(self.started.headers), scope.get("extensions"))

    def _until_left(self, receive: Any) -> Any:
        """Return what is awaited to know that the client has left."""
        body = self.environ.get("wsgi.input")
        # The stream may read the request's body as it goes.
        return body.until_left() if isinstance(body, ScopeInput) else _disconnected(receive)

    def close(self) -> None:
        """Give up a synchronous body that nobody will read."""
        close_body(self.chunks)

    async def send(self, receive: Any, send: Any) -> None:
        """Send it; a stream ends early if the client leaves.

        Raises:
            ClientLeftError: If the server's ``send`` says so.
        """
        chunks = self.chunks
        if isinstance(chunks, AsyncIterable):
            try:
                await _while_connected(self._until_left(receive), _send_async(self.started, chunks, send))
            finally:
                await _aclose(chunks)
                if not isinstance(chunks, AppIter):  # which has done so
                    self.response.close()
            return

        send = _noticing(send)
        if type(chunks) is list and self.started.status:
            await send(self.started.message())
            await send({"type": "http.response.body", "body": b"".join(chunks)})
            return

        context = self.context
        if context is None:
            context = contextvars.copy_context()
        if self.first is None:
            await begin_in_thread(context, self.read_first)
            assert self.first is not None
        if self.span is not None:
            await self._send_file(self.span, send)
            return
        parts, rest = self.first
        if rest is None:
            await send(self.started.message())
            await send({"type": "http.response.body", "body": b"".join(parts)})
            return

        body = ThreadedBody(chunks, rest, context)
        try:
            await _while_connected(self._until_left(receive), _send_rest(parts, body, self.started, send))
        finally:
            # Not interrupted: a cancelled request must still give back what its body holds.
            await asyncio.shield(body.close())

    async def _send_file(self, span: Span, send: Any) -> None:
        """Let the server send a file."""
        message: dict[str, Any] = {"type": PATHSEND, "path": span.path}
        if not span.is_whole:
            message["start"], message["stop"] = span.start, span.stop
        try:
            await send(self.started.message())
            await send(message)
        finally:
            close_body(self.chunks)


_FILES = (SentFile, _RangeWrapper)


class _Bodiless:
    """Stands for a stream that is not to be sent, and closes it."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def __aiter__(self) -> _Bodiless:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close the stream."""
        await _aclose(self._body)


async def _aclose(body: Any) -> None:
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()


async def _send_async(started: Started, body: AsyncIterable[Any], send: Any) -> None:
    # PERF: not by what ``_noticing`` makes; a stream may have many pieces, and each call that is awaited
    # takes 0.3 µs.
    left = _PIECES_A_TURN

    async def write(data: bytes) -> None:
        nonlocal left
        left -= 1
        if not left:
            # SECURITY: servers take what is for a client that left without waiting. A stream that
            # does not wait either would go on for ever, and nothing else would run.
            left = _PIECES_A_TURN
            await asyncio.sleep(0)
        if data:
            try:
                await send({"type": "http.response.body", "body": data, "more_body": True})
            except OSError as error:
                raise ClientLeftError from error

    await _noticing(send)(started.message())
    stream = aiter(body)
    write_to = getattr(stream, "write_to", None)
    if write_to is not None:
        await write_to(write)
    else:
        async for chunk in stream:
            await write(chunk.encode() if isinstance(chunk, str) else chunk)
    await _noticing(send)({"type": "http.response.body", "body": b""})


def _noticing(send: Any) -> Callable[[Any], Awaitable[None]]:
    """Return a ``send`` that says if the client has left."""

    async def send_or_leave(message: Any) -> None:
        try:
            await send(message)
        except OSError as error:
            raise ClientLeftError from error

    return send_or_leave


def read_first(chunks: Iterable[bytes], started: Started) -> tuple[list[bytes], Any]:
    """Read the beginning of a body, in a worker thread.

    Returns:
        The pieces that were read, and the iterator for the rest; ``None`` if
        nothing is left, in which case the body was closed.
    """
    try:
        if isinstance(chunks, list | tuple):
            parts, rest = list(chunks), None
        else:
            # A server starts to send with the first piece, not before (PEP 3333).
            length = _length_of(started.headers) if started.status else None
            rest = iter(chunks)
            parts = []
            count = 0
            for chunk in rest:
                parts.append(chunk)
                count += len(chunk)
                if not started.status or length is None:
                    length = _length_of(started.headers)
                if length is not None and count >= length:
                    rest = None
                    break
                if chunk and (length is None or length > _AT_ONCE_BYTES):
                    break
            else:
                rest = None
    except BaseException:
        close_body(chunks)
        raise
    if rest is None:
        close_body(chunks)

    return parts, rest


def _length_of(headers: list[tuple[str, str]]) -> int | None:
    for name, value in headers:
        if name.lower() == "content-length" and value.isdecimal():
            return int(value)

    return None


async def _send_rest(parts: list[bytes], body: ThreadedBody, started: Started, send: Any) -> None:
    await send(started.message())
    await send({"type": "http.response.body", "body": b"".join(parts), "more_body": True})
    while (chunk := await body.next()) is not None:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _while_connected(leaving: Any, sending: Any) -> None:
    """Send until all is sent or the client has left; then the sending is cancelled."""
    task = asyncio.ensure_future(sending)
    watch = asyncio.ensure_future(leaving)
    try:
        await asyncio.wait((task, watch), return_when=asyncio.FIRST_COMPLETED)
    finally:
        # Whatever happened, nothing of it goes on after this.
        for one in (watch, task):
            if not one.done():
                one.cancel()
        results = await asyncio.gather(task, watch, return_exceptions=True)
    error = results[0]
    try:
        # A stream that reads the request's body is told by it that the client left.
        if isinstance(error, BaseException) and not isinstance(
            error, ClientLeftError | ClientDisconnected | asyncio.CancelledError
        ):
            raise error
    finally:
        # What holds its traceback, and with it this frame: RSGI's stream ends when nobody has it any more.
        task = watch = one = error = results = None  # type: ignore[assignment]


async def _disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
