"""RSGI: what an application hears of a request, and by which of the protocol's ways it answers."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextlib import suppress
from time import monotonic
from types import SimpleNamespace

import pytest

from costrel import Costrel, g, request, send_file, websocket
from costrel.serving.rsgi import begin_rsgi, end_rsgi
from costrel.serving.rsgi_scope import scope_of
from costrel.sse import EventStream


class Broken(RuntimeError):
    """What granian raises of a connection that is gone."""


class Body:
    """A body in pieces, as granian gives it: an empty one ends it; by HTTP/1 two mean that it broke off."""

    def __init__(self, pieces):
        self.pieces = [*pieces]

    def __aiter__(self):
        return self

    def __anext__(self):
        if not self.pieces:
            raise StopAsyncIteration  # at once, not from an awaitable

        return self._next()

    async def _next(self):
        piece = self.pieces.pop(0)
        if piece is Broken:
            raise Broken
        return piece


class Stream:
    """What granian gives for a body in pieces; it ends when nobody has it any more."""

    def __init__(self, send_bytes):
        self.send_bytes = send_bytes


class Protocol:
    """What granian hands an application beside the scope."""

    def __init__(self, pieces=()):
        self.pieces = [*pieces, b""]
        self.answers = []
        self.sent = []
        self.has_left = asyncio.Event()
        self.is_whole_read = False

    async def __call__(self):
        self.is_whole_read = True
        if Broken in self.pieces:
            raise Broken
        return b"".join(self.pieces)

    def __aiter__(self):
        return Body(self.pieces)

    async def client_disconnect(self):
        await self.has_left.wait()

    def __getattr__(self, name):
        if not name.startswith("response_"):
            raise AttributeError(name)

        def answer(status, headers, *rest):
            assert not self.answers, "answered twice"
            self.answers.append((name, status, dict(headers), *rest))
            if name == "response_stream":
                stream = Stream(self._send_bytes)
                self.stream = weakref.ref(stream)
                return stream
            return None

        return answer

    async def _send_bytes(self, data):
        assert type(data) is bytes
        if self.has_left.is_set():
            raise Broken
        self.sent.append(data)


def rsgi_scope(path="/", *, method="GET", headers=(), **others):
    path, _, query = path.partition("?")
    items = [("host", "localhost"), *headers]
    return SimpleNamespace(
        **{
            "proto": "http",
            "rsgi_version": "1.6",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "query_string": query,
            "scheme": "http",
            "client": "127.0.0.1:5000",
            "server": "127.0.0.1:80",
            "authority": None,
            "headers": SimpleNamespace(items=lambda: items),
            **others,
        }
    )


async def ask(app, path="/", *, pieces=(), **options):
    protocol = Protocol(pieces)
    await app.__rsgi__(rsgi_scope(path, **options), protocol)
    (answer,) = protocol.answers

    return protocol, answer


@pytest.fixture(params=["async", "sync"])
def view_of(request):
    """Make a view of either kind out of a function."""

    def make(function):
        async def view(**values):
            return function(**values)

        view.__name__ = function.__name__
        return view if request.param == "async" else function

    return make


async def test_whole_body_is_one_call_with_text_headers(app, view_of):
    app.get("/<name>")(view_of(lambda name: f"hello {name}"))

    _, answer = await ask(app, "/pear")

    kind, status, headers, body = answer
    assert (kind, status, body) == ("response_bytes", 200, b"hello pear")
    assert headers["content-length"] == "10"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_body_that_is_not_sent_is_the_empty_answer(app, view_of, method, status):
    app.get("/")(view_of(lambda: ("some text", status)))

    _, answer = await ask(app, method=method)

    assert answer[:2] == ("response_empty", status)


async def test_request_is_that_of_the_scope(app, view_of):
    def view():
        return {
            "url": request.url,
            "args": request.args.to_dict(),
            "addr": request.remote_addr,
            "agent": request.headers["User-Agent"],
            "cookie": request.cookies["a"],
            "server": request.server,
            "raw": request.environ["RAW_URI"],
            "scope": sorted(request.environ["asgi.scope"]),
        }

    app.get("/ö/x y")(view_of(view))
    headers = [("user-agent", "probe"), ("cookie", "a=1"), ("cookie", "b=2")]

    _, answer = await ask(app, "/ö/x y?q=%C3%B6", headers=headers)

    assert answer[0] == "response_bytes"
    assert app.json.loads(answer[3]) == {
        "url": "http://localhost/ö/x%20y?q=ö",
        "args": {"q": "ö"},
        "addr": "127.0.0.1",
        "agent": "probe",
        "cookie": "1",
        "server": ["127.0.0.1", 80],
        "raw": "/%C3%B6/x%20y?q=%C3%B6",
        "scope": sorted(
            [
                "asgi",
                "client",
                "extensions",
                "headers",
                "http_version",
                "method",
                "path",
                "query_string",
                "raw_path",
                "root_path",
                "scheme",
                "server",
                "state",
                "type",
            ]
        ),
    }


@pytest.mark.parametrize("sent", [[], [("host", "evil.example")]])
def test_host_of_http2_is_the_authority_whatever_stands_beside_it(sent):
    two = rsgi_scope(http_version="2", authority="shop.example")
    two.headers.items = lambda: [*sent, ("accept", "*/*")]

    assert scope_of(two, "http")["headers"] == [(b"accept", b"*/*"), (b"host", b"shop.example")]


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:80", ("::1", 80)), ("/run/s.sock", ("/run/s.sock", None))],
)
def test_addresses_are_read(text, address):
    assert scope_of(rsgi_scope(server=text), "http")["server"] == address


def test_a_query_that_is_not_ascii_is_as_it_was_sent():
    assert scope_of(rsgi_scope("/a?b=ä€"), "http")["query_string"] == "b=ä€".encode()


def test_scope_looks_like_any_dict_for_middleware():
    scope = scope_of(rsgi_scope("/a?b=c"), "http")

    assert scope.get("query_string") == b"b=c"
    assert scope.get("nothing", 1) == 1
    with pytest.raises(KeyError):
        scope["nothing"]
    assert {**scope}["raw_path"] == b"/a"


# Bodies of requests.


@pytest.mark.parametrize(
    ("pieces", "headers", "at_once"),
    [
        ([b"one", b"two"], [("content-length", "6")], True),
        ([b"x" * 40_000, b"y" * 40_000], [("content-length", "80000")], False),
        ([b"one", b"two"], [("transfer-encoding", "chunked")], False),
    ],
    ids=["short", "long", "chunked"],
)
async def test_body_is_read_whole(app, view_of, pieces, headers, at_once):
    app.post("/")(view_of(lambda: request.get_data()))

    protocol, answer = await ask(app, method="POST", pieces=pieces, headers=headers)

    assert answer[3] == b"".join(pieces)
    assert protocol.is_whole_read == at_once


@pytest.mark.parametrize("pieces", [[b"one", b"two"], [b"one", b"two", b""], [b"", b"one", b"", b"two"]])
async def test_body_by_http2_may_have_empty_frames(app, view_of, pieces):
    app.post("/")(view_of(lambda: request.get_data()))

    _, answer = await ask(app, method="POST", pieces=pieces, http_version="2")

    assert answer[3] == b"onetwo"


@pytest.mark.parametrize("headers", [[], [("content-length", "80000")]])
async def test_body_by_http2_that_broke_off_is_400(app, view_of, headers):
    app.post("/")(view_of(lambda: request.get_data()))
    endless = [b"one"] + [b""] * 1_000

    _, answer = await ask(app, method="POST", pieces=endless, headers=headers, http_version="2")

    assert answer[1] == 400


async def test_body_is_read_piece_by_piece_by_a_view_that_wants_it_so(app):
    @app.post("/", stream_body=True)
    async def view():
        return [len(piece) async for piece in request.stream]

    pieces = [b"x" * 50_000, b"y" * 30_000]
    _, answer = await ask(app, method="POST", pieces=pieces, headers=[("content-length", "80000")])

    assert app.json.loads(answer[3]) == [50_000, 30_000]


@pytest.mark.parametrize(
    ("pieces", "headers"),
    [
        ([b"one"], [("content-length", "80000")]),
        ([b"one", Broken], [("content-length", "80000")]),
        ([Broken], [("content-length", "6")]),
        ([b"one", b"", b""], [("transfer-encoding", "chunked")]),
        ([b"one", Broken], [("transfer-encoding", "chunked")]),
    ],
    ids=["long", "long, error", "short", "chunked", "chunked, error"],
)
async def test_body_that_breaks_off_is_never_taken_for_whole(app, view_of, pieces, headers):
    taken = []
    app.post("/")(view_of(lambda: taken.append(request.get_data()) or "taken"))

    _, answer = await ask(app, method="POST", pieces=pieces, headers=headers)

    assert answer[1] == 400
    assert not taken


# Streams.


async def test_stream_is_sent_piece_by_piece(app, view_of):
    app.get("/")(view_of(lambda: (piece for piece in ("one", "two"))))

    protocol, answer = await ask(app)

    assert answer[:2] == ("response_stream", 200)
    assert b"".join(protocol.sent) == b"onetwo"


async def test_stream_of_an_async_generator_is_sent_and_closed(app):
    events = []

    @app.get("/")
    async def view():
        async def body():
            try:
                yield "one"
                yield "two"
            finally:
                events.append("closed")

        return body()

    protocol, _ = await ask(app)

    assert protocol.sent == [b"one", b"two"]
    assert events == ["closed"]


async def test_stream_ends_when_the_client_leaves(app):
    events = []
    app.teardown_request(lambda error: events.append("torn down"))
    protocol = Protocol()

    @app.get("/")
    async def view():
        async def body():
            try:
                yield "one"
                protocol.has_left.set()
                await asyncio.get_running_loop().create_future()
            finally:
                events.append("closed")

        return body()

    await asyncio.wait_for(app.__rsgi__(rsgi_scope(), protocol), 10)

    assert events == ["closed", "torn down"]


@pytest.mark.parametrize("source", ["sync", "async"])
@pytest.mark.parametrize("is_event_stream", [False, True], ids=["stream", "event stream"])
async def test_stream_that_fails_is_let_go_of_so_that_its_client_does_not_wait(
    app, view_of, source, is_event_stream
):
    def pieces():
        yield "one"
        raise OSError("the disk is gone")

    async def async_pieces():
        yield "one"
        raise OSError("the disk is gone")

    fails = pieces if source == "sync" else async_pieces
    app.get("/")(view_of(lambda: EventStream(fails()) if is_event_stream else fails()))
    protocol = Protocol()
    gc.disable()  # which would come sooner or later
    try:
        with suppress(OSError):
            await app.__rsgi__(rsgi_scope(), protocol)
        deadline = monotonic() + 30
        while protocol.stream() is not None and monotonic() < deadline:
            await asyncio.sleep(0)  # a worker thread lets go of it too
    finally:
        gc.enable()

    assert protocol.sent == [b":\n\n", b"data: one\n\n"] if is_event_stream else [b"one"]
    assert protocol.stream() is None


async def test_piece_for_a_client_that_has_left_is_no_error_of_the_application(app):
    protocol = Protocol()
    protocol.client_disconnect = asyncio.get_running_loop().create_future

    @app.get("/")
    async def view():
        async def body():
            yield "one"
            protocol.has_left.set()
            yield "two"

        return body()

    await asyncio.wait_for(app.__rsgi__(rsgi_scope(), protocol), 10)

    assert protocol.sent == [b"one"]


# Files.


@pytest.mark.parametrize(
    ("headers", "status", "way"),
    [
        ([], 200, ("response_file",)),
        ([("range", "bytes=100000-199999")], 206, ("response_file_range", 100_000, 200_000)),
    ],
    ids=["whole", "range"],
)
async def test_file_is_sent_by_its_path(app, view_of, tmp_path, headers, status, way):
    path = tmp_path / "long.bin"
    path.write_bytes(bytes(300_000))
    app.get("/")(view_of(lambda: send_file(path)))

    _, answer = await ask(app, headers=headers)

    assert (answer[0], *answer[4:]) == way
    assert (answer[1], answer[3]) == (status, str(path))
    assert answer[2]["content-length"] == ("100000" if headers else "300000")


# What applications put in front.


async def test_asgi_middleware_sees_a_whole_scope(app, view_of):
    app.get("/")(view_of(lambda: request.environ["asgi.scope"]["from"]))
    seen = []

    class Middleware:
        def __init__(self, wrapped):
            self.wrapped = wrapped

        async def __call__(self, scope, receive, send):
            seen.append(type(dict(scope)["client"]))
            await self.wrapped({**scope, "from": "middleware"}, receive, send)

    app.asgi_app = Middleware(app.asgi_app)
    _, answer = await ask(app)

    assert answer[3] == b"middleware"
    assert seen == [tuple]


async def test_trusted_proxies_are_heard(app, view_of):
    app.config["TRUSTED_PROXIES"] = 1
    app.get("/")(view_of(lambda: f"{request.remote_addr} {request.scheme}"))

    headers = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https")]
    _, answer = await ask(app, headers=headers)

    assert answer[3] == b"192.0.2.7 https"


async def test_asgi_object_serves_rsgi_too(app, view_of):
    app.get("/")(view_of(lambda: "hello"))
    protocol = Protocol()

    await app.asgi.__rsgi__(rsgi_scope(), protocol)

    assert protocol.answers[0][3] == b"hello"


async def test_error_of_an_application_is_a_500_and_torn_down(app, view_of):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    errors = []
    app.teardown_request(errors.append)

    def view():
        raise KeyError("told to")

    app.get("/")(view_of(view))
    _, answer = await ask(app)

    assert answer[1] == 500
    assert [type(error) for error in errors] == [KeyError]


# Lifespan.


def run_serving(app, loop):
    app.__rsgi_init__(loop)
    app.__rsgi_del__(loop)


@pytest.fixture
def loop():
    """A loop that stands still."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_what_goes_round_serving_runs_when_the_server_says_so(loop):
    app = Costrel("shop")
    events = []

    @app.before_serving
    def before():
        events.append("before")

    @app.while_serving
    async def around():
        events.append(asyncio.get_running_loop() is loop)
        yield
        events.append("around")

    @app.after_serving
    async def after():
        events.append("after")

    app.__rsgi_init__(loop)
    assert events == ["before", True]
    app.__rsgi_del__(loop)

    assert events == ["before", True, "after", "around"]


def test_server_is_told_of_an_application_that_cannot_begin(loop, caplog):
    app = Costrel("shop")

    @app.before_serving
    async def fail():
        raise OSError("no database")

    with pytest.raises(RuntimeError, match="no database"):
        begin_rsgi(app, loop)

    app.__rsgi_del__(loop)  # granian calls it all the same


def test_error_of_middleware_at_the_beginning_is_raised(loop):
    app = Costrel("shop")

    async def broken(scope, receive, send):
        raise OSError("no lifespan here")

    app.asgi_app = broken
    with pytest.raises(OSError, match="no lifespan"):
        begin_rsgi(app, loop)


def test_middleware_that_knows_no_lifespan_serves_all_the_same(loop):
    app = Costrel("shop")

    async def silent(scope, receive, send):
        return

    app.asgi_app = silent
    end_rsgi(begin_rsgi(app, loop))


# WebSockets.


class SocketProtocol:
    """What granian hands an application for a WebSocket."""

    def __init__(self, *messages):
        self.messages = [*messages]
        self.sent = []
        self.closed = []

    async def accept(self):
        return self

    def close(self, status=None):
        self.closed.append(status)

    async def receive(self):
        if not self.messages:
            raise Broken
        kind, data = self.messages.pop(0)
        return SimpleNamespace(kind=kind, data=data)

    async def send_str(self, data):
        self.sent.append(data)

    async def send_bytes(self, data):
        self.sent.append(data)


SOCKET_HEADERS = [("upgrade", "websocket"), ("connection", "Upgrade")]


async def connect(app, path, *messages):
    protocol = SocketProtocol(*messages)
    await asyncio.wait_for(app.__rsgi__(rsgi_scope(path, proto="ws", headers=SOCKET_HEADERS), protocol), 10)

    return protocol


@pytest.mark.parametrize("end", [[(0, None)], []], ids=["closed", "vanished"])
async def test_websocket_echoes_until_the_client_goes(app, end):
    events = []
    app.teardown_websocket(lambda error: events.append((g.room, error)))

    @app.websocket("/<room>")
    async def echo(ws, room):
        g.room = room
        await ws.send(websocket.path)
        async for message in ws:
            await ws.send(message)

    protocol = await connect(app, "/kitchen", (2, "text"), (1, b"bytes"), *end)

    assert protocol.sent == ["/kitchen", "text", b"bytes"]
    assert events == [("kitchen", None)]


@pytest.mark.parametrize(("path", "status"), [("/missing", 404), ("/closed", 403)])
async def test_refusal_of_a_websocket_has_its_status(app, path, status):
    @app.websocket("/closed")
    async def closed(ws):
        raise AssertionError("not called")

    @app.before_websocket
    async def refuse():
        return "closed", status

    protocol = await connect(app, path)

    assert protocol.closed == [status]
    assert protocol.sent == []
