"""A WebSocket client in this process, which speaks ASGI's messages to an application."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading

import pytest

from costrel.serving.websocket import answer_websocket

PATIENCE_SECONDS = 30


class Refused(Exception):
    """The handshake was answered with an HTTP response, or closed (then there is only a code)."""

    def __init__(self, status, headers=(), body=b"", close_code=None):
        super().__init__(status)
        self.status = status
        self.headers = {name.decode(): value.decode() for name, value in headers}
        self.body = body
        self.close_code = close_code


class Closed(Exception):
    """The application closed the connection."""

    def __init__(self, code, reason):
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Connection:
    """One connection of a client."""

    def __init__(self, app, path, headers=None, subprotocols=(), *, can_refuse=True, scope=None):
        path, _, query = path.partition("?")
        names = {"host": "localhost", **{k.lower(): v for k, v in (headers or {}).items()}}
        self.scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(k.encode(), v.encode()) for k, v in names.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("localhost", 80),
            "subprotocols": list(subprotocols),
            "extensions": {"websocket.http.response": {}} if can_refuse else {},
            **(scope or {}),
        }
        self.app = app
        self.to_app = asyncio.Queue()
        self.from_app = asyncio.Queue()
        self.writable = asyncio.Event()
        self.writable.set()
        self.accepted = None

    async def _send(self, message):
        await self.writable.wait()
        await self.from_app.put(message)

    async def __aenter__(self):
        await self.open()
        return self

    async def open(self, *, wait=True):
        await self.to_app.put({"type": "websocket.connect"})
        self.task = asyncio.create_task(answer_websocket(self.app, self.scope, self.to_app.get, self._send))
        if not wait:
            return
        message = await self.message()
        if message["type"] == "websocket.http.response.start":
            body = await self.message()
            await self.task
            raise Refused(message["status"], message["headers"], body["body"])
        if message["type"] == "websocket.close":
            await self.task
            raise Refused(None, close_code=message["code"])
        assert message["type"] == "websocket.accept"
        self.accepted = message

    async def __aexit__(self, *error):
        if not self.task.done():
            await self.leave()
        with contextlib.suppress(asyncio.CancelledError):
            await self.done()

    async def done(self):
        """Wait until the application is through with the connection."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.task

    async def message(self):
        """Return the next message of the application, or the error it ended with instead."""
        getter = asyncio.ensure_future(self.from_app.get())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait({getter, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if getter.done():
            return getter.result()
        getter.cancel()
        if not self.from_app.empty():
            return self.from_app.get_nowait()
        await self.task
        raise AssertionError("the application ended without a word")

    async def receive(self):
        message = await self.message()
        if message["type"] == "websocket.close":
            raise Closed(message["code"], message.get("reason", ""))
        assert message["type"] == "websocket.send"
        return message.get("text", message.get("bytes"))

    async def send(self, data):
        await self.to_app.put(
            {"type": "websocket.receive", "text": data}
            if isinstance(data, str)
            else {"type": "websocket.receive", "bytes": data}
        )

    async def send_json(self, value):
        await self.send(json.dumps(value))

    async def leave(self, code=1_005, reason=""):
        await self.to_app.put({"type": "websocket.disconnect", "code": code, "reason": reason})

    async def closed(self):
        """Wait for the close, over messages that come before it; return its code."""
        while True:
            try:
                await self.receive()
            except Closed as closed:
                return closed.code


@pytest.fixture
def connect(app):
    """Connect to the application: ``async with connect("/ws") as client``."""
    return lambda path, *args, **kwargs: Connection(kwargs.pop("to", app), path, *args, **kwargs)


@pytest.fixture
def run():
    """Run a coroutine function to its end, within a bound."""

    def run(main):
        async def bounded():
            async with asyncio.timeout(2 * PATIENCE_SECONDS):
                return await main()

        return asyncio.run(bounded())

    return run


@pytest.fixture(name="Refused")
def refused_fixture():
    return Refused


@pytest.fixture(name="Closed")
def closed_fixture():
    return Closed


@pytest.fixture
def until():
    """Wait for an event, within a bound."""

    def until(event: threading.Event):
        assert event.wait(PATIENCE_SECONDS)

    return until
