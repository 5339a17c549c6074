"""From bytes to ASGI's WebSocket messages and back, by wsproto. Knows no socket and no event loop."""

from __future__ import annotations

from typing import Any

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from costrel.core.ws_codes import NO_STATUS, PROTOCOL_ERROR, TOO_BIG, VANISHED, is_sendable, short_reason

__all__ = ["Frames"]


class Frames:
    """The server's side of a connection whose handshake is over.

    What is to be sent besides the application's messages (pongs, the answer
    to a close) collects in ``outgoing``.

    Args:
        max_bytes: The longest message, all its fragments together.
    """

    def __init__(self, max_bytes: int) -> None:
        self._connection = Connection(ConnectionType.SERVER)
        self._max_bytes = max_bytes
        self._parts: list[Any] = []
        self._length = 0
        self.outgoing = bytearray()
        self.is_over = False
        """Whether nothing more will come that matters: the client has closed, or broke the rules."""

    @property
    def is_closing(self) -> bool:
        """Whether the client has yet to answer our close."""
        return self._connection.state is ConnectionState.LOCAL_CLOSING and not self.is_over

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Take bytes of the client; return the messages that they complete."""
        messages: list[dict[str, Any]] = []
        if self.is_over:
            return messages

        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                message = self._message_of(event)
                if message is None:
                    continue
                messages.append(message)
                if message["type"] == "websocket.disconnect":
                    break
        except (RemoteProtocolError, LocalProtocolError) as error:
            messages.append(self._break_off(PROTOCOL_ERROR, str(error)))

        return messages

    def vanish(self) -> list[dict[str, Any]]:
        """Take note that the connection broke; return what that means to the application."""
        if self.is_over:
            return []

        self.is_over = True
        return [_disconnect(VANISHED, "")]

    def write(self, data: str | bytes) -> bytes:
        """Return the bytes of a message; nothing if the connection is closing."""
        if self._connection.state is not ConnectionState.OPEN or self.is_over:
            return b""
        event: Message[Any] = TextMessage(data) if isinstance(data, str) else BytesMessage(data)

        return self._connection.send(event)

    def ping(self) -> bytes:
        """Return the bytes of a ping; nothing if the connection is closing."""
        if self._connection.state is not ConnectionState.OPEN or self.is_over:
            return b""

        return self._connection.send(Ping())

    def close(self, code: int, reason: str) -> bytes:
        """Return the bytes of a close; nothing if there was one."""
        if self._connection.state is not ConnectionState.OPEN or self.is_over:
            return b""

        return self._connection.send(CloseConnection(code, reason or None))

    def _message_of(self, event: Any) -> dict[str, Any] | None:
        if isinstance(event, CloseConnection):
            return self._on_close(event)
        if isinstance(event, Ping):
            if self._connection.state is ConnectionState.OPEN:
                self.outgoing += self._connection.send(event.response())
            return None
        if isinstance(event, TextMessage | BytesMessage):
            return self._on_data(event)

        return None

    def _on_data(self, event: TextMessage | BytesMessage) -> dict[str, Any] | None:
        if self._connection.state is not ConnectionState.OPEN:
            return None

        data = event.data
        self._length += len(data.encode()) if isinstance(data, str) else len(data)
        if self._length > self._max_bytes:
            self._parts.clear()
            return self._break_off(TOO_BIG, f"a message has at most {self._max_bytes} bytes")
        self._parts.append(data)
        if not event.message_finished:
            return None

        parts, self._parts, self._length = self._parts, [], 0
        if isinstance(event, TextMessage):
            return {"type": "websocket.receive", "text": "".join(parts)}

        return {"type": "websocket.receive", "bytes": b"".join(parts)}

    def _on_close(self, event: CloseConnection) -> dict[str, Any]:
        state = self._connection.state
        if state is ConnectionState.OPEN:  # wsproto's way to say that the client broke the rules
            return self._break_off(event.code, event.reason or "")
        if state is ConnectionState.REMOTE_CLOSING:
            answered = event if is_sendable(event.code) else CloseConnection(1_000)
            self.outgoing += self._connection.send(CloseConnection(answered.code))
        self.is_over = True

        return _disconnect(event.code or NO_STATUS, event.reason or "")

    def _break_off(self, code: int, reason: str) -> dict[str, Any]:
        """Close because of what the client sent; what else it sends is not looked at."""
        if self._connection.state is ConnectionState.OPEN:
            self.outgoing += self._connection.send(CloseConnection(code, short_reason(reason)))
        self.is_over = True

        return _disconnect(code, reason)


def _disconnect(code: int, reason: str) -> dict[str, Any]:
    return {"type": "websocket.disconnect", "code": int(code), "reason": reason}
