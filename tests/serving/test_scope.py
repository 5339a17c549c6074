"""The environment worked out of a scope says the same whether it is asked for one value or for all."""

from __future__ import annotations

import asyncio

import pytest

from costrel import request
from costrel.serving.scope import ScopeEnviron, fill


def make_scope(**changed):
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/a",
        "raw_path": b"/a",
        "query_string": b"page=1",
        "root_path": "",
        "headers": [(b"host", b"shop.example"), (b"x-user", b"ada")],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.2", 51514),
        **changed,
    }


def whole(scope):
    environ = {}
    fill(environ, scope, None)

    return environ


@pytest.mark.parametrize(
    "scope",
    [
        make_scope(),
        make_scope(scheme="https"),
        make_scope(scheme="wss"),
        make_scope(query_string=b"caf%C3%A9=\xe9"),
        make_scope(headers=[(b"cookie", b"a=1"), (b"cookie", b"b=2")]),
        {key: value for key, value in make_scope().items() if key not in ("scheme", "query_string")},
    ],
)
def test_one_value_is_what_the_whole_environment_has(scope):
    expected = whole(scope)

    for key in (*expected, "HTTP_COOKIE", "HTTP_MISSING", "CONTENT_TYPE"):
        if key not in ("wsgi.input", "asgi.scope"):
            assert ScopeEnviron(scope, None).get(key) == expected.get(key), key
            assert (key in ScopeEnviron(scope, None)) == (key in expected), key


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://shop.example/cups", "/cups"),
        ("HTTPS://shop.example/cups", "/cups"),
        ("http://shop.example/", "/"),
        ("http://shop.example", "/"),
    ],
)
@pytest.mark.parametrize("kind", ["async", "sync", "websocket"])
def test_a_whole_url_that_a_server_hands_over_is_its_path(app, kind, target, path):
    sent = []
    waiting = [{"type": "http.request"} if kind != "websocket" else {"type": "websocket.connect"}]

    if kind == "async":

        @app.get(path)
        async def index():
            return request.path
    elif kind == "sync":

        @app.get(path)
        def index():
            return request.path
    else:

        @app.websocket(path)
        async def index(ws):
            await ws.send(ws.path)

    async def receive():
        return waiting.pop() if waiting else await asyncio.get_running_loop().create_future()

    async def send(message):
        sent.append(message)

    async def main():
        await app.asgi(
            make_scope(type="websocket" if kind == "websocket" else "http", path=target), receive, send
        )

    asyncio.run(main())

    assert path in [message.get("text") or message.get("body", b"").decode() for message in sent]
