"""Requests of WSGI that ask for another protocol. Loads what WebSockets need for those only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from costrel.core.ws_handler import SocketHandler
from costrel.core.ws_handshake import is_upgrade

__all__ = ["answered"]


def answered(app: Any, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes] | None:
    """Serve a WebSocket, if a request asks for one that the application has a handler for.

    Rules of extensions that take over the socket themselves are views.

    Returns:
        What the server is to send; ``None`` for a request that is answered as others are.
    """
    if not is_upgrade(environ) or not _has_sockets(app):
        return None

    from costrel.serving.websocket_wsgi import answer_upgrade, is_for_websocket  # for cost: asyncio

    if not is_for_websocket(app, environ):
        return None

    return answer_upgrade(app, environ, start_response)


def _has_sockets(app: Any) -> bool:
    return any(type(view) is SocketHandler for view in app.view_functions.values())
