"""A chat: everybody in a room gets what one of them writes."""

from costrel import Costrel, render_template

app = Costrel(__name__)
app.config["WEBSOCKET_IDLE_TIMEOUT"] = 600


@app.get("/")
async def index():
    return render_template("chat.html")


@app.websocket("/rooms/<room>")
async def chat(ws, room):
    name = ws.args.get("name", "somebody")[:20]
    group = app.groups[room]
    await ws.accept()
    await group.join(ws)
    await group.send_json({"text": f"{name} came in"})
    async for text in ws:
        await group.send_json({"text": f"{name}: {text}"})
    await group.leave(ws)
    await group.send_json({"text": f"{name} left"})
