"""RSGI, granian's own protocol: its requests and connections are handed to the lanes of ``serving/asgi.py``.

What goes out takes the protocol's own ways: a body that is whole in one call,
a file by its path, and only a stream piece by piece. RSGI cannot hold back an
application that streams faster than the client reads, and cannot say that a
stream broke off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from costrel.serving.asgi import AsgiApp
from costrel.serving.rsgi_scope import RsgiScope, scope_of

__all__ = ["answer_rsgi", "begin_rsgi", "end_rsgi"]

_AT_ONCE_BYTES = 65_536
"""A request's body that is announced to be up to this long is taken in one piece."""

_MOST_EMPTY_FRAMES = 16
"""So many empty pieces in a row are a body by HTTP/2 that broke off; granian gives them without end."""

_MAX_KEPT = 1_024
# Whole lists of headers as text, by their bytes. Bounded, because lengths are many.
_texts: dict[tuple[tuple[bytes, bytes], ...], list[tuple[str, str]]] = {}
_DISCONNECT = {"type": "http.disconnect"}


def answer_rsgi(app: Any, rsgi: Any, protocol: Any, *, is_plain: bool) -> Awaitable[None]:
    """Serve an RSGI connection: return what is to be awaited for it.

    Args:
        app: The application.
        rsgi: RSGI's scope.
        protocol: Its protocol, of HTTP or WebSockets.
        is_plain: Whether ``app.asgi_app`` is costrel's own, which needs no more
            of a scope than it looks at.
    """
    receive: Any
    send: Any
    scope: Any
    if rsgi.proto == "http":
        scope = scope_of(rsgi, "http")
        # PERF: without a constructor, 0.2 µs less.
        send = _new_exchange(_Exchange)
        send.protocol = protocol
        send.scope = scope
        receive = send.receive
    else:
        from costrel.serving.rsgi_socket import Socket  # for cost: only applications that have some

        scope = scope_of(rsgi, "websocket")
        receive = Socket(protocol)
        send = receive.send
    if is_plain and app._trusts_nobody:
        return AsgiApp(app, is_door=False)(scope, receive, send)

    scope.fill()
    if not app._trusts_nobody:
        scope = app._hear_proxies(scope)

    return app.asgi_app(scope, receive, send)  # type: ignore[no-any-return]  # the application's


class _Exchange:
    """One request and its response: ``receive``, and ``send`` when it is called."""

    protocol: Any
    scope: RsgiScope

    # Of the request.
    next: Any = None
    left: int | None = None
    """How many bytes are still to come, where that was announced."""
    has_ended = False

    # Of the response.
    status = 0
    headers: list[tuple[str, str]]
    stream: Any = None

    async def receive(self) -> dict[str, Any]:
        """Return the next piece of the body; after its end, wait until the client leaves."""
        protocol = self.protocol
        if self.has_ended:
            await protocol.client_disconnect()
            return _DISCONNECT.copy()

        if self.next is None:
            length = self.left = _announced_length(self.scope)
            if length is not None and length <= _AT_ONCE_BYTES:
                self.has_ended = True
                try:
                    body = await protocol() if length else b""
                except RuntimeError:  # the client left before its end
                    return _DISCONNECT.copy()
                return {"type": "http.request", "body": body, "more_body": False}
            # NOTE: not anext() with a default: it crashes where __anext__ itself raises the end.
            self.next = aiter(protocol).__anext__

        try:
            data = await (self._next_by_http2() if self.scope["http_version"] == "2" else self.next())
            if data:
                if self.left is not None:
                    self.left -= len(data)
                return {"type": "http.request", "body": data, "more_body": True}
            is_whole = await self._is_whole()
        except RuntimeError:
            is_whole = False
        self.has_ended = True
        if not is_whole:
            return _DISCONNECT.copy()

        return {"type": "http.request", "body": b"", "more_body": False}

    async def _is_whole(self) -> bool:
        """Tell whether a body that ended did not break off."""
        if self.left is not None:
            return self.left <= 0
        if self.scope["http_version"] == "2":
            return True  # else it would not have ended

        # One that broke off ends with two empty pieces.
        try:
            await self.next()
        except StopAsyncIteration:
            return True

        return False

    async def _next_by_http2(self) -> bytes:
        """Return the next piece, ``b""`` at the end; a frame may be empty without being the last.

        Raises:
            RuntimeError: If the body broke off.
        """
        for _ in range(_MOST_EMPTY_FRAMES):
            try:
                data: bytes = await self.next()
            except StopAsyncIteration:
                return b""
            if data:
                return data

        raise RuntimeError("the request's body broke off")

    async def __call__(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
            self.headers = _as_text(message["headers"])
        elif kind == "http.response.body":
            body = message.get("body", b"")
            if self.stream is not None or message.get("more_body", False):
                await self._send_piece(body, message.get("more_body", False))
            elif body:
                self.protocol.response_bytes(self.status, self.headers, body)
            else:
                self.protocol.response_empty(self.status, self.headers)
        elif kind == "http.response.pathsend":
            first = message.get("start")
            if first is None:
                self.protocol.response_file(self.status, self.headers, message["path"])
            else:
                self.protocol.response_file_range(
                    self.status, self.headers, message["path"], first, message["stop"]
                )

    async def _send_piece(self, body: bytes, more: bool) -> None:
        stream = self.stream
        try:
            if stream is None:
                stream = self.stream = self.protocol.response_stream(self.status, self.headers)
            if body:
                await stream.send_bytes(bytes(body))
        except RuntimeError as error:  # the protocol's, whose classes are granian's
            raise ConnectionResetError("the client left before it had the whole response") from error
        if not more:
            self.stream = None  # the stream ends when nobody has it any more


_new_exchange: Any = _Exchange.__new__


def _announced_length(scope: RsgiScope) -> int | None:
    """Return how long the body is; ``None`` if nobody said so."""
    may_have_body = scope["http_version"] == "2"
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 20:
            return int(value)
        may_have_body = may_have_body or name == b"transfer-encoding"

    return None if may_have_body else 0


def _as_text(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return headers as RSGI takes them. PERF: 0.3 µs for a list that was seen before, else 1."""
    key = tuple(headers)
    text = _texts.get(key)
    if text is None:
        text = [(name.decode("latin1"), value.decode("latin1")) for name, value in headers]
        if not any(name == b"set-cookie" for name, _ in headers):
            if len(_texts) >= _MAX_KEPT:
                _texts.clear()
            _texts[key] = text

    return text


# Lifespan. RSGI has two calls for it, in which the loop does not run; ASGI's messages go between them.


class _Lifespan:
    """One time of serving.

    Args:
        app: The application.
        loop: The event loop, which stands still.
    """

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.asked_to_stop = asyncio.Event()
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._asked = 0
        self.task = loop.create_task(self._run(app))

    async def _run(self, app: Any) -> None:
        await app.asgi_app({"type": "lifespan", "asgi": {"version": "3.0"}}, self._receive, self.answers.put)

    async def _receive(self) -> dict[str, Any]:
        self._asked += 1
        if self._asked == 1:
            return {"type": "lifespan.startup"}

        await self.asked_to_stop.wait()
        return {"type": "lifespan.shutdown"}

    def wait_for_answer(self) -> dict[str, Any]:
        """Run the loop until the application has answered; its error is raised."""
        answer = self.loop.create_task(self.answers.get())
        wait = asyncio.wait((answer, self.task), return_when=asyncio.FIRST_COMPLETED)
        self.loop.run_until_complete(wait)
        if not answer.done():
            answer.cancel()
            self.task.result()
            return {}

        return answer.result()


def begin_rsgi(app: Any, loop: asyncio.AbstractEventLoop) -> Any:
    """Begin to serve; return what ``end_rsgi`` takes.

    Args:
        app: The application.
        loop: The event loop, which does not run yet.

    Raises:
        RuntimeError: If the application cannot.
    """
    lifespan = _Lifespan(app, loop)
    answer = lifespan.wait_for_answer()
    if answer.get("type") == "lifespan.startup.failed":
        raise RuntimeError(f"the application cannot begin to serve: {answer.get('message', '')}")

    return lifespan


def end_rsgi(lifespan: Any) -> None:
    """Stop serving.

    Args:
        lifespan: What ``begin_rsgi`` returned; its loop runs no more.
    """
    lifespan.asked_to_stop.set()
    lifespan.wait_for_answer()
    lifespan.loop.run_until_complete(lifespan.task)
