"""WebSockets: push the context, drive the lifecycle, run the handler, close, pop the context.

``answer_websocket`` is for ASGI servers; ``serve_websocket`` for whatever
speaks ASGI's messages, such as ``serving/websocket_wsgi.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any, cast

from werkzeug.exceptions import Forbidden
from werkzeug.exceptions import NotImplemented as NotServed

from costrel.core import ws_lifecycle
from costrel.core.drive import Call, Steps, run_async
from costrel.core.ws_codes import (
    GOING_AWAY,
    INTERNAL_ERROR,
    NORMAL,
    POLICY,
    RESTART,
    WebSocketDisconnect,
)
from costrel.core.ws_handler import SocketHandler
from costrel.serving.scope import fill
from costrel.serving.session_ahead import aopen_session_ahead
from costrel.serving.socket_context import WebSocketContext
from costrel.serving.stopping import closed, is_of_test, opened
from costrel.serving.sync_socket import SyncWebSocket, in_own_thread
from costrel.serving.threads import in_thread
from costrel.signals import appcontext_pushed
from costrel.sockets import WebSocket
from costrel.sockets.channel import CLOSED

__all__ = ["answer_websocket", "close_websockets", "serve_websocket"]


async def answer_websocket(
    app: Any, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]
) -> None:
    """Answer a connection of an ASGI server.

    Args:
        app: The application.
        scope: The ASGI scope, of type ``"websocket"``.
        receive: Gives the server's messages.
        send: Takes ours.
    """
    message = await receive()
    if message["type"] != "websocket.connect":  # the client left before it was here
        return

    environ: dict[str, Any] = {}
    fill(environ, scope, receive)
    # HTTP/2 has no such headers (RFC 8441), and Werkzeug's adapter looks for them.
    environ["HTTP_UPGRADE"], environ["HTTP_CONNECTION"] = "websocket", "Upgrade"
    await serve_websocket(
        app,
        environ,
        receive,
        send,
        subprotocols=scope.get("subprotocols") or (),
        can_refuse="websocket.http.response" in (scope.get("extensions") or {}),
    )


async def serve_websocket(
    app: Any,
    environ: dict[str, Any],
    receive: Callable[[], Any],
    send: Callable[[Any], Any],
    *,
    subprotocols: Iterable[str] = (),
    can_refuse: bool = True,
) -> None:
    """Serve one connection to its end.

    Args:
        app: The application.
        environ: The WSGI environment of the handshake.
        receive: Gives messages as ASGI has them, after ``websocket.connect``.
        send: Takes messages as ASGI has them.
        subprotocols: What the client offers.
        can_refuse: Whether ``send`` takes an HTTP response as a refusal.
    """
    ctx = WebSocketContext(app, environ)
    ws: WebSocket = app.websocket_class(
        ctx, receive, send, requested_subprotocols=subprotocols, in_thread=in_thread
    )
    ctx.websocket = ws
    connections = _connections_of(app)
    error: BaseException | None = None
    if appcontext_pushed.receivers:
        await in_thread(ctx.push)
    else:
        ctx.push()
    connections.add(ws)
    stop = _Stop(ws)
    try:
        if not is_of_test(environ):
            opened(stop)
        error = await _answer(ctx, ws, can_refuse)
    except BaseException as raised:
        error = raised
        raise
    finally:
        connections.discard(ws)
        closed(stop)
        ws._release()
        if isinstance(error, WebSocketDisconnect) or (error is not None and app.should_ignore_error(error)):
            error = None
        try:
            await ctx.apop(error, in_thread=in_thread)
        finally:
            error = None  # its traceback holds this frame
            ctx.websocket = None


async def _answer(ctx: WebSocketContext, ws: WebSocket, can_refuse: bool) -> BaseException | None:
    """Run hooks and handler, and end the connection as they did.

    Returns:
        The error for teardown functions.
    """
    rv: Any = None
    error: BaseException | None = None
    task = asyncio.current_task()
    ws._task = ws._served_by = task
    try:
        try:
            rv = await _handle(ctx, ws)
        except asyncio.CancelledError:
            if ws._ending is None:  # by the server, which stops
                await _quietly(ws._end(RESTART))
                raise
            cast("asyncio.Task[Any]", task).uncancel()
            error = WebSocketDisconnect(*ws._ending)
        except (Exception, SystemExit) as raised:
            error = ws_lifecycle.without_group(raised)
        ws._task = None

        if ws._ending is not None:
            await ws._end(*ws._ending)
        if not ws.is_accepted:
            if isinstance(error, WebSocketDisconnect):
                await ws._end(error.code, error.reason)
                return None
            if error is not None or rv is not None:
                return await _refuse(ctx, ws, rv if error is None else error, can_refuse)
            await ws.accept()

        return await _finish(ctx, ws, error)
    except WebSocketDisconnect:  # while being accepted or closed
        return error
    finally:
        ws._task = ws._served_by = error = rv = None


async def _handle(ctx: WebSocketContext, ws: WebSocket) -> Any:
    """Route the connection, run the hooks before it, and the handler."""
    app = ctx.app
    ctx.match_request()
    if ctx._session_object is None:
        if not app._session_is_lazy():
            await run_async(_opened_session(ctx), in_thread)  # now, because Flask would
        else:
            await aopen_session_ahead(app, ctx)
    rv = await run_async(ws_lifecycle.open_websocket(ctx), in_thread)
    if rv is not None:
        if ws.is_accepted:  # too late for a response
            raise Forbidden()
        return rv

    rule, values = (ctx._request.url_rule, ctx._request.view_args) if ctx._request else cast(Any, ctx._match)
    handler = app.view_functions[rule.endpoint]
    if type(handler) is not SocketHandler:
        app.logger.warning(
            "The WebSocket route %r takes over the socket of a WSGI server, and this server has none."
            " Write it with @app.websocket.",
            rule.rule,
        )
        raise NotServed("This WebSocket cannot be served here.")

    idle_seconds: float | None = app.config["WEBSOCKET_IDLE_TIMEOUT"]
    timer = _IdleTimer(ws, idle_seconds) if idle_seconds else None
    try:
        if handler.is_async:
            args, kwargs = handler.arguments(ws, values)
            return await handler.function(*args, **kwargs)

        # What waits on the loop for the thread is not to be cancelled, but what the thread waits for.
        ws._task = None
        ctx.websocket = sync_ws = SyncWebSocket(ws)
        args, kwargs = handler.arguments(sync_ws, values)
        return await in_own_thread(ws, handler.function, *args, **kwargs)
    finally:
        if timer is not None:
            timer.stop()


def _opened_session(ctx: Any) -> Steps[None]:
    yield Call(lambda: ctx._session)


async def _finish(ctx: WebSocketContext, ws: WebSocket, error: BaseException | None) -> BaseException | None:
    """Close a connection that was accepted, run the hooks after it, report what nobody handled."""
    code, reason, is_fault = ws_lifecycle.verdict(error)
    try:
        if not is_fault:
            try:
                await run_async(ws_lifecycle.after_websocket(ctx, None), in_thread)
            except (Exception, SystemExit) as raised:
                error = raised
                code, reason, is_fault = ws_lifecycle.verdict(raised)
        await _quietly(ws._end(code, reason))
        if is_fault:
            await run_async(ws_lifecycle.report(ctx, cast(BaseException, error)), in_thread)
            return error

        return None
    finally:
        del error


async def _refuse(
    ctx: WebSocketContext, ws: WebSocket, reason: Any, can_refuse: bool
) -> BaseException | None:
    """Answer the handshake with an HTTP response, or with a bare 403 where the server can do no more.

    Returns:
        The error for teardown functions: one that no handler took.
    """
    try:
        response, error = await run_async(ws_lifecycle.refuse(ctx, reason), in_thread)
    except BaseException:
        await _quietly(ws.close(INTERNAL_ERROR))
        raise
    finally:
        del reason  # its traceback holds frames that hold this one's caller
    try:
        if ws.is_accepted:  # by an error handler
            await _quietly(ws._end(NORMAL))
        elif not can_refuse:
            await _quietly(ws.close(POLICY))
        else:
            status, headers, body = await in_thread(_render, response, ctx.environ)
            ws._state = CLOSED
            with contextlib.suppress(WebSocketDisconnect):
                await ws._tell(
                    {"type": "websocket.http.response.start", "status": status, "headers": headers}
                )
                await ws._tell({"type": "websocket.http.response.body", "body": body})
        return error
    finally:
        del error


def _render(response: Any, environ: Any) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Run a response as the WSGI application it is, and collect what it says."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started[:] = [status, headers]
        return lambda data: None

    parts = response(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    status, headers = started

    return (
        int(status.partition(" ")[0]),
        [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers],
        body,
    )


async def _quietly(closing: Any) -> None:
    """Wait for a close of a connection that may be gone already."""
    with contextlib.suppress(WebSocketDisconnect):
        await closing


class _Stop:
    """Ends a connection when the server stops."""

    __slots__ = ("__weakref__", "_loop", "_ws")

    def __init__(self, ws: WebSocket) -> None:
        self._ws = ws
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._ws.interrupt, RESTART)


class _IdleTimer:
    """Ends a connection on which nothing moves, in either direction.

    PERF: it looks twice in the time allowed, so a message costs no more than a mark.
    """

    __slots__ = ("_half", "_handle", "_loop", "_quiet", "_ws")

    def __init__(self, ws: WebSocket, idle_seconds: float) -> None:
        self._ws = ws
        self._half = idle_seconds / 2
        self._quiet = 0
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_later(self._half, self._look)

    def _look(self) -> None:
        ws = self._ws
        self._quiet = 0 if ws._touched else self._quiet + 1
        ws._touched = False
        if self._quiet >= 2:
            ws.interrupt(GOING_AWAY, "nothing was sent for too long")
        else:
            self._handle = self._loop.call_later(self._half, self._look)

    def stop(self) -> None:
        self._handle.cancel()


def _connections_of(app: Any) -> set[WebSocket]:
    found: set[WebSocket] | None = app.__dict__.get("_websockets")

    return app.__dict__.setdefault("_websockets", set()) if found is None else found


def close_websockets(app: Any, code: int = RESTART) -> int:
    """End all connections of an application; on their event loop.

    Args:
        app: The application.
        code: The close code: 1012 where the service comes back, 1001 where it goes.

    Returns:
        How many there were.
    """
    connections = tuple(_connections_of(app))
    for ws in connections:
        ws.interrupt(code)

    return len(connections)
