"""On every server: a stop ends what lasts as long as clients like, and no request that is under way."""

from __future__ import annotations

import http.client
import re
import signal
import threading
from contextlib import ExitStack, contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

pytestmark = [pytest.mark.servers, pytest.mark.slow]

PATIENCE_SECONDS = 60
LIMIT = "100"  # longer than the patience: nothing here may wait for it
WSGI, ASGI = "stop_probe:app", "stop_probe:asgi"
STREAMS = ["/events/async", "/events/of-a-sync-view", "/events/sync", "/plain/async", "/plain/sync"]
SOCKETS = ["/socket/async", "/socket/sync"]


def granian(interface, app, workers):
    more = ["--blocking-threads", "12"] if interface == "wsgi" else []
    limit = ["--workers-kill-timeout", LIMIT]
    return ["granian", "--interface", interface, "--workers", workers, "--port", "PORT", *limit, *more, app]


def gunicorn(kind, app, workers, *more):
    threads = ["--threads", "12"] if kind == "gthread" else []
    return ["gunicorn", "-w", workers, "-k", kind, *threads, *more, "-b", "ADDRESS", *GRACEFUL, app]


def serve(server, interface, workers):
    threads = ["--threads", "12"] if interface == "wsgi" else []
    chosen = ["--server", server, "--interface", interface, "--workers", workers, *threads]
    return ["costrel", "--app", WSGI, "serve", *chosen, "--bind", "ADDRESS", *GRACEFUL]


GRACEFUL = ["--graceful-timeout", LIMIT]
UVICORN = ["uvicorn", "--port", "PORT", "--timeout-graceful-shutdown", LIMIT]
COMMANDS = {
    f"{name}, {workers}": command
    for workers in "12"
    for name, command in {
        "uvicorn": [*UVICORN, "--workers", workers, ASGI],
        "hypercorn": ["hypercorn", "-w", workers, "-b", "ADDRESS", *GRACEFUL, ASGI],
        "granian asgi": granian("asgi", ASGI, workers),
        "granian rsgi": granian("rsgi", WSGI, workers),
        "granian wsgi": granian("wsgi", WSGI, workers),
        "gunicorn asgi": gunicorn("asgi", ASGI, workers),
        "gunicorn gthread": gunicorn("gthread", WSGI, workers),
        "serve granian": serve("granian", "asgi", workers),
        "serve uvicorn": serve("uvicorn", "asgi", workers),
        "serve hypercorn": serve("hypercorn", "asgi", workers),
        "serve gunicorn": serve("gunicorn", "wsgi", workers),
    }.items()
} | {
    "uvicorn wsproto": [*UVICORN, "--ws", "wsproto", ASGI],
    "uvicorn websockets-sansio": [*UVICORN, "--ws", "websockets-sansio", ASGI],
    "serve waitress": serve("waitress", "wsgi", "1"),
    "waitress": ["waitress", "--listen=ADDRESS", "--threads=12", WSGI],
    "werkzeug": ["costrel", "--app", WSGI, "run", "--port", "PORT"],
}
WITHOUT_SOCKETS = ("granian wsgi", "waitress", "serve waitress")
DROPS_REQUESTS = ("waitress", "werkzeug")
del COMMANDS["hypercorn, 2"]  # it ends its second worker, whatever that is at, when the first has stopped


class Probe:
    """A server with the probe, and clients of it."""

    def __init__(self, started, folder):
        self.started, self.folder = started, folder
        started.until(self._answers)

    def _answers(self):
        try:
            return self.get("/") == b"here"
        except OSError:
            return False

    def get(self, path):
        with self.open(path) as answer:
            return answer.read()

    def open(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.started.port, timeout=PATIENCE_SECONDS)
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse()

    def stream(self, path):
        """Open a stream, and read its first piece."""
        answer = self.open(path)
        beginning = b"retry: 2000\n\ndata: first\n\n" if path.startswith("/events") else b"first"
        assert answer.read(len(beginning)) == beginning
        return answer

    @staticmethod
    def rest(stream):
        """Read a stream to its end; return what is not known to come."""
        return re.sub(rb"data: more\n\n|more", b"", stream.read())

    @contextmanager
    def connect(self, path):
        """Open a WebSocket, and hear its echo."""
        with connect(f"ws://127.0.0.1:{self.started.port}{path}", compression=None, proxy=None) as client:
            client.send("x")
            assert client.recv(PATIENCE_SECONDS) == "x"
            yield client

    def notes(self):
        notes = self.folder / "notes"
        return notes.read_text().splitlines() if notes.exists() else []


@pytest.fixture
def probe(launch, tmp_path):
    return lambda command, **options: Probe(launch(command, STOP_PROBE=str(tmp_path), **options), tmp_path)


def needed_by(command):
    return command[command.index("--server") + 1] if "--server" in command else None


def code_of_close(client):
    with pytest.raises(ConnectionClosed) as caught:
        client.recv(PATIENCE_SECONDS)
    return caught.value.rcvd and caught.value.rcvd.code


def both_hear_signals(server, name):
    """Tell whether none of two workers has begun so late that the signal would be lost on it."""
    said = server.started.said()
    if not name.endswith("2"):
        return True
    if name.startswith("granian"):
        return "Started worker-1\n" in said and "Started worker-2\n" in said
    if name.startswith("gunicorn asgi"):
        return said.count("ASGI server listening") == 2
    if "gunicorn" in name:  # the command loads the application too
        return server.notes().count("loaded") == (3 if name.startswith("serve") else 2)

    return True


@pytest.mark.parametrize("name", COMMANDS)
def test_stop_ends_streams_and_sockets_but_no_request_under_way(probe, name):
    server = probe(COMMANDS[name], needs=needed_by(COMMANDS[name]))
    kind = name.partition(",")[0]
    has_sockets = kind not in WITHOUT_SOCKETS
    drops_requests = name in DROPS_REQUESTS
    server.started.until(lambda: both_hear_signals(server, name))
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(server.get("/until-it-is-told")), daemon=True)

    with ExitStack() as stack:
        streams = [stack.enter_context(server.stream(path)) for path in STREAMS]
        sockets = [stack.enter_context(server.connect(path)) for path in SOCKETS if has_sockets]
        if not drops_requests:
            waiting.start()
            server.started.until(lambda: "begun" in server.notes())
        # Where signals are handled beside the threads of requests, that place has its turn at a new one.
        assert server.get("/") == b"here"
        server.started.process.terminate()

        rests = [server.rest(stream) for stream in streams]
        codes = [code_of_close(client) for client in sockets]

    assert rests == [b""] * len(STREAMS), server.started.said()
    # RSGI has no way to say why.
    assert codes == [1_005 if kind == "granian rsgi" else 1_012] * len(sockets)
    if not drops_requests:
        assert answers == []
        (server.folder / "go on").touch()
        waiting.join(PATIENCE_SECONDS)
        assert answers == [b"whole"], server.started.said()
    server.started.ended()
    assert set(server.notes()) - {"begun", "loaded"} == {"closed", "torn down NoneType"}
    assert server.notes().count("closed") == server.notes().count("torn down NoneType") == len(STREAMS)
    assert "Traceback" not in server.started.said()


@pytest.mark.parametrize(
    "name",
    ["uvicorn, 1", "hypercorn, 1", "granian asgi, 1", "granian wsgi, 1", "serve gunicorn, 1", "werkzeug"],
)
def test_interrupt_does_so_too(probe, name):
    server = probe(COMMANDS[name], needs=needed_by(COMMANDS[name]))
    with ExitStack() as stack:
        streams = [stack.enter_context(server.stream(path)) for path in STREAMS]
        assert server.get("/") == b"here"
        server.started.process.send_signal(signal.SIGINT)

        for stream in streams:
            assert server.rest(stream) == b""

    server.started.ended()
    assert server.notes().count("torn down NoneType") == len(STREAMS)


def test_worker_that_has_answered_enough_ends_its_streams(probe):
    server = probe(gunicorn("gthread", WSGI, "1", "--max-requests", "10"))

    with server.stream("/events/async") as stream:
        for _ in range(10):
            server.get("/")

        assert stream.read() == b""


def test_reload_of_the_code_ends_streams(probe, tmp_path):
    (tmp_path / "reloaded.py").write_text("from stop_probe import app\n")
    server = probe(["costrel", "--app", "reloaded:app", "run", "--debug", "--port", "PORT"], paths=[tmp_path])

    with server.stream("/events/async") as stream:
        (tmp_path / "reloaded.py").write_text("from stop_probe import app  # changed\n")

        assert stream.read() == b""
    server.started.until(lambda: "torn down NoneType" in server.notes())
