"""The client that is awaited: the same calls as the other, on the test's own loop, over both protocols."""

from __future__ import annotations

import asyncio

import pytest
from werkzeug.test import EnvironBuilder

from costrel import Costrel, g, redirect, request, session
from costrel.sse import Event, EventStream

PATIENCE_SECONDS = 30


@pytest.fixture
def app(app):
    @app.route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"])
    async def echo():
        return {"method": request.method, "url": request.url, "form": request.form}

    @app.get("/count")
    def count():
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    @app.get("/first")
    async def first():
        return redirect("/count")

    @app.get("/loop")
    async def loop():
        return str(id(asyncio.get_running_loop()))

    return app


@pytest.fixture
def client(app, protocol):
    """A client that is awaited."""
    return app.async_test_client(protocol=protocol)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "trace"])
async def test_each_method_has_its_call(client, method):
    assert (await getattr(client, method)("/echo?a=b")).json["method"] == method.upper()


async def test_a_head_has_no_body(client):
    response = await client.head("/echo")

    assert (response.status_code, response.data) == (200, b"")


async def test_it_takes_what_the_other_client_takes(client):
    response = await client.open(EnvironBuilder("/echo", method="POST", data={"a": "b"}))

    assert response.json["form"] == {"a": "b"}


async def test_the_application_runs_on_the_loop_of_the_test(client):
    assert (await client.get("/loop")).text == str(id(asyncio.get_running_loop()))


async def test_cookies_are_kept_and_may_be_changed(client):
    assert [(await client.get("/count")).text for _ in range(2)] == ["1", "2"]

    client.set_cookie("session", "", path="/")
    client.delete_cookie("session")

    assert client.get_cookie("session") is None
    assert (await client.get("/count")).text == "1"


async def test_redirects_are_followed(client):
    response = await client.get("/first", follow_redirects=True)

    assert response.text == "1"
    assert [step.status_code for step in response.history] == [302]


async def test_the_session_can_be_written_before_and_read_after_a_request(client):
    async with client.session_transaction() as stored:
        stored["count"] = 41

    assert (await client.get("/count")).text == "42"
    async with client.session_transaction() as stored:
        assert stored["count"] == 42


async def test_an_error_in_a_session_transaction_stores_nothing(client):
    with pytest.raises(ZeroDivisionError):
        async with client.session_transaction() as stored:
            stored["count"] = 1 / 0

    assert (await client.get("/count")).text == "1"


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_error_of_a_view_reaches_the_test(app, client, is_async):
    def broken():
        return 1 // 0

    async def broken_later():
        return 1 // 0

    app.add_url_rule("/broken", "broken", broken_later if is_async else broken)

    with pytest.raises(ZeroDivisionError):
        await client.get("/broken")


async def test_in_a_block_the_last_request_stays_at_hand(app, client):
    torn_down = []
    app.teardown_request(lambda error: torn_down.append(request.path))

    @app.get("/seen")
    async def seen():
        g.seen = request.path
        return ""

    async with client:
        await client.get("/seen")
        assert (g.seen, request.path) == ("/seen", "/seen")
        await client.get("/count")
        assert (session["count"], "seen" in g) == (1, False)

    assert torn_down == ["/seen", "/seen", "/count", "/count"]
    with pytest.raises(RuntimeError, match="Working outside of request context"):
        request.path


async def test_a_block_serves(app, client):
    events = []

    @app.while_serving
    async def resource():
        events.append("open")
        yield
        events.append("close")

    async with client:
        await client.get("/count")
        assert events == ["open"]

    assert events == ["open", "close"]


async def test_a_block_whose_start_fails_is_none(app, client):
    @app.before_serving
    async def fails():
        raise LookupError("no database")

    with pytest.raises(LookupError, match="no database"):
        async with client:
            pass
    app.before_serving_funcs.clear()

    async with client:
        assert (await client.get("/count")).text == "1"


async def test_many_requests_at_once_wait_for_each_other(app, client):
    arrived = asyncio.Semaphore(0)
    everybody = 60

    @app.get("/meet")
    async def meet():
        arrived.release()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while arrived._value < everybody:
                await asyncio.sleep(0)
        return "met"

    answers = await asyncio.gather(*(client.get("/meet") for _ in range(everybody)))

    assert {answer.text for answer in answers} == {"met"}


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_stream_is_read_as_it_comes(app, client, is_async):
    events = []

    def pieces():
        try:
            for number in range(1_000_000):
                events.append(number)
                yield str(number)
        finally:
            events.append("closed")

    async def later():
        for piece in pieces():
            yield piece

    @app.get("/stream")
    async def stream():
        return later() if is_async else pieces()

    response = await client.get("/stream", buffered=False)
    read = []
    async for piece in response.aiter_pieces():
        read.append(piece)
        if len(read) == 3:
            break
    await response.aclose()

    # What was read ahead of a synchronous stream comes as one piece.
    assert b"".join(read).startswith(b"012")
    assert read[0] == b"0"
    if not is_async:
        assert events[-1] == "closed"
    assert len(events) < 1_000


async def test_events_are_read_as_they_come(app, client):
    @app.get("/feed")
    async def feed():
        async def events():
            yield "one"
            yield Event({"n": 2}, event="number", id="7")

        return EventStream(events())

    response = await client.get("/feed", buffered=False)

    assert [event async for event in response.aiter_events()] == [
        Event("one"),
        Event('{"n": 2}', event="number", id="7"),
    ]


async def test_who_reads_a_stream_by_waiting_for_it_is_told_how(app):
    app.add_url_rule("/stream", "stream", lambda: (str(number) for number in range(3)))
    response = await app.async_test_client().get("/stream", buffered=False)

    with pytest.raises(RuntimeError, match="aiter_pieces"):
        response.data
    await response.aclose()


async def test_who_gives_up_waiting_has_left(app):
    told = asyncio.Event()
    begun = asyncio.Event()

    async def silent(scope, receive, send):
        begun.set()
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        told.set()

    app.asgi_app = silent
    waiting = asyncio.create_task(app.async_test_client().get("/"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await begun.wait()
        waiting.cancel()
        await told.wait()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_served_application_has_clients_that_are_awaited(app):
    events = []
    app.before_serving(lambda: events.append("before"))
    app.after_serving(lambda: events.append("after"))

    async with app.test_app() as served:
        assert (await served.test_client().get("/count")).text == "1"
        assert events == ["before"]

    assert events == ["before", "after"]


def test_without_a_loop_it_has_clients_that_are_called(app, protocol):
    events = []
    app.before_serving(lambda: events.append("before"))
    app.after_serving(lambda: events.append("after"))

    with app.test_app() as served:
        assert served.test_client(protocol=protocol).get("/count").text == "1"
        assert events == ["before"]

    assert events == ["before", "after"]


async def test_a_class_of_ones_own_does_the_work(app, protocol):
    from costrel.testing import FlaskClient

    class Client(FlaskClient):
        def open(self, *args, **kwargs):
            kwargs.setdefault("headers", {})["X-Kind"] = "own"
            return super().open(*args, **kwargs)

    app = Costrel(__name__)
    app.test_client_class = Client
    app.get("/")(lambda: request.headers["X-Kind"])

    assert (await app.async_test_client(protocol=protocol).get("/")).text == "own"
