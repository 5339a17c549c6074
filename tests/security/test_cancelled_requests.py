"""A request over ASGI that is given up at any step is torn down once, and nothing of it goes on."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from contextlib import suppress

import pytest

from costrel import Costrel, g, request, session, signals, stream_with_context
from costrel._current import current
from costrel.core import app_methods
from costrel.core.app_methods import use_fast_lane
from costrel.sse import EventStream

PATIENCE_SECONDS = 30


class Ledger:
    """What was begun and what was ended."""

    def __init__(self):
        self.began = 0
        self.torn = []
        self.popped = 0
        self.opened = 0
        self.closed = 0
        self.unheard = []

    def is_settled(self):
        return self.began == len(self.torn) == self.popped and self.opened == self.closed


async def pause(times=2):
    for _ in range(times):
        await asyncio.sleep(0)


async def pieces(ledger):
    ledger.opened += 1
    try:
        for number in range(3):
            await pause(1)
            yield f"{number}{request.path}"
    finally:
        ledger.closed += 1
        await pause(1)


def sync_pieces(ledger):
    ledger.opened += 1
    try:
        for number in range(3):
            yield f"{number}{request.path}"
    finally:
        ledger.closed += 1


def make_app(ledger, hooks):
    app = Costrel("shop")
    app.config["SECRET_KEY"] = "a key for tests"
    app.logger.disabled = True

    async def later(*args):
        await pause(1)
        g.seen = getattr(g, "seen", 0) + 1
        return args[0] if args else None

    def now(*args):
        g.seen = getattr(g, "seen", 0) + 1
        return args[0] if args else None

    hook = {"async": later, "sync": now}.get(hooks)
    if hook is not None:
        app.before_request(hook)
        app.after_request(hook)

    def torn(error):
        ledger.torn.append(request.path)

    async def torn_later(error):
        ledger.torn.append(request.path)
        await pause(2)

    app.teardown_request(torn_later if hooks == "async" else torn)

    @app.route("/async", methods=["GET", "POST"])
    async def view_async():
        await pause()
        session["n"] = 1
        return str(len(request.get_data()))

    @app.route("/sync", methods=["GET", "POST"])
    def view_sync():
        session["n"] = 1
        return str(len(request.get_data()))

    @app.post("/reads", stream_body=True)
    async def reads():
        return str(len(await request.stream.aread()))

    @app.get("/stream")
    async def stream():
        return pieces(ledger)

    @app.get("/sync-stream")
    def sync_stream():
        return stream_with_context(sync_pieces(ledger))

    @app.get("/events")
    async def events():
        return EventStream(pieces(ledger))

    @app.get("/sync-events")
    def sync_events():
        return EventStream(sync_pieces(ledger))

    @app.get("/fails")
    async def fails():
        await pause(1)
        raise ZeroDivisionError

    return app


@pytest.fixture(params=["fast", "general"])
def lane(request):
    before = app_methods.fast_methods[0]
    use_fast_lane(request.param == "fast")
    yield request.param
    app_methods.fast_methods[0] = before


@pytest.fixture
def ledger():
    ledger = Ledger()

    def began(sender, **_):
        ledger.began += 1

    def popped(sender, **_):
        ledger.popped += 1

    with signals.appcontext_pushed.connected_to(began), signals.appcontext_popped.connected_to(popped):
        yield ledger


async def until(is_so):
    """Wait for what a thread has yet to do."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        gc.collect()
        assert time.monotonic() < deadline, "it never became so"
        await asyncio.sleep(0.001)


def hear_errors(ledger):
    asyncio.get_running_loop().set_exception_handler(lambda loop, said: ledger.unheard.append(said))


def server(scope, body):
    """Return what a server hands over, whose receive and send take a step each."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in body]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    sent = []

    async def receive():
        await pause(1)
        if messages:
            return messages.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def send(message):
        sent.append(message)
        await pause(1)

    return receive, send, sent


def settled(ledger):
    """Assert that nothing is left; to be called where the request's task was awaited."""
    gc.collect()
    assert ledger.is_settled(), vars(ledger)
    assert current.get(None) is None
    assert ledger.unheard == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


PATHS = ["async", "sync", "reads", "stream", "sync-stream", "events", "sync-events", "fails"]


@pytest.mark.parametrize("hooks", ["none", "async", "sync"])
@pytest.mark.parametrize("path", PATHS)
async def test_a_request_cancelled_at_any_step_is_torn_down_once(asgi_scope, wire, lane, ledger, hooks, path):
    app = make_app(ledger, hooks)
    hear_errors(ledger)
    method = "POST" if path in ("async", "sync", "reads") else "GET"
    asked = wire(f"/{path}".encode(), method=method)
    asked = asked.with_body(b"12", b"3") if method == "POST" else asked
    steps = 0
    while True:
        receive, send, _ = server(asked, asked.pieces)
        task = asyncio.create_task(app.asgi(asgi_scope(asked), receive, send))
        for _ in range(steps):
            if task.done():
                break
            await asyncio.sleep(0 if steps < 60 else 0.0005)
        was_done = not task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        assert task.done()
        if not task.cancelled():
            task.exception()
        # As a server, which keeps no task. Its error's frames may hold a response that a hook was given.
        del task
        await until(ledger.is_settled)
        if was_done:
            break
        # Each step of the loop at first; then what waits for a thread, at moments further and further apart.
        steps += 1 if steps < 60 else steps // 8

    # A thread may still be on its way to a request that was cancelled before it came there.
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()} and ledger.is_settled())
    settled(ledger)
    assert steps > 3


@pytest.mark.parametrize("hooks", ["none", "async", "sync"])
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fails_at", [0, 1, 2])
async def test_a_send_that_fails_ends_the_request(asgi_scope, wire, lane, ledger, hooks, path, fails_at):
    app = make_app(ledger, hooks)
    hear_errors(ledger)
    asked = wire(f"/{path}".encode(), method="POST" if path == "reads" else "GET")
    receive, _, _ = server(asked, asked.pieces)
    count = 0

    async def send(message):
        nonlocal count
        count += 1
        if count > fails_at:
            raise ConnectionResetError("the client left")

    await app.asgi(asgi_scope(asked), receive, send)

    await until(ledger.is_settled)
    settled(ledger)


@pytest.mark.parametrize("path", ["async", "sync", "reads"])
@pytest.mark.parametrize("hooks", ["none", "async"])
async def test_a_receive_that_fails_is_a_client_that_left(asgi_scope, wire, lane, ledger, hooks, path):
    app = make_app(ledger, hooks)
    hear_errors(ledger)
    asked = wire(f"/{path}".encode(), method="POST").with_body(b"12")
    _, send, sent = server(asked, asked.pieces)

    async def receive():
        raise ConnectionResetError("the client left")

    await app.asgi(asgi_scope(asked), receive, send)

    assert sent[0]["status"] == 400
    settled(ledger)


@pytest.mark.parametrize(
    "error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit, StopIteration]
)
@pytest.mark.parametrize("is_async", [True, False])
def test_whatever_a_view_raises_it_is_torn_down(asgi_scope, wire, lane, ledger, error, is_async):
    app = make_app(ledger, "none")

    def fails():
        raise error

    async def fails_later():
        await pause(1)
        raise error

    app.add_url_rule("/raises", "raises", fails_later if is_async else fails)
    asked = wire(b"/raises")
    seen = []

    async def main():
        receive, send, sent = server(asked, ())
        try:
            await app.asgi(asgi_scope(asked), receive, send)
        except BaseException as raised:
            seen.append(type(raised))
        else:
            seen.append(sent[0]["status"])
        await until(ledger.is_settled)
        assert current.get(None) is None

    with suppress(KeyboardInterrupt, SystemExit):  # asyncio lets them through besides
        asyncio.run(main())

    assert (ledger.began, len(ledger.torn)) == (1, 1)
    if error in (SystemExit, StopIteration):
        assert seen == [500]
    else:
        assert seen == [error]


@pytest.mark.parametrize("path", ["async", "sync", "stream", "sync-stream", "events", "sync-events"])
def test_a_loop_that_ends_early_leaves_no_request_behind(asgi_scope, wire, lane, ledger, path):
    app = make_app(ledger, "none")
    asked = wire(f"/{path}".encode())

    async def main():
        receive, _, _ = server(asked, ())
        begun = asyncio.Event()

        async def send(message):
            begun.set()
            await asyncio.get_running_loop().create_future()

        tasks = [asyncio.create_task(app.asgi(asgi_scope(asked), receive, send)) for _ in range(5)]
        await asyncio.wait_for(begun.wait(), PATIENCE_SECONDS)
        return tasks

    tasks = asyncio.run(main())
    gc.collect()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ledger.is_settled() and time.monotonic() < deadline:
        threading.Event().wait(0.002)

    assert all(task.done() for task in tasks)
    assert ledger.is_settled(), vars(ledger)
