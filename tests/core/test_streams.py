import asyncio
import gc
import threading

import pytest

from costrel._current import current
from costrel.core.streams import AsyncContextStream, ContextStream


class Context:
    """Counts holds as ``costrel.ctx`` does."""

    has_request = True
    _era = 0

    def __init__(self):
        self.holds = 0
        self.releases = []

    def hold(self):
        self.holds += 1

    def release(self, exc=None):
        self.holds -= 1
        self.releases.append((exc, current.get(None)))

    async def arelease(self, exc=None):
        await asyncio.sleep(0)
        self.release(exc)


def seen(notes, pieces=3):
    try:
        for piece in range(pieces):
            notes.append(current.get(None))
            yield piece
    finally:
        notes.append(current.get(None))


@pytest.fixture
def ctx():
    return Context()


def test_context_is_current_only_while_the_stream_works(ctx):
    notes = []
    stream = ContextStream(ctx, seen(notes))

    for _ in stream:
        assert current.get(None) is None

    assert notes == [ctx] * 4
    assert current.get(None) is None


def test_nothing_runs_before_the_first_piece_is_asked_for(ctx):
    notes = []

    stream = ContextStream(ctx, seen(notes))

    assert notes == []
    assert ctx.holds == 1
    stream.close()


def test_end_of_the_stream_releases_the_context_once(ctx):
    stream = ContextStream(ctx, seen([]))

    assert list(stream) == [0, 1, 2]
    stream.close()
    stream.close()
    assert list(stream) == []

    assert ctx.releases == [(None, ctx)]


def test_closing_runs_the_finally_block_inside_of_the_context(ctx):
    notes = []
    stream = ContextStream(ctx, seen(notes))
    next(stream)

    stream.close()

    assert notes == [ctx, ctx]
    assert ctx.releases == [(None, ctx)]
    assert current.get(None) is None


def test_closing_a_stream_that_never_began_releases_the_context(ctx):
    ContextStream(ctx, seen([])).close()

    assert ctx.holds == 0


def test_stream_thrown_away_releases_the_context(ctx):
    notes = []
    stream = ContextStream(ctx, seen(notes))
    next(stream)

    del stream
    gc.collect()

    assert notes == [ctx, ctx]
    assert len(ctx.releases) == 1
    assert current.get(None) is None


def test_stream_collected_on_an_event_loop_is_closed_in_another_thread(ctx):
    async def throw_away():
        stream = ContextStream(ctx, seen([]))
        next(stream)
        ctx.release = lambda exc=None: closed_in.append(threading.current_thread())
        del stream
        gc.collect()

    closed_in = []
    asyncio.run(throw_away())
    for thread in threading.enumerate():
        if thread.name == "costrel-close":
            thread.join(30)

    (thread,) = closed_in
    assert thread is not threading.current_thread()


def test_error_of_the_stream_goes_to_the_teardown_and_on(ctx):
    def fails():
        yield 1
        raise LookupError("broken")

    stream = ContextStream(ctx, fails())
    next(stream)

    with pytest.raises(LookupError):
        next(stream)
    stream.close()

    ((error, _),) = ctx.releases
    assert isinstance(error, LookupError)


def test_error_while_closing_goes_to_the_teardown_and_on(ctx):
    def fails():
        try:
            yield 1
        finally:
            raise LookupError("broken")

    stream = ContextStream(ctx, fails())
    next(stream)

    with pytest.raises(LookupError):
        stream.close()

    assert isinstance(ctx.releases[0][0], LookupError)
    assert current.get(None) is None


def test_stream_may_go_on_in_another_thread(ctx):
    notes = []
    stream = ContextStream(ctx, seen(notes))
    next(stream)

    thread = threading.Thread(target=lambda: notes.extend(stream))
    thread.start()
    thread.join()

    assert [note for note in notes if note is ctx] == [ctx] * 4
    assert [note for note in notes if note is not ctx] == [1, 2]
    assert ctx.holds == 0


def test_two_streams_taken_in_turns_see_their_own_context():
    first, second = Context(), Context()
    notes_of_first, notes_of_second = [], []

    pairs = list(
        zip(
            ContextStream(first, seen(notes_of_first)),
            ContextStream(second, seen(notes_of_second)),
            strict=True,
        )
    )

    assert pairs == [(0, 0), (1, 1), (2, 2)]
    assert set(notes_of_first) == {first}
    assert set(notes_of_second) == {second}


def test_context_manager_closes_the_stream(ctx):
    with ContextStream(ctx, seen([])) as stream:
        next(stream)

    assert ctx.holds == 0


def test_iterable_without_close_is_enough(ctx):
    assert list(ContextStream(ctx, [1, 2])) == [1, 2]
    assert ctx.holds == 0


def test_what_cannot_be_iterated_over_holds_nothing(ctx):
    with pytest.raises(TypeError):
        ContextStream(ctx, 5)

    assert ctx.holds == 0


async def aseen(notes, pieces=3):
    try:
        for piece in range(pieces):
            notes.append(current.get(None))
            await asyncio.sleep(0)
            yield piece
    finally:
        await asyncio.sleep(0)
        notes.append(current.get(None))


async def test_context_is_current_only_while_the_async_stream_works(ctx):
    notes = []
    stream = AsyncContextStream(ctx, aseen(notes))

    async for _ in stream:
        assert current.get(None) is None

    assert notes == [ctx] * 4
    assert current.get(None) is None
    assert ctx.releases == [(None, ctx)]


async def test_async_stream_that_has_ended_stays_at_its_end_and_releases_once(ctx):
    stream = AsyncContextStream(ctx, aseen([]))

    assert [piece async for piece in stream] == [0, 1, 2]
    await stream.aclose()
    assert [piece async for piece in stream] == []

    assert len(ctx.releases) == 1


async def test_closing_an_async_stream_awaits_its_finally_block_inside_of_the_context(ctx):
    notes = []
    stream = AsyncContextStream(ctx, aseen(notes))
    await anext(stream)

    await stream.aclose()
    await stream.aclose()

    assert notes == [ctx, ctx]
    assert ctx.releases == [(None, ctx)]
    assert current.get(None) is None


async def test_async_stream_that_never_began_is_closed(ctx):
    await AsyncContextStream(ctx, aseen([])).aclose()

    assert ctx.releases == [(None, ctx)]


async def test_cancelled_async_stream_runs_its_finally_block_and_releases_once(ctx):
    async def waits():
        try:
            waiting.set()
            await asyncio.Event().wait()
            yield 1
        finally:
            notes.append(current.get(None))

    notes, waiting = [], asyncio.Event()
    stream = AsyncContextStream(ctx, waits())
    task = asyncio.ensure_future(anext(stream))
    await waiting.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await stream.aclose()

    assert notes == [ctx]
    ((error, _),) = ctx.releases
    assert isinstance(error, asyncio.CancelledError)


@pytest.mark.parametrize("step", ["next", "close"])
async def test_error_of_an_async_stream_goes_to_the_teardown_and_on(ctx, step):
    async def fails():
        try:
            yield 1
            raise LookupError("broken")
        finally:
            raise LookupError("broken")

    stream = AsyncContextStream(ctx, fails())
    await anext(stream)

    with pytest.raises(LookupError):
        await (anext(stream) if step == "next" else stream.aclose())
    await stream.aclose()

    ((error, _),) = ctx.releases
    assert isinstance(error, LookupError)
    assert current.get(None) is None


async def test_async_stream_thrown_away_is_closed_on_its_loop(ctx):
    async def marks():
        try:
            yield 1
        finally:
            notes.append(current.get(None))

    def release(exc=None):
        released.set()

    notes, released = [], asyncio.Event()
    ctx.release = release
    stream = AsyncContextStream(ctx, marks())
    await anext(stream)

    del stream
    gc.collect()
    await asyncio.wait_for(released.wait(), 10)

    assert notes == [ctx]


def test_async_stream_thrown_away_before_it_began_releases_the_context(ctx):
    stream = AsyncContextStream(ctx, aseen([]))

    del stream
    gc.collect()

    assert len(ctx.releases) == 1


def test_async_stream_whose_loop_has_gone_releases_the_context(ctx):
    class Endless:
        def __aiter__(self):
            return self

        async def __anext__(self):
            return 1

    async def begin():
        stream = AsyncContextStream(ctx, Endless())
        await anext(stream)
        return stream

    stream = asyncio.run(begin())
    del stream
    gc.collect()

    assert len(ctx.releases) == 1


async def test_what_cannot_be_iterated_over_asynchronously_holds_nothing(ctx):
    with pytest.raises(TypeError):
        AsyncContextStream(ctx, [1])

    assert ctx.holds == 0
