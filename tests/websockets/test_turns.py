"""A handler that never pauses, or does not hear of the end, holds up nobody else."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from costrel import WebSocketDisconnect
from costrel.serving.websocket import close_websockets


@pytest.fixture
def ticker(app):
    """An application that sends at ``/ws`` for ever, to a server that takes it without waiting."""

    @app.websocket("/ws")
    async def ws(ws):
        while True:
            await ws.send("tick")

    return app


def test_a_handler_that_sends_for_ever_ends_when_its_client_has_left(ticker, connect, run):
    class Gone:
        async def put(self, message):
            raise OSError

    async def main():
        client = connect("/ws")
        await client.open()
        tick = await client.receive()
        client.from_app = Gone()
        await client.done()
        return tick

    assert run(main) == "tick"


def test_a_handler_that_sends_for_ever_ends_when_its_server_stops(ticker, connect, run):
    async def main():
        async with connect("/ws") as client:
            await client.receive()
            close_websockets(ticker)
            return await client.closed()

    assert run(main) == 1_012


def test_a_handler_that_only_sends_ends_when_its_client_has_left_without_a_word_of_the_server(
    ticker, connect, run
):
    async def main():
        async with connect("/ws") as client:
            await client.receive()
            for number in range(10):
                await client.send(f"not asked for, {number}")
            await client.leave(1_001)
            await client.done()
            return await client.receive()

    assert run(main) == "tick"


def test_a_handler_that_only_sent_still_receives_what_came_meanwhile(app, connect, run):
    seen = []

    @app.websocket("/ws")
    async def ws(ws):
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await ws.send("tick")
        seen.append(ws.close_code)
        try:
            while True:
                seen.append(await ws.receive())
        except WebSocketDisconnect as error:
            seen.append(error.code)

    async def main():
        async with connect("/ws") as client:
            await client.send("one")
            await client.receive()
            await client.send(b"two")
            await client.leave(1_001)
            await client.done()

    run(main)

    assert seen == [1_001, "one", b"two", 1_001]


def test_a_handler_may_send_for_a_while_and_then_read_on(app, connect, run):
    @app.websocket("/ws")
    async def ws(ws):
        for _ in range(3):
            await ws.send("tick")
            await asyncio.sleep(0)
        async for message in ws:
            await ws.send(message)

    async def main():
        async with connect("/ws") as client:
            ticks = [await client.receive() for _ in range(3)]
            for number in range(3):
                await client.send(str(number))
            return ticks + [await client.receive() for _ in range(3)]

    assert run(main) == ["tick", "tick", "tick", "0", "1", "2"]


@pytest.mark.parametrize(("size", "kept"), [(1, 64), (500, 3)])
def test_a_client_that_sends_what_nobody_reads_has_to_wait(ticker, connect, run, size, kept):
    ticker.config["WEBSOCKET_MAX_MESSAGE_SIZE"] = 1_001

    async def main():
        async with connect("/ws") as client:
            for _ in range(100):
                await client.send("x" * size)
            while client.to_app.qsize() > 100 - kept:
                await client.receive()
            for _ in range(100):
                await client.receive()
            left = client.to_app.qsize()
            close_websockets(ticker)
            await client.closed()
        return left

    assert run(main) == 100 - kept


def test_a_test_client_may_leave_a_handler_that_sends_for_ever(ticker, run):
    async def main():
        async with ticker.async_test_client().websocket("/ws") as client:
            return [await client.receive(), await client.receive()]

    assert run(main) == ["tick", "tick"]


@pytest.mark.parametrize("use", ["receive", "send"])
def test_a_handler_that_catches_every_error_is_cancelled_when_the_connection_is_over(
    app, connect, run, caplog, use
):
    seen = []

    @app.websocket("/ws")
    async def ws(ws):
        with contextlib.suppress(WebSocketDisconnect):
            await ws.receive()
        while True:
            try:
                await (ws.receive() if use == "receive" else ws.send("x"))
            except Exception as error:
                seen.append(type(error))

    @app.teardown_websocket
    def note(error):
        seen.append(error)

    async def main():
        async with connect("/ws") as client:
            await client.leave(1_001)
            await client.done()

    run(main)

    assert set(seen[:-1]) == {WebSocketDisconnect}
    assert seen[-1] is None
    assert len(caplog.records) == 1
    assert "'/ws'" in caplog.text
    assert "let WebSocketDisconnect pass" in caplog.text


def test_who_has_a_connection_of_others_may_find_it_closed_as_often_as_it_likes(app, connect, run):
    ended = []

    @app.websocket("/ws")
    async def ws(ws):
        async for _ in ws:
            pass

        async def send_often():
            for _ in range(1_000):
                with contextlib.suppress(WebSocketDisconnect):
                    await ws.send("x")

        await asyncio.create_task(send_often())
        ended.append(ws.close_code)

    async def main():
        async with connect("/ws") as client:
            await client.leave(1_001)
            await client.done()

    run(main)

    assert ended == [1_001]
