"""The client's end of one WebSocket over ASGI: the application runs in a task on an event loop.

Knows the protocol's messages, no cookies and no threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from costrel.core.ws_codes import NORMAL, VANISHED, WebSocketDisconnect

__all__ = ["Connection", "Refusal"]

Asgi = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]
Headers = list[tuple[bytes, bytes]]


class Refusal(Exception):
    """The handshake was not answered by an acceptance.

    Args:
        status: The status of the response.
        headers: Its headers.
        body: Its body.
    """

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers
        self.body = body


class Connection:
    """One connection; all coroutine methods belong on the loop that ``open`` runs on.

    Args:
        application: The ASGI application.
        scope: The handshake's scope.
        patience_seconds: How long the application may take for what is waited for.
    """

    def __init__(self, application: Asgi, scope: dict[str, Any], patience_seconds: float) -> None:
        self.subprotocol: str | None = None
        self.headers: Headers = []
        self.closed_with: WebSocketDisconnect | None = None
        self.loop: asyncio.AbstractEventLoop
        self._application = application
        self._scope = scope
        self._patience_seconds = patience_seconds
        self._task: asyncio.Task[None]

    async def open(self) -> None:
        """Shake hands.

        Raises:
            Refusal: If the application refuses.
            TimeoutError: If it does neither that nor accept.
            Exception: What it raised.
        """
        self.loop = asyncio.get_running_loop()
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = self.loop.create_task(self._application(self._scope, self._to_app.get, self._take))
        try:
            await self._shake_hands()
        except BaseException:
            await self.end(VANISHED)
            raise

    async def _shake_hands(self) -> None:
        message = await self._next("an answer to the handshake")
        kind = message["type"]
        if kind == "websocket.accept":
            self.subprotocol = message.get("subprotocol")
            self.headers = list(message.get("headers", ()))
            return
        if kind == "websocket.close":  # servers answer 403
            await self._see_out()
            raise Refusal(403, [], b"")
        if kind != "websocket.http.response.start":
            raise RuntimeError(f"an application must not send {kind!r} before it has accepted")

        body = b""
        while True:
            part = await self._next("the body of the refusal")
            body += part.get("body", b"")
            if not part.get("more_body", False):
                break
        await self._see_out()
        raise Refusal(message["status"], list(message.get("headers", ())), body)

    async def _take(self, message: dict[str, Any]) -> None:
        if self.closed_with is not None:
            raise ConnectionError("the client has left")

        self._from_app.put_nowait(message)

    async def _next(self, what: str) -> dict[str, Any]:
        """Return the application's next message; if it ended, what it raised is raised."""
        getter = asyncio.ensure_future(self._from_app.get())
        try:
            await asyncio.wait(
                (getter, self._task),
                timeout=self._patience_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if getter.done():
                return getter.result()
        finally:
            getter.cancel()
        if not self._task.done():
            raise TimeoutError(f"the application did not send {what} within {self._patience_seconds} s")

        await self._task
        return {"type": "websocket.close", "code": VANISHED}

    async def receive(self) -> str | bytes:
        """Return the next message.

        Raises:
            WebSocketDisconnect: If the application has closed.
            TimeoutError: If nothing comes.
            Exception: What the application raised.
        """
        if self.closed_with is not None:
            raise WebSocketDisconnect(*self.closed_with.args)

        message = await self._next("a message")
        if message["type"] == "websocket.send":
            text: str | None = message.get("text")
            return message["bytes"] if text is None else text
        if message["type"] != "websocket.close":
            raise RuntimeError(f"an application must not send {message['type']!r} when it has accepted")

        self.closed_with = WebSocketDisconnect(message.get("code", NORMAL), message.get("reason") or "")
        await self._see_out()
        raise WebSocketDisconnect(*self.closed_with.args)

    async def send(self, data: str | bytes) -> None:
        """Send a message.

        Raises:
            WebSocketDisconnect: If the connection is closed.
        """
        if self.closed_with is None and self._task.done():
            self.closed_with = await self._read_to_close()
        if self.closed_with is not None:
            raise WebSocketDisconnect(*self.closed_with.args)

        kind = "text" if isinstance(data, str) else "bytes"
        self._to_app.put_nowait({"type": "websocket.receive", kind: data})

    async def _read_to_close(self) -> WebSocketDisconnect:
        while True:
            message = await self._next("its close")
            if message["type"] == "websocket.close":
                return WebSocketDisconnect(message.get("code", NORMAL), message.get("reason") or "")

    async def end(self, code: int, reason: str = "") -> None:
        """Close, unless that is done, and wait for the application to end.

        Raises:
            TimeoutError: If it goes on; it is cancelled.
            Exception: What it raised, if nobody was told yet.
        """
        if self.closed_with is None:
            self.closed_with = WebSocketDisconnect(code, reason)
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
            await self._see_out()

    async def _see_out(self) -> None:
        done, _ = await asyncio.wait((self._task,), timeout=self._patience_seconds)
        if done:
            await self._task
            return

        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        raise TimeoutError(f"the handler went on for {self._patience_seconds} s after the close")
