"""The state of a WebSocket connection: accepted, closed, interrupted, and what waits to be sent.

Speaks ASGI's messages and knows no server. It does not load asyncio, so that
an application without WebSockets never does.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NoReturn

from werkzeug.datastructures import Headers

from costrel.core.asgi_headers import encode_headers
from costrel.core.drive import run_async
from costrel.core.ws_codes import (
    NO_STATUS,
    NORMAL,
    POLICY,
    TOO_BIG,
    VANISHED,
    WebSocketDisconnect,
    check_close,
    short_reason,
)
from costrel.sockets.accepting import session_cookies

__all__ = ["CLOSED", "CONNECTING", "OPEN", "SENDS_A_TURN", "Channel", "HeaderItems", "Message"]

CONNECTING, OPEN, CLOSED = 0, 1, 2
_CLOSE_SECONDS = 5
"""How long the close may take to be taken by a server whose client reads nothing."""

SENDS_A_TURN = 16
"""So many messages are sent before the event loop gets a turn."""

_CALLS_AFTER_END = 100
"""So often a handler may use a connection that is over; then it is cancelled."""

Message = Any  # of ASGI: a dict with a type
HeaderItems = Mapping[str, str] | Iterable[tuple[str, str]]


class Channel:
    """One connection, without its messages.

    Args:
        ctx: Its context.
        receive: Gives ASGI's messages.
        send: Takes them.
        requested_subprotocols: What the client offers.
        in_thread: Calls blocking functions beside the event loop.
    """

    __slots__ = (
        "__weakref__",
        "_ahead",
        "_calls_left",
        "_closed_with",
        "_closing",
        "_ctx",
        "_ending",
        "_groups",
        "_has_read",
        "_in_thread",
        "_is_reading",
        "_max_bytes",
        "_max_queue",
        "_outbox",
        "_receive",
        "_send",
        "_sends_left",
        "_served_by",
        "_state",
        "_sure_chars",
        "_task",
        "_touched",
        "_writer",
        "requested_subprotocols",
        "subprotocol",
    )

    requested_subprotocols: tuple[str, ...]
    """What the client offers to speak, the one it likes best first."""

    subprotocol: str | None
    """What was agreed on by ``accept``."""

    def __init__(
        self,
        ctx: Any,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        *,
        requested_subprotocols: Iterable[str] = (),
        in_thread: Callable[..., Awaitable[Any]] | None = None,
    ) -> None:
        config = ctx.app.config
        max_bytes: int | None = config["WEBSOCKET_MAX_MESSAGE_SIZE"]
        self._ctx = ctx
        self._receive = receive
        self._send = send
        self._in_thread = in_thread
        self._state = CONNECTING
        self._max_bytes = sys.maxsize if max_bytes is None else max_bytes
        # PERF: a character has at most four bytes, so most texts need not be encoded to be measured.
        self._sure_chars = self._max_bytes // 4
        self._max_queue: int = config["WEBSOCKET_SEND_QUEUE_SIZE"]
        self._outbox: deque[str | bytes] | None = None
        self._writer: Any = None
        self._closing: Any = None
        self._task: Any = None
        self._served_by: Any = None
        self._ending: tuple[int, str] | None = None
        self._closed_with: tuple[int, str] = (NO_STATUS, "")
        self._touched = False
        self._ahead: Any = None
        self._is_reading = False
        self._has_read = True
        self._sends_left = SENDS_A_TURN
        self._calls_left = _CALLS_AFTER_END
        self._groups: set[Any] | None = None
        self.requested_subprotocols = tuple(requested_subprotocols)
        self.subprotocol = None

    @property
    def is_accepted(self) -> bool:
        """Whether the handshake is over; a refusal is no HTTP response any more then."""
        return self._state != CONNECTING

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._state == CLOSED

    @property
    def close_code(self) -> int | None:
        """The code the connection was closed with, by either side; ``None`` while it is not."""
        ended_with = self._closed_with if self._state == CLOSED else self._ending

        return None if ended_with is None else ended_with[0]

    @property
    def close_reason(self) -> str:
        """The text that came with the close."""
        ended_with = self._closed_with if self._state == CLOSED else self._ending

        return "" if ended_with is None else ended_with[1]

    async def accept(self, headers: HeaderItems | None = None, subprotocol: str | None = None) -> None:
        """Complete the handshake; does nothing if it is complete.

        Args:
            headers: More headers for the response of the handshake.
            subprotocol: One of ``requested_subprotocols``.

        Raises:
            ValueError: If the client does not offer that subprotocol.
            WebSocketDisconnect: If the client has left.
        """
        if self._state != CONNECTING:
            if self._state == CLOSED:
                await self._tell_again()
            return
        if subprotocol is not None and subprotocol not in self.requested_subprotocols:
            raise ValueError(
                f"the client does not offer the subprotocol {subprotocol!r}; it offers"
                f" {', '.join(self.requested_subprotocols) or 'none'}"
            )

        items = Headers(headers)  # refuses line breaks
        if self._ctx._session_object is not None:
            for cookie in await run_async(session_cookies(self._ctx), self._in_thread):
                items.add("Set-Cookie", cookie)
        self.subprotocol = subprotocol
        message = {"type": "websocket.accept", "subprotocol": subprotocol, "headers": encode_headers(items)}
        await self._tell(message)
        if self._state == CONNECTING:
            self._state = OPEN
        if self._outbox:
            self._start_writer()

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Send a message."""
        raise NotImplementedError

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close the connection; before it is accepted, refuse it with 403.

        Does nothing if it is closed.

        Args:
            code: 1000, or 3000 to 4999 for codes of your own.
            reason: Up to 123 bytes, for the client's log.

        Raises:
            ValueError: If the code or the reason cannot be sent.
        """
        check_close(code, reason)
        if self._state == CLOSED:
            return

        self._state = CLOSED
        self._closed_with = (code, reason)
        await self._tell({"type": "websocket.close", "code": code, "reason": reason})

    def post(self, data: str | bytes) -> bool:
        """Send a message soon, without waiting; groups do so.

        A connection with ``WEBSOCKET_SEND_QUEUE_SIZE`` messages waiting is
        closed with 1008: its client reads too slowly.

        Returns:
            Whether the message was taken.
        """
        if self._state == CLOSED or self._ending is not None:
            return False

        outbox = self._outbox
        if outbox is None:
            outbox = self._outbox = deque()
        if len(outbox) >= self._max_queue:
            self.interrupt(POLICY, "the client reads too slowly")
            return False
        outbox.append(data)
        if self._writer is None and self._state == OPEN:
            self._start_writer()

        return True

    def interrupt(self, code: int, reason: str = "") -> None:
        """End the connection from elsewhere on its event loop: the handler is cancelled.

        In the handler, ``receive`` raises ``WebSocketDisconnect``; what else
        it waits for is cancelled.

        Args:
            code: The close code.
            reason: For the client's log.
        """
        check_close(code, reason)
        if self._state == CLOSED or self._ending is not None:
            return

        self._ending = (code, reason)
        if self._task is not None:
            self._task.cancel()
        elif self._state == OPEN:  # a thread is busy with something else, and need not be waited for
            import asyncio  # for cost; whoever runs this has it loaded

            self._closing = asyncio.get_running_loop().create_task(self._end(code, reason))

    # What serving/websocket.py uses besides.

    async def _interrupted(self, error: BaseException) -> None:
        """Raise the end of the connection in place of the cancellation that announces it."""
        import asyncio  # for cost, as above

        task = asyncio.current_task()
        if not isinstance(error, asyncio.CancelledError) or task is None or task is not self._task:
            return

        task.uncancel()
        assert self._ending is not None
        await self._end(*self._ending)
        raise WebSocketDisconnect(*self._closed_with) from None

    async def _lost(self, error: BaseException) -> None:
        """Raise the end of the connection in place of a server's error about it."""
        if self._ending is not None:
            await self._interrupted(error)
        # Servers raise an OSError when the client has left, and a RuntimeError when they closed themselves.
        if isinstance(error, OSError | RuntimeError):
            self._state = CLOSED
            if self._closed_with[0] == NO_STATUS:
                self._closed_with = (VANISHED, "")
            raise WebSocketDisconnect(*self._closed_with) from None

    async def _tell_again(self) -> NoReturn:
        """Raise the end of the connection for who goes on using it.

        A handler that catches every error would go round for ever, and nothing else would run.
        """
        import asyncio  # for cost, as above

        task = asyncio.current_task()
        self._calls_left -= 1
        if not self._calls_left and task is not None and task is self._task:
            self._ctx.app.logger.warning(
                "The handler of WebSocket %r went on when its connection was over, and was cancelled."
                " Catch less there, to let WebSocketDisconnect pass.",
                self._ctx.request.path,
            )
            self._ending = self._closed_with
            task.cancel()
        await asyncio.sleep(0)
        raise WebSocketDisconnect(*self._closed_with)

    async def _tell(self, message: Message) -> None:
        try:
            await self._send(message)
        except (OSError, RuntimeError):
            was_closed = self._state == CLOSED
            self._state = CLOSED
            if not was_closed:
                self._closed_with = (VANISHED, "")
                raise WebSocketDisconnect(*self._closed_with) from None

    async def _end(self, code: int, reason: str = "") -> None:
        """Close, and give up if the client's connection takes nothing for some seconds."""
        if self._state == CLOSED:
            return

        import asyncio  # for cost, as above

        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.close(code, reason)
        except TimeoutError:
            pass

    async def _refuse_big(self) -> None:
        reason = f"a message has at most {self._max_bytes} bytes"
        await self._end(TOO_BIG, short_reason(reason))
        raise WebSocketDisconnect(*self._closed_with)

    def _start_writer(self) -> None:
        import asyncio  # for cost, as above
        import contextvars  # it belongs to no request: its task would keep the sender's alive

        loop = asyncio.get_running_loop()
        self._writer = loop.create_task(self._write(), context=contextvars.Context())

    async def _write(self) -> None:
        outbox = self._outbox
        try:
            while outbox:
                await self.send(outbox.popleft())
        except WebSocketDisconnect:
            if outbox:
                outbox.clear()
        finally:
            self._writer = None

    def _release(self) -> None:
        """Leave all groups and drop what was not sent."""
        if self._groups:
            for group in tuple(self._groups):
                group.remove(self)
        if self._writer is not None:
            self._writer.cancel()
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None
        self._outbox = None
        self._state = CLOSED
