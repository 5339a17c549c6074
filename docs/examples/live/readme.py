from costrel import Costrel
from costrel.sse import EventStream

app = Costrel(__name__)


@app.get("/")
def index():
    return "a thread of the server, or one hop to a worker thread"


@app.get("/numbers")
async def numbers():
    async def count():
        for number in range(3):
            yield {"number": number}

    return EventStream(count())


@app.websocket("/echo")
async def echo(ws):
    async for message in ws:
        await ws.send(message)
