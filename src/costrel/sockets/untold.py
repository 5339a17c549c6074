"""End a handler that waits for something else when its client has left, and so is told nothing of it.

Knows no messages.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

__all__ = ["look_after"]

_SECONDS = 1.0
"""How long a handler may wait for the same thing after the end; a task that was told may yet tell it."""


def look_after(ws: Any, told: asyncio.Task[Any] | None = None) -> None:
    """Cancel the handler of a connection that is over, unless it does something about it.

    Args:
        ws: The connection; ``Any``, because it asks for this.
        told: The task that was told of the end in the handler's stead. It may clean up first.
    """
    handler = ws._task
    if handler is None or handler is told:
        return
    if told is not None and not told.done():
        told.add_done_callback(lambda _: look_after(ws))
        return

    # What a task waits for has no public name.
    awaited = getattr(handler, "_fut_waiter", None)
    if awaited is not None:
        asyncio.get_running_loop().call_later(_SECONDS, partial(_end, ws, handler, awaited))


def _end(ws: Any, handler: asyncio.Task[Any], awaited: Any) -> None:
    if ws._task is handler and getattr(handler, "_fut_waiter", None) is awaited:
        ws._ending = (ws.close_code, ws.close_reason)
        handler.cancel()
