"""An application of streams that tell how they ended; real servers serve it to the tests."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict

from costrel import Costrel, has_request_context, request, stream_with_context
from costrel.sse import EventStream

app = Costrel(__name__)
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024

_events: dict[str, list[str]] = defaultdict(list)


def note(event):
    if has_request_context() and "of" in request.args:
        _events[request.args["of"]].append(event)


@app.teardown_request
async def end_request(error):
    note("teardown")


@app.get("/events/<of>")
def events(of):
    return _events.get(of, [])


@app.get("/async-view/fails")
async def fail_in_async_stream():
    @stream_with_context
    async def lines():
        yield "first"
        await asyncio.sleep(0)
        raise KeyError("after the first line")

    return lines()


@app.get("/sync-view/fails")
def fail_in_stream():
    @stream_with_context
    def lines():
        yield "first"
        raise KeyError("after the first line")

    return lines()


async def silent():
    try:
        yield "first"
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        note("closed")


def blocking():
    try:
        yield "first"
        for _ in range(10_000):
            threading.Event().wait(0.05)
            yield "more"
    finally:
        note("closed")


async def busy():
    try:
        yield "first"
        while True:
            await asyncio.sleep(0.01)
            yield "more"
    finally:
        await asyncio.sleep(0)
        note("closed")


@app.get("/async-view/events/async")
async def async_events():
    return EventStream(silent(), keep_alive=0.1)


@app.get("/sync-view/events/async")
def async_events_of_a_sync_view():
    return EventStream(silent(), keep_alive=0.1)


@app.get("/async-view/events/sync")
async def events_of_an_async_view():
    return EventStream(blocking(), keep_alive=0.1)


@app.get("/sync-view/events/sync")
def sync_events():
    return EventStream(blocking(), keep_alive=0.1)


@app.get("/async-view/stream/async")
async def async_stream():
    return busy()


@app.get("/sync-view/stream/async")
def async_stream_of_a_sync_view():
    return busy()


@app.get("/async-view/stream/sync")
async def stream_of_an_async_view():
    return stream_with_context(blocking())


@app.get("/sync-view/stream/sync")
def sync_stream():
    return stream_with_context(blocking())


@app.get("/many")
async def many():
    async def numbers():
        for number in range(10_000):
            yield str(number)

    return EventStream(numbers())


@app.post("/async-view/parts", stream_body=True)
async def async_parts():
    return {
        part.filename or part.name: sum([len(piece) async for piece in part])
        async for part in request.parts()
    }


@app.post("/sync-view/parts", stream_body=True)
def sync_parts():
    return {part.filename or part.name: sum(map(len, part)) for part in request.parts()}


@app.post("/async-view/length", stream_body=True)
async def length():
    note("begun")
    count = 0
    async for piece in request.stream:
        count += len(piece)
    note("whole")

    return str(count)
