"""Worker threads for synchronous code under an asynchronous server. Knows no request and no application.

A job takes the context variables of its caller along, and what it changes in
them is there afterwards, as if it had been called in place. Async code that a
job waits for runs on the loop that sent the job.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from costrel.serving.offload import bring_back, serve_thread

__all__ = ["MAX_THREADS", "begin_in_thread", "in_thread", "in_thread_keeping", "in_thread_until_cancelled"]

MAX_THREADS = int(os.environ.get("COSTREL_THREADS") or 40)
"""How many synchronous calls run at once in a process; more wait in a queue."""

_Job = tuple[
    asyncio.AbstractEventLoop, "asyncio.Future[Any]", contextvars.Context, Callable[..., Any], tuple[Any, ...]
]


class _Pool:
    """Threads that are started when they are needed, and kept.

    A thread that waits for async code does not count: that code may itself
    need a thread, and must get one.

    PERF: 30 µs a call there and back; with ``concurrent.futures`` it is 60.
    """

    def __init__(self, max_threads: int) -> None:
        self.pid = os.getpid()
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._lock = threading.Lock()
        self._max_threads = max_threads
        self._threads = 0
        self._free = 0
        """Threads that wait for a job that was not submitted yet."""

        self._backlog = 0
        """Jobs that no thread is on the way to."""

    def submit(self, job: _Job) -> None:
        """Have a job done by the next free thread."""
        with self._lock:
            if self._free:
                self._free -= 1
            elif self._threads < self._max_threads:
                self._start_thread()
            else:
                self._backlog += 1
        self._jobs.put(job)

    def _start_thread(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work, name="costrel-worker", daemon=True).start()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let another thread take the place of this one, which waits."""
        with self._lock:
            self._max_threads += 1
            if self._backlog:
                self._backlog -= 1
                self._start_thread()
        try:
            yield
        finally:
            with self._lock:
                self._max_threads -= 1

    def _work(self) -> None:
        while self._do_one():
            pass

    def _do_one(self) -> bool:
        """Do one job; tell whether the thread is to stay."""
        loop, future, context, function, args = self._jobs.get()
        error: BaseException | None = None
        result = None
        try:
            with serve_thread(loop, self):
                result = context.run(function, *args)
        except BaseException as raised:
            error = raised
        del context, function, args  # they hold what the job was about
        stays = True
        with self._lock:
            if self._backlog:
                self._backlog -= 1
            elif self._threads > self._max_threads:
                self._threads -= 1
                stays = False
            else:
                self._free += 1
        try:
            loop.call_soon_threadsafe(_settle, future, result, error)
        except RuntimeError:  # the loop was closed: nobody waits any more
            _settle_nowhere(result)
        finally:
            del loop, future, result, error  # the error's traceback holds this frame

        return stays


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        if error is None:
            _settle_nowhere(result)
    elif error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):  # no future takes one
        failure = RuntimeError("a function in a worker thread raised StopIteration")
        failure.__cause__ = error
        future.set_exception(failure)
    else:
        future.set_exception(error)


def _settle_nowhere(result: Any) -> None:
    """Close what a job brought that nobody waits for any more: an open response, say."""
    close = getattr(result, "close", None)
    if close is None:
        return

    if asyncio._get_running_loop() is None:
        close()
    else:
        # It may end a request, whose teardown may block or wait for the loop.
        begin_in_thread(contextvars.copy_context(), close)


_pool: _Pool | None = None


def begin_in_thread(
    context: contextvars.Context, function: Callable[..., Any], *args: Any
) -> asyncio.Future[Any]:
    """Have a function called in a worker thread inside of a given context, and return its future.

    Args:
        context: The context, entered nowhere else meanwhile.
        function: What to call.
        *args: Its arguments.
    """
    global _pool
    pool = _pool
    if pool is None or pool.pid != os.getpid():  # a child process has none of its parent's threads
        pool = _pool = _Pool(MAX_THREADS)
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    pool.submit((loop, future, context, function, args))

    return future


async def in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a worker thread and return its result.

    Context variables are carried there, and back with what was changed. A
    cancellation waits for the function's end, because a thread cannot be interrupted.

    Example:
        >>> import threading
        >>> async def main():
        ...     return await in_thread(threading.get_ident) != threading.get_ident()
        >>> asyncio.run(main())
        True
    """
    context = contextvars.copy_context()
    try:
        return await _to_its_end(begin_in_thread(context, function, *args))
    finally:
        bring_back(context)


async def in_thread_until_cancelled(function: Callable[..., Any], *args: Any) -> Any:
    """Do as ``in_thread``, but wait no longer once cancelled; the function goes on."""
    context = contextvars.copy_context()
    try:
        return await in_thread_keeping(context, function, *args)
    finally:
        bring_back(context)


async def _to_its_end(future: asyncio.Future[Any]) -> Any:
    """Await what a thread does. It cannot be interrupted: a cancellation comes after it, at the next wait."""
    try:
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError as error:
            if future.done() and (future.cancelled() or future.exception() is error):
                raise
            reason = error.args

        while not future.done():
            try:
                await asyncio.wait((future,))
            except asyncio.CancelledError:
                continue  # once is enough
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        task.cancel(*reason)

        return future.result()
    finally:
        del future  # its error's traceback holds this frame


async def in_thread_keeping(context: contextvars.Context, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a worker thread inside of a given context, which keeps what is changed.

    Args:
        context: The context, entered nowhere else meanwhile.
        function: What to call. If nobody waits any more for what it returns, that is closed.
        *args: Its arguments.
    """
    future = begin_in_thread(context, function, *args)
    try:
        return await future
    except asyncio.CancelledError:
        if not future.cancelled() and future.exception() is None:  # both came at once
            _settle_nowhere(future.result())
        raise
    finally:
        del future  # as above
