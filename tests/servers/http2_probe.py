"""An application that tells what it saw of requests by HTTP/2; real servers serve it to the tests."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict

from costrel import Costrel, g, request, session, stream_with_context, url_for

app = Costrel(__name__)
app.config.update(SECRET_KEY="a key for the tests on real servers", MAX_CONTENT_LENGTH=100_000)
asgi = app.asgi

_events: dict[str, list[str]] = defaultdict(list)


def note(event):
    if "of" in request.args:
        _events[request.args["of"]].append(event)


@app.teardown_request
def end_request(error):
    note("teardown")


@app.get("/events/<of>")
def events(of):
    return _events.get(of, [])


def told():
    return {
        "form": request.form.to_dict(),
        "cookies": request.cookies.to_dict(),
        "host": request.host,
        "url": request.url,
        "whole": url_for("tell", _external=True),
    }


@app.route("/sync/tell", methods=["GET", "POST"])
def tell():
    return told()


@app.route("/async/tell", methods=["GET", "POST"])
async def tell_by_async():
    return told()


def length():
    note("begun")
    count = len(request.get_data())
    note("whole")

    return str(count)


@app.post("/sync/length")
def sync_length():
    return length()


@app.post("/async/length")
async def async_length():
    return length()


@app.post("/async/echo", stream_body=True)
async def echo():
    async def pieces():
        try:
            async for piece in request.stream:
                yield piece
        finally:
            note("closed")

    return stream_with_context(pieces())


@app.get("/sync/endless")
def endless():
    def pieces():
        try:
            while True:
                yield b"x" * 1_000
        finally:
            note("closed")

    return stream_with_context(pieces())


@app.get("/async/endless")
async def async_endless():
    async def pieces():
        try:
            while True:
                yield b"x" * 1_000
        finally:
            note("closed")

    return stream_with_context(pieces())


def others_seen(who):
    found = [g.get("who"), session.get("who"), request.args["who"], request.view_args["who"]]
    g.who = session["who"] = who

    return [name for name in found if name not in (None, who)]


@app.get("/sync/identity/<who>")
def identity(who):
    seen = others_seen(who)
    os.sched_yield()

    return seen + others_seen(who)


@app.get("/async/identity/<who>")
async def async_identity(who):
    seen = others_seen(who)
    await asyncio.sleep(0)

    return seen + others_seen(who)
