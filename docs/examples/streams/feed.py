"""A feed: every browser that is connected gets what is posted, and what it missed while it was not."""

import asyncio

from costrel import Costrel, request
from costrel.sse import Event, EventStream

app = Costrel(__name__)
messages: list[str] = []
news = asyncio.Condition()


@app.post("/messages")
async def post_message():
    async with news:
        messages.append(request.form["text"])
        news.notify_all()

    return {"id": len(messages)}, 201


async def messages_after(number: int):
    while True:
        async with news:
            while len(messages) <= number:
                await news.wait()
        for text in messages[number:]:
            number += 1
            yield Event({"text": text}, id=str(number))


@app.get("/feed")
async def feed():
    last = request.last_event_id or "0"

    return EventStream(messages_after(int(last) if last.isdecimal() else 0), retry=2_000)
