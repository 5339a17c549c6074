"""An application that tells what happened to its requests; real servers serve it to the tests."""

from __future__ import annotations

import os
import sys
import threading
from collections import defaultdict

from costrel import Costrel, g, request, session, stream_with_context

app = Costrel(__name__, static_folder=os.environ.get("PROBE_STATIC"), static_url_path="/static")
app.config.update(SECRET_KEY="a key for the tests on real servers")
asgi = app.asgi

_lock = threading.Lock()
_events: dict[str, list[str]] = defaultdict(list)


def note(event: str) -> None:
    with _lock:
        _events[request.args["of"]].append(event)
    # For a server with one worker, which cannot be asked while that one is busy.
    print(event, request.args["of"], file=sys.stderr, flush=True)


@app.teardown_request
def tell_of_the_end(error):
    if "of" in request.args:
        note("teardown")


@app.get("/events/<of>")
def events(of):
    return _events.get(of, [])


@app.post("/take")
def take():
    """Read the whole body, or what the query says of the limit."""
    request.max_content_length = request.args.get("limit", type=int)
    note("begun")
    length = len(request.get_data())
    note("whole")

    return {"length": length}


@app.post("/leave")
def leave():
    """Answer without reading the body."""
    return "left"


@app.get("/smuggled")
def smuggled():
    _events["smuggled"].append("begun")

    return "smuggled"


@app.get("/echo")
def echo():
    return request.args["say"]


@app.get("/header-length")
def header_length():
    return str(len(request.headers.get("X-Long", "")))


@app.get("/stream")
def stream():
    """Send without end."""

    @stream_with_context
    def pieces():
        try:
            while True:
                yield b"x" * 65_536
        finally:
            note("closed")

    return pieces()


@app.get("/three")
def three():
    return (piece for piece in ("one,", "two,", "three"))


@app.get("/tagged")
def tagged():
    response = app.make_response("tagged")
    response.set_etag("tag")

    return response.make_conditional(request)


@app.get("/identity/<who>")
def identity(who):
    """Say who asks in each of the ways in which one may be mixed up with another."""
    found = [g.get("who"), session.get("who", who)]
    g.who = session["who"] = who
    for _ in range(20):
        os.sched_yield()
        found += [g.who, session["who"], request.view_args["who"], request.args["who"]]

    return [name for name in found if name not in (None, who)]


@app.get("/boom")
def boom():
    raise KeyError("the password is hunter2")


@app.get("/exit")
def leave_by_exit():
    raise SystemExit(3)


@app.get("/async")
async def later():
    return "later"
