"""A response body that keeps its context alive until it ends.

The context is the current one only while the stream works on its next piece;
between two pieces nothing of it is on the thread. So a stream that is
abandoned half way leaves no context behind for the next request
(pallets/flask#6123), and it does not matter on which thread it goes on.

Knows of the context that it can be held and released; what is done at the
last release (the teardown) is the context's affair.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextvars import Token
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from costrel._current import current

__all__ = ["AsyncContextStream", "ContextStream", "Holdable", "close_dropped", "close_unseen", "running_loop"]

T = TypeVar("T")

# PERF: bound once; each look-up of an attribute is 20 ns, and streams have many pieces.
_set_current = current.set
_reset_current = current.reset


class Holdable(Protocol):
    """What a stream needs of the context."""

    _era: int
    """Changes when the streams that were made so far are given up, and hold it no more."""

    def hold(self) -> None:
        """Postpone the teardown until ``release`` was called as often as this."""

    def release(self, exc: BaseException | None = None) -> None:
        """Give up one hold; the last one after ``pop`` runs the teardown."""

    async def arelease(self, exc: BaseException | None = None) -> None:
        """Do as ``release``, and await what is async in the teardown."""


class ContextStream(Generic[T]):
    """Iterate over a stream with its context as the current one.

    Args:
        ctx: The context; it is held from now until the stream ended, failed,
            was closed or was thrown away.
        stream: What to iterate over; nothing of it runs before the first
            ``next``.
    """

    # Any: a context is more than what can be held; the variable's own type is asked below.
    def __init__(self, ctx: Any, stream: Iterable[T]) -> None:
        self._ctx = ctx
        self._held = False
        self._has_begun = False
        token = _set_current(ctx)
        try:
            self._stream: Iterator[T] = iter(stream)
        finally:
            _reset_current(token)
        ctx.hold()
        self._era: int = ctx._era
        self._held = True

    def __iter__(self) -> ContextStream[T]:
        return self

    def __next__(self) -> T:
        self._has_begun = True
        token = _set_current(self._ctx)
        try:
            return next(self._stream)
        except StopIteration:
            self._close_stream()  # what wraps a generator may want to clean up
            self._finish(None)
            raise
        except BaseException as error:
            self._finish(error)
            raise
        finally:
            _reset_current(token)

    def close(self) -> None:
        """End the stream now; its ``finally`` blocks still see the context."""
        if not self._held:
            return

        token = _set_current(self._ctx)
        try:
            self._close_stream()
        except BaseException as error:
            self._finish(error)
            raise
        else:
            self._finish(None)
        finally:
            _reset_current(token)

    def __enter__(self) -> ContextStream[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # A server that loses its client may drop the body without closing it.
        if not self._held:
            return

        if self._has_begun or getattr(self._ctx, "_over", None) is not None:
            close_unseen(self._ctx, self.close)
        else:
            # Nothing of it has run and nothing is torn down, so nobody is kept waiting. In a thread
            # it would race with the end of the context, and the last of the two has to tear down.
            self.close()

    def _close_stream(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()

    def _finish(self, error: BaseException | None) -> None:
        """Give the context back, once."""
        if self._held:
            self._held = False
            if self._era == self._ctx._era:
                self._ctx.release(error)


class AsyncContextStream(Generic[T]):
    """Iterate over an async stream with its context as the current one.

    Args:
        ctx: The context; it is held from now until the stream ended, failed,
            was cancelled, closed or thrown away.
        stream: What to iterate over; nothing of it runs before the first
            ``anext``.
    """

    def __init__(self, ctx: Any, stream: AsyncIterable[T]) -> None:
        self.ctx = ctx
        self._loop: Any = None
        self._held = False
        token = _set_current(ctx)
        try:
            self._stream: AsyncIterator[T] = aiter(stream)
        finally:
            _reset_current(token)
        ctx.hold()
        self._era: int = ctx._era
        self._held = True

    def __aiter__(self) -> AsyncContextStream[T]:
        return self

    async def __anext__(self) -> T:
        if self._loop is None:
            self._loop = running_loop()
        token = _set_current(self.ctx)
        try:
            return await anext(self._stream)
        except StopAsyncIteration:
            await self._end(None)
            raise
        except BaseException as error:  # a cancellation as well
            await self._end(error)
            raise
        finally:
            _reset(token)

    async def aclose(self) -> None:
        """End the stream now; its ``finally`` blocks still see the context."""
        if not self._held:
            return

        token = _set_current(self.ctx)
        try:
            await self._end(None)
        finally:
            _reset(token)

    async def _end(self, error: BaseException | None) -> None:
        """Close the stream, then give the context back, once."""
        try:
            close = getattr(self._stream, "aclose", None)  # what wraps a generator may want to clean up
            if close is not None:
                await close()
        except BaseException as raised:
            error = raised
            raise
        finally:
            if self._held:
                self._held = False
                if self._era == self.ctx._era:
                    await self.ctx.arelease(error)

    def __del__(self) -> None:
        # A server that loses its client may drop the body without closing it.
        if not self._held:
            return

        if (
            self._loop is None or self._loop.is_closed()
        ):  # nothing of the stream has run, or nothing of it can
            self._held = False
            if self._era == self.ctx._era:
                close_unseen(self.ctx, self.ctx.release)
        else:
            close_dropped(self.ctx, self._loop, self.aclose)


def _reset(token: Token[Any]) -> None:
    try:
        _reset_current(token)
    except ValueError:
        # The step was dropped half way, and is ended in the context of whoever found it.
        return


def close_dropped(ctx: Any, loop: Any, aclose: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Close an async stream on its loop, from where nobody can wait for that.

    Args:
        ctx: Its context, to log an error.
        loop: The event loop that it was iterated over on.
        aclose: Closes it there.
    """

    async def run() -> None:
        try:
            await aclose()
        except Exception as error:
            _log(ctx, error)

    loop.call_soon_threadsafe(lambda: loop.create_task(run()))


def close_unseen(ctx: Any, close: Callable[[], None]) -> None:
    """Close where nobody could catch an error; it is logged."""

    def run() -> None:
        try:
            close()
        except Exception as error:
            _log(ctx, error)

    if running_loop() is None:
        run()
    else:
        # Collected on an event loop, for which an async teardown would have to wait: closed elsewhere.
        threading.Thread(target=run, name="costrel-close").start()


def _log(ctx: Any, error: Exception) -> None:
    log = getattr(getattr(ctx, "app", None), "_log_teardown_error", None)
    if log is None:
        raise error
    log(error)


def running_loop() -> Any:
    """Return the loop that runs in this thread, or ``None``."""
    asyncio = sys.modules.get("asyncio")  # not imported here, for cost; without it there is no loop
    if asyncio is None:
        return None

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
