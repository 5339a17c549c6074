"""WebSockets on WSGI servers that let go of their socket: Werkzeug's and gunicorn's threads.

The handler runs on the kept event loop, as every async code under WSGI; the
server's thread moves the bytes (``socket_pump.py``) until the connection ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import HTTPException, InternalServerError

from costrel.core.ws_codes import INTERNAL_ERROR
from costrel.core.ws_handler import SocketHandler
from costrel.core.ws_handshake import accepting, offered_subprotocols, read_key
from costrel.errors import SetupError
from costrel.serving.offload import kept_loop
from costrel.serving.socket_context import WebSocketContext
from costrel.serving.socket_pump import Pump
from costrel.serving.stopping import closed, opened
from costrel.serving.websocket import serve_websocket

__all__ = ["answer_upgrade", "is_for_websocket"]

_MAX_WAITING = 32
"""Messages that may wait for the handler before reading stops."""

_HIGH_WATER_BYTES = 262_144
"""Bytes that may wait for the client before ``send`` does."""

_CLOSE_SECONDS = 3
"""How long the client has to answer a close, and to take what is left."""

_TICK_SECONDS = 0.5


def is_for_websocket(app: Any, environ: dict[str, Any]) -> bool:
    """Tell whether the rule of a request that asks for a WebSocket has a handler."""
    ctx = WebSocketContext(app, environ)
    ctx.match_request()
    environ.pop("werkzeug.request", None)

    return ctx._match is not None and type(app.view_functions.get(ctx._match[0].endpoint)) is SocketHandler


def answer_upgrade(app: Any, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve a WebSocket to its end, in the thread of a WSGI server.

    Args:
        app: The application.
        environ: The WSGI environment.
        start_response: The server's; used for a refusal.
    """
    try:
        key = read_key(environ)
        if not app._got_first_request:
            _begin(app)
        connection = _Connection(app, key, _socket_of(environ))
    except HTTPException as error:
        return error.get_response(environ)(environ, start_response)
    except SetupError as error:
        app.logger.error("No WebSocket can be served: %s", error)
        start_response("501 Not Implemented", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return []

    connection.serve(environ)
    if connection.refusal is not None:
        status, headers, body = connection.refusal
        start_response(status, headers)
        return [body]

    # The server must not write on what is no HTTP any more. What it tries fails as if the client
    # had left, which servers take calmly; an error raised here, middleware would make a page of.
    connection.hang_up()
    start_response("101 Switching Protocols", [])

    return []


def _begin(app: Any) -> None:
    """Begin to serve here, because the event loop may not wait for itself.

    Raises:
        InternalServerError: If a function of ``before_serving`` failed.
    """
    try:
        app._begin()
    except Exception as error:
        app.logger.exception("The application cannot begin to serve")
        raise InternalServerError(original_exception=error) from error


def _socket_of(environ: dict[str, Any]) -> Any:
    """Return the socket under a request.

    Raises:
        SetupError: If the server keeps it.
    """
    sock = environ.get("werkzeug.socket") or environ.get("gunicorn.socket")
    if sock is None:
        raise SetupError(
            "this WSGI server does not let go of its sockets",
            hint="Serve app.asgi with uvicorn, hypercorn or granian, or use gunicorn's threads (-k gthread).",
        )

    return sock


class _Connection:
    """One connection: ``receive`` and ``send`` of ASGI on the loop, and the pump in the server's thread."""

    def __init__(self, app: Any, key: str, sock: Any) -> None:
        try:
            from costrel.serving.socket_frames import Frames  # for cost, and wsproto is an extra
        except ImportError as error:
            raise SetupError(
                "wsproto is not installed, which speaks the protocol on this server",
                hint="pip install 'costrel[websocket]'",
            ) from error

        max_bytes: int | None = app.config["WEBSOCKET_MAX_MESSAGE_SIZE"]
        self._app = app
        self._key = key
        self._sock = sock
        self._frames = Frames(sys.maxsize if max_bytes is None else max_bytes)
        self._loop = kept_loop()
        self._inbox: deque[dict[str, Any]] = deque()
        self._came = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._is_accepted = False
        self._heard = True
        self._refusal_start: dict[str, Any] | None = None
        self._ping_seconds: float | None = app.config["WEBSOCKET_PING_INTERVAL"]
        self._until_ping = self._ping_seconds or 0.0
        self._tick_seconds = min(_TICK_SECONDS, self._ping_seconds or _TICK_SECONDS)
        self._task: asyncio.Task[None] | None = None
        self.refusal: tuple[str, list[tuple[str, str]], bytes] | None = None

    # In the server's thread.

    def serve(self, environ: dict[str, Any]) -> None:
        """Run the handler and move bytes until both are done."""
        self._pump = Pump(
            self._sock,
            on_data=lambda data: self._on_loop(self._feed, data),
            on_drained=lambda: self._on_loop(self._drained.set),
            on_tick=self._tick,
            tick_seconds=self._tick_seconds,
        )
        was_blocking = self._sock.gettimeout()
        opened(self, with_process=True)
        try:
            context = contextvars.copy_context()
            self._loop.call_soon_threadsafe(self._start, environ, context)
            self._pump.run(_CLOSE_SECONDS)
        finally:
            closed(self)
            self._sock.settimeout(was_blocking)

    def stop(self) -> None:
        """Do nothing: the handler is told (``serving/websocket.py``), and the end waits for this thread."""

    def hang_up(self) -> None:
        """End the connection for both sides."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def _on_loop(self, function: Callable[..., Any], *args: Any) -> None:
        self._loop.call_soon_threadsafe(function, *args)

    def _tick(self) -> None:
        if self._ping_seconds:
            self._until_ping -= self._tick_seconds
            if self._until_ping <= 0:
                self._until_ping = self._ping_seconds
                self._on_loop(self._ping)

    # On the loop.

    def _start(self, environ: dict[str, Any], context: contextvars.Context) -> None:
        self._task = self._loop.create_task(self._serve(environ), context=context)

    async def _serve(self, environ: dict[str, Any]) -> None:
        try:
            await serve_websocket(
                self._app, environ, self._receive, self._send, subprotocols=offered_subprotocols(environ)
            )
        except Exception:
            # Only what is to propagate comes here; there is nobody to take it but the log.
            self._app.logger.exception("Exception in a WebSocket handler")
        finally:
            if self._is_accepted:
                self._write(self._frames.close(INTERNAL_ERROR, ""))  # unless there was one
            self._pump.end(_CLOSE_SECONDS if self._frames.is_closing else 0)

    async def _receive(self) -> dict[str, Any]:
        while not self._inbox:
            self._came.clear()
            await self._came.wait()
        if len(self._inbox) <= _MAX_WAITING:
            self._pump.read_on(True)

        return self._inbox.popleft()

    async def _send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "websocket.send":
            text = message.get("text")
            data = self._frames.write(message["bytes"] if text is None else text)
            if not data:
                raise ConnectionResetError("the client has left")
            self._write(data)
            await self._drained.wait()
        elif kind == "websocket.accept":
            self._is_accepted = True
            self._write(accepting(self._key, message.get("subprotocol"), message.get("headers") or ()))
        elif kind == "websocket.close":
            self._close(message.get("code") or 1_000, message.get("reason") or "")
        elif kind == "websocket.http.response.start":
            self._refusal_start = message
        else:
            self._refuse(message.get("body") or b"")

    def _close(self, code: int, reason: str) -> None:
        if self._is_accepted:
            self._write(self._frames.close(code, reason))
        else:
            self.refusal = ("403 Forbidden", [("Content-Length", "0")], b"")

    def _refuse(self, body: bytes) -> None:
        start = self._refusal_start
        assert start is not None
        headers = [(name.decode("latin1"), value.decode("latin1")) for name, value in start["headers"]]
        self.refusal = (_status_line(start["status"]), headers, body)

    def _write(self, data: bytes | bytearray) -> None:
        if data and self._pump.write(bytes(data)) > _HIGH_WATER_BYTES:
            self._drained.clear()

    def _feed(self, data: bytes) -> None:
        """Take bytes of the client, or by ``b""`` its end."""
        self._heard = True
        if self._is_accepted:
            self._put(self._frames.feed(data) if data else self._frames.vanish())
            self._write(self._frames.outgoing)
            self._frames.outgoing.clear()
            if self._frames.is_over and self._task is not None and self._task.done():
                self._pump.end()
        elif not data:  # gone before the handler accepted
            self._put(self._frames.vanish())

    def _put(self, messages: list[dict[str, Any]]) -> None:
        if messages:
            self._inbox.extend(messages)
            self._came.set()
            if len(self._inbox) > _MAX_WAITING:
                self._pump.read_on(False)

    def _ping(self) -> None:
        if not self._is_accepted:
            return
        if not self._heard:  # since the ping before
            self._put(self._frames.vanish())
            return
        self._heard = False
        self._write(self._frames.ping())


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
