"""Break the silence of a stream: send something when nothing else was sent for a while. Knows no protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["Silence"]


class Silence:
    """Watch one stream.

    Args:
        loop: The event loop.
        seconds: How long a silence is.
        piece: What to send then.
        write: Sends it; never called while the stream is being written to.
    """

    # Any: asyncio's classes, which this must not load.
    def __init__(
        self, loop: Any, seconds: float, piece: bytes, write: Callable[[bytes], Awaitable[None]]
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._piece = piece
        self._write = write
        self._last: float = loop.time()
        self._writing: Any = None
        self._alarm: Any = loop.call_later(seconds, self._look)

    def broken(self) -> bool:
        """Note that the stream goes on; tell whether ``sent`` is to be awaited first."""
        self._last = self._loop.time()

        return self._writing is not None and not self._writing.done()

    async def sent(self) -> None:
        """Wait for what is being sent in the stream's place."""
        from asyncio import wait  # for cost: who is here has it loaded

        await wait((self._writing,))

    def _look(self) -> None:
        # PERF: one alarm for many pieces; setting one for each takes 2 µs.
        left = self._last + self._seconds - self._loop.time()
        if left <= 0:
            self._last = self._loop.time()
            if self._writing is None or self._writing.done():
                self._writing = self._loop.create_task(self._send())
            left = self._seconds
        self._alarm = self._loop.call_later(left, self._look)

    async def _send(self) -> None:
        try:
            await self._write(self._piece)
        except OSError:
            return  # the client left, of which the stream is told elsewhere

    def close(self) -> None:
        """Watch no longer."""
        self._alarm.cancel()
        if self._writing is not None:
            self._writing.cancel()
