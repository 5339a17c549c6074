"""WebSockets: the connection that a handler gets, its errors, and handlers that are classes.

``costrel.serving.websocket`` makes connections, runs handlers and ends both.
"""

from __future__ import annotations

from costrel.core.ws_codes import WebSocketDisconnect, WebSocketMessageError
from costrel.sockets.views import WebSocketView
from costrel.sockets.websocket import WebSocket

__all__ = ["WebSocket", "WebSocketDisconnect", "WebSocketMessageError", "WebSocketView"]
