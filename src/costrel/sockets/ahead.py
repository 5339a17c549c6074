"""Messages of a client that are read before the handler wants them, to notice that the client has left.

Knows no handler and no state of a connection.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from costrel.core.ws_codes import VANISHED

__all__ = ["ReadAhead"]

_MAX_MESSAGES = 64
"""So many messages are kept for a handler that does not read; then the client has to wait."""

_LOST = {"type": "websocket.disconnect", "code": VANISHED, "reason": ""}


class ReadAhead:
    """Reads on while the handler only sends.

    Args:
        receive: Gives ASGI's messages; nobody else may wait for one meanwhile.
        max_bytes: How much of the client's is kept at most.
        on_left: Called with the message that says that the client has left.
    """

    __slots__ = ("_goes_on", "_max_bytes", "_on_left", "_receive", "_task", "kept")

    kept: deque[Any]
    """What was read and not asked for yet."""

    def __init__(
        self, receive: Callable[[], Awaitable[Any]], max_bytes: int, on_left: Callable[[Any], None]
    ) -> None:
        self.kept = deque()
        self._receive = receive
        self._max_bytes = max_bytes
        self._on_left = on_left
        self._goes_on = False
        self._task: asyncio.Task[Any] | None = None

    @property
    def has_end(self) -> bool:
        """Whether what was kept ends with the client's leaving."""
        return bool(self.kept) and self.kept[-1]["type"] == "websocket.disconnect"

    def begin(self) -> None:
        """Read on until the handler reads, as far as there is room."""
        self._goes_on = True
        if self._task is not None or len(self.kept) >= _MAX_MESSAGES or self.has_end:
            return
        if (
            sum(len(message.get("text") or message.get("bytes") or "") for message in self.kept)
            < self._max_bytes
        ):
            # It belongs to no request: a copy of the sender's variables would keep the request alive.
            self._task = asyncio.get_running_loop().create_task(self._read(), context=contextvars.Context())
            self._task.add_done_callback(self._done)

    async def _read(self) -> Any:
        return await self._receive()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._task = None
        if task.cancelled():
            return
        # A server that can say no more of a lost client raises.
        self.kept.append(_LOST if task.exception() is not None else task.result())
        if self.has_end:
            self._on_left(self.kept[-1])
        elif self._goes_on:
            self.begin()

    async def next(self) -> Any:
        """Return the next message, of those that were read or from the server."""
        self._goes_on = False
        while not self.kept:
            if self._task is None:
                return await self._receive()
            await asyncio.wait((self._task,))  # which goes on if this is cancelled

        return self.kept.popleft()

    def stop(self) -> None:
        """Read no more, and forget what was read."""
        self._goes_on = False
        self.kept.clear()
        if self._task is not None:
            self._task.cancel()
