"""An application that writes to a file what runs round its serving, and in which process."""

from __future__ import annotations

import asyncio
import os
import sys

from costrel import Costrel, current_app, g

# The first releases of CPython 3.12 do not (gh-113964).
STARTS_THREADS_AT_ITS_END = not (3, 12) <= sys.version_info < (3, 12, 2)

app = Costrel(__name__)
app.config.update(SECRET_KEY="a key for the tests on real servers")
asgi = app.asgi


def note(event):
    with open(os.environ["LIFESPAN_LOG"], "a", encoding="utf-8") as log:
        log.write(f"{os.getpid()} {event}\n")


note("imported")


@app.before_serving
def before():
    if os.environ.get("LIFESPAN_BROKEN"):
        raise LookupError("no database")
    note(f"before {current_app.name}")


@app.before_serving
async def before_async():
    app.extensions["loop"] = asyncio.get_running_loop()
    app.extensions["queue"] = asyncio.Queue()
    note("before-async")


@app.while_serving
async def around():
    async with asyncio.timeout(None):  # refuses to be left in another task than it was entered in
        note("around")
        yield
        await asyncio.sleep(0)
        note("around-end")


@app.after_serving
async def after_async():
    if STARTS_THREADS_AT_ITS_END:
        await asyncio.to_thread(note, "after-async")
    else:
        await asyncio.sleep(0)
        note("after-async")


@app.after_serving
def after():
    note("after")


@app.get("/")
def index():
    return {"pid": os.getpid()}


@app.get("/async")
async def index_async():
    """Use what was made before serving, and leave work behind."""
    queue = app.extensions["queue"]
    asyncio.get_running_loop().call_soon(queue.put_nowait, 1)
    await asyncio.wait_for(queue.get(), 10)
    asyncio.get_running_loop().create_task(later())

    return {"pid": os.getpid(), "same": app.extensions["loop"] is asyncio.get_running_loop()}


async def later():
    await asyncio.sleep(0.01)
    note("task")


@app.get("/background")
def background():
    g.seen = True
    app.add_background_task(in_background, "a")
    app.add_background_task(in_background_async, "b")

    return {"pid": os.getpid()}


def in_background(name):
    note(f"background-{name} {'seen' in g}")


async def in_background_async(name):
    note("background-begun")
    await asyncio.sleep(0.3)
    note(f"background-{name} {'seen' in g}")
