"""What the live parts share: the database without blocking the event loop, and a bound on held threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from costrel import Costrel, current_app, request

from .models import db

P = ParamSpec("P")
R = TypeVar("R")


def init_app(app: Costrel) -> None:
    """Make the seats, and have Redis carry messages between processes if there is one."""
    app.extensions["wayside_seats"] = threading.Semaphore(app.config["LIVE_SEATS"])
    app.config["WEBSOCKET_GROUPS_URL"] = app.config["REDIS_URL"]
    if app.config["REDIS_URL"]:
        app.after_serving(app.groups.close)


async def ask(function: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function of ``records`` beside the event loop, with a session for this call alone."""
    # The context of a feed or a WebSocket lives for hours: its own session would hold a connection.
    async with AsyncSession(db.async_engine, expire_on_commit=False) as session:
        return await session.run_sync(function, *args, **kwargs)


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
