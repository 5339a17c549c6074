"""No framework: what a plain WSGI callable costs in Python. ``DUMPS`` is replaced by ``bareorjson_app``."""

from __future__ import annotations

import base64
import hmac
import json
import os
from urllib.parse import parse_qsl

from apps import common as c

PACKAGE, IMPORT = None, "json"
UNSUPPORTED = {}

HTML, TEXT, JSON = "text/html; charset=utf-8", "text/plain; charset=utf-8", "application/json"
KEY = c.SECRET.encode()


def dumps_stdlib(value):
    return json.dumps(value).encode()


def sign(data):
    return base64.urlsafe_b64encode(hmac.digest(KEY, data, "sha1"))


def answer(start, body, content_type):
    start("200 OK", [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]


def read(environ):
    return environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))


def form(environ, start):
    return answer(start, dict(parse_qsl(read(environ).decode()))["field5"].encode(), HTML)


def template(environ, start):
    return answer(start, c.jinja_render("table.html", heading="Orders", rows=c.ROWS).encode(), HTML)


def upload(environ, start):
    body = read(environ)
    mark = b"--" + environ["CONTENT_TYPE"].split("boundary=")[1].encode()
    size, position = 0, 0
    while (following := body.find(mark, position + len(mark))) >= 0:
        header_end = body.find(b"\r\n\r\n", position)
        if b'name="file"' in body[position:header_end]:
            size = len(body[header_end + 4 : following - 2])
        position = following

    return answer(start, str(size).encode(), HTML)


def static(environ, start, name):
    with open(os.path.join(c.STATIC_DIR, os.path.basename(name)), "rb") as file:
        return answer(start, file.read(), TEXT)


def hooks(environ, start):
    body = f"user={environ.get('HTTP_X_USER')}".encode()
    headers = [("Content-Type", HTML), ("Content-Length", str(len(body))), ("X-Request-Id", "abc")]
    start("200 OK", headers)
    return [body]


def session(environ, start):
    count = 0
    for part in environ.get("HTTP_COOKIE", "").split(";"):
        name, _, value = part.strip().partition("=")
        data, _, signature = value.encode().partition(b".")
        if name == "session" and hmac.compare_digest(signature, sign(data)):
            count = json.loads(base64.urlsafe_b64decode(data))["n"]
    data = base64.urlsafe_b64encode(json.dumps({"n": count + 1}).encode())
    body = f"n={count + 1}".encode()
    cookie = f"session={data.decode()}.{sign(data).decode()}; HttpOnly; Path=/"
    headers = [("Content-Type", HTML), ("Content-Length", str(len(body)))]
    start("200 OK", [*headers, ("Vary", "Cookie"), ("Set-Cookie", cookie)])
    return [body]


def make_app(variant, dumps=dumps_stdlib):
    text = c.TEXT.encode()
    get = {
        "/": lambda environ, start: answer(start, text, TEXT),
        "/json": lambda environ, start: answer(start, dumps(c.SMALL), JSON),
        "/template": template,
        "/bigjson": lambda environ, start: answer(start, dumps(c.BIG), JSON),
        "/hooks": hooks,
        "/session": session,
    }
    post = {
        "/form": form,
        "/jsonpost": lambda environ, start: answer(start, dumps(json.loads(read(environ))), JSON),
        "/upload": upload,
    }
    resources = set(c.RESOURCES)

    def app(environ, start):
        path = environ["PATH_INFO"]
        view = (get if environ["REQUEST_METHOD"] == "GET" else post).get(path)
        if view is not None:
            return view(environ, start)
        parts = path.split("/")
        if parts[1] == "users" and len(parts) == 5 and parts[3] == "posts":
            return answer(start, dumps({"id": int(parts[2]), "slug": parts[4]}), JSON)
        if parts[1] == "api" and len(parts) == 7 and parts[3] in resources:
            return answer(start, dumps({"res": parts[3], "id": int(parts[4]), "slug": parts[6]}), JSON)
        if parts[1] == "static":
            return static(environ, start, parts[2])
        start("404 Not Found", [("Content-Type", HTML), ("Content-Length", "9")])
        return [b"Not Found"]

    return app
