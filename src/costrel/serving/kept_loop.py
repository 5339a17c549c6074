"""An event loop that runs in a thread of its own and lends itself to others for a moment.

Handing a coroutine to another thread and waiting costs two switches of
threads, 60 µs, also when the coroutine never waits for anything. So the
caller's thread runs it itself up to the first thing it waits for, while the
loop's own thread stands still; the rest is the loop's. To the coroutine it is
one task on one loop. Knows no request and no application.
"""

from __future__ import annotations

import asyncio
import contextvars
import selectors
import sys
import threading
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from sys import getrefcount
from typing import Any

from costrel._missing import MISSING

__all__ = ["KeptLoop"]

# PERF: bound once; each look-up of an attribute is 20 ns.
_get_running_loop = asyncio._get_running_loop
_set_running_loop = asyncio._set_running_loop
_modules = sys.modules
if sys.version_info < (3, 12):
    from costrel.serving.early_task import Begun, EarlyTask

    _enter_task, _leave_task = asyncio.tasks._enter_task, asyncio.tasks._leave_task
    _new_early: Any = EarlyTask.__new__
    # A variable, a tuple, and the argument of ``getrefcount``.
    _OUR_REFERENCES = 3

# SQLAlchemy's asynchronous part runs its own code in greenlets, which cannot go on in another thread than
# they began in.
_GREENLETS = "sqlalchemy.ext.asyncio"
_CURRENT = object()
_Step = tuple[contextvars.Context, Callable[..., Any], tuple[Any, ...], threading.Lock]


class _LendingSelector(selectors.DefaultSelector):
    """Wait for events without the right to touch the loop, so that another thread can have it."""

    def __init__(self, turn: threading.Lock) -> None:
        super().__init__()
        self._turn = turn

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._turn.release()
        try:
            return super().select(timeout)
        finally:
            self._turn.acquire()


class KeptLoop(asyncio.SelectorEventLoop):
    """A loop whose state is touched only by the thread that has its turn.

    ``run_forever`` has the turn but while it waits for events.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._take_turn, self._end_turn = self._turn.acquire, self._turn.release
        self._catches = False
        self._caught: Callable[..., Any] = int
        self._early: Any = None
        """The task whose first part runs, where it is not set up, its coroutine, and its context."""
        self._begun: Any = None
        """That coroutine, once somebody asked for the task."""

        self._was_touched = False
        self._task: Any = None
        """The task that was begun last, for who began it."""
        self._bound: Any = None
        """A task that may have to go on in the thread that began it; ``_CURRENT`` while that is begun."""

        self._steps: SimpleQueue[_Step] = SimpleQueue()
        """What that thread is to do of it."""

        super().__init__(_LendingSelector(self._turn))

    def run_forever(self) -> None:
        """Run until stopped."""
        with self._turn:
            super().run_forever()

    def run_always(self) -> None:
        """Run for the life of the process; a task that calls ``sys.exit`` ends only itself."""
        while not self.is_closed():
            try:
                self.run_forever()
            except (SystemExit, KeyboardInterrupt):
                continue  # the task has it as its error, and hands it to who waits for it
            else:
                return

    # Any: what asyncio's own signatures have.
    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        """Have a function called in the loop's next round."""
        if self._catches:
            self._catches = False
            self._caught = callback
            return None  # type: ignore[return-value]  # a new task does not keep the handle

        self._was_touched = True
        if self._bound is not None:
            bound = asyncio.current_task(self) if self._bound is _CURRENT else self._bound
            if bound is not None and getattr(callback, "__self__", None) is bound:
                args, context, callback = (bound, context, callback, args), None, self._step
        return super().call_soon(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """Have a function called at a time of the loop's clock."""
        self._was_touched = True
        return super().call_at(when, callback, *args, context=context)

    def finish(self, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context) -> Any:
        """Run a coroutine as a task: here up to its first pause, then on the loop, to its end.

        Args:
            coroutine: What to run.
            context: The context variables it sees.

        Returns:
            Its value; ``MISSING`` if the loop is at work, or runs in this
            thread: then nothing was done. Also where greenlets are in use.
        """
        # asyncio's debug mode asserts in which thread it is called.
        if self._debug or not self._take_turn(False):  # type: ignore[attr-defined]  # of asyncio's base
            return MISSING
        if _GREENLETS in _modules:
            self._end_turn()
            return MISSING

        outer = _get_running_loop()
        _set_running_loop(self)
        self._was_touched = False
        ended = None
        is_bound = False
        try:
            value = self._begin(coroutine, context)
            task = self._task
            if task is not None:
                self._task = None
                is_bound = self._bound is not None
                if not (is_bound or task.done()):
                    ended = threading.Lock()
                    ended.acquire()
                    task.add_done_callback(lambda _: ended.release())
                    self._was_touched = True
        except BaseException:
            del coroutine, context  # the error's traceback holds this frame; below too
            raise
        finally:
            _set_running_loop(outer)
            was_touched = self._was_touched  # the turn is another thread's after the next line
            self._end_turn()
            if was_touched:
                self.call_soon_threadsafe(int)  # wakes the loop's thread, which knows nothing of it
        if task is None:
            return value

        if ended is not None:
            ended.acquire()
        elif is_bound:  # it was the first to load what uses greenlets: once in the life of a process
            self._finish_here(task)
        try:
            return task.result()
        finally:
            del task, coroutine, context

    if sys.version_info >= (3, 12):

        def _begin(self, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context) -> Any:
            """Run the first part of a coroutine; its task has its value."""
            # PERF: 0.9 µs for a coroutine that never waits, against 1.5 with a first step that comes later.
            self._bound = _CURRENT
            task: Any = None
            try:
                task = asyncio.Task(coroutine, loop=self, context=context, name="costrel", eager_start=True)
            finally:
                self._task = task
                self._bound = None if task is None or task.done() or _GREENLETS not in _modules else task
                del task, coroutine, context

    else:

        def _begin(self, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context) -> Any:
            """Run the first part of a coroutine; return its value, unless there is a task now."""
            early = _new_early(EarlyTask)
            self._early = early, coroutine, context
            self._begun = None
            _enter_task(self, early)
            is_over = True
            first: Any = None
            failure: BaseException | None = None
            try:
                try:
                    first = context.run(coroutine.send, None)
                    is_over = False
                finally:
                    _leave_task(self, early)
            except StopIteration as stop:
                first = stop.value
                if self._begun is None and getrefcount(early) == _OUR_REFERENCES:
                    return first
            except BaseException as error:
                if self._begun is None and getrefcount(early) == _OUR_REFERENCES:
                    del coroutine, context
                    raise
                failure = error
            finally:
                self._early = None

            begun = self._begun or self._set_up(early, coroutine, context)
            begun.first, begun.error, begun.is_over = first, failure, is_over
            self._begun = first = failure = None
            if not is_over and _GREENLETS in _modules:
                self._bound = early
            # A task lets these through besides having them as its error.
            try:
                context.run(self._caught)
            except (SystemExit, KeyboardInterrupt):
                pass
            finally:
                self._caught = int  # it holds the task, and that its error

            self._task = early
            del early, begun, coroutine, context

            return None

        def set_up_early(self, task: EarlyTask) -> None:
            """Set up a task that was none so far but in name, if it is the one whose first part runs."""
            if self._early is not None and self._early[0] is task:
                self._begun = self._set_up(*self._early)

        def _set_up(
            self, early: EarlyTask, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context
        ) -> Begun:
            # A new task asks for its first step to be called soon; it is called when the first part has run.
            self._catches = True
            begun = Begun(coroutine, context)
            early.set_up(begun, self)

            return begun

    def _finish_here(self, task: asyncio.Task[Any]) -> None:
        """Do the steps of a task in this thread, each while the loop's thread stands still."""
        try:
            while self._bound is task:
                self._do_step(task, *self._steps.get())
        except BaseException:  # a signal, while this thread waited
            self._bound = None
            while not self._turn.acquire(timeout=0.01):  # the loop's thread may be waiting for a step
                while not self._steps.empty():
                    self._steps.get()[3].release()
            self._turn.release()
            raise

    def _do_step(
        self,
        task: asyncio.Task[Any],
        context: contextvars.Context,
        callback: Callable[..., Any],
        args: tuple[Any, ...],
        is_over: threading.Lock,
    ) -> None:
        outer = _get_running_loop()
        _set_running_loop(self)
        try:
            context.run(callback, *args)
        except (SystemExit, KeyboardInterrupt):
            pass  # as in ``begin``
        finally:
            _set_running_loop(outer)
            if task.done():
                self._bound = None
            is_over.release()

    def _step(
        self,
        task: asyncio.Task[Any],
        context: contextvars.Context,
        callback: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> None:
        """Have the thread that began a task do its next step, if it is bound to that thread."""
        if self._bound is not task:
            context.run(callback, *args)
            return

        is_over = threading.Lock()
        is_over.acquire()
        self._steps.put((context, callback, args, is_over))
        is_over.acquire()
