"""One application's time of serving in a process: begun, stopped, ended with the process.

If any function is async, all of it is one task, from the begin to the stop, on
the loop that the async views run on; so what a ``while_serving`` function
enters before its ``yield`` is left in the same task. What is done in which
order is in ``core/lifespan.py``, and who says when in ``serving/lifespan.py``.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from costrel.core.app_methods import own_method
from costrel.core.drive import Steps, is_async, run_async, run_sync
from costrel.core.lifespan import finish_steps, start_steps
from costrel.serving import offload
from costrel.serving.process_end import at_end, is_ending, not_at_end
from costrel.serving.threads import in_thread

__all__ = ["Serving", "inside"]

inside: contextvars.ContextVar[bool] = contextvars.ContextVar("costrel.inside_lifespan", default=False)
"""Set where the functions run: a request that they send themselves must not wait for them."""

_lock = threading.Lock()

# CPython 3.12.0 and 3.12.1 start no thread once the process ends (python/cpython#113964).
_THREADS_END_EARLY = (3, 12) <= sys.version_info < (3, 12, 2)


class Serving:
    """One application's time of serving in this process.

    Args:
        app: The application.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.is_begun: Future[None] = Future()
        self.is_over: Future[None] = Future()
        for future in (self.is_begun, self.is_over):
            future.set_running_or_notify_cancel()  # whoever waits may be cancelled; that is all
        self._running: list[Any] = []
        self._asked_to_stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stops = self._is_stopping = False

    # The steps, by either driver.

    def _start_steps(self) -> Steps[None]:
        app = self.app
        app._look_at_settings()
        log = app._log_lifespan_error
        return start_steps(app.before_serving_funcs, app.while_serving_gens, self._running, log)

    def _finish_steps(self) -> Steps[None]:
        app = self.app
        return finish_steps(app.after_serving_funcs, self._running, app._log_lifespan_error)

    def _call(self, steps: Steps[None]) -> None:
        inside.set(True)
        with self.app.app_context():
            run_sync(steps, self.app.ensure_sync)

    async def _await(self, steps: Steps[None]) -> None:
        inside.set(True)
        ctx = self.app.app_context()
        ctx.push()
        error: BaseException | None = None
        try:
            await run_async(steps, None if _THREADS_END_EARLY and is_ending() else in_thread)
        except BaseException as raised:
            error = raised
            raise
        finally:
            await ctx.apop(error, in_thread=in_thread)
            error = None  # its traceback holds this frame

    # Begin and stop.

    def needs_loop(self) -> bool:
        """Tell whether a function is async, and the application leaves it to us how those are run."""
        app = self.app
        functions = (*app.before_serving_funcs, *app.while_serving_gens, *app.after_serving_funcs)
        if own_method(app, "ensure_sync") or own_method(app, "async_to_sync"):
            return False

        return any(is_async(function) or _is_async_generator(function) for function in functions)

    def begin_here(self) -> None:
        """Begin in this thread, by calling."""
        try:
            contextvars.Context().run(self._call, self._start_steps())
        except BaseException as error:
            self._note_failure(error)
        else:
            self._note_begin()

    def begin_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin in a task of its own on a loop that runs in any thread."""
        coroutine, context = self._live(), contextvars.Context()
        loop.call_soon_threadsafe(lambda: loop.create_task(coroutine, context=context))

    async def begin_in_task(self) -> None:
        """Begin in the task that calls this, which then has to await ``stop_in_task``."""
        self._loop = asyncio.get_running_loop()
        try:
            await self._await(self._start_steps())
        except BaseException as error:
            self._note_failure(error)
            raise
        self._note_begin()

    async def stop_in_task(self) -> None:
        """Stop in the task that began, after the background tasks; raise the first error.

        Once: a server may go without a word, so that the end of the process
        stops this, and the task that began is closed after that.
        """
        with _lock:
            is_late, self._is_stopping = self._is_stopping, True
        if is_late:
            if not self.is_over.done():
                await asyncio.wrap_future(self.is_over)
            return
        self._stops = True
        try:
            background = self.app._background
            if background is not None:
                await background.adrain()
            await self._await(self._finish_steps())
        except BaseException as error:
            self._note_over(error)
            raise
        self._note_over(None)

    async def _live(self) -> None:
        """Begin, wait until asked to stop or until the loop ends, and stop."""
        self._asked_to_stop = asked = asyncio.Event()
        try:
            await self.begin_in_task()
        except (Exception, SystemExit):
            return  # whoever waits for the beginning was told

        try:
            await asked.wait()
        except asyncio.CancelledError:
            # A server without lifespan ends its loop so; it is the last chance to await anything.
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
        try:
            await self.stop_in_task()
        except Exception as error:
            if not asked.is_set():
                self.app._log_lifespan_error(error)

    def stop_here(self) -> None:
        """Stop from a thread that runs no loop, wherever it began; raise the first error."""
        with _lock:
            begins, self._stops = not self._stops, True
        if begins:
            loop = self._loop
            if loop is None:
                self._stop_by_calling()
            elif self._asked_to_stop is not None and loop.is_running():
                loop.call_soon_threadsafe(self._asked_to_stop.set)
            else:
                # The loop went without a word. What is bound to it is lost; what is not can still be done.
                offload.finish(self.stop_in_task())
        self.is_over.result()

    def _stop_by_calling(self) -> None:
        error: BaseException | None = None
        try:
            background = self.app._background
            if background is not None:
                background.drain()
            contextvars.Context().run(self._call, self._finish_steps())
        except BaseException as raised:
            error = raised
        self._note_over(error)

    def _note_begin(self) -> None:
        at_end(self)
        self.app._got_first_request = True
        self.is_begun.set_result(None)

    def _note_failure(self, error: BaseException) -> None:
        self.app._serving = None
        self.is_begun.set_exception(error)

    def _note_over(self, error: BaseException | None) -> None:
        not_at_end(self)
        self.forget()
        if error is None:
            self.is_over.set_result(None)
        else:
            self.is_over.set_exception(error)

    # At the end of the process, and in a child of it.

    def end(self) -> None:
        """Stop, because the process ends; log what fails."""
        if self._asked_to_stop is None and self._loop is not None and self._loop.is_running():
            return  # the main thread ends, and a server runs on in another one; it will say when

        try:
            self.stop_here()
        except Exception as error:
            self.app._log_lifespan_error(error)

    def forget(self) -> None:
        """Let the next request begin anew."""
        if self.app._serving is self:
            self.app._serving = None
            self.app._got_first_request = False


def _is_async_generator(function: Callable[..., Any]) -> bool:
    return inspect.isasyncgenfunction(inspect.unwrap(function))
