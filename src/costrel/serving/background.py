"""Background tasks: run after the response was sent, logged when they fail, waited for at the end.

An async one runs on the loop that the async views run on, any other one in a
thread of a small pool. Knows of the application its contexts, its
configuration and how it logs.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from time import monotonic
from types import CoroutineType
from typing import Any

from werkzeug.wsgi import ClosingIterator

from costrel._current import current
from costrel.core.drive import is_async, wait_for
from costrel.core.lifespan import AFTER_SENT
from costrel.serving import offload
from costrel.serving.process_end import at_end

__all__ = ["MAX_THREADS", "Background", "Job", "add"]

MAX_THREADS = min(32, (os.cpu_count() or 1) + 4)
"""How many sync tasks of an application run at once in a process; more wait in a queue."""

_GRACE_SECONDS = 1.0
"""How long a cancelled task may take to clean up."""


class Job:
    """One task, and the context it is to run in.

    Args:
        app: The application.
        function: What to call.
        args: Its arguments.
        kwargs: Likewise.
    """

    def __init__(
        self, app: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        scope = _request_now(app)
        self.app = app
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.done: Future[None] = Future()
        self.done.set_running_or_notify_cancel()  # whoever waits may be cancelled; that is all
        self.task: asyncio.Task[None] | None = None
        self.context = contextvars.copy_context()
        self.is_async = is_async(function)
        self.is_begun = False
        self.loop: asyncio.AbstractEventLoop | None = asyncio._get_running_loop() or offload._served.loop
        """The server's loop, if it has one."""

        self._ctx = app.app_context() if scope is None else scope.copy()
        # The request's own context is over by then; it must not be seen behind ours.
        self.context.run(current.set, None)  # type: ignore[arg-type]  # as where nothing was ever set

    def call(self) -> None:
        """Run in this thread."""
        try:
            if self.loop is None or not self.loop.is_running():
                self.context.run(self._call)
            else:
                with offload.serve_thread(self.loop):
                    self.context.run(self._call)
        except BaseException as error:
            self._report(error)
        self.done.set_result(None)

    def _call(self) -> None:
        with self._ctx:
            result = self.app.ensure_sync(self.function)(*self.args, **self.kwargs)
            if type(result) is CoroutineType:  # of a wrapper that does not look async
                self.app.ensure_sync(wait_for)(result)

    def begin(self) -> None:
        """Run in a task of the loop that the async views run on."""
        loop = self.loop
        if loop is None or loop.is_closed():
            loop = self.loop = offload.kept_loop()
        loop.call_soon_threadsafe(self._begin_now, loop)

    def _begin_now(self, loop: asyncio.AbstractEventLoop) -> None:
        self.task = loop.create_task(self._await(), context=self.context)

    async def _await(self) -> None:
        error: BaseException | None = None
        try:
            self._ctx.push()
            try:
                await self.function(*self.args, **self.kwargs)
            except BaseException as raised:
                error = raised
                raise
            finally:
                await self._ctx.apop(error)
                error = None  # its traceback holds this frame
        except BaseException as raised:
            self._report(raised)
        finally:
            self.done.set_result(None)

    def _report(self, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            self.app.logger.warning("Background task %s was cancelled", self.name)
            return

        try:
            self.app.handle_background_exception(error, self.function)
        except Exception:
            self.app.logger.exception("Error while the error of background task %s was handled", self.name)

    def is_lost(self) -> bool:
        """Tell whether the loop that it runs on was stopped under it."""
        return self.is_async and self.loop is not None and not self.loop.is_running()

    @property
    def name(self) -> str:
        """The function's name, for logs."""
        return getattr(self.function, "__qualname__", None) or repr(self.function)


def _request_now(app: Any) -> Any:
    """Return the context of the request that the application answers here, if it does; not a WebSocket's."""
    now: Any = current.get(None)
    scope = None if now is None or now.app is not app else now._request_scope

    return scope if getattr(scope, "websocket", None) is None else None


class Background:
    """An application's background tasks in this process.

    Args:
        app: The application.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self._lock = threading.Lock()
        self._jobs: set[Job] = set()
        self._waiting: deque[Job] = deque()
        self._threads = 0

    def begin(self, job: Job) -> None:
        """Begin a task now."""
        with self._lock:
            self._jobs.add(job)
        job.done.add_done_callback(lambda _: self._remove(job))
        if job.is_async:
            job.begin()
        else:
            self._begin_in_thread(job)

    def begin_once(self, job: Job) -> None:
        """Begin a task, unless that was done."""
        with self._lock:
            is_first, job.is_begun = not job.is_begun, True
        if is_first:
            self.begin(job)

    def _remove(self, job: Job) -> None:
        with self._lock:
            self._jobs.discard(job)

    def _begin_in_thread(self, job: Job) -> None:
        with self._lock:
            self._waiting.append(job)
            needs_thread = self._threads < MAX_THREADS
            self._threads += needs_thread
        if needs_thread:
            # A daemon: a task that does not end must not keep the process.
            threading.Thread(target=self._work, name="costrel-background", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                job = self._waiting.popleft()
            job.call()
            del job

    # Waiting for the end.

    def _seconds(self) -> float:
        return float(self.app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"])

    def drain(self) -> None:
        """Wait for all tasks, and those they add; cancel and log what takes too long."""
        deadline = monotonic() + self._seconds()
        while (jobs := self._now()) and (left := deadline - monotonic()) > 0:
            wait([job.done for job in jobs], timeout=left)
        if self._cancel():
            wait([job.done for job in self._now()], timeout=_GRACE_SECONDS)

    async def adrain(self) -> None:
        """Do as ``drain``, without blocking the event loop."""
        deadline = monotonic() + self._seconds()
        while (jobs := self._now()) and (left := deadline - monotonic()) > 0:
            await _await_all(jobs, left)
        if self._cancel():
            await _await_all(self._now(), _GRACE_SECONDS)

    def _now(self) -> list[Job]:
        """Return the tasks that are still to end."""
        with self._lock:
            lost = {job for job in self._jobs if job.is_lost()}
            self._jobs -= lost
            left = list(self._jobs)
        for job in lost:
            self.app.logger.warning("Background task %s was lost: its event loop was stopped", job.name)

        return left

    def _cancel(self) -> bool:
        """Cancel what can be, and give up the rest; tell whether anything may end by that."""
        cancelled = False
        for job in self._now():
            task = job.task
            if task is None:
                self.app.logger.warning(
                    "Background task %s has not ended after %g s and is left behind: a thread cannot be"
                    " cancelled",
                    job.name,
                    self._seconds(),
                )
                self._remove(job)  # or the end of the process would wait for it once more
            else:
                cancelled = True
                task.get_loop().call_soon_threadsafe(task.cancel)

        return cancelled

    def end(self) -> None:
        """Wait for the tasks, because the process ends."""
        self.drain()

    def forget(self) -> None:
        """Begin anew: none of the tasks runs in this child process."""
        self.app._background = None


async def _await_all(jobs: list[Job], seconds: float) -> None:
    if jobs:
        await asyncio.wait([asyncio.wrap_future(job.done) for job in jobs], timeout=seconds)


_made = threading.Lock()


def _of(app: Any) -> Background:
    background: Background | None = app._background
    if background is None:
        with _made:
            background = app._background
            if background is None:
                background = app._background = Background(app)
                at_end(background)

    return background


def add(app: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Run a function when the response of the current request was sent; now if there is none.

    Args:
        app: The application.
        function: What to call; may be async.
        args: Its arguments.
        kwargs: Likewise.
    """
    job = Job(app, function, args, kwargs)
    background = _of(app)
    scope = _request_now(app)
    if scope is None:
        background.begin(job)
        return

    def begin_later(response: Any) -> Any:
        if response.direct_passthrough:  # a file; Werkzeug hands it to the server without its own close
            response.response = ClosingIterator(response.response, [begin])
        else:
            response.call_on_close(begin)
            after = scope.environ.get(AFTER_SENT)
            if after is not None and response.is_sequence:
                # A test client has all of it, and who uses one seldom closes the response.
                after.append(begin)
        return response

    def begin() -> None:
        asgi = scope.environ.get("asgi.scope")
        if asgi is None:
            background.begin_once(job)
        else:  # there the body may have been read, and be closed, before it is sent
            asgi.setdefault(AFTER_SENT, []).append(lambda: background.begin_once(job))

    scope._after_request_functions.append(begin_later)
