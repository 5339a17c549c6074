"""Real servers in processes of their own, and a client that can misbehave."""

from __future__ import annotations

import http.client
import importlib.util
import itertools
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "wayside"

# A shell that runs the tests in the background has them ignore an interrupt, and the servers that they
# start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).parent
PROBE, WAYSIDE = "probe:app", "wayside:create_app"
SERVERS = ["gunicorn-sync", "gunicorn-gthread", "granian", "granian-rsgi", "waitress", "werkzeug"]
PATIENCE_SECONDS = 60


def command(server, app):
    factory = app == WAYSIDE
    package, *options = server.split("-")
    workers = "2" if "2" in options else "1"
    if package == "gunicorn" and "asgi" in options:
        # It takes a name, and no attribute of one.
        target = app if "itself" in options else f"{app.partition(':')[0]}:asgi"
        return ["gunicorn", f"-w{workers}", "-k", "asgi", "-b", "ADDRESS", target]
    if package == "gunicorn":
        threads = ["-k", "sync"] if "sync" in options else ["-k", "gthread", "--threads", "4"]
        return ["gunicorn", f"-w{workers}", *threads, "-b", "ADDRESS", f"{app}()" if factory else app]
    if package == "granian":
        interface = options[0] if options else "wsgi"
        more = ["--blocking-threads", "4"] if interface == "wsgi" else []
        more += ["--respawn-failed-workers"] if workers == "2" else []
        more += ["--factory"] if factory else []
        return ["granian", "--interface", interface, "--workers", workers, "--port", "PORT", *more, app]
    asgi = app if "itself" in options else f"{app}.asgi"
    if package == "uvicorn":
        return ["uvicorn", "--port", "PORT", "--workers", workers, asgi]
    if package == "hypercorn":
        return ["hypercorn", "-w", workers, "-b", "ADDRESS", asgi]
    if package == "waitress":
        return ["waitress", "--listen=ADDRESS", *["--call"] * factory, app]

    return ["costrel", "--app", app, "run", "--port", "PORT"]


class Started:
    """A process that serves on a free port; what it says, and the patience with it.

    Args:
        command: What to run with this Python; ``ADDRESS`` and ``PORT`` in it are filled in.
        folder: Where it runs, and leaves its log.
        paths: Where it finds modules, besides this folder and the sources.
        **environ: More of its environment.
    """

    def __init__(self, command, folder, *, paths=(), **environ):
        self.port = _free_port()
        self.log = folder / "log"
        words = {"ADDRESS": f"127.0.0.1:{self.port}", "PORT": str(self.port)}
        for name, word in words.items():
            command = [part.replace(name, word) for part in command]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=folder,
                env={
                    **{name: value for name, value in os.environ.items() if name != "COSTREL_DEBUG"},
                    "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", *paths, HERE))),
                    "PYTHONDONTWRITEBYTECODE": "1",
                    **environ,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def said(self):
        return self.log.read_text(errors="replace")

    def until(self, is_so):
        """Ask again and again until something is so; it is an error if it never is."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := is_so()):
            assert time.monotonic() < deadline, f"it took too long, and said:\n{self.said()}"
            assert self.process.poll() is None, self.said()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
        return found

    def ended(self):
        """Return the status that it ends with."""
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it did not end, and said:\n{self.said()}")

    def end(self, number=signal.SIGTERM):
        """End it by a signal; return its status."""
        self.process.send_signal(number)
        return self.ended()

    def kill(self):
        """Leave nothing of it, nor of what it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)


class Server(Started):
    """A server with an application of the tests, and ways to talk to it."""

    def __init__(self, name, app, folder):
        self.name = name
        (folder / "static").mkdir()
        # Longer than what is read at once: it goes through the server's file wrapper.
        (folder / "static" / "long.bin").write_bytes(bytes(range(256)) * 1_024)
        super().__init__(
            command(name, app),
            folder,
            paths=[EXAMPLE],
            PROBE_STATIC=str(folder / "static"),
            WAYSIDE_DATABASE=str(folder / "wayside.sqlite3"),
            WAYSIDE_PICTURES=str(folder / "pictures"),
            WAYSIDE_SECRET_KEY="a key for the tests on real servers",
        )
        self.until(self._answers)

    def _answers(self):
        try:
            return self.get("/no/such/page")[0] == 404
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE_SECONDS)
        self.kill()

    def send(self, raw, *, method="GET", half_close=False):
        """Send bytes as they are; return status, headers and body, or no status if there was no answer."""
        with self.connect() as sock:
            try:
                sock.sendall(raw)
                if half_close:
                    sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # an answer may have come all the same
            return read_answer(sock, method)

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, names)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def events(self, of):
        return json.loads(self.get(f"/events/{of}")[2])


def read_answer(sock, method="GET"):
    answer = http.client.HTTPResponse(sock, method=method)
    try:
        answer.begin()
        return answer.status, answer.headers, answer.read()
    except (OSError, http.client.HTTPException):
        return None, {}, b""


def hang_up(sock):
    """Leave without a goodbye, so that the server sees it at its next step."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def need(package):
    if importlib.util.find_spec(package) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{package} is not installed, and CI must not pass over a server")
        pytest.skip(f"{package} is not installed: pip install costrel[servers]")


def start(name, app, folder):
    need(name.partition("-")[0])

    return Server(name, app, folder)


@pytest.fixture
def launch(tmp_path):
    """Start a process that serves, in this test's folder; nothing of it is left after the test."""
    started = []

    def launch_one(command, *, needs=None, **options):
        need(needs or command[0])
        started.append(Started(command, tmp_path, **options))
        return started[-1]

    yield launch_one
    for one in started:
        one.kill()


@pytest.fixture(scope="session")
def start_server():
    """Start a server by its name with an application, in a folder; who does so stops it."""
    return start


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    """A server with the probe, one for all tests of a module."""
    running = start(request.param, PROBE, tmp_path_factory.mktemp(request.param))
    yield running
    running.stop()


@pytest.fixture(params=SERVERS)
def short_lived_server(request, tmp_path):
    """A server with the probe for one test, which may stop it."""
    running = start(request.param, PROBE, tmp_path)
    yield running
    running.stop()


@pytest.fixture(scope="module", params=SERVERS)
def wayside(request, tmp_path_factory):
    """A server with the example application."""
    running = start(request.param, WAYSIDE, tmp_path_factory.mktemp(request.param))
    yield running
    running.stop()


_tokens = itertools.count()


@pytest.fixture
def of():
    """A name for one test's events."""
    return f"test-{next(_tokens)}"


@pytest.fixture(name="hang_up")
def hang_up_fixture():
    """Close a socket without a goodbye."""
    return hang_up


@pytest.fixture(name="read_answer")
def read_answer_fixture():
    """Read one answer from a socket."""
    return read_answer
