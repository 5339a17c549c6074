"""A number that all pages show as it changes."""

import asyncio

from costrel import Costrel, render_template
from costrel.sse import EventStream

app = Costrel(__name__)
app.extensions["likes"] = 0
changed = asyncio.Condition()


@app.get("/")
async def index():
    return render_template("likes.html")


@app.post("/likes")
async def like():
    async with changed:
        app.extensions["likes"] += 1
        changed.notify_all()

    return "", 204


@app.get("/likes")
async def likes():
    async def counts():
        sent = None
        while True:
            async with changed:
                while app.extensions["likes"] == sent:
                    await changed.wait()
            sent = app.extensions["likes"]
            yield {"likes": sent}

    return EventStream(counts())
