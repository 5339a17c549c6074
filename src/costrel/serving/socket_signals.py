"""Close WebSockets when a server stops that does not do so itself. Knows no application.

On a signal granian drops upgraded connections at once, and tells the
application afterwards; so its handler is put off until the clients were told,
or for two seconds. gunicorn's ASGI worker waits until the clients leave, which
nobody asks them to.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import FunctionType
from typing import Any

__all__ = ["tell_before_stop"]

_PATIENCE_SECONDS = 2
_HANDLER = "set_loop_signals.<locals>.signal_handler"


def tell_before_stop(close_all: Callable[[], Awaitable[None]]) -> None:
    """Have a function called on the running loop before granian or gunicorn stops; elsewhere do nothing.

    Args:
        close_all: Returns an awaitable that is done when all clients were told.
    """
    if "granian._signals" in sys.modules:
        handler = _granians_handler()
        if handler is not None:
            _put_off(handler, close_all)
    elif "gunicorn.workers.gasgi" in sys.modules:
        worker = _gunicorns_worker()
        if worker is not None:
            _join_in(worker, close_all)


def _put_off(handler: Callable[[int, Any], None], close_all: Callable[[], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []

    async def tell(number: int) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await close_all()
        except TimeoutError:
            pass
        finally:
            handler(number, None)

    def on_signal(number: int) -> None:
        if tasks:  # who asks twice does not want to wait
            handler(number, None)
        else:
            tasks.append(loop.create_task(tell(number)))

    # Not on Windows, and not outside of the main thread.
    with suppress(NotImplementedError, RuntimeError, ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal, number)


def _join_in(worker: Any, close_all: Callable[[], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Future[None]] = []

    def on_signal() -> None:
        tasks.append(asyncio.ensure_future(close_all()))
        worker.handle_exit_signal()

    with suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGTERM, on_signal)


def _gunicorns_worker() -> Any:
    """Find the worker, whose methods handle the signals."""
    for found in gc.get_objects():
        if type(found).__module__ == "gunicorn.workers.gasgi" and hasattr(found, "handle_exit_signal"):
            return found

    return None


def _granians_handler() -> Callable[[int, Any], None] | None:
    """Find the function that granian gave to the loop; no loop gives it back."""
    for found in gc.get_objects():
        if type(found) is FunctionType and found.__qualname__ == _HANDLER:
            return found

    return None
