"""Streams that end, as if at their end, when the server stops. Knows no protocol."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, Generic, TypeVar, overload

from costrel._current import current
from costrel.serving import offload
from costrel.serving.stopping import closed, is_of_test, opened

__all__ = ["BetweenItems", "until_stop"]

T = TypeVar("T")


@overload
def until_stop(stream: AsyncIterable[T]) -> AsyncIterator[T]: ...
@overload
def until_stop(stream: Iterable[T]) -> Iterator[T]: ...
def until_stop(stream: Any) -> Any:
    r"""Iterate over a stream until its end or, if that is sooner, until the server stops.

    For responses that go on for as long as the client likes, which the server
    would wait for. An ``EventStream`` is ended without this.

    Args:
        stream: An iterable, async or not. What an async one waits for is
            cancelled at the stop; one that is not ends with its next item,
            because a thread cannot be interrupted.

    Example:
        >>> from costrel import Costrel
        >>> from costrel.serving.until_stop import until_stop
        >>> app = Costrel("example")
        >>> @app.get("/ticks")
        ... async def ticks():
        ...     async def lines():
        ...         yield "tick\n"
        ...     return until_stop(lines())
        >>> app.test_client().get("/ticks").text
        'tick\n'
    """
    ctx: Any = current.get(None)
    scope = ctx and (ctx._request_scope or ctx)
    is_watched = not is_of_test(getattr(scope, "environ", {}))
    if not isinstance(stream, AsyncIterable):
        return BetweenItems(iter(stream)) if is_watched else iter(stream)

    from costrel.serving.async_until_stop import UntilStop  # for cost: asyncio

    return UntilStop(stream) if is_watched else aiter(stream)


class BetweenItems(Generic[T]):
    """Iterate over a stream until its end or the next item after the server's stop.

    Args:
        stream: The stream.
    """

    def __init__(self, stream: Iterator[T]) -> None:
        self._stream = stream
        self._is_open = False
        self._has_to_end = False

    def __iter__(self) -> BetweenItems[T]:
        return self

    def __next__(self) -> T:
        if not self._is_open:
            self._is_open = True
            # An asynchronous server is there to say that it stops.
            opened(self, with_process=offload._served.loop is None)
        if self._has_to_end:
            self._close_stream()
            raise StopIteration

        return next(self._stream)

    def stop(self) -> None:
        """Have it end; in any thread."""
        self._has_to_end = True

    def close(self) -> None:
        """End the stream now; the last of it was sent."""
        try:
            self._close_stream()
        finally:
            closed(self)

    def _close_stream(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()
