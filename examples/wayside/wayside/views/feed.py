"""The feed: new walks and comments as server-sent events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from costrel import Blueprint, current_app, request, url_for
from costrel.sse import Event, EventStream

from ..live import ask, read_number, seat
from ..models import News
from ..records import news

bp = Blueprint("feed", __name__)

MOST = 20
SOON, LATER = 2_000, 10_000
"""Milliseconds after which a browser comes back: when its time was up, and when all seats are taken."""


@bp.get("/feed")
async def stream() -> EventStream:
    """Stream what came after ``?after=``, or after what the browser got last."""
    seen = read_number(request.last_event_id)
    if seen is None:
        seen = read_number(request.args.get("after"))

    # A WSGI server notices that a browser has left when it sends; until then the seat is taken.
    return EventStream(events(seen), retry=SOON, keep_alive=5)


async def events(seen: int | None) -> AsyncIterator[Event]:
    """Look into the database again and again: other processes write there too.

    It ends after ``FEED_SECONDS``, and the browser comes back. So a thread or
    a connection is not held for ever, and a server that stops does not wait
    for long.
    """
    newest = await ask(news.newest)
    # A number from before the database was made anew would never be reached.
    seen = newest if seen is None else min(seen, newest)
    end = time.monotonic() + current_app.config["FEED_SECONDS"]
    with seat() as seated:
        while True:
            for row in await ask(news.since, seen, most=MOST):
                seen = row.id
                yield Event(as_json(row), event="news", id=str(seen))
            if not seated:
                yield Event(retry=LATER)
                return
            if time.monotonic() >= end:
                return
            await asyncio.sleep(current_app.config["FEED_LOOK_SECONDS"])


def as_json(row: News) -> dict[str, Any]:
    """Choose what the feed tells about a row of news."""
    return {
        "author": row.author.username,
        "did": did(row),
        "title": row.walk.title,
        "walk_id": row.walk_id,
        "address": address(row),
    }


@bp.app_template_global("news_did")
def did(row: News) -> str:
    """Say what the author did with the walk."""
    return "wrote about" if row.comment_id is None else "commented on"


@bp.app_template_global("news_address")
def address(row: News) -> str:
    """Return where to read it."""
    anchor = None if row.comment_id is None else f"comment-{row.comment_id}"

    return url_for("walks.show", walk_id=row.walk_id, _anchor=anchor)
