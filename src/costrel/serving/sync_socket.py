"""WebSocket handlers that are not async: a thread of their own, and a connection whose methods block.

A thread of the pool is not taken, because a connection may last for hours.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from costrel.core.ws_codes import NORMAL, RESTART, WebSocketDisconnect
from costrel.serving.offload import finish, serve_thread
from costrel.sockets import WebSocket
from costrel.sockets.channel import HeaderItems

__all__ = ["SyncWebSocket", "in_own_thread"]

_PATIENCE_SECONDS = 5.0
"""How long the thread of a connection that was cancelled may go on until its context ends without it."""


class SyncWebSocket:
    """A ``WebSocket`` whose methods wait in the thread of the handler.

    Its methods have the names of ``WebSocket``'s; ``async for`` is ``for``.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> @app.websocket("/echo")
        ... def echo(ws):
        ...     for message in ws:
        ...         ws.send(message)
    """

    __slots__ = ("__weakref__", "_ws")

    def __init__(self, ws: WebSocket) -> None:
        self._ws = ws

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ws, name)

    def __repr__(self) -> str:
        return repr(self._ws)

    def accept(self, headers: HeaderItems | None = None, subprotocol: str | None = None) -> None:
        """Complete the handshake; see ``WebSocket.accept``."""
        self._wait(self._ws.accept(headers, subprotocol))

    def receive(self, timeout_seconds: float | None = None) -> str | bytes:
        """Wait for the next message.

        Args:
            timeout_seconds: How long.

        Raises:
            TimeoutError: If none came in that time.
            WebSocketDisconnect: If the connection is over.
        """
        message: str | bytes = self._wait(self._ws.receive(), timeout_seconds)
        return message

    def receive_text(self) -> str:
        """Wait for the next message, which must be text; see ``WebSocket.receive_text``."""
        text: str = self._wait(self._ws.receive_text())
        return text

    def receive_bytes(self) -> bytes:
        """Wait for the next message, which must be bytes; see ``WebSocket.receive_bytes``."""
        data: bytes = self._wait(self._ws.receive_bytes())
        return data

    def receive_json(self) -> Any:
        """Wait for the next message and return what its JSON stands for; see ``WebSocket.receive_json``."""
        return self._wait(self._ws.receive_json())

    def __iter__(self) -> Iterator[str | bytes]:
        """Iterate over the messages, until the connection is over."""
        while True:
            try:
                message = self.receive()
            except WebSocketDisconnect:
                return
            yield message

    def send(self, data: str | bytes) -> None:
        """Send a message; see ``WebSocket.send``."""
        self._wait(self._ws.send(data))

    def send_json(self, *args: Any, **kwargs: Any) -> None:
        """Send a value as JSON; see ``WebSocket.send_json``."""
        self._wait(self._ws.send_json(*args, **kwargs))

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close the connection; see ``WebSocket.close``."""
        self._wait(self._ws.close(code, reason))

    def _wait(self, operation: Coroutine[Any, Any, Any], timeout_seconds: float | None = None) -> Any:
        return finish(_as_task(self._ws, operation, timeout_seconds))


async def _as_task(ws: WebSocket, operation: Coroutine[Any, Any, Any], timeout_seconds: float | None) -> Any:
    """Run an operation so that ``ws.interrupt`` ends it."""
    if ws._ending is not None:
        operation.close()
        raise WebSocketDisconnect(*ws._ending)

    ws._task = asyncio.current_task()
    try:
        if timeout_seconds is None:
            return await operation
        async with asyncio.timeout(timeout_seconds):
            return await operation
    except asyncio.CancelledError:
        ending: tuple[int, str] | None = ws._closed_with if ws.is_closed else ws._ending
        if ending is None:
            raise
        raise WebSocketDisconnect(*ending) from None
    finally:
        ws._task = None


async def in_own_thread(ws: WebSocket, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a handler in a new thread, with the context variables of this place.

    If this is cancelled, the thread finds the connection closed, and is given
    a while to end: the context, whose end comes next, is still in its hands.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()
    call = partial(function, *args, **kwargs)

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            with serve_thread(loop):
                result = context.run(call)
        except StopIteration as raised:  # no future takes one
            error = RuntimeError("the handler raised StopIteration")
            error.__cause__ = raised
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:  # the loop was closed: nobody waits any more
            pass
        finally:
            del error

    threading.Thread(target=work, name="costrel-websocket", daemon=True).start()
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if ws._ending is None:
            ws.interrupt(RESTART)
        await _wait_a_while(future)
        raise


async def _wait_a_while(future: asyncio.Future[Any]) -> None:
    """Wait for what a thread does, whatever is cancelled meanwhile, but not for ever."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else asks for it
    loop = asyncio.get_running_loop()
    last = loop.time() + _PATIENCE_SECONDS
    while not future.done() and (left := last - loop.time()) > 0:
        with suppress(asyncio.CancelledError):
            await asyncio.wait((future,), timeout=left)
