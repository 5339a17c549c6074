"""A response body that keeps its context alive until it ends.

The context is the current one only while the stream works on its next piece;
between two pieces nothing of it is on the thread. So a stream that is
abandoned half way leaves no context behind for the next request
(pallets/flask#6123), and it does not matter on which thread it goes on.

Knows of the context that it can be held and released; what is done at the
last release (the teardown) is the context's affair. The twin for async
streams has its place here too and comes with ASGI.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from costrel._current import current

__all__ = ["ContextStream", "Holdable"]

T = TypeVar("T")


class Holdable(Protocol):
    """What a stream needs of the context."""

    def hold(self) -> None:
        """Postpone the teardown until ``release`` was called as often as this."""

    def release(self, exc: BaseException | None = None) -> None:
        """Give up one hold; the last one after ``pop`` runs the teardown."""


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
        token = current.set(ctx)
        try:
            self._stream: Iterator[T] = iter(stream)
        finally:
            current.reset(token)
        ctx.hold()
        self._held = True

    def __iter__(self) -> ContextStream[T]:
        return self

    def __next__(self) -> T:
        token = current.set(self._ctx)
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
            current.reset(token)

    def close(self) -> None:
        """End the stream now; its ``finally`` blocks still see the context."""
        if not self._held:
            return

        token = current.set(self._ctx)
        try:
            self._close_stream()
        except BaseException as error:
            self._finish(error)
            raise
        else:
            self._finish(None)
        finally:
            current.reset(token)

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
        if _is_on_event_loop():
            # Collected on an event loop, for which an async teardown would have to wait: closed elsewhere.
            threading.Thread(target=self._close_unseen, name="costrel-close").start()
        else:
            self._close_unseen()

    def _close_unseen(self) -> None:
        """Close where nobody could catch an error; it is logged."""
        try:
            self.close()
        except Exception as error:
            log = getattr(getattr(self._ctx, "app", None), "_log_teardown_error", None)
            if log is None:
                raise
            log(error)

    def _close_stream(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()

    def _finish(self, error: BaseException | None) -> None:
        """Give the context back, once."""
        if self._held:
            self._held = False
            self._ctx.release(error)


def _is_on_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")  # not imported here, for cost; without it there is no loop
    if asyncio is None:
        return False

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False

    return True
