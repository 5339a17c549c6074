"""Server-sent events: a response that goes on, one event after the other.

How events stand on the wire is in ``core/event_stream.py``. Knows the
application only as what makes JSON and runs coroutines.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from costrel import json
from costrel._current import current
from costrel.core.event_stream import SILENCE, check_line, encode_event
from costrel.core.streams import AsyncContextStream, ContextStream
from costrel.serving.stopping import is_of_test
from costrel.serving.until_stop import BetweenItems
from costrel.wrappers import Response

__all__ = ["Event", "EventStream"]

_AHEAD = 32
"""How many events are taken from an async source before the server asks for them."""


@dataclass(frozen=True, slots=True)
class Event:
    r"""One event, where its text alone does not say enough.

    A browser dispatches it only if it has ``data``.

    Raises:
        ValueError: If ``event`` or ``id`` has a line break or a NUL in it, or
            ``retry`` is negative.

    Example:
        >>> event = Event({"total": 3}, event="cart", id="7")
        >>> event.data
        {'total': 3}
        >>> Event("x", id="1\ndata: forged")
        Traceback (most recent call last):
          ...
        ValueError: id of an event must be one line without NUL, got '1\ndata: forged'
    """

    data: Any = None
    """Text is sent as it is, anything else as JSON."""

    event: str | None = None
    """Its name; without one browsers call it ``message``."""

    id: str | None = None
    """What the browser sends as ``Last-Event-ID`` when it connects again."""

    retry: int | None = None
    """Milliseconds that the browser is to wait before it connects again."""

    comment: str | None = None
    """Text that browsers skip."""

    def __post_init__(self) -> None:
        if self.event is not None:
            check_line("event", self.event)
        if self.id is not None:
            check_line("id", self.id)
        _check_retry(self.retry)


class EventStream(Response):
    r"""A response of server-sent events; return it from a view, async or not.

    It begins with a comment at once, so that the browser knows that it is
    connected. When the client has left, the source is closed: its ``finally``
    blocks run, and the teardown of the request after them. ``request`` and
    its kin may be used in the source.

    Args:
        source: An iterable, async or not, of text, ``Event`` objects or what
            can be made JSON. Under WSGI one that is not async runs in the
            server's thread, so nothing is sent while it blocks; under ASGI it
            has a thread of its own.
        retry: Milliseconds that browsers are to wait before they connect
            again; ``None`` leaves it to them.
        keep_alive: Seconds of silence after which a comment is sent; ``None``
            sends none, and then a client that left is noticed no sooner than
            at the next event.
        status: The status code.
        headers: More headers.

    Raises:
        TypeError: If the source is none of these.
        ValueError: If a number is not positive.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("example")
        >>> @app.get("/feed")
        ... async def feed():
        ...     async def events():
        ...         yield "hello"
        ...         yield Event({"n": 1}, id="1")
        ...     return EventStream(events())
        >>> app.test_client().get("/feed").text.split("\n\n")
        [':', 'data: hello', 'id: 1\ndata: {"n": 1}', '']
    """

    def __init__(
        self,
        source: Iterable[Any] | AsyncIterable[Any],
        *,
        retry: int | None = None,
        keep_alive: float | None = 15,
        status: int | None = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
    ) -> None:
        _check_source(source)
        _check_retry(retry)
        if keep_alive is not None and not keep_alive > 0:
            raise ValueError(f"keep_alive must be a positive number of seconds or None, got {keep_alive!r}")

        first = SILENCE if retry is None else encode_event(retry=retry)
        body, over = _open_body(source, first, keep_alive)
        super().__init__(body, status=status, headers=headers, mimetype="text/event-stream")
        if over is not None:
            self.call_on_close(over)
        self.headers.setdefault("Cache-Control", "no-cache")
        # NGINX, and what follows its example, would hold events back to fill a buffer.
        self.headers.setdefault("X-Accel-Buffering", "no")


def _check_retry(retry: int | None) -> None:
    if retry is not None and (type(retry) is not int or retry < 0):
        raise ValueError(f"retry must be a number of milliseconds, got {retry!r}")


def _check_source(source: object) -> None:
    if isinstance(source, str | bytes | Mapping) or not isinstance(source, Iterable | AsyncIterable):
        hint = "call the function: EventStream(events())" if callable(source) else "put it into a list"
        raise TypeError(
            f"EventStream() takes an iterable of events, not {type(source).__name__!r}\n  hint: {hint}"
        )


# Any: which request a context belongs to is no part of the Protocol.
def _open_body(
    source: Any, first: bytes, keep_alive: float | None
) -> tuple[Any, Callable[[], object] | None]:
    """Make the body, and what is to be called when all of it was sent."""
    ctx: Any = current.get(None)
    scope = None if ctx is None else ctx._request_scope or ctx
    is_served = scope is not None and not is_of_test(getattr(scope, "environ", {}))
    encode = _encoder(json.dumps if scope is None else scope.app.json.dumps)
    if not isinstance(source, AsyncIterable):
        stream: Iterator[Any] = iter(source) if scope is None else ContextStream(scope, source)
        events = _Events(stream, scope, first, encode, keep_alive, ends_at_stop=is_served)
        return events, events.over

    from costrel.core.async_body import AsyncBody  # for cost: only async sources need it

    over = None
    if is_served:
        from costrel.serving.async_until_stop import UntilStop  # for cost: as above

        source = UntilStop(source)
        over = source.over
    body = AsyncBody(
        source if scope is None else AsyncContextStream(scope, source),
        _cannot_wait if scope is None else scope.app._finish,
        encode=encode,
        first=first,
        idle=SILENCE,
        idle_seconds=keep_alive,
        ahead=_AHEAD,
    )

    return body, over


def _cannot_wait(coroutine: Any) -> Any:
    coroutine.close()
    raise RuntimeError("an EventStream that was made outside of a request can only be read asynchronously")


def _encoder(dumps: Callable[[Any], str]) -> Callable[[Any], bytes]:
    def encode(item: Any) -> bytes:
        if type(item) is str:
            return encode_event(item)
        if isinstance(item, Event):
            data = item.data
            return encode_event(
                data if data is None or isinstance(data, str) else dumps(data),
                event=item.event,
                id=item.id,
                retry=item.retry,
                comment=item.comment,
            )
        if item is None or isinstance(item, bytes | bytearray):
            raise TypeError(
                f"an event stream gave {item!r}\n  hint: Yield text, an Event, or what can be made JSON."
            )

        return encode_event(item if isinstance(item, str) else dumps(item))

    return encode


class _Events:
    """The body that a synchronous source makes, with a face for each kind of server."""

    def __init__(
        self,
        stream: Iterator[Any],
        ctx: Any,
        first: bytes,
        encode: Callable[[Any], bytes],
        keep_alive: float | None,
        *,
        ends_at_stop: bool,
    ) -> None:
        self._stream = stream
        self.ctx = ctx
        self._first = first
        self._encode = encode
        self._keep_alive = keep_alive
        self._ends_at_stop = ends_at_stop
        self._async_face: Any = None
        self._until_stop: Any = None

    def __iter__(self) -> _Events:
        return self

    def __next__(self) -> bytes:
        if self._first:
            if self._ends_at_stop:
                self._stream = BetweenItems(self._stream)
            first, self._first = self._first, b""
            return first

        return self._encode(next(self._stream))

    def close(self) -> None:
        """End the source now."""
        # Who iterated asynchronously has closed it so, in its thread.
        close = getattr(self._stream, "close", None)
        if close is not None and self._async_face is None:
            close()

    def over(self) -> None:
        """Take note that the last of it was sent."""
        if self._until_stop is not None:
            self._until_stop.over()

    def __aiter__(self) -> Any:
        if self._async_face is None:
            from costrel.core.async_body import AsyncBody  # for cost: WSGI servers do not need it
            from costrel.core.pulled import Pulled
            from costrel.serving.async_until_stop import UntilStop

            source: AsyncIterable[Any] = Pulled(self._stream, self.ctx)
            if self._ends_at_stop:
                source = self._until_stop = UntilStop(source)
            self._async_face = AsyncBody(
                source,
                _cannot_wait,
                encode=self._encode,
                first=self._first,
                idle=SILENCE,
                idle_seconds=self._keep_alive,
            )

        return self._async_face

    async def aclose(self) -> None:
        """End the source now, in its thread."""
        await aiter(self).aclose()
