"""Synchronous code in worker threads: where it runs, what it sees, and that there are enough threads."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from costrel.serving.offload import finish
from costrel.serving.threads import MAX_THREADS, in_thread, in_thread_keeping

BOUND_SECONDS = 30
number: contextvars.ContextVar[int] = contextvars.ContextVar("number")


def run(main):
    async def bounded():
        return await asyncio.wait_for(main(), BOUND_SECONDS)

    return asyncio.run(bounded())


def test_function_runs_in_another_thread_and_its_result_comes_back():
    async def main():
        return await in_thread(lambda first, second: (threading.get_ident(), first, second), 1, 2)

    thread, *given = run(main)

    assert thread != threading.get_ident()
    assert given == [1, 2]


def test_error_of_the_function_is_raised_where_it_is_awaited():
    def fail():
        raise LookupError("of the thread")

    with pytest.raises(LookupError, match="of the thread"):
        run(lambda: in_thread(fail))


def test_stop_iteration_becomes_an_error_that_can_be_awaited():
    with pytest.raises(RuntimeError, match="StopIteration"):
        run(lambda: in_thread(next, iter(())))


def test_context_variables_go_there_and_come_back():
    def change():
        seen = number.get()
        number.set(2)
        return seen

    async def main():
        number.set(1)
        return await in_thread(change), number.get()

    assert run(main) == (1, 2)


def test_given_context_keeps_what_was_set_in_it():
    async def main():
        context = contextvars.copy_context()
        await in_thread_keeping(context, number.set, 5)
        return await in_thread_keeping(context, number.get), number.get(None)

    assert run(main) == (5, None)


def test_async_code_that_a_thread_waits_for_runs_on_the_loop_that_sent_it():
    async def running():
        return asyncio.get_running_loop()

    async def main():
        return await in_thread(lambda: finish(running())) is asyncio.get_running_loop()

    assert run(main)


def test_threads_that_wait_for_async_code_take_no_thread_from_it():
    async def inner():
        return await in_thread(int)

    async def main():
        return await asyncio.gather(*(in_thread(lambda: finish(inner())) for _ in range(4 * MAX_THREADS)))

    assert run(main) == [0] * (4 * MAX_THREADS)


def test_no_more_functions_run_at_once_than_there_are_threads():
    running, most, lock = 0, 0, threading.Lock()
    all_there = threading.Barrier(MAX_THREADS)

    def work():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        all_there.wait(BOUND_SECONDS)
        with lock:
            running -= 1

    async def main():
        await asyncio.gather(*(in_thread(work) for _ in range(3 * MAX_THREADS)))

    run(main)

    assert most == MAX_THREADS


def test_what_a_cancelled_call_brings_is_closed():
    class Result:
        def close(self):
            closed.set()

    closed, started, go = threading.Event(), threading.Event(), threading.Event()

    def work():
        started.set()
        go.wait(BOUND_SECONDS)
        return Result()

    async def main():
        task = asyncio.ensure_future(in_thread_keeping(contextvars.copy_context(), work))
        await in_thread(started.wait, BOUND_SECONDS)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()
        return await in_thread(closed.wait, BOUND_SECONDS)

    assert run(main)


def test_a_cancellation_comes_after_what_a_thread_does():
    started, go = threading.Event(), threading.Event()
    did = []

    def work():
        started.set()
        go.wait(BOUND_SECONDS)
        did.append("work")

    async def wait():
        await in_thread(work)
        did.append("seen")
        await asyncio.sleep(BOUND_SECONDS)
        did.append("never")

    async def main():
        task = asyncio.ensure_future(wait())
        await in_thread(started.wait, BOUND_SECONDS)
        task.cancel("enough")
        task.cancel("enough")
        await asyncio.sleep(0)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        return did

    assert run(main) == ["work", "seen"]


def test_a_function_may_raise_what_looks_like_a_cancellation():
    def work():
        raise asyncio.CancelledError("its own")

    async def main():
        with pytest.raises(asyncio.CancelledError, match="its own"):
            await in_thread(work)
        await asyncio.sleep(0)
        return asyncio.current_task().cancelling()

    assert run(main) == 0
