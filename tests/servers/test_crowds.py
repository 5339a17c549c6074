"""On every ASGI server: thousands at once see only what is theirs; nobody under way is lost at the end."""

import asyncio
import json
import os
import signal

import pytest

pytestmark = pytest.mark.servers

SERVERS = ["uvicorn", "hypercorn", "granian-asgi", "gunicorn-asgi"]
CROWD = 1_000
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory, start_server):
    """A server with the probe of crowds, one for all tests of this module."""
    running = start_server(request.param, "crowd_probe:app", tmp_path_factory.mktemp(request.param))
    yield running
    running.stop()


@pytest.fixture(params=SERVERS)
def short_lived(request, tmp_path, start_server):
    """A server with the probe for one test, which stops it."""
    running = start_server(request.param, "crowd_probe:app", tmp_path)
    yield running
    running.stop()


async def ask(port, path):
    """Send one request on a connection of its own; return the status and what the JSON says."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        if b"transfer-encoding: chunked" in head.lower():
            body = body.partition(b"\r\n")[2].rpartition(b"\r\n0\r\n")[0]
        return int(head.split()[1]), json.loads(body)
    finally:
        writer.close()


def ask_all(port, paths):
    async def main():
        return await asyncio.wait_for(asyncio.gather(*(ask(port, path) for path in paths)), PATIENCE_SECONDS)

    return asyncio.run(main())


def test_each_of_a_thousand_requests_sees_only_what_is_its_own(server):
    names = [f"{'sync' if n % 5 == 0 else 'async'}/n{n}" for n in range(CROWD)]
    before = server_state(server)

    answers = ask_all(server.port, [f"/{name}?who={name.partition('/')[2]}" for name in names])

    for name, (status, found) in zip(names, answers, strict=True):
        who = name.partition("/")[2]
        assert status == 200
        assert found == {"g": who, "args": who, "session": who, "path": f"/{name}"}
    after = server_state(server)
    assert after["torn down"] - before.get("torn down", 0) == CROWD
    assert after.get("with error", 0) == 0
    assert (after["own"], after["outside"]) == (True, False)


def server_state(server):
    return json.loads(server.get("/state")[2])


@pytest.mark.parametrize("path", ["slow", "slow-sync"])
def test_sigterm_loses_nobody_who_is_under_way(short_lived, path):
    async def main():
        waiting = [asyncio.ensure_future(ask(short_lived.port, f"/{path}?seconds=1.5")) for _ in range(20)]
        done, _ = await asyncio.wait(waiting, timeout=0.5)
        assert not done
        short_lived.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE_SECONDS)

    answers = asyncio.run(main())

    assert [status for status, _ in answers] == [200] * 20
    short_lived.process.wait(PATIENCE_SECONDS)
    assert "Traceback" not in short_lived.said()


BROKEN_OFF = [
    b"GET /sl",
    b"GET /slow?seconds=0.2&who=x HTTP/1.1\r\nHost: local",
    b"POST /echo?who=x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n12345",
    b"POST /echo?who=x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
]


@pytest.mark.parametrize("path", ["slow", "slow-sync"])
def test_client_that_leaves_before_the_answer_is_torn_down_once(server, hang_up, path):
    before = server_state(server)
    sockets = [server.connect() for _ in range(5)]
    for sock in sockets:
        sock.sendall(f"GET /{path}?seconds=0.3&who=x HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    server.until(lambda: server_state(server).get("begun", 0) == before.get("begun", 0) + 5)

    for sock in sockets:
        hang_up(sock)

    server.until(lambda: server_state(server)["torn down"] >= before["torn down"] + 5)
    assert ask_all(server.port, ["/async/last?who=last"])[0][0] == 200
    assert server_state(server)["torn down"] == before["torn down"] + 6
    assert "Traceback" not in server.said()


@pytest.mark.parametrize("raw", BROKEN_OFF)
def test_client_that_leaves_in_the_middle_of_its_request_leaves_nothing_behind(server, hang_up, raw):
    for _ in range(5):
        sock = server.connect()
        sock.sendall(raw)
        hang_up(sock)

    # A server may tell the application of a body that broke off, or not.
    server.until(lambda: (state := server_state(server)).get("begun", 0) == state["torn down"])
    assert ask_all(server.port, ["/async/last?who=last"])[0][0] == 200
    assert "Traceback" not in server.said()


@pytest.mark.parametrize("name", ["gunicorn-asgi-2", "uvicorn-2"])
def test_killed_worker_is_replaced(name, tmp_path, start_server):
    server = start_server(name, "crowd_probe:app", tmp_path)
    try:
        killed = server_state(server)["pid"]

        os.kill(killed, signal.SIGKILL)

        def answers_anew():
            try:
                return server_state(server)["pid"] != killed
            except (OSError, ValueError):
                return False

        server.until(answers_anew)
    finally:
        server.stop()
