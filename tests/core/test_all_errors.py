"""Several things are done though some fail; nothing that failed goes unsaid."""

from __future__ import annotations

import gc
import weakref

import pytest

from costrel.core.all_errors import AllErrors


def in_blocks(errors, raised):
    for error in raised:
        with errors:
            if error is not None:
                raise error


def caught(errors, raised):
    for error in raised:
        try:
            if error is not None:
                raise error
        except BaseException as found:
            errors.catch(found)


@pytest.fixture(params=[in_blocks, caught])
def run(request):
    """Raise one after another; return what was logged, and what is raised at the end."""
    return lambda *raised: end_of(request.param, raised)


def end_of(meet, raised):
    logged = []
    errors = AllErrors(log=logged.append)
    meet(errors, raised)
    try:
        errors.raise_first()
    except BaseException as error:
        return logged, error

    return logged, None


def test_without_an_error_nothing_is_raised(run):
    assert run(None, None) == ([], None)


def test_first_error_is_raised_and_the_others_are_logged(run):
    first, second, third = ValueError(), KeyError(), TypeError()

    assert run(None, first, None, second, third) == ([second, third], first)


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_goes_first(run, ending):
    error, end = ValueError(), ending()

    assert run(error, end) == ([error], end)
    assert run(end, error) == ([error], end)


def test_generator_that_is_closed_within_a_block_closes():
    def work():
        with AllErrors(log=print):
            yield

    generator = work()
    next(generator)

    generator.close()


def test_the_end_of_a_generator_is_none_of_the_errors():
    with pytest.raises(GeneratorExit):
        AllErrors(log=print).catch(GeneratorExit())


def test_raised_error_is_freed_without_the_collector():
    class Own(Exception):
        pass

    error, errors = Own(), AllErrors(log=print)
    freed = weakref.ref(error)
    gc.disable()
    try:
        with errors:
            raise error
        with pytest.raises(Own):
            errors.raise_first()
        del error
        assert freed() is None
    finally:
        gc.enable()
