"""A handler that waits for something else ends when its client has left; one that was told is left alone."""

from __future__ import annotations

import asyncio

import pytest

from costrel import WebSocketDisconnect, websocket


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("costrel.sockets.untold._SECONDS", 0)


@pytest.fixture
def leave(connect, run):
    """Connect, wait until the handler is ready, leave, and wait for its end."""

    def leave(ready, *, messages=0):
        async def main():
            async with connect("/ws") as client:
                for _ in range(messages):
                    await client.receive()
                await ready.wait()
                await client.leave(1_001)
                await client.done()

        run(main)

    return leave


def test_handler_that_lets_a_task_receive_is_cancelled(app, leave):
    ready = asyncio.Event()
    seen = []

    async def receive():
        while True:
            await websocket.receive()

    @app.websocket("/ws")
    async def ws():
        await websocket.accept()
        task = asyncio.ensure_future(receive())
        ready.set()
        try:
            await asyncio.Queue().get()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        finally:
            task.cancel()
            await task

    @app.teardown_websocket
    def torn_down(error):
        seen.append(error)

    leave(ready)

    assert seen == ["cancelled", None]


def test_handler_that_has_only_sent_is_cancelled(app, leave):
    ready = asyncio.Event()
    seen = []

    @app.websocket("/ws")
    async def ws(ws):
        for _ in range(3):
            await ws.send("tick")
        ready.set()
        try:
            await asyncio.Queue().get()
        finally:
            seen.append(ws.close_code)

    leave(ready, messages=3)

    assert seen == [1_001]


def test_handler_that_sends_from_a_task_group_is_cancelled(app, leave, caplog):
    ready = asyncio.Event()
    seen = []

    @app.websocket("/ws")
    async def ws(ws):
        async def read():
            async for _ in ws:
                pass
            seen.append("read")

        async def write():
            try:
                await asyncio.Queue().get()
            finally:
                seen.append("written")

        await ws.accept()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read())
            tasks.create_task(write())
            ready.set()

    leave(ready)

    assert seen == ["read", "written"]
    assert not caplog.records


def test_task_that_was_told_cleans_up_first_and_the_handler_goes_on_after_it(app, leave):
    ready = asyncio.Event()
    seen = []

    @app.websocket("/ws")
    async def ws(ws):
        async def read():
            try:
                await ws.receive()
            except WebSocketDisconnect:
                for _ in range(10):
                    await asyncio.sleep(0)
                seen.append("cleaned up")

        await ws.accept()
        reading = asyncio.create_task(read())
        ready.set()
        await reading
        for _ in range(10):
            await asyncio.sleep(0)
        seen.append("saved")

    leave(ready)

    assert seen == ["cleaned up", "saved"]


def test_handler_that_was_told_itself_takes_its_time(app, leave):
    ready = asyncio.Event()
    seen = []

    @app.websocket("/ws")
    async def ws(ws):
        await ws.accept()
        ready.set()
        async for _ in ws:
            pass
        await asyncio.to_thread(int)  # which is one wait, over many turns of the loop
        seen.append("saved")

    leave(ready)

    assert seen == ["saved"]
