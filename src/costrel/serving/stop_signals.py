"""Hear that the server of this process stops, as soon as it gets its signal. Knows no application.

Servers say so to nobody before they wait for what is under way. Each way
below looks for what one of them leaves, and takes nothing away from it: the
server's own handlers run as before, at a second signal too. Where a way does
not find what it needs, the next is tried; with none, all is left to the
server and its own limit.
"""

from __future__ import annotations

import _thread
import contextvars
import gc
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any, Protocol

from costrel.core.streams import running_loop
from costrel.serving import offload
from costrel.serving.process_end import call_in_main_thread

if TYPE_CHECKING:
    import asyncio

__all__ = ["Listener", "hear"]

_PATIENCE_SECONDS = 2
"""How long a server is held up that would cut its WebSockets off at once."""

_SENDING_SECONDS = 0.2
"""How long granian, which sends on threads of its own, has for the last that it was handed."""

_AT_ONCE_SECONDS = 0.5
"""Signals so soon after one another are one: Ctrl-C reaches a worker, and its parent, which sends another."""

_LOOK_SECONDS = 0.2

_NUMBERS = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGBREAK") if hasattr(signal, name)]


class Listener(Protocol):
    """Who is told of the stop."""

    def tell(self) -> None:
        """Take note that the server stops; not called in a signal handler, perhaps several times."""

    def wait(self, seconds: float) -> None:
        """Wait, for so long at most, until nothing is left that the server should not cut off."""


def hear(listener: Listener) -> bool:
    """Have a listener told of the stop of the server that runs here; to ask again costs little.

    Args:
        listener: Who is told; the same one in a process.

    Returns:
        Whether something had to be done for it, as the first time with a server.
    """
    for way in (_from_granian, _from_hypercorn, _from_gunicorn, _from_handlers):
        is_new = way(listener)
        if is_new is not None:
            return is_new

    return False


# granian drops upgraded connections at once. What its handlers set is an event of its own; something
# that sets it a little later stands in their closure instead.

_GRANIAN = "granian._signals"
_granians_cells: list[CellType | None] = []


def _from_granian(listener: Listener) -> bool | None:
    if _GRANIAN not in sys.modules:
        return None
    if not _granians_cells:
        _granians_cells.append(_find_granians_cell())
    (cell,) = _granians_cells
    if cell is None:
        return None
    if type(cell.cell_contents) is _Later:
        return False

    cell.cell_contents = _Later(cell.cell_contents, listener)
    return True


def _find_granians_cell() -> CellType | None:
    for found in gc.get_objects():  # loops do not give their handlers back
        if type(found) is FunctionType and found.__module__ == _GRANIAN:
            for name, cell in zip(found.__code__.co_freevars, found.__closure__ or (), strict=True):
                if name == "signal_event" and callable(getattr(cell.cell_contents, "set", None)):
                    return cell

    return None


class _Later:
    """An event that is set when the listener has had its time, or is asked for again."""

    def __init__(self, event: Any, listener: Listener) -> None:
        self._event = event
        self._listener = listener
        self._asked_at: float | None = None

    def set(self) -> None:
        """Set the event, soon."""
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            if not _in_new_thread(self._tell_and_set):
                self._event.set()
        elif now - self._asked_at > _AT_ONCE_SECONDS:
            self._event.set()

    def _tell_and_set(self) -> None:
        try:
            self._listener.tell()
            self._listener.wait(_PATIENCE_SECONDS)
            time.sleep(_SENDING_SECONDS)
        finally:
            self._event.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._event, name)


# hypercorn's workers get no signal; there is an event that ends its connections.

_HYPERCORN = "hypercorn.asyncio.worker_context"
_hypercorns_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, bool] = weakref.WeakKeyDictionary()
"""For each loop, whether there is such an event."""

_tasks: set[asyncio.Task[None]] = set()


def _from_hypercorn(listener: Listener) -> bool | None:
    loop = _servers_loop() if _HYPERCORN in sys.modules else None
    if loop is None:
        return None
    if loop in _hypercorns_loops:
        return False if _hypercorns_loops[loop] else None

    terminated = _find_hypercorns_event()
    _hypercorns_loops[loop] = terminated is not None
    if terminated is None:
        return None

    async def wait() -> None:
        await terminated.wait()
        listener.tell()

    def begin() -> None:
        task = loop.create_task(wait())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    # Nothing of the request that happens to be the first is to live as long.
    loop.call_soon_threadsafe(begin, context=contextvars.Context())
    return True


def _find_hypercorns_event() -> Any:
    for found in gc.get_objects():
        if type(found).__module__ == _HYPERCORN:
            terminated = getattr(found, "terminated", None)
            if terminated is not None and not terminated.is_set():
                return terminated

    return None


# gunicorn's workers of WSGI have a flag, which they also take down when they have served enough requests.

_GUNICORN = "gunicorn.workers.base"
_watches: list[threading.Thread] = []


def _from_gunicorn(listener: Listener) -> bool | None:
    module = sys.modules.get(_GUNICORN)
    worker: Any = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if module is None or not isinstance(worker, module.Worker) or not hasattr(worker, "alive"):
        return None
    if _watches and _watches[0].is_alive():
        return False

    def watch() -> None:
        while worker.alive:
            time.sleep(_LOOK_SECONDS)
        listener.tell()

    _watches[:] = [threading.Thread(target=watch, name="costrel-stop", daemon=True)]
    _watches[0].start()
    return True


# Any other server: its handlers are called by ours. What an event loop does at a signal, it does besides.

_asked: list[Any] = [None]
"""The handler that was there when the main thread was asked last."""


def _from_handlers(listener: Listener) -> bool | None:
    now = signal.getsignal(signal.SIGTERM)
    if type(now) is _Chained or now is _asked[0]:
        return False

    _asked[0] = now
    loop = _servers_loop()
    if threading.current_thread() is threading.main_thread():
        _chain_all(listener)
    elif loop is not None:  # which runs there, as a rule
        loop.call_soon_threadsafe(_chain_all, listener)
    else:
        call_in_main_thread(lambda: _chain_all(listener))
    return True


def _chain_all(listener: Listener) -> None:
    for number in _NUMBERS:
        before = signal.getsignal(number)
        if callable(before) and type(before) is not _Chained:
            with suppress(ValueError, OSError):  # in another thread or interpreter than the main one
                signal.signal(number, _Chained(before, listener))
                if getattr(before, "__module__", "").partition(".")[0] in ("asyncio", "uvloop"):
                    signal.siginterrupt(number, False)  # as these loops have it


class _Chained:
    """A signal handler: tell the listener, and do what was done before."""

    def __init__(self, before: Callable[[int, Any], Any], listener: Listener) -> None:
        self._before = before
        self._listener = listener

    def __call__(self, number: int, frame: Any) -> Any:
        _in_new_thread(self._listener.tell)

        return self._before(number, frame)


def _servers_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop of an asynchronous server, in a worker thread of it too."""
    loop: asyncio.AbstractEventLoop | None = running_loop() or offload._served.loop

    return None if loop is offload._kept else loop


def _in_new_thread(function: Callable[[], None]) -> bool:
    """Call a function in a new thread; tell whether there is one.

    NOTE: ``threading`` takes locks, which what the signal interrupted may hold.
    """
    try:
        _thread.start_new_thread(function, ())
    except RuntimeError:
        return False

    return True
