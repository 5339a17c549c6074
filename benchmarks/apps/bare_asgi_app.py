"""No framework: what a plain ASGI callable costs in Python, WebSockets and events included."""

from __future__ import annotations

import base64
import hmac
import json
import os
from urllib.parse import parse_qsl

from apps import common as c
from apps import feed

PROTOCOL = "asgi"
PACKAGE, IMPORT = None, "json"
UNSUPPORTED = {}

HTML, TEXT, JSON = b"text/html; charset=utf-8", b"text/plain; charset=utf-8", b"application/json"
EVENTS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
KEY = c.SECRET.encode()


def sign(data):
    return base64.urlsafe_b64encode(hmac.digest(KEY, data, "sha1"))


def header(scope, wanted):
    for name, value in scope["headers"]:
        if name == wanted:
            return value
    return b""


async def read(receive):
    message = await receive()
    if not message.get("more_body"):
        return message.get("body", b"")
    parts = [message["body"]]
    while message.get("more_body"):
        message = await receive()
        parts.append(message["body"])

    return b"".join(parts)


async def answer(send, body, content_type, *more, status=200):
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def plain(scope, receive, send):
    await answer(send, c.TEXT.encode(), TEXT)


async def small(scope, receive, send):
    await answer(send, json.dumps(c.SMALL).encode(), JSON)


async def form(scope, receive, send):
    await answer(send, dict(parse_qsl((await read(receive)).decode()))["field5"].encode(), HTML)


async def jsonpost(scope, receive, send):
    await answer(send, json.dumps(json.loads(await read(receive))).encode(), JSON)


async def template(scope, receive, send):
    await answer(send, c.jinja_render("table.html", heading="Orders", rows=c.ROWS).encode(), HTML)


async def upload(scope, receive, send):
    body = await read(receive)
    mark = b"--" + header(scope, b"content-type").split(b"boundary=")[1]
    size, position = 0, 0
    while (following := body.find(mark, position + len(mark))) >= 0:
        header_end = body.find(b"\r\n\r\n", position)
        if b'name="file"' in body[position:header_end]:
            size = len(body[header_end + 4 : following - 2])
        position = following
    await answer(send, str(size).encode(), HTML)


async def big(scope, receive, send):
    await answer(send, json.dumps(c.BIG).encode(), JSON)


async def hooks(scope, receive, send):
    await answer(send, b"user=" + header(scope, b"x-user"), HTML, (b"x-request-id", b"abc"))


async def session(scope, receive, send):
    count = 0
    for part in header(scope, b"cookie").split(b";"):
        name, _, value = part.strip().partition(b"=")
        data, _, signature = value.partition(b".")
        if name == b"session" and hmac.compare_digest(signature, sign(data)):
            count = json.loads(base64.urlsafe_b64decode(data))["n"]
    data = base64.urlsafe_b64encode(json.dumps({"n": count + 1}).encode())
    cookie = b"session=" + data + b"." + sign(data) + b"; HttpOnly; Path=/"
    await answer(send, b"n=%d" % (count + 1), HTML, (b"vary", b"Cookie"), (b"set-cookie", cookie))


async def events(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
    async for number in feed.subscribe():
        body = f"id: {number}\ndata: {feed.text(number)}\n\n".encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def publish(scope, receive, send):
    await feed.publish(int(await read(receive)))
    await answer(send, b"published", TEXT)


async def subscribers(scope, receive, send):
    await answer(send, b"%d" % feed.subscribers(), TEXT)


async def echo(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def lifespan(scope, receive, send):
    for _ in range(2):
        message = await receive()
        await send({"type": message["type"] + ".complete"})


GET = {
    "/": plain,
    "/json": small,
    "/template": template,
    "/bigjson": big,
    "/hooks": hooks,
    "/session": session,
    "/events": events,
    "/subscribers": subscribers,
}
POST = {"/form": form, "/jsonpost": jsonpost, "/upload": upload, "/publish": publish}
RESOURCES = frozenset(c.RESOURCES)


async def http(scope, receive, send):
    path = scope["path"]
    view = (GET if scope["method"] == "GET" else POST).get(path)
    if view is not None:
        return await view(scope, receive, send)
    parts = path.split("/")
    if parts[1] == "users" and len(parts) == 5 and parts[3] == "posts":
        return await answer(send, json.dumps({"id": int(parts[2]), "slug": parts[4]}).encode(), JSON)
    if parts[1] == "api" and len(parts) == 7 and parts[3] in RESOURCES:
        found = {"res": parts[3], "id": int(parts[4]), "slug": parts[6]}
        return await answer(send, json.dumps(found).encode(), JSON)
    if parts[1] == "static":
        with open(os.path.join(c.STATIC_DIR, os.path.basename(parts[2])), "rb") as file:
            return await answer(send, file.read(), TEXT)

    return await answer(send, b"Not Found", HTML, status=404)


def make_app(variant):
    others = {"websocket": echo, "lifespan": lifespan}

    async def app(scope, receive, send):
        if scope["type"] == "http":
            return await http(scope, receive, send)
        return await others[scope["type"]](scope, receive, send)

    return app
