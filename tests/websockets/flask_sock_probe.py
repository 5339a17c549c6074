"""An application with Flask-Sock, unmodified; it runs under the alias."""

from __future__ import annotations

import costrel.as_flask  # noqa: F401  # isort: skip
from flask import Flask, request
from flask_sock import Sock

app = Flask(__name__, static_folder=None)
app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": 25}
sock = Sock(app)


@app.get("/")
def index():
    return "here"


@sock.route("/echo/<name>")
def echo(ws, name):
    ws.send(f"{type(app).__module__} {name} {request.args['a']}")
    while True:
        ws.send(ws.receive())


@app.websocket("/own")
async def own(ws):
    async for message in ws:
        await ws.send(message)
