"""The same application behind real servers: CPU microseconds of the server per request, on loopback."""

from __future__ import annotations

import os
import pathlib
import socket
import subprocess
import sys

import processes

HERE = pathlib.Path(__file__).resolve().parent
SERVERS = ("granian", "gunicorn", "waitress", "werkzeug")
_CONNECTIONS = 8

_WERKZEUG = """
import logging
from werkzeug.serving import run_simple
from servers import app
logging.getLogger("werkzeug").setLevel(logging.ERROR)
run_simple("127.0.0.1", {port}, app, threaded=True)
"""


def __getattr__(name):
    """Make ``servers:app``, once, for the servers that import it by name."""
    if name != "app":
        raise AttributeError(name)
    import drivers

    adapter = drivers.load(os.environ["BENCH_FRAMEWORK"])
    app = globals()["app"] = adapter.make_app(os.environ.get("BENCH_VARIANT", "base"))

    return app


def command(server, port):
    module = [sys.executable, "-m"]
    if server == "gunicorn":
        options = ["-w1", "-k", "gthread", "--threads", "8", "--keep-alive", "30", "--log-level", "error"]
        return [*module, "gunicorn", *options, "-b", f"127.0.0.1:{port}", "servers:app"]
    if server == "granian":
        options = ["--workers", "1", "--blocking-threads", "1", "--http", "1", "--log-level", "error"]
        address = ["--host", "127.0.0.1", "--port", str(port)]
        return [*module, "granian", "--interface", "wsgi", *options, *address, "--no-ws", "servers:app"]
    if server == "waitress":
        return [*module, "waitress", "--threads", "8", f"--listen=127.0.0.1:{port}", "servers:app"]

    return [sys.executable, "-c", _WERKZEUG.format(port=port)]


def compare(server, frameworks, *, rounds, requests):
    """Return the least CPU microseconds per request of each framework on one server."""
    running = {}
    try:
        for framework in frameworks:
            port = processes.free_port()
            environ = {**os.environ, "BENCH_FRAMEWORK": framework, "PYTHONPATH": str(HERE)}
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
            process = subprocess.Popen(command(server, port), cwd=HERE, env=environ, **quiet)
            running[framework] = process, port
        for process, port in running.values():
            processes.wait_until_it_answers(port, process)
        costs = {framework: [] for framework in running}
        for round_number in range(rounds + 1):
            for framework, (process, port) in running.items():
                before = processes.cpu_seconds(process.pid)
                _send(port, requests, keep=server != "werkzeug")
                cost = (processes.cpu_seconds(process.pid) - before) / requests * 1e6
                if round_number:  # the first round warms up
                    costs[framework].append(cost)
    finally:
        for process, _ in running.values():
            processes.stop(process)
    result = {framework: min(found) for framework, found in costs.items()}
    shown = "  ".join(f"{framework} {value:.0f}" for framework, value in result.items())
    print(f"{server:>16} {'':10} {shown}", file=sys.stderr, flush=True)

    return result


def _send(port, requests, *, keep):
    """Send requests over a few connections, one outstanding on each; kept, unless the server closes them."""
    from workloads import WORKLOADS

    lines = "".join(f"{name}: {value}\r\n" for name, value in WORKLOADS["plain"].headers())
    request = f"GET / HTTP/1.1\r\n{lines}\r\n".encode()
    connections = []
    try:
        for _ in range(requests // _CONNECTIONS):
            if not connections:
                connections = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(_CONNECTIONS)]
            for connection in connections:
                connection.sendall(request)
            for connection in connections:
                _read_answer(connection)
            if not keep:
                while connections:
                    connections.pop().close()
    finally:
        for connection in connections:
            connection.close()


def _read_answer(connection):
    answer = b""
    while not answer.endswith(b"Hello, World!"):
        data = connection.recv(65_536)
        if not data:
            raise RuntimeError(f"the server closed after {answer!r}")
        answer += data
    if not answer.startswith((b"HTTP/1.0 200", b"HTTP/1.1 200")):
        raise RuntimeError(f"wrong answer: {answer!r}")
