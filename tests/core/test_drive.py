"""Two drivers run the same steps: one calls, one awaits, and neither decides anything."""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
import traceback

import pytest

from costrel.core.drive import Call, is_async, run_async, run_sync


def ensure_sync(function):
    """Run a coroutine function to its end, as an application would."""
    if not is_async(function):
        return function

    return lambda *args, **kwargs: asyncio.run(function(*args, **kwargs))


def by_calling(steps):
    return run_sync(steps, ensure_sync)


def by_awaiting(steps):
    return asyncio.run(run_async(steps))


def by_threads(steps):
    async def main():
        loop = asyncio.get_running_loop()

        def in_thread(function, *args):
            return loop.run_in_executor(None, functools.partial(function, *args))

        return await run_async(steps, in_thread)

    return asyncio.run(main())


@pytest.fixture(params=[by_calling, by_awaiting, by_threads], ids=lambda driver: driver.__name__)
def drive(request):
    """Run steps with each of the drivers."""
    return request.param


def plain(*args, **kwargs):
    return args, kwargs


async def coroutine_function(*args, **kwargs):
    await asyncio.sleep(0)
    return args, kwargs


class AsyncCallable:
    async def __call__(self, *args, **kwargs):
        return args, kwargs


def returns_a_coroutine(*args, **kwargs):
    return coroutine_function(*args, **kwargs)


FUNCTIONS = [
    plain,
    coroutine_function,
    AsyncCallable(),
    functools.partial(plain),
    functools.partial(coroutine_function),
    returns_a_coroutine,
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: type(function).__name__)
def test_result_of_a_call_comes_back_to_the_steps(drive, function):
    def steps():
        first = yield Call(function, (1, 2), kwargs={"three": 3})
        second = yield Call(function)
        return first, second

    assert drive(steps()) == (((1, 2), {"three": 3}), ((), {}))


def fails(text):
    raise LookupError(text)


async def fails_async(text):
    raise LookupError(text)


@pytest.mark.parametrize("function", [fails, fails_async])
def test_error_of_a_call_is_raised_where_it_was_yielded(drive, function):
    def steps():
        try:
            yield Call(function, ("lost",))
        except LookupError as error:
            return (yield Call(plain, (str(error),)))

    assert drive(steps()) == (("lost",), {})


@pytest.mark.parametrize("function", [fails, fails_async])
def test_error_that_the_steps_do_not_catch_comes_out(drive, function):
    def steps():
        yield Call(function, ("lost",))

    with pytest.raises(LookupError, match="lost"):
        drive(steps())


def test_error_of_the_steps_themselves_comes_out(drive):
    def steps():
        yield Call(plain)
        raise KeyError("between two calls")

    with pytest.raises(KeyError, match="between"):
        drive(steps())


@pytest.mark.parametrize("exit_with", [KeyboardInterrupt, SystemExit])
def test_steps_may_clean_up_when_the_process_is_to_end(drive, exit_with):
    cleaned = []

    def leave():
        raise exit_with

    def steps():
        try:
            yield Call(leave)
        finally:
            cleaned.append(1)

    with pytest.raises(exit_with):
        drive(steps())
    assert cleaned == [1]


def test_steps_without_a_call_return_at_once(drive):
    def steps():
        return 7
        yield

    assert drive(steps()) == 7


def handle(error):
    return sys.exc_info()[1] is error, "raise ValueError" in traceback.format_exc()


async def handle_async(error):
    await asyncio.sleep(0)
    return handle(error)


@pytest.mark.parametrize("handler", [handle, handle_async])
def test_handler_sees_its_error_as_the_one_being_handled(drive, handler):
    def steps():
        try:
            raise ValueError("wrong")
        except ValueError as error:
            caught = error
        return (yield Call(handler, (caught,), caught))

    expected = (True, True)
    if drive is by_calling and handler is handle_async:
        expected = drive(
            steps()
        )  # asyncio.run has a stack of its own; the application's way is tested with it

    assert drive(steps()) == expected


def reraise(error):
    raise  # noqa: PLE0704  # the error is the one being handled


async def reraise_async(error):
    raise  # noqa: PLE0704


@pytest.mark.parametrize("handler", [reraise, reraise_async])
def test_bare_raise_in_a_handler_raises_the_error_again(drive, handler):
    if drive is by_calling and handler is reraise_async:
        pytest.skip("asyncio.run has a stack of its own")

    def steps():
        error = ValueError("wrong")
        yield Call(handler, (error,), error)

    with pytest.raises(ValueError, match="wrong"):
        drive(steps())


def test_traceback_of_a_handled_error_does_not_grow(drive):
    depths = []

    def handler(error):
        depths.append(len(traceback.extract_tb(error.__traceback__)))

    def steps():
        try:
            raise ValueError("wrong")
        except ValueError as error:
            caught = error
        yield Call(handler, (caught,), caught)
        yield Call(handler, (caught,), caught)

    drive(steps())

    assert depths == [1, 1]


def test_only_what_is_not_async_goes_to_a_thread():
    threads = {}

    def in_thread():
        threads["plain"] = threading.current_thread()

    async def on_the_loop():
        threads["async"] = threading.current_thread()

    def steps():
        yield Call(in_thread)
        yield Call(on_the_loop)

    by_threads(steps())

    assert threads["async"] is threading.current_thread()
    assert threads["plain"] is not threading.current_thread()
