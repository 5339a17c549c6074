"""waitress with an end that loses no request: what has begun is answered. Knows no application."""

from __future__ import annotations

import signal
import time
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

__all__ = ["serve"]

_LOOK_SECONDS = 0.05
_IDLE_SECONDS = 1.0


def serve(app: Any, *, graceful_seconds: int, **options: Any) -> None:
    """Serve until SIGTERM or SIGINT, then answer what has begun.

    Args:
        app: A WSGI application.
        graceful_seconds: How long to wait for answers at most.
        **options: As ``waitress.serve`` takes them.
    """
    server: Any = create_server(app, **options)  # Any: it has two classes without a common base
    # One listener is the server itself; for several there is one object over them.
    channels: dict[int, Any] = server._map if hasattr(server, "_map") else server.map
    ended: list[int] = []

    def end(number: int, frame: Any) -> None:
        ended.append(number)
        _wake(channels)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while not ended:
        wasyncore.loop(timeout=_IDLE_SECONDS, map=channels, count=1)

    for listener in [channel for channel in channels.values() if getattr(channel, "accepting", False)]:
        wasyncore.dispatcher.close(listener)
    deadline = time.monotonic() + graceful_seconds
    while any(map(_is_busy, channels.values())) and time.monotonic() < deadline:
        wasyncore.loop(timeout=_LOOK_SECONDS, map=channels, count=1)
    server.task_dispatcher.shutdown(timeout=max(deadline - time.monotonic(), 0))


def _is_busy(channel: Any) -> bool:
    """Tell whether a connection has a request without an answer, or an answer that is not sent."""
    return bool(getattr(channel, "requests", None) or getattr(channel, "total_outbufs_len", 0))


def _wake(channels: dict[int, Any]) -> None:
    """End the wait for the network, which a signal alone does not (PEP 475)."""
    for channel in list(channels.values()):
        if hasattr(channel, "pull_trigger") and not hasattr(channel, "task_dispatcher"):
            channel.pull_trigger()
