import asyncio
import threading

import pytest

from costrel.core.pulled import Pulled


class Context:
    """Notes what becomes of its hold."""

    def __init__(self):
        self.released = []
        self.held = 0

    def hold(self):
        self.held += 1

    async def arelease(self, exc=None):
        self.released.append((exc, threading.current_thread()))


def numbers(notes):
    try:
        for number in range(3):
            notes.append(threading.current_thread())
            yield number
    finally:
        notes.append(threading.current_thread())


async def test_one_thread_of_its_own_works_on_the_whole_stream():
    notes = []

    assert [number async for number in Pulled(numbers(notes))] == [0, 1, 2]

    assert len(set(notes)) == 1
    assert notes[0] is not threading.current_thread()
    assert len(notes) == 4


async def test_context_is_released_on_the_loop_after_the_stream_was_closed():
    read, left = Context(), Context()

    assert [number async for number in Pulled(numbers([]), read)] == [0, 1, 2]
    stream = Pulled(numbers([]), left)
    await anext(stream)
    assert left.released == []
    await stream.aclose()

    for ctx in (read, left):
        assert ctx.held == 1
        assert ctx.released == [(None, threading.current_thread())]


async def test_stream_that_never_began_is_closed_in_a_thread_too():
    class Stream:
        def __iter__(self):
            return self

        def __next__(self):
            raise AssertionError

        def close(self):
            closed_in.append(threading.current_thread())

    closed_in, ctx = [], Context()

    await Pulled(Stream(), ctx).aclose()

    assert len(closed_in) == 1
    assert closed_in[0] is not threading.current_thread()
    assert len(ctx.released) == 1


async def test_error_of_the_stream_is_raised_and_told_to_the_context():
    def fails():
        yield 1
        raise LookupError("broken")

    ctx = Context()
    stream = Pulled(fails(), ctx)
    await anext(stream)

    with pytest.raises(LookupError):
        await anext(stream)
    await stream.aclose()

    ((error, _),) = ctx.released
    assert isinstance(error, LookupError)


async def test_error_while_closing_is_raised():
    def fails():
        try:
            yield 1
        finally:
            raise LookupError("broken")

    stream = Pulled(fails())
    await anext(stream)

    with pytest.raises(LookupError):
        await stream.aclose()


async def test_closing_does_not_wait_long_for_a_stream_that_blocks_and_closes_it_later(monkeypatch):
    def blocks():
        try:
            began.set()
            go_on.wait(30)
            yield 1
        finally:
            ended.set()

    monkeypatch.setattr("costrel.core.pulled._CLOSE_SECONDS", 0.01)
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    ctx = Context()
    stream = Pulled(blocks(), ctx)
    taker = asyncio.ensure_future(anext(stream))
    await asyncio.to_thread(began.wait, 30)
    taker.cancel()

    await stream.aclose()
    assert ctx.released == []
    go_on.set()
    await asyncio.wait({stream._ended})

    assert ended.is_set()
    assert len(ctx.released) == 1


async def test_stream_that_was_closed_gives_nothing_more():
    stream = Pulled(iter("ab"))
    await anext(stream)
    await stream.aclose()
    await stream.aclose()

    assert [letter async for letter in stream] == []
