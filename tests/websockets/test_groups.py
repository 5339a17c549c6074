"""A message to a group reaches all that joined, in one process or several, and nobody waits for the slow."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from costrel import Costrel, WebSocketDisconnect, websocket
from costrel.errors import ConfigError
from costrel.groups import Groups
from costrel.groups.envelope import pack, unpack

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
ROOT = Path(__file__).parents[2]


def redis_url():
    """Return the URL of a store that answers; without one the test is skipped, but not on CI."""
    parts = urlsplit(REDIS_URL)
    try:
        socket.create_connection((parts.hostname, parts.port or 6379), 1).close()
    except OSError:
        if os.environ.get("CI"):
            pytest.fail(f"there is no Redis at {REDIS_URL}, and CI must not pass over it")
        pytest.skip(f"there is no Redis at {REDIS_URL}: start one, or set REDIS_URL")

    return REDIS_URL


@pytest.fixture(params=["memory", "redis"])
def store(request):
    """The URL of each store."""
    return redis_url() if request.param == "redis" else None


@pytest.fixture
def chat(app, store):
    """An application with rooms; ``/rooms/<room>`` joins, and sends what comes to all."""
    return make_chat(app, store, uuid.uuid4().hex)


def make_chat(app, store, name):
    app.config["WEBSOCKET_GROUPS_URL"] = store
    app.name = name
    app.extensions["sockets"] = []

    @app.websocket("/rooms/<room>")
    async def room(ws, room):
        group = app.groups[room]
        app.extensions["sockets"].append(ws)
        await ws.accept()
        await group.join(ws)
        await ws.send("joined")
        async for message in ws:
            await group.send(message, skip=ws if message == "others" else None)

    @app.websocket("/sync/<room>")
    def sync_room(ws, room):
        group = app.groups[room]
        group.join(ws)
        ws.send("joined")
        for message in ws:
            group.send(message, skip=ws if message == "others" else None)

    @app.post("/tell/<room>")
    def tell(room):
        app.groups[room].send("by http")
        app.groups[room].send_json({"by": "http"})
        return ""

    return app


async def join(connect, path, count=1, **options):
    clients = [connect(path, **options) for _ in range(count)]
    for client in clients:
        await client.open()
        assert await client.receive() == "joined"
    return clients


async def leave(app, *clients):
    for client in clients:
        await client.leave()
        await client.done()
    await app.groups.close()


@pytest.mark.parametrize("path", ["/rooms", "/sync"])
def test_a_message_reaches_all_members_and_nobody_else(chat, connect, run, path):
    async def main():
        one, two = await join(connect, f"{path}/a", 2)
        (three,) = await join(connect, f"{path}/b")
        for message in ("text", b"bytes"):
            await one.send(message)
            assert [await one.receive(), await two.receive()] == [message, message]
        await one.send("others")
        assert await two.receive() == "others"
        await two.send("last")
        assert [await one.receive(), await two.receive()] == ["last", "last"]
        await three.send("alone")
        assert await three.receive() == "alone"
        await leave(chat, one, two, three)

    run(main)


def test_the_end_of_a_connection_takes_it_out_of_its_groups(chat, connect, run):
    async def main():
        one, two = await join(connect, "/rooms/a", 2)
        group = chat.groups["a"]
        before = len(group), list(chat.groups)
        await one.leave()
        await one.done()
        between = len(group)
        await two.send("still here")
        assert await two.receive() == "still here"
        await two.leave()
        await two.done()
        after = len(group), list(chat.groups)
        (three,) = await join(connect, "/rooms/a")
        await three.send("again")
        assert await three.receive() == "again"
        await leave(chat, three)
        return before, between, after

    assert run(main) == ((2, ["a"]), 1, (0, []))


def test_a_member_that_leaves_gets_no_more(chat, connect, run):
    async def main():
        one, two = await join(connect, "/rooms/a", 2)
        ws = chat.extensions["sockets"][0]
        group = chat.groups["a"]
        assert ws in group
        await group.leave(ws)
        await group.leave(ws)
        assert ws not in group
        await two.send("x")
        assert await two.receive() == "x"
        await ws.send("direct")
        assert await one.receive() == "direct"
        await leave(chat, one, two)

    run(main)


def test_joining_twice_is_joining_once(chat, connect, run):
    async def main():
        (one,) = await join(connect, "/rooms/a")
        await chat.groups["a"].join(chat.extensions["sockets"][0])
        await one.send("once")
        assert await one.receive() == "once"
        await one.send("end")
        assert await one.receive() == "end"
        await leave(chat, one)

    run(main)


def test_a_synchronous_view_sends_to_a_group(chat, connect, run):
    async def main():
        (one,) = await join(connect, "/rooms/a")
        status = await asyncio.to_thread(lambda: chat.test_client().post("/tell/a").status_code)
        said = [await one.receive(), await one.receive()]
        await leave(chat, one)
        return status, said

    assert run(main) == (200, ["by http", '{"by": "http"}'])


def test_a_quick_sender_fills_no_queue_of_quick_readers(chat, connect, run):
    chat.config["WEBSOCKET_SEND_QUEUE_SIZE"] = 4

    async def main():
        clients = await join(connect, "/rooms/a", 3)
        for number in range(200):
            await chat.groups["a"].send(str(number))
        for client in clients:
            assert [await client.receive() for _ in range(200)] == [str(number) for number in range(200)]
        await leave(chat, *clients)

    run(main)


def test_a_slow_member_is_closed_with_1008_and_the_others_get_everything(chat, connect, run):
    chat.config["WEBSOCKET_SEND_QUEUE_SIZE"] = 4

    async def main():
        quick, slow = await join(connect, "/rooms/a", 2)
        slow.writable.clear()
        for number in range(20):
            await chat.groups["a"].send(str(number))
        assert [await quick.receive() for _ in range(20)] == [str(number) for number in range(20)]
        slow.writable.set()
        code = await slow.closed()
        await slow.done()
        members = len(chat.groups["a"])
        await leave(chat, quick)
        return code, members

    assert run(main) == (1_008, 1)


def test_what_is_sent_before_the_connection_is_accepted_waits(app, connect, run):
    accept = asyncio.Event()

    @app.websocket("/ws")
    async def ws(ws):
        await app.groups["a"].join(ws)
        await accept.wait()
        await ws.accept()
        await ws.receive()

    async def main():
        client = connect("/ws")
        await client.open(wait=False)
        while not len(app.groups["a"]):
            await asyncio.sleep(0)
        await app.groups["a"].send("early")
        accept.set()
        assert (await client.message())["type"] == "websocket.accept"
        said = await client.receive()
        await leave(app, client)
        return said

    assert run(main) == "early"


def test_a_closed_connection_cannot_join(app, connect, run):
    seen = []

    @app.websocket("/ws")
    async def ws(ws):
        seen.append(ws)
        await ws.accept()

    async def main():
        async with connect("/ws") as client:
            await client.done()
        with pytest.raises(WebSocketDisconnect):
            await app.groups["a"].join(seen[0])
        return len(app.groups["a"]), list(app.groups)

    assert run(main) == (0, [])


def test_the_proxy_may_join(app, connect, run):
    @app.websocket("/ws")
    async def ws():
        await app.groups["a"].join(websocket)
        await app.groups["a"].send("hello")
        await websocket.receive()

    async def main():
        async with connect("/ws") as client:
            return await client.receive()

    assert run(main) == "hello"


def test_another_process_reaches_the_members_through_redis(app, connect, run):
    url = redis_url()
    make_chat(app, url, uuid.uuid4().hex)
    code = (
        "import asyncio, sys; from costrel.groups import Groups\n"
        "async def main():\n"
        f"    groups = Groups({url!r}, prefix={app.name + ':'!r})\n"
        "    await groups['a'].send('from elsewhere')\n"
        "    await groups['a'].send(b'bytes')\n"
        "    await groups.close()\n"
        "asyncio.run(main())\n"
    )

    async def main():
        one, two = await join(connect, "/rooms/a", 2)
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], check=True, env=environ)
        said = [[await client.receive(), await client.receive()] for client in (one, two)]
        await leave(app, one, two)
        return said

    assert run(main) == [["from elsewhere", b"bytes"]] * 2


def test_applications_that_share_a_store_do_not_hear_each_other(connect, run):
    url = redis_url()
    first = make_chat(Costrel("first"), url, uuid.uuid4().hex)
    second = make_chat(Costrel("second"), url, uuid.uuid4().hex)

    async def main():
        (one,) = await join(connect, "/rooms/a", to=first)
        (two,) = await join(connect, "/rooms/a", to=second)
        await one.send("first's")
        await two.send("second's")
        said = await one.receive(), await two.receive()
        await leave(first, one)
        await leave(second, two)
        return said

    assert run(main) == ("first's", "second's")


def test_a_lost_connection_to_redis_is_made_anew(app, connect, run):
    name = uuid.uuid4().hex
    make_chat(app, f"{redis_url()}?client_name={name}", name)

    async def main():
        from redis.asyncio import Redis

        (one,) = await join(connect, "/rooms/a")
        admin = Redis.from_url(REDIS_URL)
        for client in await admin.client_list(_type="pubsub"):
            if client["name"] == name:
                await admin.client_kill_filter(_id=client["id"])
        # Whoever subscribes anew is counted by Redis.
        channel = f"costrel:{app.name}:a"
        while dict(await admin.pubsub_numsub(channel)).get(channel.encode()) != 1:
            await asyncio.sleep(0.01)
        await app.groups["a"].send("after the loss")
        said = await one.receive()
        await admin.aclose()
        await leave(app, one)
        return said

    assert run(main) == "after the loss"


def test_members_of_several_loops_get_a_message_once(app, connect):
    make_chat(app, None, "several")
    joined, said = threading.Barrier(3), []

    def client_in_a_thread():
        async def main():
            (client,) = await join(connect, "/rooms/a")
            joined.wait(30)
            said.append([await client.receive(), await client.receive()])
            await client.leave()
            await client.done()

        asyncio.run(main())

    threads = [threading.Thread(target=client_in_a_thread) for _ in range(2)]
    for thread in threads:
        thread.start()
    joined.wait(30)
    app.groups["a"].send("one")
    app.groups["a"].send("two")
    for thread in threads:
        thread.join(30)

    assert said == [["one", "two"]] * 2


def test_threads_that_ask_at_once_get_the_same_groups(app, monkeypatch):
    both, init = threading.Barrier(2), Groups.__init__

    def init_with_the_other(self, *args, **kwargs):
        both.wait(10)
        init(self, *args, **kwargs)

    monkeypatch.setattr(Groups, "__init__", init_with_the_other)
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: app.groups, range(2))

    assert one is two is app.groups


@pytest.mark.parametrize("data", [b"", b"t", b"x\x00", b"t\x05abc", b"t\x01\xff", b"t\x00\xff"])
def test_what_is_no_message_of_a_group_is_told_from_one(data):
    with pytest.raises(ValueError):
        unpack(data)


@pytest.mark.parametrize("message", ["", "text", "é", b"", b"\x00\xff"])
@pytest.mark.parametrize("skip", ["", "a1b2"])
def test_a_message_travels_unchanged(message, skip):
    assert unpack(pack(message, skip)) == (message, skip)


def test_an_unknown_store_is_refused_at_once():
    with pytest.raises(ConfigError) as caught:
        Groups("amqp://secret@host")

    assert "'amqp'" in caught.value.problem
    assert "secret" not in str(caught.value)
    assert "redis://" in caught.value.hint
