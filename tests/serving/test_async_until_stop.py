"""Async streams end at a stop while they wait; cancellations from elsewhere stay what they are."""

from __future__ import annotations

import asyncio
import threading

import pytest

from costrel.serving.async_until_stop import UntilStop

PATIENCE_SECONDS = 60


async def collect(stream, items):
    async for item in stream:
        items.append(item)
    await stream.aclose()
    return asyncio.current_task().cancelling()


async def until(is_so):
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():
            await asyncio.sleep(0)


async def silent(notes):
    try:
        yield "first"
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        notes.append("closed")


async def test_stream_that_waits_ends_and_its_task_goes_on():
    notes, items = [], []
    stream = UntilStop(silent(notes))
    task = asyncio.ensure_future(collect(stream, items))
    await until(lambda: items)

    stream.stop()

    assert await asyncio.wait_for(task, PATIENCE_SECONDS) == 0
    assert (items, notes) == (["first"], ["closed"])


async def test_stream_is_told_from_any_thread_and_more_than_once():
    notes, items = [], []
    stream = UntilStop(silent(notes))
    task = asyncio.ensure_future(collect(stream, items))
    await until(lambda: items)

    for _ in range(2):
        thread = threading.Thread(target=stream.stop)
        thread.start()
        thread.join()

    assert await asyncio.wait_for(task, PATIENCE_SECONDS) == 0
    assert notes == ["closed"]


async def test_stop_between_two_items_ends_the_stream_before_the_second():
    notes = []
    stream = UntilStop(silent(notes))
    iterator = aiter(stream)
    assert await anext(iterator) == "first"

    stream.stop()
    await asyncio.sleep(0)

    with pytest.raises(StopAsyncIteration):
        await anext(iterator)
    await stream.aclose()
    assert notes == ["closed"]


async def test_source_that_holds_out_against_the_cancellation_gives_its_item_and_ends():
    async def stubborn():
        yield "first"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield "last"
        yield "never"

    items = []
    stream = UntilStop(stubborn())
    task = asyncio.ensure_future(collect(stream, items))
    await until(lambda: items)

    stream.stop()

    assert await asyncio.wait_for(task, PATIENCE_SECONDS) == 0
    assert items == ["first", "last"]


async def test_source_with_a_timeout_of_its_own_takes_the_cancellation_for_none_of_its():
    async def patient():
        yield "first"
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.Event().wait()

    items = []
    stream = UntilStop(patient())
    task = asyncio.ensure_future(collect(stream, items))
    await until(lambda: items)

    stream.stop()

    assert await asyncio.wait_for(task, PATIENCE_SECONDS) == 0


async def test_cancellation_of_its_task_stays_one():
    notes, items = [], []
    task = asyncio.ensure_future(collect(UntilStop(silent(notes)), items))
    await until(lambda: items)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes == ["closed"]


async def test_cancellation_that_comes_with_the_stop_is_not_lost():
    notes, items = [], []
    stream = UntilStop(silent(notes))
    task = asyncio.ensure_future(collect(stream, items))
    await until(lambda: items)

    stream._cut()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes == ["closed"]


def test_stop_after_its_loop_was_closed_is_nothing():
    notes, items = [], []
    stream = UntilStop(silent(notes))

    async def main():
        task = asyncio.ensure_future(collect(stream, items))
        await until(lambda: items)
        task.cancel()

    asyncio.run(main())

    stream.stop()
