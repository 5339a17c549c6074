"""The example application behind the servers that people use, over real sockets on loopback."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "wayside"
FACTORY = "wayside:create_app"

COMMANDS = {
    "granian": ["granian", "--interface=wsgi", "--no-ws", "--port={port}", "--factory", FACTORY],
    "gunicorn": ["gunicorn", "--bind=127.0.0.1:{port}", "--threads=2", f"{FACTORY}()"],
    "waitress": ["waitress", "--listen=127.0.0.1:{port}", "--call", FACTORY],
    "werkzeug": ["costrel", "--app=wayside", "run", "--port={port}"],
}
pytestmark = pytest.mark.servers


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serve(server, folder):
    """Serve the example from a process of its own; data goes into the folder."""
    port = free_port()
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(EXAMPLE)]),
        "PYTHONUNBUFFERED": "1",
        "WAYSIDE_DATABASE": str(folder / "test.sqlite3"),
        "WAYSIDE_PICTURES": str(folder / "pictures"),
        "WAYSIDE_SECRET_KEY": "a key for tests",
    }
    command = [sys.executable, "-m", *(part.format(port=port) for part in COMMANDS[server])]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, env=environ, cwd=folder, **pipes) as process:
        try:
            wait_until_it_accepts(process, port)
            yield port
        finally:
            stop(process)


def wait_until_it_accepts(process, port, seconds=60):
    """Try until the server accepts: not all of them say when they begin to."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port), timeout=5).close()
        time.sleep(0.02)
    process.kill()
    pytest.fail(process.stdout.read())


def stop(process):
    process.terminate()
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def fetch(port, method, path, **more):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, **more)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("server", sorted(COMMANDS))
def test_the_example_answers_behind_a_real_server(server, tmp_path):
    with serve(server, tmp_path) as port:
        status, headers, body = fetch(port, "GET", "/")
        head_status, head_headers, head_body = fetch(port, "HEAD", "/")
        missing_status, _, missing_body = fetch(port, "GET", "/no/such/page")
        foreign_status, _, _ = fetch(port, "POST", "/", headers={"Sec-Fetch-Site": "cross-site"})
        forbidden_status, _, _ = fetch(port, "GET", "/static/../wayside/secret.py")

    assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
    assert b"</html>" in body
    assert (head_status, head_body) == (200, b"")
    assert head_headers["Content-Type"] == headers["Content-Type"]
    assert missing_status == 404
    assert b"Traceback" not in missing_body
    assert foreign_status == 403
    assert forbidden_status in (400, 404)


@pytest.mark.parametrize("server", sorted(COMMANDS))
def test_a_body_over_the_limit_is_refused_behind_a_real_server(server, tmp_path):
    def chunks():
        for _ in range(6 * 16):
            yield b"x" * 65_536

    with serve(server, tmp_path) as port:
        try:
            headers = {"Transfer-Encoding": "chunked"}
            status, _, _ = fetch(port, "POST", "/login", body=chunks(), encode_chunked=True, headers=headers)
        except (BrokenPipeError, ConnectionResetError):
            status = 413  # the server had answered and closed before all was sent
        after, _, _ = fetch(port, "GET", "/")

    assert status in (400, 403, 413)
    assert after == 200
