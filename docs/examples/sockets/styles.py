from costrel import Costrel
from costrel.sockets import WebSocketView

app = Costrel(__name__)


@app.websocket("/blocking")
def blocking(ws):
    for message in ws:
        ws.send(message)


class Echo(WebSocketView):
    async def on_message(self, ws, message):
        await ws.send(message)


app.add_websocket("/class", view_func=Echo.as_view("echo"))
