"""Costrel with ``async def`` views under ASGI: the application that also runs under WSGI, unchanged."""

from __future__ import annotations

from apps import costrel_async_wsgi_app, feed
from apps.costrel_app import IMPORT, PACKAGE, PATH_PREPEND, UNSUPPORTED

__all__ = ["IMPORT", "PACKAGE", "PATH_PREPEND", "PROTOCOL", "UNSUPPORTED", "make_app"]

PROTOCOL = "asgi"


def make_app(variant):
    app = costrel_async_wsgi_app.make_app(variant)
    if variant == "live":
        _add_live(app)

    return app.asgi


def _add_live(app):
    from costrel import request
    from costrel.sse import Event, EventStream

    @app.websocket("/ws")
    async def echo(ws):
        async for message in ws:
            await ws.send(message)

    @app.get("/events")
    async def events():
        async def stream():
            async for number in feed.subscribe():
                yield Event(feed.text(number), id=str(number))

        return EventStream(stream())

    @app.post("/publish")
    async def publish():
        await feed.publish(int(request.get_data()))
        return "published"

    @app.get("/subscribers")
    async def subscribers():
        return str(feed.subscribers())
