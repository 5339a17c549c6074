"""The two drivers of the lifecycle: one calls, one awaits.

Contract: a step of the lifecycle is a generator. It yields ``Call`` objects
and nothing else; a driver makes each call and sends its result back, or
throws the error that it raised. What the generator returns is the result of
the step. Neither driver takes a decision, so both behave alike.

Knows no request, no application and no protocol.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from inspect import CO_COROUTINE, iscoroutinefunction
from types import CoroutineType, FunctionType, MethodType
from typing import Any, TypeVar, cast

__all__ = ["Call", "Steps", "is_async", "run_async", "run_sync", "wait_for"]

T = TypeVar("T")


class Call:
    """One call that the lifecycle wants made.

    Args:
        function: What to call; may be a coroutine function.
        args: Its positional arguments.
        handling: The error that is being handled during the call, so that
            ``sys.exc_info()`` and a bare ``raise`` work in an error handler.
        kwargs: Its keyword arguments.
    """

    __slots__ = ("args", "function", "handling", "kwargs")

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...] = (),
        handling: BaseException | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.function = function
        self.args = args
        self.handling = handling
        self.kwargs = kwargs or {}


Steps = Generator[Call, Any, T]


def is_async(function: Callable[..., Any]) -> bool:
    """Tell whether a callable must be awaited.

    Example:
        >>> async def view(): ...
        >>> is_async(view), is_async(len)
        (True, False)
    """
    # PERF: 0.1 µs for a function or method; inspect takes 1.4 to find the same.
    plain: Any = cast(Any, function).__func__ if type(function) is MethodType else function
    if type(plain) is FunctionType:
        return bool(plain.__code__.co_flags & CO_COROUTINE) or hasattr(plain, "_is_coroutine_marker")

    return iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def run_sync(steps: Steps[T], ensure_sync: Callable[[Callable[..., Any]], Callable[..., Any]]) -> T:
    """Run steps by calling.

    Args:
        steps: The generator to run.
        ensure_sync: Turns a function that may be async into one to call.

    Returns:
        What the steps returned.
    """
    try:
        call = next(steps)
        while True:
            try:
                if call.handling is None:
                    result = ensure_sync(call.function)(*call.args, **call.kwargs)
                else:
                    result = _call_while_handling(ensure_sync(call.function), call.args, call.handling)
                if type(result) is CoroutineType:  # of a wrapper that does not look async
                    result = ensure_sync(wait_for)(result)
            except BaseException as error:
                call = steps.throw(error)
            else:
                call = steps.send(result)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # StopIteration is not generic
    finally:
        call = result = None  # type: ignore[assignment]  # an error's traceback holds this frame


async def run_async(steps: Steps[T], in_thread: Callable[..., Awaitable[Any]] | None = None) -> T:
    """Run steps by awaiting what is async and calling the rest.

    Args:
        steps: The generator to run.
        in_thread: Awaitable ``in_thread(function, *args)`` for functions that
            are not async; ``None`` calls them here, on the event loop.

    Returns:
        What the steps returned.
    """
    try:
        call = next(steps)
        while True:
            try:
                result = await _call_or_await(call, in_thread)
            except BaseException as error:
                call = steps.throw(error)
            else:
                call = steps.send(result)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # StopIteration is not generic
    finally:
        call = result = None  # type: ignore[assignment]  # as above


async def _call_or_await(call: Call, in_thread: Callable[..., Awaitable[Any]] | None) -> Any:
    if is_async(call.function):
        if call.handling is None:
            return await call.function(*call.args, **call.kwargs)
        return await _await_while_handling(call.function, call.args, call.handling)

    function = partial(call.function, **call.kwargs) if call.kwargs else call.function
    if call.handling is not None:
        function = partial(_call_while_handling, function, call.args, call.handling)
        args: tuple[Any, ...] = ()
    else:
        args = call.args
    result = function(*args) if in_thread is None else await in_thread(function, *args)

    return await result if type(result) is CoroutineType else result


async def wait_for(coroutine: Any) -> Any:
    """Wait for what a function returned that turned out to be a coroutine."""
    return await coroutine


def _call_while_handling(function: Callable[..., Any], args: tuple[Any, ...], error: BaseException) -> Any:
    """Call a function inside of an ``except`` block of the error."""
    traceback = error.__traceback__
    try:
        raise error
    except BaseException:
        error.__traceback__ = traceback  # this frame is no part of the story
        return function(*args)
    finally:
        del args, error  # it may be raised again, and hold this frame


async def _await_while_handling(
    function: Callable[..., Any], args: tuple[Any, ...], error: BaseException
) -> Any:
    traceback = error.__traceback__
    try:
        raise error
    except BaseException:
        error.__traceback__ = traceback
        return await function(*args)
    finally:
        del args, error
