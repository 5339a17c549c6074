"""What scopes of ASGI say in more ways than one is understood in one way."""

from __future__ import annotations

import asyncio

import pytest
from starlette.routing import Mount, Router

from costrel import Costrel, request, stream_with_context, url_for


@pytest.fixture(params=["sync", "async"])
def app(app, request):
    """An application whose view is sync or async, and says where it thinks it is."""
    app.testing = False

    def where(path):
        return see()

    async def where_async(path):
        return see()

    view = where if request.param == "sync" else where_async
    app.add_url_rule("/", "where", view, defaults={"path": ""})
    app.add_url_rule("/<path:path>", "where", view)
    return app


def see():
    return {
        "root": request.script_root,
        "path": request.path,
        "raw": request.environ["PATH_INFO"],
        "url": request.url,
        "own": url_for("where", path="a"),
    }


async def told(ask, asgi_scope, app, wire, **changes):
    return await ask(app.asgi, wire, {**asgi_scope(wire), **changes})


@pytest.mark.parametrize(
    ("root_path", "path", "raw_path", "root", "seen"),
    [
        ("", "/a", b"/a", "", "/a"),
        ("/", "/a", b"/a", "", "/a"),
        ("/shop", "/shop/a", b"/shop/a", "/shop", "/a"),
        ("/shop/", "/shop/a", b"/shop/a", "/shop", "/a"),
        ("/shop", "/shop/", b"/shop/", "/shop", "/"),
        ("/shop", "/a", b"/a", "/shop", "/a"),
        ("/shop", "/shopping", b"/shopping", "/shop", "/shopping"),
        ("/shop", "/shop/shop/a", b"/shop/shop/a", "/shop", "/shop/a"),
        ("/größe", "/größe/ä", b"/gr%C3%B6%C3%9Fe/%C3%A4", "/größe", "/ä"),
        ("/größe", "/größe/ä", None, "/größe", "/ä"),
        ("/shop", "/ä", b"/shop/%C3%A4", "/shop", "/ä"),
        ("", "/ä", b"/taken/away/%C3%A4", "", "/ä"),
    ],
)
async def test_the_path_begins_where_the_application_is_mounted(
    ask, wire, asgi_scope, app, root_path, path, raw_path, root, seen
):
    answer = await told(ask, asgi_scope, app, wire(), root_path=root_path, path=path, raw_path=raw_path)

    found = app.json.loads(answer.body)
    assert (found["root"], found["path"]) == (root, seen)


async def test_the_bare_mount_point_leads_to_the_root(ask, wire, asgi_scope, app):
    answer = await told(ask, asgi_scope, app, wire(), root_path="/shop", path="/shop", raw_path=b"/shop")

    assert (answer.status, dict(answer.headers)["location"]) == (308, "/shop/")


@pytest.mark.parametrize("mount", ["/shop", "/shop/", "/deep/shop"])
async def test_a_mount_of_starlette_is_understood(ask, wire, app, mount):
    outer = Router([Mount(mount, app.asgi)])
    root = mount.rstrip("/")

    answer = await ask(outer, wire(f"{root}/some/page".encode()))

    assert app.json.loads(answer.body) == {
        "raw": "/some/page",
        "root": root,
        "path": "/some/page",
        "url": f"http://localhost{root}/some/page",
        "own": f"{root}/a",
    }


@pytest.mark.parametrize("missing", ["raw_path", "client", "server", "root_path", "scheme", "http_version"])
async def test_what_a_scope_may_leave_out_is_not_missed(ask, wire, asgi_scope, app, missing):
    sent = wire(b"/a")
    scope = asgi_scope(sent)
    del scope[missing]

    answer = await ask(app.asgi, sent, scope)

    assert (answer.status, app.json.loads(answer.body)["path"]) == (200, "/a")


async def test_a_byte_that_is_no_text_is_not_lost_from_a_path(ask, wire, app):
    answer = await ask(app.asgi, wire(b"/a%FFb%C3%A4"))

    assert answer.status == 200
    assert app.json.loads(answer.body)["raw"] == "/a\xffb\xc3\xa4"


@pytest.mark.parametrize("count", [100, 10_000])
async def test_any_number_of_headers_is_read(ask, wire, app, count):
    headers = tuple((b"x-%d" % number, b"v" * 10) for number in range(count))

    answer = await ask(app.asgi, wire(b"/a", headers=((b"host", b"localhost"), *headers)))

    assert answer.status == 200


async def test_names_that_clients_choose_are_not_kept_for_ever(ask, wire, app):
    from costrel.serving import scope

    headers = tuple((b"x-made-up-%d" % number, b"v") for number in range(5_000))

    await ask(app.asgi, wire(b"/a", headers=((b"host", b"localhost"), *headers)))

    assert len(scope._keys) + len(scope._wire) <= 2 * scope._MAX_KEPT


@pytest.mark.parametrize("name", ["Content-Type", "Content-Length"])
async def test_the_body_is_described_under_one_name_only(ask, wire, name):
    app = Costrel("shop")

    @app.post("/")
    async def view():
        key = name.upper().replace("-", "_")
        return {"right": request.environ.get(key), "wrong": request.environ.get(f"HTTP_{key}")}

    sent = wire(method="POST").with_body(b"12")
    answer = await ask(
        app.asgi, wire(method="POST", pieces=(b"12",), headers=(*sent.headers, (b"content-type", b"2")))
    )

    assert app.json.loads(answer.body) == {"right": "2", "wrong": None}


@pytest.mark.parametrize(
    "read", ["get_data()", "form", "values", "files", "stream.read()", "get_json(silent=True)"]
)
@pytest.mark.parametrize("stream_body", [True, False])
async def test_what_has_no_body_can_be_read_in_an_async_view(ask, wire, read, stream_body):
    app = Costrel("shop")

    @app.get("/", stream_body=stream_body)
    async def view():
        return repr(eval(f"request.{read}"))

    answer = await ask(app.asgi, wire())

    assert answer.status == 200


@pytest.mark.parametrize(
    "pieces", [[b"0123456789"], [b"01234", b"56789"], [bytes([c]) for c in b"0123456789"]]
)
async def test_so_much_is_read_of_a_body_as_was_asked_for(ask, wire, pieces):
    app = Costrel("shop")

    @app.post("/")
    def view():
        return b"|".join(iter(lambda: request.stream.read(3), b""))

    headers = ((b"host", b"localhost"), (b"transfer-encoding", b"chunked"))
    answer = await ask(app.asgi, wire(method="POST", headers=headers, pieces=tuple(pieces)))

    assert answer.body == b"012|345|678|9"


async def test_an_answer_does_not_wait_for_a_body_that_nobody_reads(wire, asgi_scope):
    app = Costrel("shop")

    @app.post("/")
    def view():
        return "answered"

    sent, done = [], asyncio.Event()

    async def receive():
        await asyncio.get_running_loop().create_future()

    async def send(message):
        sent.append(message)
        if not message.get("more_body") and message["type"] == "http.response.body":
            done.set()

    slow = wire(method="POST", headers=((b"host", b"localhost"), (b"transfer-encoding", b"chunked")))
    async with asyncio.timeout(10):
        await app.asgi(asgi_scope(slow), receive, send)
        await done.wait()

    assert sent[0]["status"] == 200


@pytest.mark.parametrize("value", ["Basic \xff", "Basic YQ", "Basic =", "\xff", "Digest a=\xff"])
def test_a_malformed_authorization_is_none(client, value):
    app = Costrel("shop")

    @app.get("/")
    def view():
        return str(request.authorization and request.authorization.username)

    assert client(app).get("/", headers={"Authorization": value}).text == "None"


async def upper():
    async for piece in request.stream:
        yield piece.upper()


def upper_sync():
    yield b""
    while piece := request.stream.read(3):
        yield piece.upper()


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("pieces", [1, 5, 300])
async def test_a_stream_may_read_the_body_as_it_goes(ask, wire, is_async, pieces):
    app = Costrel("shop")

    async def view_async():
        return upper()

    def view():
        return stream_with_context(upper_sync())

    app.add_url_rule("/", "view", view_async if is_async else view, methods=["POST"], stream_body=True)
    headers = ((b"host", b"localhost"), (b"transfer-encoding", b"chunked"))

    async with asyncio.timeout(30):
        answer = await ask(app.asgi, wire(method="POST", headers=headers, pieces=(b"abc",) * pieces))

    assert answer.body == b"ABC" * pieces


@pytest.mark.parametrize("body_bytes", [0, 1_000])
async def test_a_stream_that_reads_no_body_ends_when_the_client_leaves(wire, asgi_scope, body_bytes):
    app = Costrel("shop")
    left = asyncio.Event()

    @app.post("/", stream_body=True)
    async def view():
        async def forever():
            try:
                while True:
                    yield b"tick"
                    await asyncio.sleep(0)
            finally:
                left.set()

        return forever()

    sent = wire(method="POST", headers=((b"host", b"localhost"), (b"transfer-encoding", b"chunked")))
    messages = [
        {"type": "http.request", "body": b"x" * body_bytes, "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive():
        await asyncio.sleep(0)
        return messages.pop(0)

    async def send(message):
        await asyncio.sleep(0)

    async with asyncio.timeout(30):
        await app.asgi(asgi_scope(sent), receive, send)

    assert left.is_set()


async def test_an_error_of_a_stream_is_heard_of_whatever_its_class(ask, wire):
    app = Costrel("shop")

    @app.get("/")
    async def view():
        async def fails():
            yield b"begun"
            raise FileNotFoundError("the stream's own")

        return fails()

    with pytest.raises(FileNotFoundError, match="the stream's own"):
        await ask(app.asgi, wire())


async def test_a_stream_that_never_waits_ends_when_the_client_leaves_a_server_that_does_not_wait_either(
    wire, asgi_scope
):
    app = Costrel("shop")
    pieces, most = 0, 10_000

    @app.get("/")
    async def view():
        async def rows():
            nonlocal pieces
            while pieces < most:
                pieces += 1
                yield b"row\n"

        return rows()

    messages = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]

    async def receive():
        await asyncio.sleep(0)
        return messages.pop(0)

    async def send(message):
        pass  # as servers do for a client that has left

    await app.asgi(asgi_scope(wire()), receive, send)

    assert pieces < most


async def test_a_client_that_leaves_while_a_stream_reads_its_body_is_no_error_of_the_server(wire, asgi_scope):
    app = Costrel("shop")
    ends = []

    @app.teardown_request
    async def tell(error):
        ends.append(type(error).__name__)

    @app.post("/", stream_body=True)
    async def view():
        return stream_with_context(upper())

    sent = wire(method="POST", headers=((b"host", b"localhost"), (b"transfer-encoding", b"chunked")))
    messages = [
        {"type": "http.request", "body": b"abc", "more_body": True},
        {"type": "http.disconnect"},
    ]
    answered = []

    async def receive():
        await asyncio.sleep(0)
        return messages.pop(0) if messages else await asyncio.Event().wait()

    async def send(message):
        answered.append(message)

    async with asyncio.timeout(30):
        await app.asgi(asgi_scope(sent), receive, send)

    assert ends == ["ClientDisconnected"]
    assert not any(
        message["type"] == "http.response.body" and not message.get("more_body") for message in answered
    )
