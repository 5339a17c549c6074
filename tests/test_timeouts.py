"""Timeouts of views and bodies, on both protocols, in both lanes."""

from __future__ import annotations

import asyncio

import pytest

from costrel import Costrel, g, request
from costrel.errors import ConfigError, SetupError
from costrel.views import MethodView

SOON = 0.01


@pytest.fixture(params=["fast lane", "general lane"])
def app(app, request):
    """The application, in each lane."""
    if request.param == "general lane":
        app.ensure_sync = app.ensure_sync  # an override: the lifecycle is run by its generators
        app.full_dispatch_request = app.full_dispatch_request

    return app


@pytest.fixture
def events(app):
    """What the slow view and the teardown did."""
    events = []

    @app.teardown_request
    def tell(error):
        events.append(("teardown", g.get("name"), type(error)))

    return events


@pytest.fixture
def slow(events):
    """An async view that never ends by itself."""

    async def slow(**values):
        g.name = "slow"
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            events.append("cancelled")

    return slow


def test_a_view_over_its_time_is_cancelled_and_torn_down_and_answered_504(app, client, slow, events):
    app.get("/<name>", timeout=SOON)(slow)

    answer = client(app).get("/ada")

    assert answer.status_code == 504
    assert events == ["cancelled", ("teardown", "slow", type(None))]


def test_a_view_in_time_is_answered(app, client):
    @app.get("/", timeout=30)
    async def index():
        await asyncio.sleep(0)
        return "in time"

    assert client(app).get("/").text == "in time"


def test_the_configured_bound_holds_for_every_async_view(app, client, slow, events):
    app.config["REQUEST_TIMEOUT"] = SOON
    app.get("/")(slow)
    app.get("/sync")(lambda: "sync")

    assert client(app).get("/").status_code == 504
    assert client(app).get("/sync").text == "sync"


def test_a_route_may_have_no_bound_of_its_own(app, client):
    app.config["REQUEST_TIMEOUT"] = SOON

    @app.get("/", timeout=0)
    async def index():
        await asyncio.sleep(SOON * 3)
        return "late"

    assert client(app).get("/").text == "late"


def test_handlers_answer_a_504(app, client, slow, events):
    app.get("/", timeout=SOON)(slow)

    @app.errorhandler(504)
    async def late(error):
        return f"sorry: {request.path}", 504

    assert client(app).get("/").text == "sorry: /"


def test_a_class_of_async_methods_is_bounded(app, client, slow, events):
    class Slow(MethodView):
        async def get(self):
            return await slow()

    app.add_url_rule("/", view_func=Slow.as_view("slow"), timeout=SOON)

    answer = client(app).get("/")

    assert answer.status_code == 504
    assert events[0] == "cancelled"


def test_a_class_of_sync_methods_cannot_be_bounded():
    class Quick(MethodView):
        def get(self):
            return ""

    with pytest.raises(SetupError, match="not async"):
        Costrel("shop").add_url_rule("/", view_func=Quick.as_view("quick"), timeout=1)


def test_a_timeout_of_the_views_own_is_its_error(app, client):
    @app.get("/", timeout=30)
    async def index():
        raise TimeoutError("the database")

    @app.errorhandler(TimeoutError)
    def told(error):
        return str(error)

    assert client(app).get("/").text == "the database"


def test_a_timeout_that_cannot_stop_its_view_is_refused():
    app = Costrel("shop")

    def index():
        return ""

    with pytest.raises(SetupError, match=r"timeout of '/'.*not async") as caught:
        app.get("/", timeout=5)(index)

    assert "async def" in caught.value.hint
    app.get("/", timeout=0)(index)


@pytest.mark.parametrize("value", ["5", -1, float("nan"), True, False])
def test_a_timeout_that_is_no_time_is_refused(value):
    app = Costrel("shop")

    async def index():
        return ""

    with pytest.raises(ConfigError, match="timeout must be a number of seconds"):
        app.get("/", timeout=value)(index)


async def send(app, path, pieces, headers=()):
    """Send a request by ASGI, of whose body no more than these pieces ever arrive."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "client": None,
        "server": None,
        "headers": [(b"host", b"localhost"), (b"content-length", b"100"), *headers],
    }
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    sent = []

    async def receive():
        if messages:
            return messages.pop(0)
        return await asyncio.Event().wait()

    async def note(message):
        sent.append(message)

    await asyncio.wait_for(app.asgi(scope, receive, note), 10)

    return sent[0]["status"]


@pytest.mark.parametrize("kind", ["sync", "async", "stream"])
def test_a_body_that_does_not_arrive_is_a_408(app, kind):
    app.config["BODY_TIMEOUT"] = SOON

    if kind == "sync":

        @app.post("/")
        def take():
            return request.get_data()

    else:

        @app.post("/", stream_body=kind == "stream")
        async def take():
            if kind == "async":
                return request.get_data()
            return b"".join([chunk async for chunk in request.stream])

    for pieces in ([], [b"12345"], [b"1", b"2"]):
        assert asyncio.run(send(app, "/", pieces)) == 408


def test_a_view_that_does_not_read_the_body_answers_without_it(app):
    app.config["BODY_TIMEOUT"] = SOON

    @app.post("/")
    async def leave():
        return "left"

    assert asyncio.run(send(app, "/", [])) == 200


def test_a_client_that_keeps_sending_a_little_gains_no_time(app):
    app.config["BODY_TIMEOUT"] = 0.05

    @app.post("/", stream_body=True)
    async def take():
        return b"".join([chunk async for chunk in request.stream])

    async def main():
        loop = asyncio.get_running_loop()
        began = loop.time()
        status = await drip(app)
        return status, loop.time() - began

    async def drip(app):
        sent = []

        async def receive():
            await asyncio.sleep(0.01)
            return {"type": "http.request", "body": b"x", "more_body": True}

        async def note(message):
            sent.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "root_path": "",
            "client": None,
            "server": None,
            "headers": [(b"host", b"localhost"), (b"transfer-encoding", b"chunked")],
        }
        await asyncio.wait_for(app.asgi(scope, receive, note), 10)
        return sent[0]["status"]

    status, seconds = asyncio.run(main())

    assert status == 408
    assert seconds < 5
