"""Async streams as response bodies: the way of a WSGI server, and both faces of the body."""

import asyncio
import gc
import threading

import pytest

from costrel import Response, g, request, stream_with_context
from costrel._current import current
from costrel.core.async_body import AsyncBody
from costrel.core.streams import AsyncContextStream
from costrel.errors import ContextError
from costrel.serving.offload import finish


@pytest.fixture
def torn_down(app):
    """What teardown functions were called with, and in which thread."""
    calls = []

    @app.teardown_request
    async def of_request(exc):
        await asyncio.sleep(0)
        calls.append(("request", exc))

    @app.teardown_appcontext
    def of_app(exc):
        calls.append((threading.current_thread(), exc))

    return calls


async def letters(notes, text="abc"):
    try:
        for letter in text:
            await asyncio.sleep(0)
            yield letter
    finally:
        await asyncio.sleep(0)
        notes.append(request.path)


def open_stream(app, notes, view=None):
    """Send a WSGI request as a server does, and return the body's iterable."""
    app.add_url_rule("/here", "here", view or (lambda: letters(notes)))
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/here",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
    }

    return app(environ, lambda status, headers: None)


@pytest.mark.parametrize("is_async", [True, False])
def test_view_may_return_an_async_generator(app, client, torn_down, is_async):
    def view():
        return letters(notes)

    async def async_view():
        return letters(notes), 201, {"X-More": "1"}

    notes = []
    app.add_url_rule("/here", "here", async_view if is_async else view)

    response = client(app).get("/here")

    assert response.text == "abc"
    assert response.status_code == (201 if is_async else 200)
    assert notes == ["/here"]
    assert len(torn_down) == 2


def test_response_may_be_made_of_any_async_iterable_of_text_or_bytes(app, client):
    class Pieces:
        def __aiter__(self):
            return letters([], ["ä", b"!"])

    app.add_url_rule("/", "index", lambda: Response(Pieces(), mimetype="text/plain"))

    response = client(app).get("/")

    assert response.data == "ä!".encode()
    assert response.mimetype == "text/plain"
    assert "Content-Length" not in response.headers


def test_async_generator_sees_its_request_as_a_decorated_one_does(app, client):
    @app.get("/<name>")
    def greet(name):
        @stream_with_context
        async def pieces():
            g.seen = request.view_args["name"]
            yield "hello "
            yield g.seen

        return pieces()

    assert client(app).get("/ada").text == "hello ada"


def test_head_of_an_async_body_runs_nothing_of_it_and_is_torn_down(app, client, torn_down):
    notes = []
    app.add_url_rule("/", "index", lambda: letters(notes))

    assert client(app).head("/").data == b""

    assert notes == []
    assert len(torn_down) == 2


@pytest.mark.parametrize("ending", ["read", "closed early", "never read", "dropped", "dropped half way"])
def test_async_stream_is_torn_down_once_in_the_servers_thread(app, torn_down, ending):
    notes = []
    body = open_stream(app, notes)
    assert torn_down == []

    if ending == "read":
        assert list(body) == [b"a", b"b", b"c"]
    elif ending in ("closed early", "dropped half way"):
        assert next(iter(body)) == b"a"
    if not ending.startswith("dropped"):
        body.close()
        body.close()
    del body
    gc.collect()

    assert torn_down == [("request", None), (threading.current_thread(), None)]
    assert notes == (["/here"] if ending in ("read", "closed early", "dropped half way") else [])
    assert current.get(None) is None


def test_error_in_an_async_stream_reaches_the_server_and_the_teardown(app, torn_down):
    async def fails():
        yield "a"
        raise LookupError("broken")

    body = open_stream(app, [], fails)

    with pytest.raises(LookupError):
        list(body)
    body.close()

    ((_, first), (_, second)) = torn_down
    assert isinstance(first, LookupError)
    assert second is first


def test_pieces_are_made_one_at_a_time_as_the_server_takes_them(app):
    async def counts():
        for number in range(100):
            made.append(number)
            yield "x"

    made = []
    body = open_stream(app, [], counts)

    next(iter(body))
    assert made == [0]

    body.close()


def test_timeouts_and_task_groups_may_span_the_pieces(app, client):
    @app.get("/")
    async def index():
        async def pieces():
            async with asyncio.timeout(30), asyncio.TaskGroup() as group:
                for letter in "ab":
                    yield await group.create_task(asyncio.sleep(0, letter))

        return pieces()

    assert client(app).get("/").text == "ab"


def test_body_can_be_read_before_it_is_sent(app, client):
    @app.get("/")
    def index():
        response = Response(letters([]))
        response.set_data(response.get_data().upper())
        return response

    assert client(app).get("/").text == "ABC"


def test_async_body_outside_of_a_context_is_refused_with_the_reason():
    with pytest.raises(ContextError, match="async body"):
        Response(letters([])).get_data()


async def test_what_a_wsgi_server_gets_has_an_asynchronous_face(app, torn_down):
    notes = []
    body = await asyncio.to_thread(open_stream, app, notes)

    pieces = [piece async for piece in body]
    await body.aclose()

    assert pieces == [b"a", b"b", b"c"]
    assert notes == ["/here"]
    assert len(torn_down) == 2


async def test_asynchronous_face_closed_early_is_torn_down_once(app, torn_down):
    notes = []
    body = await asyncio.to_thread(open_stream, app, notes)
    assert await anext(aiter(body)) == b"a"

    await body.aclose()
    await body.aclose()

    assert notes == ["/here"]
    assert len(torn_down) == 2


async def test_asynchronous_face_that_is_dropped_is_closed(app):
    @app.teardown_request
    def over(exc):
        loop.call_soon_threadsafe(done.set)

    notes, done, loop = [], asyncio.Event(), asyncio.get_running_loop()
    body = await asyncio.to_thread(open_stream, app, notes)
    assert await anext(aiter(body)) == b"a"

    del body
    gc.collect()
    await asyncio.wait_for(done.wait(), 10)

    assert notes == ["/here"]


async def test_silence_is_filled_and_what_is_there_goes_out_together():
    async def source():
        yield "a"
        yield "b"
        await come.wait()
        yield "c"

    come = asyncio.Event()
    body = AsyncBody(source(), finish, first=b"^", idle=b".", idle_seconds=0.001, ahead=5)

    assert await anext(body) == b"^"
    got = await anext(body)
    while not got.endswith(b"."):
        got += await anext(body)
    assert got.strip(b".") == b"ab"
    come.set()
    got = b""
    async for piece in body:
        got += piece

    assert got.strip(b".") == b"c"


def test_released_context_is_not_held_again(app):
    ctx = app.test_request_context()
    ctx.push()
    body = AsyncBody(AsyncContextStream(ctx, letters([])), finish)
    assert list(body) == [b"a", b"b", b"c"]

    body.close()
    ctx.pop()

    assert ctx._holds == 0


async def test_closing_on_an_event_loop_does_not_wait_for_itself(app):
    @app.teardown_request
    def over(exc):
        loop.call_soon_threadsafe(done.set)

    notes, done, loop = [], asyncio.Event(), asyncio.get_running_loop()
    body = await asyncio.to_thread(open_stream, app, notes)
    assert await anext(aiter(body)) == b"a"

    body.close()
    body.close()
    await asyncio.wait_for(done.wait(), 10)

    assert notes == ["/here"]


def test_body_dropped_in_another_thread_is_closed_on_its_loop(app):
    @app.teardown_request
    def over(exc):
        done.set()

    notes, done = [], threading.Event()
    bodies = [open_stream(app, notes)]
    assert next(iter(bodies[0])) == b"a"

    thread = threading.Thread(target=bodies.clear)
    thread.start()
    thread.join()
    assert done.wait(10)

    assert notes == ["/here"]
