"""A request as it is on the wire, and what each kind of server hands to an application for it."""

from __future__ import annotations

import asyncio
import io
import re
from dataclasses import dataclass, replace
from urllib.parse import unquote, unquote_to_bytes

import pytest

from costrel.core import app_methods
from costrel.core.app_methods import use_fast_lane


@dataclass(frozen=True)
class Wire:
    """A request, byte for byte."""

    target: bytes = b"/"
    method: str = "GET"
    headers: tuple[tuple[bytes, bytes], ...] = ((b"host", b"localhost"),)
    pieces: tuple[bytes, ...] = ()
    http_version: str = "1.1"
    root_path: str = ""
    is_cut: bool = False
    """Whether the client leaves before the last piece."""

    def with_body(self, *pieces, **changes):
        """Return the request with a body that has a length."""
        length = b"%d" % sum(map(len, pieces))
        return replace(self, pieces=pieces, headers=(*self.headers, (b"content-length", length)), **changes)


@dataclass(frozen=True)
class Got:
    """What an application answered; the headers' order means nothing."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def got(status, headers, body):
    lines = sorted(
        (name.lower(), re.sub(r"^(session=[^.;]+)[^;]*", r"\1", value))  # the second it was signed in
        for name, value in headers
        if name.lower() != "date"
    )

    return Got(status, tuple(lines), body)


class Input(io.RawIOBase):
    """A body as WSGI servers give it: chunks are put together, and an end too early is an error."""

    def __init__(self, wire):
        self._body = io.BytesIO(b"".join(wire.pieces))
        self._is_cut = wire.is_cut

    def _checked(self, data, is_whole):
        if self._is_cut and not is_whole:
            raise ConnectionResetError("the client left")
        return data

    def read(self, size=-1, /):
        data = self._body.read(size)
        return self._checked(data, len(data) == size)

    def readline(self, size=-1, /):
        data = self._body.readline(size)
        return self._checked(data, data.endswith(b"\n"))


def environ_of(wire):
    """Return the environment that gunicorn makes."""
    path, _, query = wire.target.partition(b"?")
    path = unquote_to_bytes(path).decode("latin1")
    root = wire.root_path.encode().decode("latin1")
    environ = {
        "REQUEST_METHOD": wire.method,
        "SCRIPT_NAME": root,
        "PATH_INFO": path.removeprefix(root),
        "QUERY_STRING": query.decode("latin1"),
        "REQUEST_URI": wire.target.decode("latin1"),
        "RAW_URI": wire.target.decode("latin1"),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": f"HTTP/{wire.http_version}",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "5000",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": Input(wire),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in wire.headers:
        if b"_" in name:
            continue
        key = name.decode("latin1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = value.decode("latin1")
        if key in environ:
            text = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
        environ[key] = text

    return environ


def by_wsgi(app, wire):
    """Ask as a WSGI server does."""
    started = []

    def start_response(status, headers, exc_info=None):
        started[:] = [int(status[:3]), headers]

    chunks = app(environ_of(wire), start_response)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()

    return got(*started, body)


def scope_of(wire):
    """Return the scope that uvicorn makes."""
    path, _, query = wire.target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": wire.http_version,
        "method": wire.method,
        "scheme": "http",
        "path": unquote(path.decode("latin1")),
        "raw_path": path,
        "query_string": query,
        "root_path": wire.root_path,
        "headers": [(name.lower(), value) for name, value in wire.headers],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 80),
    }


def messages_of(wire):
    """Return what a server receives, to the last piece."""
    pieces = wire.pieces or (b"",)
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if wire.is_cut:
        messages.append({"type": "http.disconnect"})
    else:
        messages[-1]["more_body"] = False

    return messages


async def ask_asgi(app, wire, scope=None):
    """Ask as an ASGI server does."""
    waiting, sent = messages_of(wire), []

    async def receive():
        if waiting:
            return waiting.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def send(message):
        sent.append(message)

    await app(scope or scope_of(wire), receive, send)
    headers = [(name.decode("latin1"), value.decode("latin1")) for name, value in sent[0]["headers"]]
    assert not sent[-1].get("more_body"), "the body has an end"

    return got(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


def by_asgi(app, wire):
    """Ask as an ASGI server does, on an event loop of its own."""
    return asyncio.run(ask_asgi(app.asgi, wire))


def by_each(app, wire, *, loop=None):
    """Ask in all four lanes and return what each answered, by its name."""
    answers = {}
    for lane, is_fast in (("fast", True), ("general", False)):
        before = app_methods.fast_methods[0]
        use_fast_lane(is_fast)
        try:
            answers[f"wsgi {lane}"] = by_wsgi(app, wire)
            answers[f"asgi {lane}"] = (
                loop.run_until_complete(ask_asgi(app.asgi, wire)) if loop else by_asgi(app, wire)
            )
        finally:
            app_methods.fast_methods[0] = before

    return answers


@pytest.fixture
def wire():
    """Make a request: ``wire(b"/path?query", method="POST")``."""
    return Wire


@pytest.fixture
def ask_each():
    """Ask in all four lanes: ``ask_each(app, wire(…))``, by their names."""
    return by_each


@pytest.fixture
def ask():
    """Ask over ASGI in a test that is async itself: ``await ask(app.asgi, wire(…))``."""
    return ask_asgi


@pytest.fixture
def asgi_scope():
    """Make the ASGI scope of a request."""
    return scope_of
