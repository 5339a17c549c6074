"""A request over ASGI: what the application is told, when its pieces are taken, and how it ends."""

from __future__ import annotations

import gc
import io
import threading

import pytest

from costrel import Costrel
from costrel.errors import ConfigError

PATIENCE_SECONDS = 30


@pytest.fixture
def ask(app):
    """Send a request to an ASGI application, which takes the place of the app's own."""

    def ask(asgi_app, *args, **kwargs):
        app.asgi_app = asgi_app
        return app.test_client(protocol="asgi").open(*args, **kwargs)

    return ask


async def respond(send, *pieces, status=200):
    await send({"type": "http.response.start", "status": status, "headers": [(b"x-kind", b"test")]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


def test_status_headers_and_body_are_those_that_were_sent(ask):
    async def made(scope, receive, send):
        await respond(send, b"a", b"b", status=418)

    response = ask(made, "/")

    assert (response.status, response.headers["X-Kind"], response.data) == ("418 I'M A TEAPOT", "test", b"ab")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({}, [b""]),
        ({"data": b"body"}, [b"body"]),
        ({"data": b"x" * 65_537}, [b"x" * 65_536, b"x"]),
        (
            {
                "input_stream": io.BytesIO(b"endless"),
                "environ_overrides": {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
            },
            [b"endless", b""],
        ),
    ],
    ids=["none", "one message", "two messages", "of no known length"],
)
def test_the_body_comes_in_messages_and_then_the_client_leaves(ask, options, parts):
    seen = []

    async def reading(scope, receive, send):
        while True:
            message = await receive()
            seen.append(message["body"])
            if not message["more_body"]:
                break
        await respond(send)
        seen.append((await receive())["type"])

    ask(reading, "/", method="POST", **options)

    assert seen == [*parts, "http.disconnect"]


@pytest.mark.parametrize("broken", ["short", "unreadable"])
def test_a_body_that_breaks_off_is_a_client_that_left(ask, broken):
    class Unreadable(io.BytesIO):
        def read(self, size=-1):
            raise OSError("reset")

    stream = io.BytesIO(b"abc") if broken == "short" else Unreadable()
    kinds = []

    async def reading(scope, receive, send):
        while not kinds or kinds[-1] == "http.request":
            kinds.append((await receive())["type"])
        await respond(send)

    ask(reading, "/", method="POST", input_stream=stream, environ_overrides={"CONTENT_LENGTH": "9"})

    assert kinds == ["http.request"] * (broken == "short") + ["http.disconnect"]


def test_a_piece_is_taken_when_it_is_asked_for(ask):
    made = []

    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        while True:
            made.append(b"piece")
            await send({"type": "http.response.body", "body": b"piece", "more_body": True})

    response = ask(endless, "/")
    pieces = response.iter_encoded()
    assert [next(pieces) for _ in range(3)] == [b"piece"] * 3
    assert len(made) <= 4

    with pytest.raises(ConnectionResetError):  # which this application lets through
        response.close()


def test_a_response_that_is_closed_has_its_application_told(ask):
    told = threading.Event()

    async def watching(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"piece", "more_body": True})
        if (await receive())["type"] == "http.disconnect":
            told.set()

    ask(watching, "/").close()

    assert told.is_set()


def test_a_response_that_is_dropped_has_it_told_too(ask):
    told = threading.Event()

    async def watching(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"piece", "more_body": True})
        await receive()
        told.set()

    ask(watching, "/")
    gc.collect()

    assert told.wait(PATIENCE_SECONDS)


def test_an_error_before_the_response_is_raised_by_the_request(ask):
    async def broken(scope, receive, send):
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        ask(broken, "/")


def test_an_error_in_the_body_is_raised_where_it_is_read(ask):
    async def broken(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"piece", "more_body": True})
        raise LookupError("lost")

    response = ask(broken, "/")
    pieces = response.iter_encoded()

    assert next(pieces) == b"piece"
    with pytest.raises(LookupError, match="lost"):
        next(pieces)


def test_an_error_after_the_body_is_raised_too(ask):
    async def broken(scope, receive, send):
        await respond(send, b"whole")
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        ask(broken, "/", buffered=True)


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"type": "http.response.start", "status": 200}],
        [{"type": "http.response.body"}],
        [{"type": "http.response.start", "status": 200}, *[{"type": "http.response.body"}] * 2],
        [{"type": "websocket.accept"}],
    ],
    ids=["nothing", "no body", "no start", "two ends", "of another protocol"],
)
def test_an_application_that_does_not_keep_to_the_protocol_is_told(ask, messages):
    async def sending(scope, receive, send):
        for message in messages:
            await send(message)

    with pytest.raises(RuntimeError, match=r"application|response is at its end"):
        ask(sending, "/")


def test_a_protocol_that_is_none_is_refused(app):
    with pytest.raises(ConfigError) as caught:
        app.test_client(protocol="http")

    assert "'http'" in caught.value.problem
    assert 'protocol="asgi"' in caught.value.hint


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_the_environment_chooses_the_protocol_where_the_test_does_not(app, monkeypatch, protocol):
    monkeypatch.setenv("COSTREL_TEST_PROTOCOL", protocol)

    assert app.test_client().protocol == protocol
    assert app.test_client(protocol="asgi").protocol == "asgi"


def test_a_view_does_not_run_in_the_thread_of_the_test():
    app = Costrel("shop")
    app.get("/")(lambda: str(threading.get_ident()))

    assert app.test_client(protocol="asgi").get("/").text != str(threading.get_ident())
