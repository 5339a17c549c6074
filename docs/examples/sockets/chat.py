from costrel import Costrel, abort, session

app = Costrel(__name__)
app.config.update(SECRET_KEY="dev", WEBSOCKET_IDLE_TIMEOUT=600)


@app.post("/login/<name>")
def login(name):
    session["name"] = name
    return {"name": name}


@app.before_websocket
def only_who_is_logged_in():
    if "name" not in session:
        abort(401)


@app.websocket("/rooms/<room>")
async def chat(ws, room):
    name = ws.session["name"]
    group = app.groups[room]
    await ws.accept()
    await group.join(ws)
    await group.send_json({"joined": name})
    async for message in ws:
        await group.send_json({"by": name, "text": message})
