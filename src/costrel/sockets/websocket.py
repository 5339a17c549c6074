"""A WebSocket as its handler sees it: messages, and what the request of the handshake says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from costrel.core.ws_codes import (
    BAD_DATA,
    NO_STATUS,
    UNSUPPORTED,
    WebSocketDisconnect,
    WebSocketMessageError,
)
from costrel.sockets.channel import CLOSED, OPEN, SENDS_A_TURN, Channel, Message

if TYPE_CHECKING:
    from werkzeug.datastructures import Authorization, Headers, ImmutableMultiDict, MultiDict
    from werkzeug.routing import Rule

__all__ = ["WebSocket"]


class WebSocket(Channel):
    """One connection: messages, and what the handshake's request says.

    It is accepted by the first ``receive`` or ``send``, or by ``accept``.
    Attributes of the request (``args``, ``headers``, ``cookies``, ``path``,
    ``host``, ``view_args`` …) are here too.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> @app.websocket("/echo")
        ... async def echo(ws):
        ...     async for message in ws:
        ...         await ws.send(message)
    """

    __slots__ = ()

    if TYPE_CHECKING:
        # Answered by __getattr__.
        access_route: list[str]
        args: MultiDict[str, str]
        authorization: Authorization | None
        blueprint: str | None
        blueprints: list[str]
        cookies: ImmutableMultiDict[str, str]
        endpoint: str | None
        full_path: str
        headers: Headers
        host: str
        is_secure: bool
        path: str
        query_string: bytes
        remote_addr: str | None
        root_path: str
        url_rule: Rule | None
        user_agent: Any
        view_args: dict[str, Any] | None

    def __repr__(self) -> str:
        state = ("connecting", "open", f"closed with {self._closed_with[0]}")[self._state]
        return f"<{type(self).__name__} {self._ctx.request.path!r} {state}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        return getattr(self._ctx.request, name)

    # What is said otherwise of a WebSocket than of its handshake.

    @property
    def scheme(self) -> str:
        """``"ws"`` or ``"wss"``."""
        return "wss" if self._ctx.request.scheme == "https" else "ws"

    @property
    def url(self) -> str:
        """The whole URL, with the scheme of a WebSocket."""
        return f"{self.scheme}:{self._ctx.request.url.partition(':')[2]}"

    @property
    def base_url(self) -> str:
        """The URL without the query, with the scheme of a WebSocket."""
        return f"{self.scheme}:{self._ctx.request.base_url.partition(':')[2]}"

    @property
    def session(self) -> Any:
        """The session; changes are kept if they are made before the connection is accepted."""
        return self._ctx.session

    async def receive(self) -> str | bytes:
        """Wait for the next message, and return it as it was sent: text or bytes.

        Raises:
            WebSocketDisconnect: If the connection is over, also because the
                message was longer than ``WEBSOCKET_MAX_MESSAGE_SIZE``.
        """
        if self._state != OPEN and (self._ahead is None or not self._ahead.has_end):
            await self.accept()
        self._is_reading = self._has_read = True
        ahead = self._ahead
        try:
            message = await (self._receive() if ahead is None else ahead.next())
        except BaseException as error:
            self._is_reading = False
            if self._ending is not None:
                await self._interrupted(error)
            raise
        self._is_reading = False
        self._touched = True
        text: str | None = message.get("text")
        if text is not None:
            if len(text) > self._sure_chars and len(text.encode("utf-8", "replace")) > self._max_bytes:
                await self._refuse_big()
            return text
        data: bytes | None = message.get("bytes")
        if data is not None:
            if len(data) > self._max_bytes:
                await self._refuse_big()
            return data

        self._client_left(message)
        raise WebSocketDisconnect(*self._closed_with)

    async def receive_text(self) -> str:
        """Wait for the next message, which must be text.

        Raises:
            WebSocketMessageError: With 1003, if it is bytes.
            WebSocketDisconnect: As for ``receive``.
        """
        data = await self.receive()
        if isinstance(data, str):
            return data

        raise WebSocketMessageError(UNSUPPORTED, "a text message is expected")

    async def receive_bytes(self) -> bytes:
        """Wait for the next message, which must be bytes.

        Raises:
            WebSocketMessageError: With 1003, if it is text.
            WebSocketDisconnect: As for ``receive``.
        """
        data = await self.receive()
        if isinstance(data, bytes):
            return data

        raise WebSocketMessageError(UNSUPPORTED, "a binary message is expected")

    async def receive_json(self) -> Any:
        """Wait for the next message and return what its JSON stands for.

        Raises:
            WebSocketMessageError: With 1007, if it is no JSON.
            WebSocketDisconnect: As for ``receive``.
        """
        data = await self.receive()
        try:
            return self._ctx.app.json.loads(data)
        except (ValueError, RecursionError):
            raise WebSocketMessageError(BAD_DATA, "a message in JSON is expected") from None

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Iterate over the messages, until the connection is over."""
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.receive()
        except WebSocketDisconnect:
            raise StopAsyncIteration from None

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Send a message: a string as text, bytes as bytes.

        Waits while the client reads too slowly for what was sent before.

        Raises:
            WebSocketDisconnect: If the connection is over.
            TypeError: If it is neither.
        """
        if self._state != OPEN:
            await self.accept()
        self._touched = True
        if self._has_read:
            self._has_read = self._is_reading
        else:
            self._read_ahead()
        if isinstance(data, str):
            message: Message = {"type": "websocket.send", "text": data}
        elif isinstance(data, bytes):
            message = {"type": "websocket.send", "bytes": data}
        elif isinstance(data, bytearray | memoryview):
            message = {"type": "websocket.send", "bytes": bytes(data)}
        else:  # whoever has no type checker
            raise TypeError(
                f"a message is a string or bytes, got {type(data).__name__}\n"
                "  hint: Use send_json() for what JSON can say."
            )
        try:
            await self._send(message)
            # SECURITY: most servers take what the client reads, or will never read, without waiting. A
            # handler that does not wait either would go on for ever, and nothing else would run. 0.2 µs.
            self._sends_left -= 1
            if not self._sends_left:
                await self._give_turn()
        except BaseException as error:
            await self._lost(error)
            raise

    async def send_json(self, *args: Any, **kwargs: Any) -> None:
        """Send a value as JSON in a text message; arguments as for ``jsonify``.

        Raises:
            WebSocketDisconnect: If the connection is over.
        """
        if args and kwargs:
            raise TypeError("send_json() takes values or names with values, not both")

        value = (args[0] if len(args) == 1 else list(args)) if args else kwargs
        await self.send(self._ctx.app.json.dumps(value))

    def _read_ahead(self) -> None:
        """Read on though the handler does not: some servers tell only there that the client has left."""
        if self._ahead is None:
            from costrel.sockets.ahead import ReadAhead  # for cost: it loads asyncio

            self._ahead = ReadAhead(self._receive, self._max_bytes, self._client_left)
        self._ahead.begin()

    def _client_left(self, message: Message) -> None:
        """Note the end, in a task that receives, which may not be the handler's, or in none."""
        if self._state == CLOSED:
            return

        self._state = CLOSED
        # A number of a server's own class is a plain one here.
        self._closed_with = (int(message.get("code") or NO_STATUS), message.get("reason") or "")
        if self._task is not None:
            import asyncio  # for cost, as above

            from costrel.sockets.untold import look_after  # for cost: it loads asyncio

            look_after(self, asyncio.current_task())

    async def _give_turn(self) -> None:
        """Let the event loop do what else there is to do."""
        import asyncio  # for cost, as above

        self._sends_left = SENDS_A_TURN
        await asyncio.sleep(0)
