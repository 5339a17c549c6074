"""What goes round serving: in which order, and what an error stops."""

from __future__ import annotations

import asyncio

import pytest

from costrel.core.drive import is_async, run_async, run_sync
from costrel.core.lifespan import finish_steps, refuse_no_generator, start_steps
from costrel.errors import SetupError


@pytest.fixture(params=["by calling", "by awaiting"])
def drive(request):
    """Run steps with each of the drivers, all on one loop: async generators do not outlive theirs."""
    with asyncio.Runner() as runner:

        def ensure_sync(function):
            return (lambda *args: runner.run(function(*args))) if is_async(function) else function

        if request.param == "by calling":
            yield lambda steps: run_sync(steps, ensure_sync)
        else:
            yield lambda steps: runner.run(run_async(steps))


@pytest.fixture
def log():
    """What happened, in order."""
    return []


@pytest.fixture
def make(log):
    """Make functions that note their call, and fail if told so."""

    def function(name, error=None):
        def call():
            log.append(name)
            if error is not None:
                raise error

        return call

    return function


@pytest.fixture
def around(log):
    """Make generator functions, sync and async, that note their steps."""

    def generator_function(name, is_async=False, error=None):
        def generator():
            log.append(f"{name} begins")
            yield
            log.append(f"{name} ends")
            if error is not None:
                raise error

        async def async_generator():
            for _ in generator():
                yield

        return async_generator if is_async else generator

    return generator_function


def test_functions_run_in_the_order_of_their_registration(drive, make, log):
    async def later():
        log.append("async")

    drive(start_steps([make("one"), later, make("two")], [], [], log.append))
    drive(finish_steps([make("three"), later, make("four")], [], log.append))

    assert log == ["one", "async", "two", "three", "async", "four"]


def test_what_goes_around_begins_after_what_goes_before_and_ends_last_in_reverse(drive, make, around, log):
    running = []

    drive(start_steps([make("before")], [around("a"), around("b", is_async=True)], running, log.append))
    drive(finish_steps([make("after")], running, log.append))

    assert log == ["before", "a begins", "b begins", "after", "b ends", "a ends"]
    assert running == []


def test_an_error_at_the_start_stops_the_rest_and_ends_what_has_begun(drive, make, around, log):
    def fails():
        raise LookupError("no database")
        yield

    with pytest.raises(LookupError, match="no database"):
        drive(start_steps([make("before")], [around("a"), fails, around("b")], [], log.append))

    assert log == ["before", "a begins", "a ends"]


def test_an_error_while_what_has_begun_is_ended_is_logged(drive, around, log):
    second = ValueError("second")

    def fails():
        raise LookupError("first")
        yield

    with pytest.raises(LookupError, match="first"):
        drive(start_steps([], [around("a", error=second), fails], [], log.append))

    assert log == ["a begins", "a ends", second]


def test_an_error_at_the_end_stops_nothing_and_the_first_is_raised(drive, make, around, log):
    first, second = LookupError("first"), ValueError("second")
    running = []
    drive(start_steps([], [around("a"), around("b", error=second)], running, log.append))

    with pytest.raises(LookupError, match="first"):
        drive(finish_steps([make("one", first), make("two")], running, log.append))

    assert log == ["a begins", "b begins", "one", "two", "b ends", second, "a ends"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_generator_that_ends_at_once_is_refused(drive, log, is_async):
    def empty():
        return
        yield

    async def async_empty():
        return
        yield

    with pytest.raises(SetupError, match="ended without a yield") as caught:
        drive(start_steps([], [async_empty if is_async else empty], [], log.append))

    assert "empty" in caught.value.problem
    assert "'yield'" in caught.value.hint


@pytest.mark.parametrize("is_async", [False, True])
def test_a_generator_that_yields_twice_is_closed_and_refused(drive, log, is_async):
    def twice():
        try:
            yield
            yield
        finally:
            log.append("closed")

    async def async_twice():
        try:
            yield
            yield
        finally:
            log.append("closed")

    running = []
    drive(start_steps([], [async_twice if is_async else twice], running, log.append))

    with pytest.raises(SetupError, match="yielded a second time"):
        drive(finish_steps([], running, log.append))

    assert log == ["closed"]


def test_a_wrapper_that_makes_no_generator_is_refused_when_it_is_called(drive, log):
    with pytest.raises(SetupError, match="needs a generator function"):
        drive(start_steps([], [lambda: 1], [], log.append))


def test_a_function_without_yield_is_refused_at_once():
    async def forgot():
        pass

    with pytest.raises(SetupError, match=r"needs a generator function: .*forgot"):
        refuse_no_generator(forgot)
