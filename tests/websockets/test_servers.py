"""WebSockets hold on real servers what they promise, on those of ASGI and of WSGI."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATIENCE_SECONDS = 60
SERVERS = [
    "uvicorn-websockets",
    "uvicorn-wsproto",
    "hypercorn",
    "granian",
    "werkzeug",
    "gunicorn",
    "gunicorn-asgi",
]

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def command(name, port, app):
    address = f"127.0.0.1:{port}"
    if name.startswith("uvicorn"):
        kind = {"uvicorn-websockets": "websockets-sansio", "uvicorn-wsproto": "wsproto"}[name]
        return ["uvicorn", f"{app}:app.asgi", "--port", str(port), "--ws", kind, "--lifespan", "off"]
    if name == "hypercorn":
        return ["hypercorn", f"{app}:app.asgi", "--bind", address, "--graceful-timeout", "2"]
    if name == "granian":
        options = [
            "--interface",
            "asgi",
            "--workers",
            "1",
            "--port",
            str(port),
            "--no-respawn-failed-workers",
        ]
        return ["granian", *options, f"{app}:app.asgi"]
    if name == "gunicorn-asgi":
        return ["gunicorn", "-w1", "-k", "asgi", "-b", address, "--graceful-timeout", "3", f"{app}:asgi"]
    if name == "gunicorn":
        options = ["-w1", "-k", "gthread", "--threads", "8", "-b", address, "--graceful-timeout", "10"]
        return ["gunicorn", *options, f"{app}:app"]

    if name == "waitress":
        return ["waitress", f"--listen={address}", f"{app}:app"]

    tls = ["--cert", "adhoc"] if name == "werkzeug-tls" else []
    return ["costrel", "--app", f"{app}:app", "run", "--port", str(port), *tls]


class Server:
    """A server in a process of its own."""

    def __init__(self, name, folder, app="socket_probe", path=HERE, **environ):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = folder / "log"
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", path))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            **environ,
        }
        environment.pop("COSTREL_DEBUG", None) if "COSTREL_DEBUG" not in environ else None
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command(name, self.port, app)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.scheme = "https" if name.endswith("tls") else "http"
        self.until(lambda: self.get("/") == b"here")

    def get(self, path):
        url = f"{self.scheme}://127.0.0.1:{self.port}{path}"
        anybody = ssl._create_unverified_context() if self.scheme == "https" else None
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(url, timeout=PATIENCE_SECONDS, context=anybody) as answer,
        ):
            return answer.read()

    def events(self, count):
        return json.loads(self.get(f"/events/{count}"))

    def until(self, is_so):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, f"it took too long, and the server said:\n{self.said()}"
            assert self.process.poll() is None, self.said()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)

    def said(self):
        return self.log.read_text(errors="replace")

    def connect(self, path, *, scheme="ws", **options):
        options = {"compression": None, "max_size": None, "close_timeout": 5, "proxy": None, **options}
        return connect(f"{scheme}://127.0.0.1:{self.port}{path}", **options)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(name, folder, **options):
    package = name.partition("-")[0]
    if importlib.util.find_spec(package) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{package} is not installed, and CI must not pass over a server")
        pytest.skip(f"{package} is not installed: pip install costrel[servers]")

    return Server(name, folder, **options)


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    """A server with the probe, one for all tests of this module."""
    running = start(request.param, tmp_path_factory.mktemp(request.param))
    running.name = request.param
    yield running
    running.stop()


@pytest.mark.parametrize("path", ["/echo", "/echo-sync"])
def test_messages_come_back_as_they_were_sent(server, path):
    with server.connect(path) as client:
        for message in ("text", "é" * 1_000, b"\x00\xff", "", b"", "x" * 1_000_000, b"y" * 1_048_576):
            client.send(message)
            assert client.recv() == message


def test_a_fragmented_message_comes_whole(server):
    with server.connect("/echo") as client:
        client.send(["a", "b", "c"])
        assert client.recv() == "abc"


def test_many_messages_at_once_keep_their_order(server):
    with server.connect("/echo") as client:
        for number in range(500):
            client.send(str(number))
        assert [client.recv() for _ in range(500)] == [str(number) for number in range(500)]


def test_values_of_the_url_and_json_and_a_subprotocol(server):
    with server.connect("/json/7?a=b", subprotocols=["v1"]) as client:
        client.send('{"x": 1}')
        assert json.loads(client.recv()) == [7, {"x": 1}, "b"]
        assert client.subprotocol == "v1"
        with pytest.raises(ConnectionClosed) as caught:
            client.recv()
        assert caught.value.rcvd.code == 1_000


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/refuse", {}, 418),
        ("/none", {}, 404),
        ("/", {}, 400),
        ("/echo", {"Origin": "https://evil.example"}, 403),
    ],
)
def test_a_refusal_is_a_real_response(server, path, headers, status):
    with pytest.raises(InvalidStatus) as caught:
        server.connect(path, additional_headers=headers)

    # gunicorn's ASGI worker can refuse by a bare 403 only.
    assert caught.value.response.status_code == (403 if server.name == "gunicorn-asgi" else status)
    if status == 418 and server.name != "gunicorn-asgi":
        assert b"pay first" in caught.value.response.body


def test_a_page_of_the_host_itself_may_connect(server):
    with server.connect("/echo", additional_headers={"Origin": f"http://127.0.0.1:{server.port}"}) as client:
        client.send("x")
        assert client.recv() == "x"


def test_a_message_over_the_limit_closes_with_1009(server):
    with server.connect("/echo") as client:
        client.send("x" * 1_048_577)
        with pytest.raises(ConnectionClosed) as caught:
            client.recv()
        assert caught.value.rcvd.code == 1_009


def test_an_error_is_1011_and_logged_once(server):
    before = server.said().count("LookupError: a secret")
    with server.connect("/fail") as client:
        client.send("x")
        with pytest.raises(ConnectionClosed) as caught:
            client.recv()
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1_011, "")
    server.until(lambda: server.said().count("LookupError: a secret") == before + 1)


def test_a_client_that_vanishes_ends_the_handler_and_tears_down_once(server):
    count = len(server.events(0))
    client = server.connect("/gone")
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.shutdown(socket.SHUT_RDWR)
    client.socket.close()

    assert server.events(count + 2)[count:] == ["ended", "teardown NoneType"]


def test_a_client_that_closes_ends_the_handler_and_tears_down_once(server):
    count = len(server.events(0))
    with server.connect("/gone"):
        pass

    assert server.events(count + 2)[count:] == ["ended", "teardown NoneType"]


def test_a_slow_client_gets_everything(server):
    with server.connect("/flood") as client:
        received = 0
        while (message := client.recv()) != "end":
            received += len(message)
    assert received == 300 * 65_536


def test_a_handler_that_sends_for_ever_holds_up_nobody_and_ends_with_its_client(server):
    count = len(server.events(0))
    with server.connect("/tick", max_queue=None) as client:  # it reads as fast as it can
        client.recv()
        with server.connect("/echo") as other:
            other.send("x")
            assert other.recv(PATIENCE_SECONDS) == "x"
        client.socket.shutdown(socket.SHUT_RDWR)

    assert server.events(count + 1)[count:] == ["ended"]


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_stops_says_so_to_its_clients(name, tmp_path):
    server = start(name, tmp_path)
    try:
        with server.connect("/echo") as client, server.connect("/echo-sync") as other:
            for one in (client, other):
                one.send("x")
                assert one.recv() == "x"
            started = time.monotonic()
            server.process.terminate()
            codes = []
            for one in (client, other):
                with pytest.raises(ConnectionClosed) as caught:
                    one.recv(timeout=PATIENCE_SECONDS)
                codes.append(caught.value.rcvd and caught.value.rcvd.code)
        server.process.wait(PATIENCE_SECONDS)
        assert codes == [1_012, 1_012], server.said()
        assert time.monotonic() - started < 8
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["werkzeug", "gunicorn"])
def test_flask_sock_works_unmodified_beside_our_own_routes(name, tmp_path):
    if importlib.util.find_spec("flask_sock") is None:
        if os.environ.get("CI"):
            pytest.fail("flask-sock is not installed, and CI must not pass over it")
        pytest.skip("flask-sock is not installed: pip install costrel[test]")

    server = start(name, tmp_path, app="flask_sock_probe")
    try:
        with server.connect("/echo/Ada?a=b") as client, server.connect("/own") as own:
            assert client.recv() == "costrel.app Ada b"
            for message in ("text", b"bytes", "x" * 100_000):
                client.send(message)
                own.send(message)
                assert (client.recv(), own.recv()) == (message, message)
        assert server.get("/") == b"here"
        assert "Traceback" not in server.said()
    finally:
        server.stop()


RELOADED = """
from costrel import Costrel

app = Costrel(__name__, static_folder=None)


@app.get("/")
def index():
    return "here"


@app.websocket("/version")
async def version(ws):
    await ws.send("{version}")
    await ws.receive()


@app.websocket("/fail")
async def fail(ws):
    await ws.accept()
    raise LookupError("shown in the log")
"""


def test_the_reloader_closes_with_1012_and_serves_the_new_code(tmp_path):
    source = tmp_path / "reloaded.py"
    source.write_text(RELOADED.replace("{version}", "old"))
    server = start("werkzeug", tmp_path, app="reloaded", path=tmp_path, COSTREL_DEBUG="1")
    try:
        with server.connect("/version") as client:
            assert client.recv() == "old"
            source.write_text(RELOADED.replace("{version}", "new, and longer"))
            with pytest.raises(ConnectionClosed) as caught:
                client.recv(timeout=PATIENCE_SECONDS)
            assert caught.value.rcvd.code == 1_012
        server.until(lambda: server.get("/") == b"here" and _says(server, "/version", "new, and longer"))
        with server.connect("/fail") as client, pytest.raises(ConnectionClosed) as caught:
            client.recv()
        assert caught.value.rcvd.code == 1_011
        assert server.said().count("LookupError: shown in the log") == 1
    finally:
        server.stop()


def _says(server, path, text):
    with contextlib.suppress(OSError, ConnectionClosed, InvalidStatus), server.connect(path) as client:
        return client.recv() == text


def test_a_server_that_keeps_its_sockets_refuses_with_a_word_in_the_log(tmp_path):
    server = start("waitress", tmp_path)
    try:
        with pytest.raises(InvalidStatus) as caught:
            server.connect("/echo")
        assert caught.value.response.status_code == 501
        assert "hint: Serve app.asgi with uvicorn" in server.said()
    finally:
        server.stop()


def test_the_development_server_speaks_tls(tmp_path):
    server = start("werkzeug-tls", tmp_path)
    try:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with server.connect("/echo", scheme="wss", ssl=context) as client:
            for message in ("text", "x" * 1_000_000, b"y" * 100_000):
                client.send(message)
                assert client.recv() == message
        with server.connect("/flood", scheme="wss", ssl=context) as client:
            received = 0
            while (message := client.recv()) != "end":
                received += len(message)
        assert received == 300 * 65_536
    finally:
        server.stop()


def test_a_client_that_answers_no_pings_is_given_up(tmp_path):
    server = start("werkzeug", tmp_path)
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(
                b"GET /gone HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            assert b" 101 " in client.recv(4_096)
            assert server.events(2) == ["ended", "teardown NoneType"]
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b" 426 "),
        (b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", b" 400 "),
        (b"Sec-WebSocket-Version: 13\r\n", b" 400 "),
    ],
)
def test_a_malformed_handshake_is_refused_by_the_servers_of_wsgi(server, raw, status):
    if server.name not in ("werkzeug", "gunicorn"):
        return
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(
            b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + raw
            + b"\r\n"
        )
        assert status in client.recv(4_096).splitlines()[0]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x82\0\0\0\0\xff\xfe", 1_007),  # text that is no UTF-8
        (b"\x81\x01x", 1_002),  # not masked
        (b"\x83\x80\0\0\0\0", 1_002),  # an unknown opcode
        (b"\x88\x82\0\0\0\0\x03\xed", 1_002),  # a close with 1005
    ],
)
def test_what_breaks_the_protocol_ends_the_connection_with_its_code(server, frame, code):
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as client:
        client.sendall(
            b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += client.recv(4_096)
        client.sendall(frame)
        left = answer.partition(b"\r\n\r\n")[2]
        while len(left) < 4 and (data := client.recv(4_096)):
            left += data
    # The other servers hang up, or close without a code.
    if server.name in ("uvicorn-websockets", "werkzeug", "gunicorn"):
        assert left[:1] == b"\x88"
        assert int.from_bytes(left[2:4], "big") == code
