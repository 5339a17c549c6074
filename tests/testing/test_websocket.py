"""A WebSocket of a test: messages, the close and its code, a refusal; called and awaited."""

from __future__ import annotations

import asyncio

import pytest

from costrel import WebSocketDisconnect, abort, session, websocket
from costrel.testing import WebSocketRefused


@pytest.fixture
def app(app):
    @app.websocket("/echo")
    async def echo(ws):
        async for message in ws:
            await ws.send(message)

    @app.websocket("/sync")
    def sync(ws):
        ws.send(ws.receive().upper())

    @app.websocket("/leave")
    async def leave(ws):
        await ws.send("bye")
        await ws.close(4_001, "enough")

    @app.websocket("/refused")
    async def refused(ws):
        abort(418)

    @app.websocket("/broken")
    async def broken(ws):
        await ws.accept()
        raise LookupError("a bug")

    @app.websocket("/chosen")
    async def chosen(ws):
        await ws.accept(subprotocol="b", headers={"X-Room": "7"})
        await ws.send_json({"headers": ws.headers.get("X-Kind"), "args": ws.args, "cookie": ws.cookies})

    @app.websocket("/count")
    def count(ws):
        session["count"] = session.get("count", 0) + 1
        ws.send(str(session["count"]))

    @app.get("/page")
    def page():
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    return app


def test_messages_go_both_ways(app, client):
    with client(app).websocket("/echo") as ws:
        ws.send("text")
        ws.send(b"bytes")
        ws.send_json({"a": 1})

        assert (ws.receive(), ws.receive(), ws.receive_json()) == ("text", b"bytes", {"a": 1})
        assert ws.close_code is None

    assert ws.close_code == 1_000


def test_a_handler_in_a_thread_is_spoken_with_too(app, client):
    with client(app).websocket("/sync") as ws:
        ws.send("a")

        assert ws.receive() == "A"


def test_the_close_of_the_application_is_raised_with_its_code(app, client):
    with client(app).websocket("/leave") as ws:
        assert ws.receive() == "bye"
        with pytest.raises(WebSocketDisconnect) as caught:
            ws.receive()
        with pytest.raises(WebSocketDisconnect):
            ws.send("too late")

    assert (caught.value.code, caught.value.reason) == (4_001, "enough")
    assert (ws.close_code, ws.close_reason) == (4_001, "enough")


def test_iterating_ends_with_the_connection(app, client):
    with client(app).websocket("/leave") as ws:
        assert list(ws) == ["bye"]


def test_the_handler_sees_the_close_and_its_code(app, client):
    codes = []

    @app.websocket("/watch")
    async def watch():
        await websocket.accept()
        try:
            await websocket.receive()
        except WebSocketDisconnect as closed:
            codes.append((closed.code, closed.reason))

    with client(app).websocket("/watch") as ws:
        ws.close(3_000, "done")
    with client(app).websocket("/watch"):
        pass

    assert codes == [(3_000, "done"), (1_000, "")]


def test_a_close_that_cannot_be_sent_is_refused(app, client):
    with client(app).websocket("/echo") as ws, pytest.raises(ValueError, match="1005"):
        ws.close(1_005)


def test_a_refusal_is_a_response(app, client):
    with pytest.raises(WebSocketRefused) as caught, client(app).websocket("/refused"):
        pass

    assert caught.value.response.status_code == 418
    assert "teapot" in caught.value.response.text


def test_an_error_of_the_handler_reaches_the_test(app, client):
    with pytest.raises(LookupError, match="a bug"), client(app).websocket("/broken") as ws:
        ws.receive()


def test_an_error_of_the_test_is_not_hidden_by_the_handlers(app, client):
    with pytest.raises(ZeroDivisionError), client(app).websocket("/broken"):
        1 / 0


def test_what_the_handshake_said_and_was_answered_is_seen(app, client):
    some = client(app)
    some.set_cookie("kind", "plain")
    with some.websocket("/chosen?room=7", subprotocols=["a", "b"], headers={"X-Kind": "test"}) as ws:
        assert ws.receive_json() == {"headers": "test", "args": {"room": "7"}, "cookie": {"kind": "plain"}}
        assert ws.subprotocol == "b"
        assert ws.headers["X-Room"] == "7"


def test_the_session_is_that_of_the_clients_requests(app, client):
    some = client(app)
    some.get("/page")

    with some.websocket("/count") as ws:
        assert ws.receive() == "2"


def test_a_handler_that_stays_silent_is_a_timeout(app, client):
    with client(app).websocket("/echo", patience_seconds=0.05) as ws, pytest.raises(TimeoutError):
        ws.receive()


def test_an_application_that_goes_on_after_the_close_is_one_too(app, client):
    ended = []

    async def stubborn(scope, receive, send):
        await send({"type": "websocket.accept"})
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    app.asgi_app = stubborn

    with pytest.raises(TimeoutError), client(app).websocket("/", patience_seconds=0.05):
        pass
    assert ended == [True]


async def test_it_is_awaited_as_well(app):
    client = app.async_test_client()
    async with client.websocket("/echo") as ws:
        await ws.send("text")
        await ws.send_json([1])

        assert (await ws.receive(), await ws.receive_json()) == ("text", [1])
        await ws.close(3_000)

    assert ws.close_code == 3_000
    async with client.websocket("/leave") as ws:
        assert [message async for message in ws] == ["bye"]
    with pytest.raises(WebSocketRefused):
        async with client.websocket("/none"):
            pass
