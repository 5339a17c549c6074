"""What the live parts share: the database without blocking the event loop, and a bound on held threads."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from costrel import Costrel, current_app, request

from .db import open_db

P = ParamSpec("P")
R = TypeVar("R")


def init_app(app: Costrel) -> None:
    """Make the seats, and have Redis carry messages between processes if there is one."""
    app.extensions["wayside_seats"] = threading.Semaphore(app.config["LIVE_SEATS"])
    app.config["WEBSOCKET_GROUPS_URL"] = app.config["REDIS_URL"]
    if app.config["REDIS_URL"]:
        app.after_serving(app.groups.close)


async def ask(
    function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Call a function of ``records`` in a thread, with a connection for this call alone."""
    # A connection lives for hours and may be cancelled at any time; sharing
    # one with a thread that is still busy is not worth the 0.1 ms saved.
    return await asyncio.to_thread(_ask, lambda db: function(db, *args, **kwargs))


def _ask(function: Callable[[sqlite3.Connection], R]) -> R:
    with closing(open_db()) as connection:
        return function(connection)


@contextmanager
def seat() -> Iterator[bool]:
    """Take a seat if one is free; always, where it costs no thread.

    A WSGI server gives each feed and each WebSocket one of its few threads
    for as long as it lasts. Some must be left for pages.
    """
    if "asgi.scope" in request.environ:
        yield True
        return

    seats: threading.Semaphore = current_app.extensions["wayside_seats"]
    taken = seats.acquire(blocking=False)
    try:
        yield taken
    finally:
        if taken:
            seats.release()


def read_number(text: str | None) -> int | None:
    """Read a row's number that a client sent back.

    Example:
        >>> read_number("7"), read_number("-7"), read_number("9" * 40), read_number(None)
        (7, None, None, None)
    """
    if not text or not text.isascii() or not text.isdecimal() or len(text) > 18:
        return None

    return int(text)
