"""A WebSocket of RSGI as ASGI's messages tell of one. Knows no application.

RSGI can refuse with a status and nothing more, and knows neither subprotocols
nor close codes: what is closed with one is closed without.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Socket"]

_CLOSED, _BYTES = 0, 1
_NO_CODE, _ABNORMAL = 1_005, 1_006


class Socket:
    """``receive`` when called, and ``send``.

    Args:
        protocol: RSGI's, of one WebSocket.
    """

    __slots__ = ("_is_known", "_protocol", "_transport")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._transport: Any = None
        self._is_known = False

    async def __call__(self) -> dict[str, Any]:
        """Return the next message."""
        if not self._is_known:
            self._is_known = True
            return {"type": "websocket.connect"}

        try:
            message = await self._transport.receive()
        except RuntimeError:  # the protocol's, whose classes are granian's
            return {"type": "websocket.disconnect", "code": _ABNORMAL}
        if message.kind == _CLOSED:
            return {"type": "websocket.disconnect", "code": _NO_CODE}

        return {"type": "websocket.receive", "bytes" if message.kind == _BYTES else "text": message.data}

    async def send(self, message: dict[str, Any]) -> None:
        """Do what a message says.

        Raises:
            ConnectionResetError: If the client is not there any more.
        """
        kind = message["type"]
        try:
            if kind == "websocket.send":
                data = message.get("bytes")
                if data is None:
                    await self._transport.send_str(message["text"])
                else:
                    await self._transport.send_bytes(data)
            elif kind == "websocket.accept":
                self._transport = await self._protocol.accept()
            elif kind == "websocket.close":
                self._protocol.close(None if self._transport is not None else 403)
            elif kind == "websocket.http.response.start":
                self._protocol.close(message["status"])
        except RuntimeError as error:  # as above
            raise ConnectionResetError("the client has left") from error
