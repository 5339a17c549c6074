"""Requests leave nothing behind: no memory that grows, and no garbage that waits for the collector."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

import pytest

from costrel import Costrel, abort, request, session
from costrel.core import app_methods
from costrel.core.app_methods import use_fast_lane
from costrel.sse import EventStream

WARM, MANY = 60, 300
GROWTH_BYTES = 24_000
"""Less than a tenth of what one object a request would take, of the smallest kind a context has."""


def make_app():
    app = Costrel("shop")
    app.config["SECRET_KEY"] = "a key for tests"
    app.logger.disabled = True

    @app.get("/plain")
    async def plain():
        return "plain"

    @app.get("/params/<int:number>/<name>")
    async def params(number, name):
        return {"number": number, "name": name, "args": request.args}

    @app.post("/form")
    async def form():
        return dict(request.form)

    @app.get("/session")
    async def count():
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    @app.get("/fails")
    async def fails():
        raise ZeroDivisionError

    @app.get("/aborts")
    async def aborts():
        abort(409)

    @app.get("/thread")
    def thread():
        return request.path

    @app.get("/thread/fails")
    def thread_fails():
        raise ZeroDivisionError

    @app.post("/thread/form")
    def thread_form():
        return dict(request.form)

    @app.get("/stream")
    async def stream():
        async def pieces():
            yield request.path
            yield "end"

        return pieces()

    @app.get("/events")
    async def events():
        async def forever():
            number = 0
            while True:
                yield str(number)
                number += 1
                await asyncio.sleep(0)

        return EventStream(forever())

    @app.websocket("/echo")
    async def echo(ws):
        async for message in ws:
            await ws.send(message)

    return app


FORM = ((b"host", b"localhost"), (b"content-type", b"application/x-www-form-urlencoded"))
TARGETS = {
    "plain": (b"/plain", ()),
    "params": (b"/params/7/ada?a=1&a=2", ()),
    "form": (b"/form", (b"a=1&", b"b=2")),
    "session": (b"/session", ()),
    "an error": (b"/fails", ()),
    "an abort": (b"/aborts", ()),
    "no such page": (b"/none", ()),
    "another method": (b"/form", ()),
    "a redirect": (b"//plain", ()),
    "in a thread": (b"/thread", ()),
    "an error in a thread": (b"/thread/fails", ()),
    "a form in a thread": (b"/thread/form", (b"a=1&", b"b=2")),
    "a stream": (b"/stream", ()),
}


async def converse(app, asgi_scope, wire):
    """Open a WebSocket, say something, hear it, and leave."""
    scope = {**asgi_scope(wire(b"/echo")), "type": "websocket", "scheme": "ws", "subprotocols": []}
    messages = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "hello"},
        {"type": "websocket.disconnect", "code": 1000},
    ]
    sent = []

    async def receive():
        await asyncio.sleep(0)
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    await app.asgi(scope, receive, send)
    assert [message["type"] for message in sent][:2] == ["websocket.accept", "websocket.send"]


async def leave_events(app, asgi_scope, wire):
    """Ask for events, take some, and leave."""
    messages = [{"type": "http.request", "body": b"", "more_body": False}]
    enough = asyncio.Event()
    count = 0

    async def receive():
        if messages:
            return messages.pop(0)
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        nonlocal count
        count += 1
        if count == 4:
            enough.set()
        await asyncio.sleep(0)

    await app.asgi(asgi_scope(wire(b"/events")), receive, send)


@pytest.fixture(params=[*TARGETS, "a WebSocket", "events"])
def one_request(request, ask, asgi_scope, wire):
    """Something that sends one request of a kind."""
    app = make_app()
    if request.param == "a WebSocket":
        return lambda: converse(app, asgi_scope, wire)
    if request.param == "events":
        return lambda: leave_events(app, asgi_scope, wire)

    target, body = TARGETS[request.param]
    sent = wire(target)
    if body:
        sent = wire(target, method="POST", headers=FORM).with_body(*body)
    return lambda: ask(app.asgi, sent)


@pytest.fixture(params=["fast", "general"])
def lane(request):
    """Each of the lanes."""
    before = app_methods.fast_methods[0]
    use_fast_lane(request.param == "fast")
    yield request.param
    app_methods.fast_methods[0] = before


async def garbage_of(one_request):
    """The kinds of things that five requests leave to the collector, in the whole process."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(5):
            await one_request()
        await asyncio.sleep(0)
        gc.collect()
        return {type(thing).__name__ for thing in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def test_a_request_leaves_no_cycle_for_the_collector(one_request, lane):
    for _ in range(10):
        await one_request()

    # A thread of an earlier test may let its application go meanwhile, once; a request would each time.
    rounds = [await garbage_of(one_request) for _ in range(3)]

    # Werkzeug's matcher has a function that calls itself, and holds nothing of the request.
    assert set.intersection(*rounds) <= {"cell", "function", "set", "tuple"}


async def test_memory_does_not_grow_with_requests(one_request, lane):
    for _ in range(WARM):
        await one_request()
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(WARM):
            await one_request()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(MANY):
            await one_request()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert grown < GROWTH_BYTES
