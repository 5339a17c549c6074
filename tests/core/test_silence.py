"""A stream that is silent for long gets something sent in its place, and never in the middle of a piece."""

import asyncio

import pytest

from costrel.core.silence import Silence
from costrel.serving.asgi_send import ClientLeftError

BOUND_SECONDS = 20


class Written:
    def __init__(self, wanted):
        self.pieces = []
        self.wanted = wanted
        self.enough = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def write(self, piece):
        await self.gate.wait()
        self.pieces.append(piece)
        if len(self.pieces) >= self.wanted:
            self.enough.set()


async def test_something_is_sent_again_and_again_while_nothing_else_is():
    written = Written(wanted=3)

    silence = Silence(asyncio.get_running_loop(), 0.01, b":", written.write)
    await asyncio.wait_for(written.enough.wait(), BOUND_SECONDS)
    silence.close()

    assert set(written.pieces) == {b":"}


async def test_stream_goes_on_after_what_is_being_sent_in_its_place():
    written = Written(wanted=1)
    written.gate.clear()
    silence = Silence(asyncio.get_running_loop(), 0.01, b":", written.write)
    while silence._writing is None:
        await asyncio.sleep(0)

    assert silence.broken()
    sent = asyncio.ensure_future(silence.sent())
    await asyncio.sleep(0)
    assert not sent.done()
    written.gate.set()
    await asyncio.wait_for(sent, BOUND_SECONDS)
    assert not silence.broken()
    silence.close()

    assert written.pieces == [b":"]


@pytest.mark.parametrize("left", [ConnectionResetError, ClientLeftError])
async def test_client_that_left_is_no_error_of_the_watch(left):
    async def write(piece):
        asked.set()
        raise left

    asked = asyncio.Event()
    silence = Silence(asyncio.get_running_loop(), 0.01, b":", write)
    await asyncio.wait_for(asked.wait(), BOUND_SECONDS)
    if silence.broken():
        await silence.sent()
    silence.close()

    assert silence._writing.exception() is None


async def test_closed_watch_sends_nothing_more():
    written = Written(wanted=1)
    silence = Silence(asyncio.get_running_loop(), 0.01, b":", written.write)

    silence.close()

    assert silence._alarm.cancelled()
    assert written.pieces == []
