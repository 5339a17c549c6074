"""EventStream over both protocols: what is sent, when, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading

import pytest

from costrel import Response, request
from costrel.serving import stopping
from costrel.sse import Event, EventStream


@pytest.fixture
def torn_down(app):
    """The paths of the requests that were torn down."""
    calls = []

    @app.teardown_request
    async def over(exc):
        calls.append(request.path)

    return calls


def sync_events(notes, items=("a", "b")):
    try:
        yield from items
    finally:
        notes.append(request.path)


async def async_events(notes, items=("a", "b")):
    try:
        for item in items:
            await asyncio.sleep(0)
            yield item
    finally:
        await asyncio.sleep(0)
        notes.append(request.path)


@pytest.fixture
def stop():
    """Tell of a stop, as there is word of one from a server; signals are left as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield stopping._open.tell
    stopping._open.forget()
    for number, handler in before.items():
        signal.signal(number, handler)


class Asgi:
    """A server that sends one request and may leave in the midst of the answer."""

    def __init__(self, app, method="GET"):
        self.app = app
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": "/feed",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
        }
        self.begun = False
        self.left = asyncio.Event()
        self.pieces = asyncio.Queue()
        self.start = None

    async def receive(self):
        if not self.begun:
            self.begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.start = message
        else:
            await self.pieces.put(message.get("body", b""))

    async def run(self):
        await self.app.asgi_app(self.scope, self.receive, self.send)

    async def body(self):
        await asyncio.wait_for(self.run(), 30)
        return b"".join(self.pieces.get_nowait() for _ in range(self.pieces.qsize()))


def add_feed(app, make_stream, is_async):
    async def async_view():
        return make_stream()

    app.add_url_rule("/feed", "feed", async_view if is_async else make_stream)


KINDS = pytest.mark.parametrize("source", [sync_events, async_events])
VIEWS = pytest.mark.parametrize("is_async", [True, False], ids=["async view", "sync view"])


@KINDS
@VIEWS
def test_events_are_sent_and_the_source_closed_before_the_teardown(app, client, torn_down, source, is_async):
    notes = []
    add_feed(app, lambda: EventStream(source(notes)), is_async)

    response = client(app).get("/feed")

    assert response.text == ":\n\ndata: a\n\ndata: b\n\n"
    assert response.mimetype == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Accel-Buffering"] == "no"
    assert notes == torn_down == ["/feed"]


@KINDS
@VIEWS
async def test_events_are_sent_by_asgi(app, torn_down, source, is_async):
    notes = []
    add_feed(app, lambda: EventStream(source(notes)), is_async)
    server = Asgi(app)

    body = await server.body()

    assert body == b":\n\ndata: a\n\ndata: b\n\n"
    assert (b"cache-control", b"no-cache") in server.start["headers"]
    assert notes == torn_down == ["/feed"]


@KINDS
def test_head_runs_nothing_of_the_source(app, client, torn_down, source):
    notes = []
    add_feed(app, lambda: EventStream(source(notes)), is_async=False)

    with client(app).head("/feed") as response:
        assert response.data == b""

    assert notes == []
    assert torn_down == ["/feed"]


@KINDS
@VIEWS
async def test_head_by_asgi_runs_nothing_of_the_source(app, torn_down, source, is_async):
    notes = []
    add_feed(app, lambda: EventStream(source(notes)), is_async)

    assert await Asgi(app, "HEAD").body() == b""

    gc.collect()
    assert notes == []
    assert torn_down == ["/feed"]


@VIEWS
async def test_client_that_leaves_a_silent_stream_ends_it(app, torn_down, is_async):
    async def silent():
        try:
            yield "first"
            await asyncio.Event().wait()
        finally:
            notes.append(request.path)

    notes = []
    add_feed(app, lambda: EventStream(silent()), is_async)
    server = Asgi(app)
    running = asyncio.ensure_future(server.run())
    while b"first" not in await asyncio.wait_for(server.pieces.get(), 30):
        pass

    server.left.set()
    await asyncio.wait_for(running, 30)

    assert notes == torn_down == ["/feed"]


@VIEWS
async def test_client_that_leaves_a_blocking_source_ends_it_when_it_no_longer_blocks(app, is_async):
    def blocking():
        try:
            yield "first"
            go_on.wait(30)
        finally:
            notes.append(request.path)

    @app.teardown_request
    def over(exc):
        loop.call_soon_threadsafe(torn_down.set)

    notes, go_on, loop, torn_down = [], threading.Event(), asyncio.get_running_loop(), asyncio.Event()
    add_feed(app, lambda: EventStream(blocking()), is_async)
    server = Asgi(app)
    running = asyncio.ensure_future(server.run())
    while b"first" not in await asyncio.wait_for(server.pieces.get(), 30):
        pass

    server.left.set()
    await asyncio.wait_for(running, 30)
    assert not torn_down.is_set()
    go_on.set()
    await asyncio.wait_for(torn_down.wait(), 30)

    assert notes == ["/feed"]


async def test_cancelled_request_ends_the_stream(app, torn_down):
    async def silent():
        try:
            yield "first"
            await asyncio.Event().wait()
        finally:
            notes.append(request.path)

    notes = []
    add_feed(app, lambda: EventStream(silent()), is_async=True)
    server = Asgi(app)
    running = asyncio.ensure_future(server.run())
    while b"first" not in await asyncio.wait_for(server.pieces.get(), 30):
        pass

    running.cancel()
    await asyncio.wait({running}, timeout=30)

    assert notes == torn_down == ["/feed"]


@pytest.mark.parametrize("kind", ["sync", "async"])
@VIEWS
async def test_silence_is_filled_with_comments_by_asgi(app, kind, is_async):
    def sync_source():
        go_on.wait(30)
        yield "late"

    async def async_source():
        await asyncio.to_thread(go_on.wait, 30)
        yield "late"

    go_on = threading.Event()
    source = sync_source if kind == "sync" else async_source
    add_feed(app, lambda: EventStream(source(), keep_alive=0.001), is_async)
    server = Asgi(app)
    running = asyncio.ensure_future(server.run())

    pieces = [await asyncio.wait_for(server.pieces.get(), 30) for _ in range(4)]
    go_on.set()
    await asyncio.wait_for(running, 30)
    pieces += [server.pieces.get_nowait() for _ in range(server.pieces.qsize())]

    assert pieces[:4] == [b":\n\n"] * 4
    assert b"data: late\n\n" in pieces


def test_silence_of_an_async_source_is_filled_under_wsgi(app):
    async def source():
        await asyncio.to_thread(go_on.wait, 30)
        yield "late"

    go_on = threading.Event()
    add_feed(app, lambda: EventStream(source(), keep_alive=0.001), is_async=True)
    environ = app.test_request_context("/feed").environ
    pieces = iter(app(environ, lambda status, headers: None))

    assert [next(pieces) for _ in range(4)] == [b":\n\n"] * 4
    go_on.set()
    rest = b"".join(pieces)

    assert rest.replace(b":\n\n", b"") == b"data: late\n\n"


@KINDS
def test_stream_closed_by_a_wsgi_server_ends_the_source_once(app, torn_down, source):
    notes = []
    add_feed(app, lambda: EventStream(source(notes)), is_async=True)
    body = app(app.test_request_context("/feed").environ, lambda status, headers: None)
    pieces = iter(body)
    assert next(pieces) == b":\n\n"
    assert next(pieces).startswith(b"data: a")

    body.close()
    body.close()

    assert notes == torn_down == ["/feed"]


def endless(notes):
    try:
        while True:
            yield "more"
            threading.Event().wait(0.001)
    finally:
        notes.append(request.path)


async def silent_after_one(notes):
    try:
        yield "more"
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        notes.append(request.path)


async def stopped_after_one(app, stop):
    """Read the feed by ASGI up to an event, stop the server, and wait for the end."""
    server = Asgi(app)
    running = asyncio.ensure_future(server.run())
    while b"more" not in await asyncio.wait_for(server.pieces.get(), 30):
        pass
    stop()
    await asyncio.wait_for(running, 30)

    return server


@pytest.mark.parametrize("source", [endless, silent_after_one])
@VIEWS
async def test_stop_of_the_server_ends_the_stream_by_asgi(app, stop, source, is_async):
    notes, errors = [], []
    app.teardown_request(errors.append)
    add_feed(app, lambda: EventStream(source(notes)), is_async)
    server = await stopped_after_one(app, stop)

    rest = [server.pieces.get_nowait() for _ in range(server.pieces.qsize())]
    assert rest[-1] == b""  # the end of the body
    assert notes == ["/feed"]
    assert errors == [None]


@pytest.mark.parametrize("source", [endless, silent_after_one])
@VIEWS
def test_stop_of_the_server_ends_the_stream_by_wsgi(app, stop, source, is_async):
    notes, errors = [], []
    app.teardown_request(errors.append)
    add_feed(app, lambda: EventStream(source(notes), keep_alive=0.01), is_async)
    body = app(app.test_request_context("/feed").environ, lambda status, headers: None)
    pieces = iter(body)
    while b"more" not in next(pieces):
        pass

    stop()
    rest = list(pieces)
    body.close()

    assert len(rest) <= 2
    assert notes == ["/feed"]
    assert errors == [None]


async def test_stop_of_the_server_does_not_wait_for_a_source_that_blocks_in_its_thread(app, stop):
    def blocking():
        yield "more"
        go_on.wait(60)

    go_on = threading.Event()
    add_feed(app, lambda: EventStream(blocking()), is_async=True)
    server = await stopped_after_one(app, stop)
    go_on.set()

    assert server.pieces.get_nowait() == b""


async def test_stream_that_opens_after_the_stop_tells_when_to_come_again_and_ends(app, stop, torn_down):
    notes = []
    add_feed(app, lambda: EventStream(silent_after_one(notes), retry=2_000), is_async=True)
    server = Asgi(app)
    running = asyncio.ensure_future(server.run())
    while b"more" not in await asyncio.wait_for(server.pieces.get(), 30):
        pass
    stop()
    await asyncio.wait_for(running, 30)

    assert await Asgi(app).body() == b"retry: 2000\n\n"
    assert torn_down == ["/feed", "/feed"]


@KINDS
def test_test_clients_see_streams_to_their_end(app, client, stop, source):
    add_feed(app, lambda: EventStream(source([])), is_async=False)
    stop()

    assert client(app).get("/feed").text == ":\n\ndata: a\n\ndata: b\n\n"


async def test_error_of_the_source_is_seen_by_the_teardown(app):
    async def fails():
        yield "a"
        raise LookupError("broken")

    errors = []
    app.teardown_request(errors.append)
    add_feed(app, lambda: EventStream(fails()), is_async=True)

    with pytest.raises(LookupError):
        await Asgi(app).body()

    (error,) = errors
    assert isinstance(error, LookupError)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("text", "data: text"),
        ("two\nlines", "data: two\ndata: lines"),
        ({"n": 1}, 'data: {"n": 1}'),
        ([1, 2], "data: [1, 2]"),
        (5, "data: 5"),
        (Event("x", event="add", id="7", retry=9), "retry: 9\nevent: add\nid: 7\ndata: x"),
        (Event({"n": 1}), 'data: {"n": 1}'),
        (Event(comment="hi"), ": hi"),
        (Event(id=""), "id: "),
    ],
)
def test_items_of_every_kind(app, client, item, expected):
    add_feed(app, lambda: EventStream([item]), is_async=False)

    assert client(app).get("/feed").text == f":\n\n{expected}\n\n"


def test_json_is_that_of_the_application(app, client):
    app.json.sort_keys = False
    add_feed(app, lambda: EventStream([{"b": 1, "a": 2}]), is_async=False)

    assert 'data: {"b": 1, "a": 2}' in client(app).get("/feed").text


@pytest.mark.parametrize("item", [None, b"bytes"])
def test_item_that_is_a_mistake_is_named(app, client, item):
    add_feed(app, lambda: EventStream([item]), is_async=False)

    with pytest.raises(TypeError, match="event stream gave"):
        _ = client(app).get("/feed").text


def test_time_to_connect_again_goes_first(app, client):
    add_feed(
        app, lambda: EventStream(["a"], retry=2_000, status=203, headers={"X-More": "1"}), is_async=False
    )

    response = client(app).get("/feed")

    assert response.text == "retry: 2000\n\ndata: a\n\n"
    assert response.status_code == 203
    assert response.headers["X-More"] == "1"


def test_application_with_its_own_response_class_may_return_one(app, client):
    class Own(Response):
        pass

    app.response_class = Own
    add_feed(app, lambda: EventStream(["a"]), is_async=False)

    assert client(app).get("/feed").text == ":\n\ndata: a\n\n"


def test_last_event_id_is_told(app, client):
    add_feed(app, lambda: EventStream([f"after {request.last_event_id}"]), is_async=False)

    assert "after 7" in client(app).get("/feed", headers={"Last-Event-ID": "7"}).text
    assert "after None" in client(app).get("/feed").text


@pytest.mark.parametrize("field", ["event", "id"])
@pytest.mark.parametrize("value", ["a\ndata: forged", "a\rb", "a\0b"])
def test_event_cannot_be_forged_by_a_field(field, value):
    with pytest.raises(ValueError, match=field):
        Event("x", **{field: value})


@pytest.mark.parametrize("retry", [-1, 1.5, True])
def test_retry_is_a_number_of_milliseconds(retry):
    with pytest.raises(ValueError, match="milliseconds"):
        Event("x", retry=retry)
    with pytest.raises(ValueError, match="milliseconds"):
        EventStream([], retry=retry)


@pytest.mark.parametrize("seconds", [0, -1])
def test_keep_alive_is_positive(seconds):
    with pytest.raises(ValueError, match="keep_alive"):
        EventStream([], keep_alive=seconds)


@pytest.mark.parametrize("source", ["text", b"bytes", {"a": 1}, 5, None, async_events])
def test_what_is_no_source_is_refused_with_a_hint(source):
    with pytest.raises(TypeError, match="iterable of events") as caught:
        EventStream(source)

    assert ("call the function" in str(caught.value)) == callable(source)


@VIEWS
async def test_fast_source_loses_nothing(app, is_async):
    async def many():
        for number in range(5_000):
            yield str(number)

    add_feed(app, lambda: EventStream(many()), is_async)

    body = await Asgi(app).body()

    assert body.decode() == ":\n\n" + "".join(f"data: {number}\n\n" for number in range(5_000))
