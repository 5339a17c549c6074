"""What tests of the asynchronous servers' interfaces share: a request as a server hands it over."""

from __future__ import annotations

import asyncio

import pytest


class Answer:
    """What an application sent."""

    def __init__(self):
        self.messages = []

    @property
    def status(self):
        """The status, as a number."""
        return self.messages[0]["status"]

    @property
    def headers(self):
        """The headers, by their names in small letters."""
        return {name.decode().lower(): value.decode("latin1") for name, value in self.messages[0]["headers"]}

    @property
    def body(self):
        """The body, put together."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])


def scope_of(path, *, method="GET", headers=(), **others):
    """Return the ASGI scope of a request."""
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost"), *headers],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 80),
        **others,
    }


async def send_request(app, path, *, body=b"", **options):
    """Send a request to ``app.asgi`` and return the ``Answer``."""
    answer = Answer()
    waiting = [{"type": "http.request", "body": body, "more_body": False}]
    headers = list(options.pop("headers", ()))
    if body:
        headers.append((b"content-length", str(len(body)).encode()))

    async def receive():
        if waiting:
            return waiting.pop()
        return await asyncio.get_running_loop().create_future()

    async def send(message):
        answer.messages.append(message)

    await app.asgi(scope_of(path, headers=headers, **options), receive, send)
    return answer


@pytest.fixture
def ask():
    """Send a request by ASGI: ``await ask(app, "/", method="POST", body=b"…")``."""
    return send_request


@pytest.fixture
def asgi_scope():
    """Make the ASGI scope of a request: ``asgi_scope("/?a=1", method="POST")``."""
    return scope_of
