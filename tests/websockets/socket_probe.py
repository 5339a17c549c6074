"""An application with WebSockets for real servers; what it did is read at ``/events``."""

from __future__ import annotations

import threading

from costrel import Costrel, abort, websocket

app = Costrel(__name__, static_folder=None)
app.config.update(SECRET_KEY="a key for the tests on real servers", WEBSOCKET_PING_INTERVAL=0.2)
asgi = app.asgi
events = []
told = threading.Condition()


def note(event):
    with told:
        events.append(event)
        told.notify_all()


@app.get("/")
def index():
    return "here"


@app.get("/events/<int:count>")
def seen(count):
    """Answer when there are so many events."""
    with told:
        told.wait_for(lambda: len(events) >= count, 10)
        return list(events)


@app.teardown_websocket
def teardown(error):
    if websocket.path == "/gone":
        note(f"teardown {type(error).__name__}")


@app.websocket("/echo")
async def echo(ws):
    async for message in ws:
        await ws.send(message)


@app.websocket("/echo-sync")
def echo_sync(ws):
    for message in ws:
        ws.send(message)


@app.websocket("/gone")
async def gone(ws):
    await ws.accept()
    try:
        async for _ in ws:
            pass
    finally:
        note("ended")


@app.websocket("/refuse")
async def refuse(ws):
    abort(418, "pay first")


@app.websocket("/fail")
async def fail(ws):
    await ws.receive()
    raise LookupError("a secret")


@app.websocket("/json/<int:number>")
async def json(number):
    if websocket.requested_subprotocols:
        await websocket.accept(subprotocol=websocket.requested_subprotocols[0])
    await websocket.send_json([number, await websocket.receive_json(), websocket.args.get("a")])


@app.websocket("/flood")
async def flood(ws):
    """Send more than any buffer holds."""
    for _ in range(300):
        await ws.send(b"x" * 65_536)
    await ws.send("end")


@app.websocket("/tick")
async def tick(ws):
    """Send for ever, without a pause."""
    try:
        while True:
            await ws.send("tick")
    finally:
        note("ended")
