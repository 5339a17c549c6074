"""What is to be done before this process ends, and forgotten in its children. Knows no application.

Not by ``atexit``: threads can neither be started nor waited for there, and
child processes of ``multiprocessing`` do not run it.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["Ending", "at_end", "call_in_main_thread", "is_ending", "not_at_end"]


class Ending(Protocol):
    """What wants to be told of the end."""

    def end(self) -> None:
        """Do what is to be done; the process ends. Raises nothing."""

    def forget(self) -> None:
        """Begin anew: this is a child process, in which nothing of it runs."""


_told: list[Ending] = []
_state = {"watches": False, "ending": False}
_lock = threading.Lock()
_callbacks: list[Any] = []
"""Keeps what the interpreter calls in C from being collected."""


def at_end(ending: Ending) -> None:
    """Have something ended before the process ends, also by ``SIGTERM`` where no server catches that."""
    with _lock:
        _told.append(ending)
        begins, _state["watches"] = not _state["watches"], True
    if begins:
        # NOTE: what is registered last is called first; executors are to go on until we are done.
        import concurrent.futures.thread  # noqa: F401  # for cost, 2 ms

        getattr(threading, "_register_atexit", atexit.register)(_end_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_forget_all)
    _leave_on_sigterm()


def not_at_end(ending: Ending) -> None:
    """Undo ``at_end``."""
    with _lock:
        if ending in _told:
            _told.remove(ending)


def is_ending() -> bool:
    """Tell whether this process ends, so that nothing must be begun any more."""
    return _state["ending"]


def _end_all() -> None:
    _state["ending"] = True
    while _told:
        _told.pop().end()


def _forget_all() -> None:
    global _lock
    _lock = threading.Lock()  # whoever held it is not here
    _state["ending"] = False
    told = _told.copy()
    _told.clear()
    for ending in told:
        ending.forget()


def _leave_on_sigterm() -> None:
    """Let ``SIGTERM`` raise ``SystemExit``, as servers do that care, unless somebody handles it.

    Waitress and Werkzeug's server do not; by default the process would go at
    once, with nothing done.
    """
    # uWSGI and mod_wsgi handle signals in C, where Python does not see it.
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL or {"uwsgi", "mod_wsgi"} & sys.modules.keys():
        return

    if threading.current_thread() is threading.main_thread():
        _set_handler()
    else:
        call_in_main_thread(_set_handler)


def _set_handler() -> None:
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)


def call_in_main_thread(function: Callable[[], None]) -> None:
    """Have the main thread call a function as soon as it runs Python code; handlers are set only there."""
    import ctypes  # for cost: 3 ms, where a request in a thread is the first

    api: Any = getattr(ctypes, "pythonapi", None)  # not every Python has it
    if api is None:
        return

    def call(_: Any) -> int:
        function()
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(call)
    _callbacks.append(callback)
    api.Py_AddPendingCall(callback, None)
