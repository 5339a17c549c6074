from costrel import Costrel, websocket

app = Costrel(__name__)


@app.websocket("/ws/<room>")
async def ws(room):
    await websocket.accept()
    while True:
        data = await websocket.receive_json()
        await websocket.send_json({"room": room, "echo": data})
