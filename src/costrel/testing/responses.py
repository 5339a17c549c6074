"""What a test client's request gives back: Werkzeug's test response, and streams read as they come.

Knows no protocol: a body is iterated, or iterated asynchronously.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from werkzeug.test import TestResponse as WerkzeugTestResponse
from werkzeug.wrappers import Response as WerkzeugResponse

from costrel.sse import Event
from costrel.testing.events import EventParser

__all__ = ["TestResponse", "response_class_of"]


class TestResponse(WerkzeugTestResponse):
    """The response to a request of a test client.

    Example:
        >>> from costrel import Costrel
        >>> from costrel.sse import Event, EventStream
        >>> app = Costrel("shop")
        >>> @app.get("/prices")
        ... def prices():
        ...     return EventStream(["open", Event({"cup": 3}, event="price", id="7")])
        >>> for event in app.test_client().get("/prices").iter_events():
        ...     print(event)
        Event(data='open', event=None, id=None, retry=None, comment=None)
        Event(data='{"cup": 3}', event='price', id='7', retry=None, comment=None)
    """

    def iter_events(self) -> Iterator[Event]:
        """Read server-sent events as they come, as a browser does; the response is closed at the end."""
        parser = EventParser()
        try:
            for piece in self.iter_encoded():
                yield from parser.feed(piece)
        finally:
            self.close()

    async def aiter_events(self) -> AsyncIterator[Event]:
        """Read server-sent events as they come, on an event loop."""
        parser = EventParser()
        try:
            async for piece in self.aiter_pieces():
                for event in parser.feed(piece):
                    yield event
        finally:
            await self.aclose()

    async def aiter_pieces(self) -> AsyncIterator[bytes]:
        """Read the body as it comes, on an event loop; for a request sent with ``buffered=False``."""
        body: Any = self.response
        if hasattr(body, "__aiter__"):
            async for piece in body:
                yield piece
            return

        from costrel.serving.threads import in_thread  # for cost: asyncio, which WSGI does without

        pieces = self.iter_encoded()
        while (piece := await in_thread(next, pieces, None)) is not None:
            yield piece

    async def aclose(self) -> None:
        """Close the response, on an event loop: a stream that is not at its end is given up."""
        from costrel.serving.threads import in_thread  # for cost, as above

        aclose = getattr(self.response, "aclose", None)
        if aclose is not None:
            await aclose()
        await in_thread(self.close)


def response_class_of(wrapper: type[WerkzeugResponse] | None) -> type[TestResponse]:
    """Return a class that is an application's response class and a test's response."""
    if wrapper is None:
        return TestResponse
    if issubclass(wrapper, TestResponse):
        return wrapper

    return type("WrapperTestResponse", (TestResponse, wrapper), {})
