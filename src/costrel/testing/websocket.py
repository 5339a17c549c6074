"""What a test has of a WebSocket: a connection to call, and one to await."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Self

from costrel.core.ws_codes import NORMAL, VANISHED, WebSocketDisconnect, check_close
from costrel.serving.offload import finish, serve_thread
from costrel.testing.connection import Connection, Refusal
from costrel.testing.responses import TestResponse
from costrel.testing.scopes import read_headers

__all__ = ["AsyncTestWebSocket", "TestWebSocket", "WebSocketRefused"]


class WebSocketRefused(Exception):
    """The application answered a handshake with a response instead of accepting it.

    Args:
        response: The response.

    Example:
        >>> from costrel import Costrel
        >>> try:
        ...     with Costrel("shop").test_client().websocket("/none"):
        ...         pass
        ... except WebSocketRefused as refused:
        ...     refused.response.status_code
        404
    """

    def __init__(self, response: TestResponse) -> None:
        super().__init__(response.status)
        self.response = response


class _Both:
    """What needs no waiting.

    Args:
        connection: The connection, not opened yet.
        answered: Told of the headers of the handshake's answer.
        respond: Makes a response of a refusal.
        dumps: Writes JSON as the application does.
        loads: Reads it.
    """

    __test__ = False  # pytest, it is no test

    def __init__(
        self,
        connection: Connection,
        *,
        answered: Callable[[Any], None],
        respond: Callable[[Refusal], TestResponse],
        dumps: Callable[[Any], str] = json.dumps,
        loads: Callable[[str | bytes], Any] = json.loads,
    ) -> None:
        self._connection = connection
        self._answered = answered
        self._respond = respond
        self._dumps = dumps
        self._loads = loads

    @property
    def subprotocol(self) -> str | None:
        """What the application chose of the subprotocols that were offered."""
        return self._connection.subprotocol

    @property
    def headers(self) -> Any:
        """The headers of the handshake's answer."""
        return read_headers(self._connection.headers)

    @property
    def close_code(self) -> int | None:
        """The code that it was closed with, by either side; ``None`` while it is open."""
        closed = self._connection.closed_with
        return None if closed is None else closed.code

    @property
    def close_reason(self) -> str | None:
        """The text that came with the code."""
        closed = self._connection.closed_with
        return None if closed is None else closed.reason

    async def _open(self) -> None:
        try:
            await self._connection.open()
        except Refusal as refusal:
            headers = read_headers(refusal.headers)
            self._answered(headers)
            raise WebSocketRefused(self._respond(refusal)) from None
        self._answered(self.headers)

    async def _leave(self, error: BaseException | None) -> None:
        try:
            await self._connection.end(VANISHED if error is not None else NORMAL)
        except Exception:
            if error is None:  # else the test's own error is the one to see
                raise


class TestWebSocket(_Both):
    """A WebSocket of a test, open within a ``with`` block; made by ``client.websocket()``.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> @app.websocket("/echo")
        ... async def echo(ws):
        ...     async for message in ws:
        ...         await ws.send(message)
        >>> with app.test_client().websocket("/echo") as ws:
        ...     ws.send("hello")
        ...     ws.receive()
        'hello'
    """

    def _finish(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        loop = self._connection.loop
        if asyncio._get_running_loop() is loop:
            coroutine.close()
            raise RuntimeError(
                "a WebSocket of a client that waits was used on the event loop that it is served on"
            )
        with serve_thread(loop):
            return finish(coroutine)

    def __enter__(self) -> Self:
        finish(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._finish(self._leave(error))

    def receive(self) -> str | bytes:
        """Return the next message.

        Raises:
            WebSocketDisconnect: If the application has closed; it has the code.
            TimeoutError: If nothing comes.
        """
        message: str | bytes = self._finish(self._connection.receive())
        return message

    def receive_json(self) -> Any:
        """Return the next message, read as JSON."""
        return self._loads(self.receive())

    def send(self, data: str | bytes) -> None:
        """Send a message: a string as text, bytes as bytes.

        Raises:
            WebSocketDisconnect: If the connection is closed.
        """
        self._finish(self._connection.send(data))

    def send_json(self, data: Any) -> None:
        """Send a value as JSON."""
        self.send(self._dumps(data))

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close, and wait for the handler to end."""
        check_close(code, reason)
        self._finish(self._connection.end(code, reason))

    def __iter__(self) -> Iterator[str | bytes]:
        """Iterate over the messages, until the application closes."""
        while True:
            try:
                yield self.receive()
            except WebSocketDisconnect:
                return


class AsyncTestWebSocket(_Both):
    """A WebSocket of a test, open within an ``async with`` block; made by ``client.websocket()``."""

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._leave(error)

    async def receive(self) -> str | bytes:
        """Return the next message.

        Raises:
            WebSocketDisconnect: If the application has closed; it has the code.
            TimeoutError: If nothing comes.
        """
        return await self._connection.receive()

    async def receive_json(self) -> Any:
        """Return the next message, read as JSON."""
        return self._loads(await self.receive())

    async def send(self, data: str | bytes) -> None:
        """Send a message: a string as text, bytes as bytes.

        Raises:
            WebSocketDisconnect: If the connection is closed.
        """
        await self._connection.send(data)

    async def send_json(self, data: Any) -> None:
        """Send a value as JSON."""
        await self.send(self._dumps(data))

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close, and wait for the handler to end."""
        check_close(code, reason)
        await self._connection.end(code, reason)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Iterate over the messages, until the application closes."""
        while True:
            try:
                yield await self.receive()
            except WebSocketDisconnect:
                return
