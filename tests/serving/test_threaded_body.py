import asyncio
import threading
from contextvars import ContextVar, copy_context

import pytest

from costrel.serving.threaded_body import ThreadedBody

PATIENCE = 30
name = ContextVar("name", default="nobody")


class Body:
    """A body that tells how far it was read, and how often it was closed."""

    def __init__(self, pieces):
        self.pieces = iter(pieces)
        self.read = 0
        self.closed = 0

    def __iter__(self):
        return self

    def __next__(self):
        piece = next(self.pieces)
        self.read += 1
        return piece

    def close(self):
        self.closed += 1


def make(pieces):
    body = Body(pieces)
    return body, ThreadedBody(body, iter(body), copy_context())


async def read_all(threaded):
    data = b""
    while (piece := await threaded.next()) is not None:
        assert piece
        data += piece

    return data


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b""],
        [b"a", b"", b"b"],
        [b"x" * 100_000] * 3,
        [b"%d\n" % number for number in range(5_000)],
        [bytearray(b"a"), memoryview(b"b")],
    ],
)
async def test_all_pieces_come_in_order_and_the_body_is_closed_once(pieces):
    body, threaded = make(pieces)

    assert await read_all(threaded) == b"".join(pieces)
    await threaded.close()
    assert body.closed == 1


async def test_piece_is_handed_over_before_the_next_is_there():
    goes_on = threading.Event()

    def slow():
        yield b"first"
        assert goes_on.wait(PATIENCE)
        yield b"second"

    _, threaded = make(slow())

    assert await threaded.next() == b"first"
    goes_on.set()
    assert await threaded.next() == b"second"
    assert await threaded.next() is None


async def test_no_more_is_read_ahead_than_64_kib():
    body, threaded = make(b"x" * 1_000 for _ in range(1_000))

    first = await threaded.next()
    while not threaded._job.done():
        await asyncio.wait((threaded._job,))

    assert body.read <= (len(first) + 65_536) / 1_000 + 1
    assert len(first) + len(await read_all(threaded)) == 1_000_000


async def test_no_more_than_256_pieces_are_read_ahead():
    body, threaded = make(b"x" for _ in range(10_000))

    first = await threaded.next()
    while not threaded._job.done():
        await asyncio.wait((threaded._job,))

    assert body.read <= len(first) + 256
    assert len(first) + len(await read_all(threaded)) == 10_000


async def test_error_comes_after_what_came_before_it_and_the_body_is_closed():
    def failing():
        yield b"a"
        yield b"b"
        raise ZeroDivisionError

    body, threaded = make(failing())
    data = b""
    with pytest.raises(ZeroDivisionError):
        while True:
            data += await threaded.next()
    await threaded.close()

    assert data == b"ab"
    assert body.closed == 1


async def test_endless_stream_that_gives_nothing_ends_when_it_is_given_up():
    def endless():
        yield b"a"
        while True:
            yield b""

    body, threaded = make(endless())
    assert await threaded.next() == b"a"
    waiting = asyncio.ensure_future(threaded.next())
    await asyncio.wait((waiting,), timeout=0)
    waiting.cancel()

    await asyncio.wait_for(threaded.close(), PATIENCE)

    assert body.closed == 1


async def test_body_runs_in_its_context_in_every_thread():
    def named():
        for _ in range(3):
            yield f"{name.get()};".encode() + b"." * 65_536

    token = name.set("Ada")
    _, threaded = make(named())
    name.reset(token)

    assert (await read_all(threaded)).count(b"Ada;") == 3
