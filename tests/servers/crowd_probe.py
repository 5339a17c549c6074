"""An application whose views wait while many others do, and tell what they find afterwards."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections import Counter

from costrel import Costrel, g, has_request_context, request, session
from costrel._current import current

app = Costrel(__name__)
asgi = app.asgi
app.secret_key = "b81e39c07f5d2a6614f09d3ce57a8b20"

counts: Counter[str] = Counter()
_counting = threading.Lock()
_numbers = itertools.count()


@app.before_request
async def note_who():
    if "who" in request.args:
        counts["begun"] += 1
        g.who = request.args["who"]
        g.number = next(_numbers)


@app.teardown_request
def count(error):
    with _counting:  # in many threads at once
        counts["torn down"] += "who" in request.args
        counts["with error"] += error is not None


def found():
    """Tell what this request finds in each place where it may have left its name."""
    return {"g": g.who, "args": request.args["who"], "session": session["who"], "path": request.path}


@app.get("/async/<who>")
async def waits(who):
    session["who"] = who
    number = g.number
    for _ in range(3):
        await asyncio.sleep(0.01 * (number % 7))
        assert g.number == number
    await asyncio.gather(*(asyncio.to_thread(lambda: request.args["who"]) for _ in range(number % 2)))
    return found()


@app.get("/sync/<who>")
def blocks(who):
    session["who"] = who
    threading.Event().wait(0.005 * (g.number % 3))
    return found()


@app.get("/slow")
async def slow():
    await asyncio.sleep(float(request.args["seconds"]))
    return {"pid": os.getpid()}


@app.get("/slow-sync")
def slow_sync():
    threading.Event().wait(float(request.args["seconds"]))  # what it is for: it holds its thread
    return {"pid": os.getpid()}


@app.post("/echo")
async def echo():
    counts["bodies begun"] += 1
    return request.get_data()


@app.get("/state")
async def state():
    ctx = current.get()
    return {
        **counts,
        "pid": os.getpid(),
        "own": has_request_context() and ctx.request.path == "/state",
        "outside": await asyncio.get_running_loop().run_in_executor(None, has_request_context),
        "threads": threading.active_count(),
    }
