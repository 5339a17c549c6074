"""What async code of a synchronous request sees of its task, whether it waits or not."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref

import pytest

from costrel.serving.offload import finish

kept = []


@pytest.fixture(autouse=True)
def _without_greenlets(monkeypatch):
    # Where they are in use, all of a coroutine runs in the loop's own thread.
    monkeypatch.delitem(sys.modules, "sqlalchemy.ext.asyncio", raising=False)


async def ask_first():
    return asyncio.current_task().get_name()


async def ask_later():
    await asyncio.sleep(0)
    return asyncio.current_task().get_name()


@pytest.mark.parametrize("ask", [ask_first, ask_later])
def test_there_is_a_task_from_the_first_step_on(ask):
    assert finish(ask()) == "costrel"


def test_it_is_the_same_task_before_and_after_a_pause():
    async def work():
        task = asyncio.current_task()
        before = id(task), isinstance(task, asyncio.Task)
        await asyncio.sleep(0)
        assert asyncio.current_task() is task
        return before == (id(asyncio.current_task()), True)

    assert finish(work())


@pytest.mark.parametrize("pauses", [0, 1])
@pytest.mark.parametrize("asks", [False, True])
def test_task_that_somebody_keeps_is_done_when_it_is_over(asks, pauses):
    async def work():
        task = asyncio.current_task()
        if asks:
            assert not task.done()
        for _ in range(pauses):
            await asyncio.sleep(0)
        return task

    task = finish(work())

    assert task.done()
    assert task.result() is task
    assert task.get_name() == "costrel"
    assert "finished" in repr(task)


@pytest.mark.parametrize("pauses", [0, 1])
def test_task_that_somebody_keeps_has_the_error(pauses):
    async def work():
        kept.append(asyncio.current_task())
        for _ in range(pauses):
            await asyncio.sleep(0)
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        finish(work())

    assert isinstance(kept.pop().exception(), LookupError)


@pytest.mark.parametrize("pauses", [0, 1])
@pytest.mark.parametrize("asks", [False, True])
def test_error_that_is_returned_is_a_value(asks, pauses):
    async def work():
        if asks:
            asyncio.current_task().get_name()
        for _ in range(pauses):
            await asyncio.sleep(0)
        return LookupError("no fault")

    assert isinstance(finish(work()), LookupError)


@pytest.mark.parametrize("pauses", [0, 1])
def test_what_waits_for_the_task_to_be_done_hears_of_it(pauses):
    heard = []

    async def work():
        asyncio.current_task().add_done_callback(lambda task: heard.append(task.result()))
        for _ in range(pauses):
            await asyncio.sleep(0)
        return 7

    async def let_the_loop_go_round():
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert finish(work()) == 7
    finish(let_the_loop_go_round())
    assert heard == [7]


def test_task_that_cancels_itself_is_cancelled_at_its_next_pause():
    seen = []

    async def work():
        assert asyncio.current_task().cancel()
        seen.append("goes on")
        await asyncio.sleep(0)
        seen.append("never")

    with pytest.raises(asyncio.CancelledError):
        finish(work())

    assert seen == ["goes on"]


def test_task_that_cancels_itself_cancels_what_it_waits_for():
    async def work():
        future = asyncio.get_running_loop().create_future()
        asyncio.current_task().cancel()
        try:
            await future
        except asyncio.CancelledError:
            return future.cancelled()

    assert finish(work()) is True


def test_task_that_cancels_itself_and_ends_is_cancelled():
    async def work():
        asyncio.current_task().cancel()

    with pytest.raises(asyncio.CancelledError):
        finish(work())


def test_task_that_cancels_itself_and_fails_has_its_own_error():
    async def work():
        asyncio.current_task().cancel()
        raise LookupError("lost")

    with pytest.raises(LookupError):
        finish(work())


@pytest.mark.parametrize("pauses", [0, 1])
def test_timeout_and_group_find_the_task(pauses):
    async def part(number):
        for _ in range(pauses):
            await asyncio.sleep(0)
        return number

    async def work():
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            tasks = [group.create_task(part(number)) for number in range(3)]
        return [task.result() for task in tasks]

    assert finish(work()) == [0, 1, 2]


def test_timeout_cancels_what_it_goes_round():
    async def work():
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        finish(work())


def test_coroutine_that_stops_the_worker_raises_that_here():
    async def work():
        asyncio.current_task().done()
        sys.exit(3)

    with pytest.raises(SystemExit):
        finish(work())


@pytest.mark.parametrize("pauses", [0, 1])
def test_coroutine_of_the_task_is_the_one_that_runs(pauses):
    async def work():
        task = asyncio.current_task()
        for _ in range(pauses):
            await asyncio.sleep(0)
        return task.get_coro().cr_frame.f_code.co_name, task.get_stack()[-1].f_code.co_name

    assert finish(work()) == ("work", "work")


@pytest.mark.parametrize("asks", [False, True])
def test_what_failed_is_freed_without_the_garbage_collector(asks):
    class Body:
        pass

    async def work(body):
        if asks:
            asyncio.current_task().get_name()
        raise LookupError("lost")

    body = Body()
    seen = weakref.ref(body)
    gc.disable()
    try:
        with pytest.raises(LookupError):
            finish(work(body))
        del body
        assert seen() is None
    finally:
        gc.enable()
