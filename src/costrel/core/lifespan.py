"""What is done before an application serves and after: in which order, and what an error stops.

The steps are generators, run as those of ``core/lifecycle.py`` are
(``core/drive.py``). Knows no application, protocol, process or event loop.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from costrel.core.all_errors import AllErrors
from costrel.core.drive import Call, Steps
from costrel.core.views import where_defined
from costrel.errors import SetupError

__all__ = ["AFTER_SENT", "BEGUN", "TEST_MARK", "finish_steps", "refuse_no_generator", "start_steps"]

TEST_MARK = "costrel.test"
"""In the environment or scope of a request: it comes from a test client, which does not begin serving."""

BEGUN = "costrel.begun"
"""In the scope of a request: the error with which serving could not begin, or ``None``."""

AFTER_SENT = "costrel.after_sent"
"""In the scope of a request, and in the environment of a test client's: functions to call when the
response was sent."""

_ENDED = object()
_EXAMPLE = "Write it as a generator function: what is before 'yield' runs before serving, the rest after."


def start_steps(
    before: Iterable[Callable[..., Any]],
    around: Iterable[Callable[..., Any]],
    running: list[Any],
    log: Callable[[BaseException], object],
) -> Steps[None]:
    """Call what goes before serving, then begin what goes around it.

    If one fails, the rest is not called, and what had begun is ended again.

    Args:
        before: Functions without arguments.
        around: Generator functions without arguments, sync or async.
        running: Gets the generators that have begun; ``finish_steps`` takes it.
        log: Told of errors that are not raised.

    Raises:
        SetupError: If one of ``around`` does not yield.
    """
    try:
        for function in before:
            yield Call(function)
        for function in around:
            generator = function()
            if (yield _advance(generator, function)) is _ENDED:
                raise SetupError(
                    f"the while_serving function ended without a yield: {where_defined(function)}",
                    hint=_EXAMPLE,
                )
            running.append(generator)
    except BaseException:
        errors = AllErrors(log)
        yield from _end_all(running, errors)
        errors.log_first()
        raise


def finish_steps(
    after: Iterable[Callable[..., Any]], running: list[Any], log: Callable[[BaseException], object]
) -> Steps[None]:
    """Call what goes after serving, then end what goes around it, the last begun first.

    All are called, whatever fails; then the first error is raised.

    Args:
        after: Functions without arguments.
        running: The generators that have begun; empty when this returns.
        log: Told of errors that are not raised.
    """
    errors = AllErrors(log)
    for function in after:
        with errors:
            yield Call(function)
    yield from _end_all(running, errors)
    errors.raise_first()


def _end_all(running: list[Any], errors: AllErrors) -> Steps[None]:
    while running:
        generator = running.pop()
        with errors:
            if (yield _advance(generator, generator)) is not _ENDED:
                yield Call(_aclose if hasattr(generator, "aclose") else _close, (generator,))
                raise SetupError(
                    f"the while_serving function yielded a second time: {generator.__qualname__}",
                    hint="It may do so once: the application serves meanwhile.",
                )


def _advance(generator: Any, function: Any) -> Call:
    """Make the call that takes a generator to its ``yield`` or its end."""
    if hasattr(generator, "__anext__"):
        return Call(_anext, (generator,))
    if hasattr(generator, "__next__"):
        return Call(_next, (generator,))

    raise SetupError(f"while_serving needs a generator function: {where_defined(function)}", hint=_EXAMPLE)


async def _anext(generator: Any) -> Any:
    return await anext(generator, _ENDED)


def _next(generator: Any) -> Any:
    return next(generator, _ENDED)


async def _aclose(generator: Any) -> None:
    await generator.aclose()


def _close(generator: Any) -> None:
    generator.close()


def refuse_no_generator(function: Any) -> None:
    """Refuse a function for ``while_serving`` that has no ``yield``.

    Raises:
        SetupError: If it is certain; a wrapper is looked at when it is called.

    Example:
        >>> refuse_no_generator(print)
        Traceback (most recent call last):
          ...
        costrel.errors.SetupError: while_serving needs a generator function: print
          hint: Write it as a generator function: what is before 'yield' runs before serving, the rest after.
    """
    inner = inspect.unwrap(function)
    if not (inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner)):
        raise SetupError(
            f"while_serving needs a generator function: {where_defined(function)}", hint=_EXAMPLE
        )
