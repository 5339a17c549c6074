import asyncio

import pytest

from costrel.core.pump import Pump


async def numbers(notes, count=3):
    try:
        for number in range(count):
            notes.append(f"made {number}")
            yield number
    finally:
        await asyncio.sleep(0)
        notes.append("closed")


async def silent(notes, started):
    try:
        started.set()
        await asyncio.Event().wait()
        yield 1
    except asyncio.CancelledError:
        notes.append("cancelled")
        raise
    finally:
        notes.append("closed")


async def rest_of(pump):
    items = []
    while True:
        try:
            items += await pump.take()
        except StopAsyncIteration:
            return items


async def test_items_come_in_order_and_then_the_end_again_and_again():
    notes = []
    pump = Pump(numbers(notes))

    assert await rest_of(pump) == [0, 1, 2]
    assert notes[-1] == "closed"
    with pytest.raises(StopAsyncIteration):
        await pump.take()


async def test_nothing_is_made_before_it_is_asked_for():
    notes = []
    pump = Pump(numbers(notes))
    assert notes == []

    assert await pump.take() == [0]
    for _ in range(5):
        await asyncio.sleep(0)

    assert notes == ["made 0"]
    await pump.aclose()


async def test_no_more_is_made_ahead_than_allowed():
    notes = []
    pump = Pump(numbers(notes, count=100), ahead=4)

    assert await pump.take() == [0, 1, 2, 3]
    for _ in range(20):
        await asyncio.sleep(0)

    assert len(notes) == 8
    assert await pump.take() == [4, 5, 6, 7]
    await pump.aclose()


async def test_giving_up_waiting_loses_nothing():
    async def late():
        await come.wait()
        yield "late"

    come = asyncio.Event()
    pump = Pump(late())

    assert await pump.take(0) == []
    assert await pump.take(0) == []
    come.set()

    assert await pump.take() == ["late"]
    await pump.aclose()


async def test_taker_that_is_cancelled_loses_nothing():
    async def late():
        await come.wait()
        yield "late"

    come = asyncio.Event()
    pump = Pump(late())
    taker = asyncio.ensure_future(pump.take())
    await asyncio.sleep(0)

    taker.cancel()
    await asyncio.wait({taker})
    come.set()

    assert await pump.take() == ["late"]
    await pump.aclose()


async def test_one_task_works_on_the_stream_from_the_beginning_to_its_finally_block():
    async def notes_tasks():
        try:
            async with asyncio.timeout(30):
                for _ in range(3):
                    tasks.append(asyncio.current_task())
                    yield 1
        finally:
            tasks.append(asyncio.current_task())

    tasks = []
    pump = Pump(notes_tasks())
    await pump.take()
    await pump.take()
    await pump.aclose()

    assert len(tasks) == 3
    assert len(set(tasks)) == 1
    assert tasks[0] is not asyncio.current_task()


async def test_error_of_the_stream_comes_after_the_items_before_it():
    async def fails():
        yield 1
        raise LookupError("broken")

    pump = Pump(fails(), ahead=5)

    assert await pump.take() == [1]
    with pytest.raises(LookupError):
        await pump.take()
    with pytest.raises(StopAsyncIteration):
        await pump.take()


async def test_closing_cancels_a_stream_that_waits():
    notes, started = [], asyncio.Event()
    pump = Pump(silent(notes, started))
    taker = asyncio.ensure_future(pump.take())
    await started.wait()

    await pump.aclose()

    assert notes == ["cancelled", "closed"]
    with pytest.raises(StopAsyncIteration):
        await taker


async def test_closing_between_two_items_ends_the_stream_like_a_generator():
    async def stands():
        try:
            yield 1
        except BaseException as error:
            ends.append(type(error))
            raise

    ends = []
    pump = Pump(stands())
    await pump.take()

    await pump.aclose()
    await pump.aclose()

    assert ends == [GeneratorExit]


async def test_closing_before_the_first_item_closes_what_would_have_been_asked():
    class Stream:
        closed = 0

        def __aiter__(self):
            return self

        async def __anext__(self):
            raise AssertionError

        async def aclose(self):
            self.closed += 1

    stream = Stream()

    await Pump(stream).aclose()

    assert stream.closed == 1


async def test_error_while_closing_is_raised():
    async def fails():
        try:
            yield 1
        finally:
            raise LookupError("broken")

    pump = Pump(fails())
    await pump.take()

    with pytest.raises(LookupError):
        await pump.aclose()


async def test_stream_that_swallows_its_cancellation_is_ended_at_its_next_item():
    async def stubborn():
        while True:
            try:
                started.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                yield 1

    started = asyncio.Event()
    pump = Pump(stubborn())
    taker = asyncio.ensure_future(pump.take())
    await started.wait()

    await asyncio.wait_for(pump.aclose(), 10)

    with pytest.raises(StopAsyncIteration):
        await taker


async def test_second_taker_at_once_is_refused():
    pump = Pump(silent([], asyncio.Event()))
    taker = asyncio.ensure_future(pump.take())
    await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="another task"):
        await pump.take()

    await pump.aclose()
    await asyncio.wait({taker})
