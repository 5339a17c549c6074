import asyncio

from costrel import Costrel

app = Costrel(__name__)
listeners = set()


@app.post("/news/<text>")
async def publish(text):
    for queue in listeners:
        queue.put_nowait(text)
    return {"listeners": len(listeners)}


@app.websocket("/news")
async def news(ws):
    queue = asyncio.Queue()
    listeners.add(queue)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pass_on(ws, queue))
            while True:
                await ws.receive()  # raises when the client leaves, which ends the group
    finally:
        listeners.remove(queue)


async def pass_on(ws, queue):
    while True:
        await ws.send(await queue.get())
