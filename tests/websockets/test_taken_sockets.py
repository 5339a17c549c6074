"""A WSGI server's socket is taken over, served to its end and given back closed."""

from __future__ import annotations

import socket
import threading

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from costrel import request

PATIENCE_SECONDS = 30


class OneRequestServer:
    """Reads one request from its end of a pair of sockets, as a server does, and calls the application."""

    def __init__(self, app, **environ):
        self.app = app
        self.environ = environ
        self.client, self.sock = socket.socketpair()
        self.thread = threading.Thread(target=self.run)
        self.started = None
        self.errors = []

    def run(self):
        try:
            self.answer()
        except BaseException as error:
            self.errors.append(error)
        finally:
            self.sock.close()

    def answer(self):
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.sock.recv(1)
        first, *lines = head.decode().split("\r\n")[:-2]
        method, target, protocol = first.split(" ")
        path, _, query = target.partition("?")
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers["HTTP_" + name.upper().replace("-", "_")] = value
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": protocol,
            "wsgi.url_scheme": "http",
            "werkzeug.socket": self.sock,
            **headers,
            **self.environ,
        }

        def start_response(status, headers, exc_info=None):
            self.started = status

        parts = self.app(environ, start_response)
        try:
            self.sock.sendall(f"HTTP/1.1 {self.started}\r\nConnection: close\r\n\r\n".encode())
            self.sock.sendall(b"".join(parts))
        except BrokenPipeError:
            self.errors.append("the socket takes nothing more")

    def connect(self, path):
        self.thread.start()
        return connect(f"ws://localhost{path}", sock=self.client, compression=None, proxy=None)

    def join(self):
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()


@pytest.fixture
def serve(app):
    """Serve one request of the application: ``serve("/ws")`` is a connected client."""
    servers = []

    def serve(**environ):
        servers.append(OneRequestServer(app, **environ))
        return servers[-1]

    yield serve
    for server in servers:
        server.client.close()
        server.join()


def test_the_server_cannot_write_on_what_is_no_http_any_more(app, serve):
    @app.websocket("/ws")
    async def ws(ws):
        await ws.send(await ws.receive())

    server = serve()
    with server.connect("/ws") as client:
        client.send("x")
        assert client.recv() == "x"
        with pytest.raises(ConnectionClosed) as caught:
            client.recv()
    server.join()

    assert caught.value.rcvd.code == 1_000
    assert server.started == "101 Switching Protocols"
    assert server.errors == ["the socket takes nothing more"]


def test_serving_begins_before_the_first_connection(app, serve):
    begun = []

    @app.before_serving
    async def begin():
        begun.append("begun")

    @app.websocket("/ws")
    async def ws(ws):
        await ws.send(begun[0])

    with serve().connect("/ws") as client:
        assert client.recv() == "begun"


def test_what_fails_before_serving_is_a_500(app, serve, caplog):
    @app.before_serving
    def begin():
        raise LookupError("not yet")

    @app.websocket("/ws")
    async def ws(ws):
        await ws.accept()

    with pytest.raises(InvalidStatus) as caught:
        serve().connect("/ws")

    assert caught.value.response.status_code == 500
    assert "not yet" in caplog.text


def test_hooks_of_requests_do_not_run_for_sockets_and_those_of_sockets_do(app, serve):
    seen = []
    app.before_request(lambda: seen.append("request"))
    app.before_websocket(lambda: seen.append(request.path))

    @app.websocket("/ws")
    async def ws(ws):
        await ws.send("x")

    with serve().connect("/ws") as client:
        client.recv()

    assert seen == ["/ws"]


def test_a_hook_refuses_by_a_response(app, serve):
    app.before_websocket(lambda: ("fee", 418))
    app.websocket("/ws")(lambda ws: None)

    with pytest.raises(InvalidStatus) as caught:
        serve().connect("/ws")

    assert (caught.value.response.status_code, caught.value.response.body) == (418, b"fee")


def test_close_before_accept_is_a_403(app, serve):
    @app.websocket("/ws")
    async def ws(ws):
        await ws.close()

    with pytest.raises(InvalidStatus) as caught:
        serve().connect("/ws")

    assert caught.value.response.status_code == 403


def test_without_wsproto_the_log_says_what_to_install(app, serve, caplog, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "costrel.serving.socket_frames", None)
    app.websocket("/ws")(lambda ws: None)

    with pytest.raises(InvalidStatus) as caught:
        serve().connect("/ws")

    assert caught.value.response.status_code == 501
    assert "pip install 'costrel[websocket]'" in caplog.text


def test_a_view_of_an_extension_gets_the_socket_itself(app, serve):
    taken = []

    @app.route("/sock", websocket=True)
    def sock():
        taken.append(request.environ["werkzeug.socket"])
        return "by the view", 418

    app.websocket("/ws")(lambda ws: None)
    server = serve()
    with pytest.raises(InvalidStatus) as caught:
        server.connect("/sock")

    assert caught.value.response.body == b"by the view"
    assert taken == [server.sock]


def test_middleware_goes_round_sockets_too(app, serve):
    wrapped = app.wsgi_app

    def middleware(environ, start_response):
        environ["HTTP_X_SEEN"] = "by middleware"
        return wrapped(environ, start_response)

    app.wsgi_app = middleware

    @app.websocket("/ws")
    async def ws(ws):
        await ws.send(ws.headers["X-Seen"])

    with serve().connect("/ws") as client:
        assert client.recv() == "by middleware"


def test_a_client_that_sends_more_than_the_handler_takes_is_slowed_down(app, serve):
    may_read = threading.Event()

    @app.websocket("/ws")
    def ws(ws):
        ws.accept()
        may_read.wait(PATIENCE_SECONDS)
        ws.send(str(sum(len(message) for _, message in zip(range(500), ws, strict=False))))

    server = serve()
    with server.connect("/ws") as client:
        sender = threading.Thread(target=lambda: [client.send(b"x" * 10_000) for _ in range(500)])
        sender.start()
        sender.join(0.3)
        was_slowed_down = sender.is_alive()
        may_read.set()
        sender.join(PATIENCE_SECONDS)
        assert client.recv() == "5000000"

    assert was_slowed_down
