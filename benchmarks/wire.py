"""ASGI and RSGI applications behind real servers, on loopback: server CPU and memory, requests a second."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import resource
import subprocess
import sys
import time

import clients
import processes
from workloads import WORKLOADS

HERE = pathlib.Path(__file__).resolve().parent
SERVERS = {"uvicorn": "asgi", "granian ASGI": "asgi", "granian RSGI": "rsgi"}
_CONNECTIONS = 32
_MESSAGE = b"0123456789abcdef0123456789abcdef"  # 32 bytes
_KIB = 1024
_SLOWEST = 5_000  # events a second, to say when a stream counts as stuck
_FIRST = 100  # what the first connections make a server load is not what a connection takes


def command(server, port):
    """Say how to start one worker of a server on a port; the application comes from the environment."""
    address = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    if server == "uvicorn":
        options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--interface", "asgi3"]
        return [sys.executable, "-m", "uvicorn", *options, *address, "servers:app"]
    options = ["--interface", SERVERS[server], "--workers", "1", "--runtime-threads", "1", "--loop", "uvloop"]

    return [sys.executable, "-m", "granian", *options, *address, "--http", "1", "servers:app"]


def allow_many_files():
    """Let this process, and the servers it starts, have as many connections as the machine allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def serving(server, frameworks, variant="base"):
    """Run a server for each framework; yield the processes and ports by framework."""
    allow_many_files()
    running = {}
    environ = {**os.environ, "BENCH_VARIANT": variant, "PYTHONPATH": str(HERE), "PYTHONHASHSEED": "0"}
    quiet = {"stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    try:
        for framework in frameworks:
            port = processes.free_port()
            environ["BENCH_FRAMEWORK"] = framework
            process = subprocess.Popen(command(server, port), cwd=HERE, env=environ, **quiet)
            running[framework] = process, port
        for framework, (process, port) in [*running.items()]:
            try:
                processes.wait_until_it_answers(port, process)
            except RuntimeError as error:
                processes.stop(running.pop(framework)[0])
                print(f"{framework} on {server}: {error}: left out", file=sys.stderr)
        yield running
    finally:
        for process, _ in running.values():
            processes.stop(process)


def requests(server, workload, running, *, rounds, count):
    """Return server CPU µs per request, and requests a second, of each framework."""
    found = WORKLOADS[workload]
    request = clients.http_request(found.method, found.path, found.headers(), found.body)
    lengths = {}
    for framework, (_, port) in running.items():
        status, headers, body, length = clients.run(clients.fetch(port, request))
        if found.check(status, headers, body):
            lengths[framework] = length
        else:
            print(f"{framework} on {server}: wrong answer, {status} {body[:80]!r}: left out", file=sys.stderr)
    running = {framework: running[framework] for framework in lengths}

    def send(framework, port):
        return clients.ping_pong(port, request, lengths[framework], times=count, connections=_CONNECTIONS)

    return _measure(f"{workload}, {server}", running, send, rounds=rounds, count=count)


def messages(running, *, rounds, count):
    """Return server CPU µs per WebSocket message echoed, and messages a second, of each framework."""
    frame, greeting = clients.websocket_frame(_MESSAGE), clients.websocket_request("/ws")

    def send(_, port):
        length, many = len(_MESSAGE) + 2, {"times": count, "connections": _CONNECTIONS}
        return clients.ping_pong(port, frame, length, greeting=greeting, **many)

    return _measure("WebSocket echo", running, send, rounds=rounds, count=count)


def _measure(title, running, send, *, rounds, count):
    results = {framework: {"cpu_us": [], "per_second": []} for framework in running}
    for round_number in range(rounds + 1):
        for framework, (process, port) in running.items():
            before = processes.cpu_seconds(process.pid)
            seconds = clients.run(send(framework, port))
            cost = (processes.cpu_seconds(process.pid) - before) / count * 1e6
            if round_number:  # the first round warms up
                results[framework]["cpu_us"].append(cost)
                results[framework]["per_second"].append(count / seconds)
    best = {
        framework: {"cpu_us": min(found["cpu_us"]), "per_second": max(found["per_second"])}
        for framework, found in results.items()
    }
    shown = (f"{name} {row['cpu_us']:.1f} µs {row['per_second']:.0f}/s" for name, row in best.items())
    print(f"{title:>24}  {'  '.join(shown)}", file=sys.stderr, flush=True)

    return best


def idle(running, *, connections):
    """Return the KiB of server memory that an open, silent WebSocket takes, for each framework."""
    found = {}
    for framework, (process, port) in running.items():
        kib = clients.run(_hold(process, port, connections))
        found[framework] = {"kib": kib, "connections": connections}
        print(f"{'idle':>24}  {framework} {kib:.1f} KiB", file=sys.stderr, flush=True)

    return found


async def _hold(process, port, connections):
    frame, greeting = clients.websocket_frame(_MESSAGE), clients.websocket_request("/ws")
    budget, opened = clients.Budget(0), []

    async def hold(count):
        for _ in range(count):
            make = lambda: clients.PingPong(frame, len(_MESSAGE) + 2, budget, greeting=greeting)  # noqa: E731
            await clients.connect(port, make, into=opened)

    await hold(_FIRST)
    before = processes.memory_bytes(process.pid)
    await hold(connections)
    after = processes.memory_bytes(process.pid)
    for protocol in opened[::100]:  # they are alive, not only accepted
        budget.left = 1
        protocol.next()
        await protocol.finished
    for protocol in opened:
        protocol.leave()

    return (after - before) / connections / _KIB


def events(running, *, listeners, count):
    """Return server CPU µs per event delivered; an event that is lost or out of order ends the run."""
    results = {}
    for framework, (process, port) in running.items():
        delivered = listeners * count
        publishing = _publish(process.pid, port, listeners, count)
        before, started = clients.run(publishing, seconds=120 + delivered / _SLOWEST)
        seconds = time.perf_counter() - started
        cost = (processes.cpu_seconds(process.pid) - before) / delivered * 1e6
        results[framework] = {"cpu_us": cost, "per_second": delivered / seconds, "delivered": delivered}
        results[framework]["listeners"] = listeners
        print(f"{'events':>24}  {framework} {cost:.1f} µs", file=sys.stderr, flush=True)

    return results


async def _publish(pid, port, listeners, count):
    host = ("Host", "127.0.0.1")

    async def publish():
        while True:
            _, _, found, _ = await clients.fetch(port, clients.http_request("GET", "/subscribers", [host]))
            if int(found) == listeners:
                break
            await asyncio.sleep(0.05)
        before, started = processes.cpu_seconds(pid), time.perf_counter()
        request = clients.http_request("POST", "/publish", [host], str(count).encode())
        status, _, body, _ = await clients.fetch(port, request)
        if (status, body) != (200, b"published"):
            raise RuntimeError(f"nothing published: {status} {body!r}")

        return before, started

    request = clients.http_request("GET", "/events", [host, ("Accept", "text/event-stream")])

    return await clients.listen(port, request, listeners=listeners, events=count, publish=publish)
