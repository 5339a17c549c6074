"""A WebSocket handler gets its connection and its URL's values, whichever way it is written."""

from __future__ import annotations

import threading
from functools import wraps

import pytest

from costrel import (
    Blueprint,
    WebSocketDisconnect,
    current_app,
    g,
    has_websocket_context,
    request,
    url_for,
    websocket,
)
from costrel.errors import ContextError, SetupError
from costrel.sessions import SessionInterface, SessionMixin
from costrel.sockets import WebSocket, WebSocketView


@pytest.mark.parametrize(
    "style", ["async", "sync", "proxy", "sync-proxy", "class", "sync-class", "decorated"]
)
def test_a_handler_of_any_style_echoes_and_knows_its_room(app, connect, run, style):
    async def asynchronous(ws, room):
        await ws.send(room)
        async for message in ws:
            await ws.send(message)

    def synchronous(ws, room):
        ws.send(room)
        for message in ws:
            ws.send(message)

    async def by_proxy(room):
        await websocket.send(room)
        async for message in websocket:
            await websocket.send(message)

    def by_proxy_in_a_thread(room):
        websocket.send(room)
        while True:
            websocket.send(websocket.receive())

    class Echo(WebSocketView):
        async def on_connect(self, ws, room):
            await ws.send(room)

        async def on_message(self, ws, message):
            await ws.send(message)

    class Blocking(WebSocketView):
        def handle(self, ws, room):
            synchronous(ws, room)

    @wraps(asynchronous)
    async def decorated(*args, **kwargs):
        await asynchronous(*args, **kwargs)

    handlers = {
        "async": asynchronous,
        "sync": synchronous,
        "proxy": by_proxy,
        "sync-proxy": by_proxy_in_a_thread,
        "class": Echo.as_view("echo"),
        "sync-class": Blocking.as_view("echo"),
        "decorated": decorated,
    }
    app.add_websocket("/rooms/<room>", view_func=handlers[style])

    async def main():
        async with connect("/rooms/hall") as client:
            said = [await client.receive()]
            for message in ("text", b"bytes", ""):
                await client.send(message)
                said.append(await client.receive())
        return said

    assert run(main) == ["hall", "text", b"bytes", ""]


def test_converters_and_defaults_give_values_as_for_views(app, connect, run):
    @app.websocket("/items/<int:number>", defaults={"page": 1})
    @app.websocket("/items/<int:number>/<int:page>")
    async def items(ws, number, page):
        await ws.send_json([number, page])

    async def main():
        async with connect("/items/7") as one, connect("/items/7/2") as two:
            return await one.receive(), await two.receive()

    assert run(main) == ("[7, 1]", "[7, 2]")


def test_the_connection_says_what_the_request_said(app, connect, run):
    @app.websocket("/ws/<room>")
    async def ws(ws, room):
        await ws.send_json(
            {
                "args": ws.args["a"],
                "header": ws.headers["X-Name"],
                "cookie": ws.cookies["c"],
                "path": ws.path,
                "host": ws.host,
                "scheme": ws.scheme,
                "url": ws.url,
                "remote": ws.remote_addr,
                "endpoint": ws.endpoint,
                "view_args": ws.view_args,
            }
        )

    async def main():
        headers = {"Host": "shop.example", "X-Name": "Ada", "Cookie": "c=1"}
        async with connect("/ws/hall?a=b", headers) as client:
            return app.json.loads(await client.receive())

    assert run(main) == {
        "args": "b",
        "header": "Ada",
        "cookie": "1",
        "path": "/ws/hall",
        "host": "shop.example",
        "scheme": "ws",
        "url": "ws://shop.example/ws/hall?a=b",
        "remote": "127.0.0.1",
        "endpoint": "ws",
        "view_args": {"room": "hall"},
    }


@pytest.mark.parametrize("is_async", [True, False])
def test_the_proxies_work_in_a_handler(app, connect, run, is_async):
    app.add_url_rule("/page", "page", lambda: "")

    def facts():
        g.seen = "here"
        return [current_app.name, g.seen, url_for("page"), request.args["a"], has_websocket_context()]

    if is_async:

        @app.websocket("/ws")
        async def ws(ws):
            await ws.send_json(facts())
    else:

        @app.websocket("/ws")
        def ws(ws):
            ws.send_json(facts())

    async def main():
        async with connect("/ws?a=b") as client:
            return app.json.loads(await client.receive())

    assert run(main) == [app.name, "here", "/page", "b", True]


def test_contexts_of_connections_are_apart(app, connect, run):
    @app.websocket("/ws/<name>")
    async def ws(ws, name):
        g.name = name
        await ws.receive()
        await ws.send(g.name)

    async def main():
        async with connect("/ws/a") as a, connect("/ws/b") as b:
            await b.send("")
            await a.send("")
            return await a.receive(), await b.receive()

    async def accepted():
        app.before_websocket_funcs[None].append(websocket_accept)
        return await main()

    async def websocket_accept():
        await websocket.accept()

    assert run(accepted) == ("a", "b")


def test_blueprints_bring_routes_prefixes_and_names(app, connect, run):
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    outer = Blueprint("outer", __name__)

    @inner.websocket("/ws")
    async def ws(ws):
        await ws.send_json([ws.endpoint, ws.blueprints, url_for(".ws")])

    outer.register_blueprint(inner)
    app.register_blueprint(outer, url_prefix="/outer")

    async def main():
        async with connect("/outer/inner/ws") as client:
            return app.json.loads(await client.receive())

    assert run(main) == ["outer.inner.ws", ["outer.inner", "outer"], "ws://localhost/outer/inner/ws"]


def test_http_and_websockets_never_match_each_others_rules(app, connect, run, Refused):
    app.add_url_rule("/page", "page", lambda: "")
    app.add_url_rule("/both", "both_http", lambda: "by http")

    @app.websocket("/ws")
    async def ws(ws):
        await ws.accept()

    @app.websocket("/both")
    async def both(ws):
        await ws.send("by websocket")

    async def main():
        with pytest.raises(Refused) as caught:
            await connect("/page").open()
        async with connect("/both") as client:
            return caught.value.status, await client.receive()

    assert run(main) == (400, "by websocket")
    assert app.test_client().get("/ws").status_code == 400
    assert app.test_client().get("/both").text == "by http"


def test_url_for_names_the_scheme_of_a_websocket(app):
    @app.websocket("/ws/<room>")
    async def chat(ws, room):
        pass

    with app.test_request_context("/", base_url="https://shop.example"):
        assert url_for("chat", room="hall") == "wss://shop.example/ws/hall"


def test_a_handler_is_checked_against_its_rule_at_setup(app):
    with pytest.raises(SetupError) as caught:

        @app.websocket("/ws/<room>")
        async def chat(ws, rom):
            pass

    assert "<room>" in caught.value.problem
    assert "def chat(room)" in caught.value.hint


def test_a_second_handler_for_an_endpoint_is_refused(app):
    @app.websocket("/a")
    async def chat(ws):
        pass

    with pytest.raises(SetupError):
        app.add_websocket("/b", "chat", lambda ws: None)


def test_one_handler_may_have_several_routes(app, connect, run):
    @app.websocket("/a")
    @app.websocket("/b")
    async def chat(ws):
        await ws.send(ws.path)

    async def main():
        async with connect("/a") as a, connect("/b") as b:
            return await a.receive(), await b.receive()

    assert run(main) == ("/a", "/b")


def test_outside_of_a_websocket_the_proxy_says_so(app):
    with app.test_request_context(), pytest.raises(ContextError) as caught:
        websocket.path

    assert "websocket" in caught.value.problem
    assert "@app.websocket" in caught.value.hint
    assert not has_websocket_context()


def test_a_class_of_connections_may_be_replaced(app, connect, run):
    class Shouting(WebSocket):
        async def send(self, data):
            await super().send(data.upper())

    app.websocket_class = Shouting

    @app.websocket("/ws")
    async def ws(ws):
        await ws.send("hello")

    async def main():
        async with connect("/ws") as client:
            return await client.receive()

    assert run(main) == "HELLO"


def test_a_class_is_told_of_the_end_with_its_code(app, connect, run):
    ended = []

    class Listener(WebSocketView):
        async def on_disconnect(self, ws, code):
            ended.append(code)

    app.add_websocket("/ws", view_func=Listener.as_view("listener"))

    async def main():
        async with connect("/ws") as client:
            await client.leave(1_001)
            await client.done()

    run(main)

    assert ended == [1_001]


def test_a_subprotocol_is_agreed_on(app, connect, run):
    @app.websocket("/ws")
    async def ws(ws):
        with pytest.raises(ValueError, match="does not offer"):
            await ws.accept(subprotocol="v9")
        await ws.accept({"X-Extra": "1"}, subprotocol=ws.requested_subprotocols[1])
        await ws.send(ws.subprotocol)

    async def main():
        async with connect("/ws", subprotocols=["v2", "v1"]) as client:
            return client.accepted, await client.receive()

    accepted, said = run(main)

    assert accepted["subprotocol"] == said == "v1"
    assert (b"x-extra", b"1") in accepted["headers"]


def test_a_header_of_the_handshake_cannot_carry_a_line_break(app, connect, run):
    @app.websocket("/ws")
    async def ws(ws):
        with pytest.raises(ValueError, match="newline"):
            await ws.accept({"X-Extra": "1\r\nSet-Cookie: a=b"})
        await ws.send("refused")

    async def main():
        async with connect("/ws") as client:
            return await client.receive()

    assert run(main) == "refused"


def test_the_session_is_read_and_written_before_the_connection_is_accepted(app, connect, run):
    @app.websocket("/ws")
    async def ws(ws):
        ws.session["visits"] = ws.session.get("visits", 0) + 1
        await ws.send_json(ws.session["visits"])

    async def main():
        async with connect("/ws") as client:
            cookie = dict(client.accepted["headers"])[b"set-cookie"].decode().partition(";")[0]
        async with connect("/ws", {"Cookie": cookie}) as client:
            return await client.receive()

    assert run(main) == "2"


def test_a_sync_handler_has_a_thread_of_its_own_and_may_wait_with_a_bound(app, connect, run):
    threads = []

    @app.websocket("/ws")
    def ws(ws):
        threads.append(threading.current_thread().name)
        ws.accept()
        with pytest.raises(TimeoutError):
            ws.receive(timeout_seconds=0.01)
        ws.send("late")
        ws.send(ws.receive_text())
        ws.send_json(ws.receive_json())
        ws.send(ws.receive_bytes())
        ws.close(3_000, "enough")

    async def main():
        async with connect("/ws") as client:
            said = [await client.receive()]
            for message in ("text", '{"a": 1}', b"bytes"):
                await client.send(message)
                said.append(await client.receive())
            return said, await client.closed()

    assert run(main) == (["late", "text", '{"a": 1}', b"bytes"], 3_000)
    assert threads == ["costrel-websocket"]


def test_more_sync_handlers_than_the_pool_has_threads_are_served_at_once(app, connect, run, monkeypatch):
    monkeypatch.setattr("costrel.serving.threads.MAX_THREADS", 2)

    @app.websocket("/ws")
    def ws(ws):
        for message in ws:
            ws.send(message)

    async def main():
        clients = [connect("/ws") for _ in range(50)]
        for client in clients:
            await client.open()
            await client.send("x")
        said = [await client.receive() for client in clients]
        for client in clients:
            await client.leave()
            await client.done()
        return said

    assert run(main) == ["x"] * 50


def test_a_client_that_left_ends_receive_and_send(app, connect, run):
    seen = []

    @app.websocket("/ws")
    async def ws(ws):
        for operation in (ws.receive, lambda: ws.send("x"), ws.receive):
            try:
                await operation()
            except WebSocketDisconnect as error:
                seen.append((error.code, error.reason))
        seen.append((ws.is_closed, ws.close_code))

    async def main():
        async with connect("/ws") as client:
            await client.leave(4_000, "bored")
            await client.done()

    run(main)

    assert seen == [(4_000, "bored")] * 3 + [(True, 4_000)]


def test_a_route_of_a_wsgi_extension_is_refused_with_a_word_in_the_log(app, connect, run, Refused, caplog):
    app.add_url_rule("/sock", "sock", lambda: "", websocket=True)

    async def main():
        with pytest.raises(Refused) as caught:
            await connect("/sock").open()
        return caught.value.status

    assert run(main) == 501
    assert "@app.websocket" in caplog.text


def test_a_preprocessor_changes_the_values_of_the_url(app, connect, run):
    @app.url_value_preprocessor
    def take_language(endpoint, values):
        g.language = values.pop("language")

    @app.websocket("/<language>/<room>")
    async def ws(ws, room):
        await ws.send(f"{g.language} {room}")

    async def main():
        async with connect("/en/hall") as client:
            return await client.receive()

    assert run(main) == "en hall"


def test_subdomains_and_mount_points_are_as_for_views(app, connect, run):
    app.config["SERVER_NAME"] = "shop.example"
    app.subdomain_matching = True

    @app.websocket("/ws", subdomain="<name>")
    async def ws(ws, name):
        await ws.send_json([name, url_for("ws", name="other")])

    async def main():
        scope = {"root_path": "/mounted", "path": "/mounted/ws", "raw_path": b"/mounted/ws"}
        async with connect("/ws", {"Host": "api.shop.example"}, scope=scope) as client:
            return app.json.loads(await client.receive())

    assert run(main) == ["api", "ws://other.shop.example/mounted/ws"]


@pytest.mark.parametrize("host", ["evil.example", "a:1:2"])
def test_a_host_that_is_not_trusted_is_a_400(app, connect, run, Refused, host):
    app.config["TRUSTED_HOSTS"] = ["shop.example"]
    app.websocket("/ws")(lambda ws: None)

    async def main():
        with pytest.raises(Refused) as caught:
            await connect("/ws", {"Host": host}).open()
        return caught.value.status

    assert run(main) == 400


def test_a_custom_session_interface_is_opened_and_saved(app, connect, run):
    kept = {"name": "Ada"}

    class Kept(dict, SessionMixin):
        pass

    class Interface(SessionInterface):
        def open_session(self, app, request):
            return Kept(kept)

        def save_session(self, app, session, response):
            kept.update(session)
            response.set_cookie("kept", "yes")

    app.session_interface = Interface()

    @app.websocket("/ws")
    async def ws(ws):
        ws.session["seen"] = True
        await ws.send(ws.session["name"])

    async def main():
        async with connect("/ws") as client:
            return await client.receive(), dict(client.accepted["headers"])[b"set-cookie"]

    name, cookie = run(main)

    assert (name, cookie.startswith(b"kept=yes")) == ("Ada", True)
    assert kept == {"name": "Ada", "seen": True}
