"""An application whose answers last as long as their clients like; what ended is written to a file."""

from __future__ import annotations

import asyncio
import os
import threading

from costrel import Costrel, request, stream_with_context
from costrel.serving.until_stop import until_stop
from costrel.sse import EventStream

FOLDER = os.environ.get("STOP_PROBE", ".")

app = Costrel(__name__, static_folder=None)
app.config.update(SECRET_KEY="7c2f9f0f6c1c4a8f93f4a7b0f0a51c2e")
asgi = app.asgi


def note(event):
    with open(os.path.join(FOLDER, "notes"), "a", encoding="utf-8") as notes:
        notes.write(f"{event}\n")


note("loaded")


@app.teardown_request
def torn_down(error):
    if request.path.startswith(("/events", "/plain")):
        note(f"torn down {type(error).__name__}")


@app.get("/")
def index():
    return "here"


async def silent():
    try:
        yield "first"
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        note("closed")


def ticking():
    try:
        yield "first"
        while True:
            threading.Event().wait(0.1)
            yield "more"
    finally:
        note("closed")


@app.get("/events/async")
async def events():
    return EventStream(silent(), retry=2_000)


@app.get("/events/of-a-sync-view")
def events_of_a_sync_view():
    return EventStream(silent(), retry=2_000)


@app.get("/events/sync")
def sync_events():
    return EventStream(ticking(), retry=2_000)


@app.get("/plain/async")
async def plain_stream():
    return until_stop(silent())


@app.get("/plain/sync")
def sync_plain_stream():
    return stream_with_context(until_stop(ticking()))


@app.websocket("/socket/async")
async def echo(ws):
    async for message in ws:
        await ws.send(message)


@app.websocket("/socket/sync")
def sync_echo(ws):
    for message in ws:
        ws.send(message)


@app.get("/until-it-is-told")
def wait():
    """Say that the request has begun, and answer when the test says so."""
    note("begun")
    go_on = threading.Event()
    while not os.path.exists(os.path.join(FOLDER, "go on")):
        go_on.wait(0.02)
    return "whole"
