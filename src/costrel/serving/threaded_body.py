"""A synchronous body under an asynchronous server, read in worker threads. Knows no response."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextvars import Context
from typing import Any

from costrel.serving.threads import begin_in_thread

__all__ = ["ThreadedBody", "close_body"]

_AHEAD_BYTES = 65_536
_AHEAD_PIECES = 256
"""So much, or so many pieces, are read before a thread leaves the body until they were sent."""


class ThreadedBody:
    """The rest of a synchronous body, read in worker threads and handed over as it comes.

    PERF: a thread reads on while the loop sends what there is: 20 pieces take
    0.14 ms, where a job for each took 1.3.

    Args:
        body: What is closed at the end.
        rest: Its iterator.
        context: The context variables it goes on with.
    """

    def __init__(self, body: Any, rest: Iterator[Any], context: Context) -> None:
        self._body = body
        self._rest = rest
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._pieces: deque[bytes] = deque()
        # Each is written by one side alone: the thread counts what it read, the loop what it took.
        self._read_bytes = 0
        self._taken_bytes = 0
        self._is_awaited = False
        self._is_given_up = False
        self._is_closed = False
        self._job: asyncio.Future[bool] | None = None
        self._news: asyncio.Future[None] | None = None

    async def next(self) -> bytes | None:
        """Return what was read since the last call, at least one piece; ``None`` at the end.

        Raises:
            Exception: What the body raised, after all that came before.
        """
        while not (data := self._take()):
            if self._is_closed:
                return None
            if self._job is None:
                self._job = begin_in_thread(self._context, self._read_on)
                self._job.add_done_callback(self._tell)
            elif self._job.done():
                job, self._job = self._job, None
                try:
                    self._is_closed = job.result()
                finally:
                    del job  # its error's traceback holds this frame
                continue

            self._news = self._loop.create_future()
            self._is_awaited = True
            # The thread looks whether it is awaited after it has put a piece there, and this looks for
            # pieces after it has said so: one of the two sees the other.
            if not self._pieces and not self._job.done():
                await self._news
            self._is_awaited = False

        return data

    async def close(self) -> None:
        """Close the body, after the step that a thread may be at."""
        self._is_given_up = True
        job, self._job = self._job, None  # an error it holds has frames that hold this
        if job is not None:
            await asyncio.wait((job,))
            if (
                not job.cancelled() and job.exception() is None
            ):  # which was raised, or nobody is left to be told
                self._is_closed = job.result()
        if not self._is_closed:
            self._is_closed = True
            await begin_in_thread(self._context, close_body, self._body)

    def _take(self) -> bytes:
        pieces = self._pieces
        data = b"".join([pieces.popleft() for _ in range(len(pieces))])
        self._taken_bytes += len(data)

        return data

    def _tell(self, _: Any = None) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # In a worker thread.

    def _read_on(self) -> bool:
        """Read until there is enough; tell whether that was all, and the body is closed."""
        for piece in self._rest:
            data = piece if type(piece) is bytes else bytes(piece)
            self._read_bytes += len(data)
            self._pieces.append(data)
            if self._is_awaited:
                self._is_awaited = False
                self._loop.call_soon_threadsafe(self._tell)
            if (
                self._is_given_up
                or self._read_bytes - self._taken_bytes >= _AHEAD_BYTES
                or len(self._pieces) >= _AHEAD_PIECES
            ):
                return False

        close_body(self._body)

        return True


def close_body(body: Any) -> None:
    """Close a body that can be closed."""
    close = getattr(body, "close", None)
    if close is not None:
        close()
