"""A task that is set up only when it has to wait or is asked something. Knows no event loop.

Most coroutines of a synchronous request never wait. For them a task is only
what ``asyncio.current_task()`` returns, and setting one up takes longer than
all they do. Python 3.12 has ``eager_start`` for that; this is the same for 3.11.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Generator
from typing import Any

__all__ = ["Begun", "EarlyTask"]


class Begun(Coroutine[Any, Any, Any]):
    """A coroutine whose first part has run: gives once more what that part gave, then goes on.

    Args:
        coroutine: The coroutine.
        context: The context variables it sees.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context) -> None:
        self.coroutine = coroutine
        self.context = context
        self.first: Any = None
        """What it waits for, until that is given; its value where it is over."""
        self.error: BaseException | None = None
        self.is_over = False
        self._is_given = False

    def send(self, value: Any) -> Any:
        """Go on."""
        if self._is_given:
            return self.coroutine.send(value)

        self._is_given = True
        first, self.first = self.first, None
        error, self.error = self.error, None
        if not self.is_over:
            return first
        try:
            if error is not None:
                raise error
            raise StopIteration(first)
        finally:
            del error  # its traceback holds this frame

    def throw(self, *args: Any) -> Any:
        """Go on with an error: the coroutine was cancelled."""
        if self._is_given:
            return self.coroutine.throw(*args)

        if self.error is not None:
            return self.send(None)
        self._is_given = True
        first, self.first = self.first, None
        if self.is_over:
            raise args[0]
        if first is not None:
            first._asyncio_future_blocking = False
            first.cancel()

        return self.coroutine.throw(*args)

    def close(self) -> None:
        """Close the coroutine."""
        self.coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.coroutine.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.coroutine, name)  # for who prints a task's stack


class EarlyTask(asyncio.Task[Any]):
    """A task that stands for a coroutine while its first part runs.

    It is made without its constructor, by ``EarlyTask.__new__(EarlyTask)``.
    The loop it runs on has a method ``set_up_early(task)``, which calls
    ``set_up`` if the task is the current one.
    """

    __slots__ = ()  # a task has a dict

    is_set_up: bool = False

    def set_up(self, begun: Begun, loop: asyncio.AbstractEventLoop) -> None:
        """Become a task as any, which has its first step before it."""
        self.is_set_up = True
        super().__init__(begun, loop=loop, name="costrel", context=begun.context)

    def set_up_now(self) -> None:
        """Become a task as any, for somebody wants more of it than to know that it is there."""
        if not self.is_set_up:
            loop: Any = asyncio._get_running_loop()
            loop.set_up_early(self)

    def get_coro(self) -> Any:
        """Return the coroutine."""
        self.set_up_now()
        begun: Any = super().get_coro()

        return begun.coroutine


def _after_setup(name: str) -> Callable[..., Any]:
    plain = getattr(asyncio.Task, name)

    def method(self: EarlyTask, *args: Any, **kwargs: Any) -> Any:
        self.set_up_now()
        try:
            return plain(self, *args, **kwargs)
        finally:
            del self  # its error's traceback holds this frame

    method.__name__ = name
    method.__doc__ = plain.__doc__

    return method


for _name in (
    *("__await__", "__iter__", "__repr__", "add_done_callback", "cancel", "cancelled", "cancelling", "done"),
    *("exception", "get_loop", "get_name", "get_stack", "print_stack", "remove_done_callback", "result"),
    *("set_exception", "set_name", "set_result", "uncancel"),
):
    setattr(EarlyTask, _name, _after_setup(_name))
