"""What a connection may not do: come from another site, send too much, read too slowly, say nothing."""

from __future__ import annotations

import asyncio

import pytest

from costrel import WebSocketDisconnect
from costrel.serving.websocket import _IdleTimer
from costrel.sockets import WebSocketMessageError


@pytest.fixture
def echo(app):
    """An application that echoes at ``/ws``; its connection is found in ``app.extensions``."""

    @app.websocket("/ws")
    async def ws(ws):
        app.extensions["ws"] = ws
        await ws.accept()
        async for message in ws:
            await ws.send(message)

    return app


@pytest.mark.parametrize(
    ("config", "origin", "status"),
    [
        ({}, None, 101),
        ({}, "http://localhost", 101),
        ({}, "https://LOCALHOST:443", 101),
        ({}, "http://localhost:8000", 403),
        ({}, "https://evil.example", 403),
        ({}, "null", 403),
        ({}, "http://localhost.evil.example", 403),
        ({"WEBSOCKET_ALLOWED_ORIGINS": ["https://app.example"]}, "https://app.example", 101),
        ({"WEBSOCKET_ALLOWED_ORIGINS": "https://app.example"}, "https://app", 403),
        ({"WEBSOCKET_ALLOWED_ORIGINS": ["*"]}, "null", 101),
        ({"TRUSTED_ORIGINS": ["https://app.example"]}, "https://app.example", 101),
        (
            {"TRUSTED_ORIGINS": ["https://app.example"], "WEBSOCKET_ALLOWED_ORIGINS": []},
            "https://app.example",
            403,
        ),
    ],
)
def test_only_pages_of_the_host_and_listed_ones_may_connect(
    echo, connect, run, Refused, config, origin, status
):
    echo.config.update(config)

    async def main():
        try:
            async with connect("/ws", {"Origin": origin} if origin else {}):
                return 101
        except Refused as refused:
            return refused.status

    assert run(main) == status


@pytest.mark.parametrize("message", ["x" * 101, "é" * 51, b"x" * 101])
def test_a_message_over_the_limit_closes_with_1009(echo, connect, run, message):
    echo.config["WEBSOCKET_MAX_MESSAGE_SIZE"] = 100

    async def main():
        async with connect("/ws") as client:
            await client.send(message)
            return await client.message()

    assert run(main) == {
        "type": "websocket.close",
        "code": 1_009,
        "reason": "a message has at most 100 bytes",
    }


@pytest.mark.parametrize("message", ["x" * 100, "é" * 50, b"x" * 100])
def test_a_message_at_the_limit_passes(echo, connect, run, message):
    echo.config["WEBSOCKET_MAX_MESSAGE_SIZE"] = 100

    async def main():
        async with connect("/ws") as client:
            await client.send(message)
            return await client.receive()

    assert run(main) == message


def test_the_limit_is_one_mebibyte_by_default_and_none_means_none(echo, connect, run):
    async def main():
        async with connect("/ws") as client:
            await client.send("x" * 1_048_576)
            await client.receive()
            await client.send("x" * 1_048_577)
            code = await client.closed()
        echo.config["WEBSOCKET_MAX_MESSAGE_SIZE"] = None
        async with connect("/ws") as client:
            await client.send("x" * 2_000_000)
            return code, len(await client.receive())

    assert run(main) == (1_009, 2_000_000)


@pytest.mark.parametrize(
    ("method", "message", "code"),
    [
        ("receive_json", "{", 1_007),
        ("receive_json", "[" * 100_000, 1_007),
        ("receive_text", b"\x00", 1_003),
        ("receive_bytes", "text", 1_003),
    ],
)
def test_a_message_that_cannot_be_used_closes_with_its_code_and_is_not_logged(
    app, connect, run, caplog, method, message, code
):
    @app.websocket("/ws")
    async def ws(ws):
        await ws.accept()
        await getattr(ws, method)()

    async def main():
        async with connect("/ws") as client:
            await client.send(message)
            return await client.closed()

    assert run(main) == code
    assert not caplog.records


def test_a_handler_may_go_on_after_a_message_that_cannot_be_used(app, connect, run):
    @app.websocket("/ws")
    async def ws(ws):
        await ws.accept()
        with pytest.raises(WebSocketMessageError):
            await ws.receive_json()
        await ws.send_json(await ws.receive_json())

    async def main():
        async with connect("/ws") as client:
            await client.send("nonsense")
            await client.send("[1]")
            return await client.receive()

    assert run(main) == "[1]"


@pytest.mark.parametrize("is_async", [True, False])
def test_a_connection_on_which_nothing_moves_is_closed_with_1001(app, connect, run, is_async):
    app.config["WEBSOCKET_IDLE_TIMEOUT"] = 0.02

    async def handle(ws):
        await ws.accept()
        await ws.receive()

    def handle_in_thread(ws):
        ws.accept()
        ws.receive()

    app.add_websocket("/ws", "ws", handle if is_async else handle_in_thread)

    async def main():
        async with connect("/ws") as client:
            return await client.closed()

    assert run(main) == 1_001


def test_what_is_sent_or_received_keeps_a_connection_open(run):
    class Connection:
        _touched = False
        ended_with = None

        def interrupt(self, *ended_with):
            self.ended_with = ended_with

    async def main():
        ws = Connection()
        timer = _IdleTimer(ws, 3_600)
        looks = []
        for touched in (True, False, True, False, False):
            ws._touched = touched
            timer._look()  # as after half an hour
            looks.append(ws.ended_with)
        timer.stop()
        return looks

    assert run(main) == [None] * 4 + [(1_001, "nothing was sent for too long")]


def test_send_waits_while_the_client_does_not_read(app, connect, run):
    sent = []
    waits = asyncio.Event()

    @app.websocket("/ws")
    async def ws(ws):
        await ws.receive()
        for number in range(3):
            waits.set()
            await ws.send(str(number))
            sent.append(number)

    async def main():
        async with connect("/ws") as client:
            client.writable.clear()
            await client.send("go")
            await waits.wait()
            sent_to_nobody = list(sent)
            client.writable.set()
            return sent_to_nobody, [await client.receive() for _ in range(3)]

    assert run(main) == ([], ["0", "1", "2"])
    assert sent == [0, 1, 2]


def test_a_client_that_reads_too_slowly_for_what_is_posted_is_closed_with_1008(echo, connect, run):
    echo.config["WEBSOCKET_SEND_QUEUE_SIZE"] = 2

    async def main():
        async with connect("/ws") as client:
            ws = echo.extensions["ws"]
            client.writable.clear()
            taken = [ws.post("0")]
            await asyncio.sleep(0)  # the first is on its way
            taken += [ws.post(str(number)) for number in range(1, 5)]
            client.writable.set()
            code = await client.closed()
        return taken, code

    assert run(main) == ([True, True, True, False, False], 1_008)


def test_a_client_that_takes_nothing_at_all_is_given_up(echo, connect, run, monkeypatch):
    monkeypatch.setattr("costrel.sockets.channel._CLOSE_SECONDS", 0.01)
    echo.config["WEBSOCKET_SEND_QUEUE_SIZE"] = 1

    async def main():
        client = connect("/ws")
        await client.open()
        client.writable.clear()
        ws = echo.extensions["ws"]
        while ws.post("x"):
            pass
        await client.done()  # although nothing of it can be sent
        return ws.close_code

    assert run(main) == 1_008


@pytest.mark.parametrize("code", [999, 1_005, 1_006, 1_015, 2_000, 5_000])
def test_a_code_that_cannot_be_sent_is_refused(app, connect, run, code):
    @app.websocket("/ws")
    async def ws(ws):
        with pytest.raises(ValueError, match="3000 to 4999"):
            await ws.close(code)
        with pytest.raises(ValueError, match="123 bytes"):
            await ws.close(3_000, "é" * 62)
        await ws.send("refused")

    async def main():
        async with connect("/ws") as client:
            return await client.receive()

    assert run(main) == "refused"


def test_what_is_no_message_is_refused_with_the_way_to_send_it(app, connect, run):
    @app.websocket("/ws")
    async def ws(ws):
        with pytest.raises(TypeError, match="send_json"):
            await ws.send({"a": 1})
        await ws.send(bytearray(b"fine"))

    async def main():
        async with connect("/ws") as client:
            return await client.receive()

    assert run(main) == b"fine"


def test_errors_of_a_server_about_a_lost_client_are_its_disconnect(app, connect, run):
    seen = []

    @app.websocket("/ws")
    async def ws(ws):
        await ws.accept()
        for error in (OSError(), RuntimeError("already closed")):
            ws._state = 1

            async def send(message, error=error):
                raise error

            ws._send = send
            try:
                await ws.send("x")
            except WebSocketDisconnect as disconnect:
                seen.append(disconnect.code)

    async def main():
        async with connect("/ws") as client:
            await client.done()

    run(main)

    assert seen == [1_006, 1_006]
