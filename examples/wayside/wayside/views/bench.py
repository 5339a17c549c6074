"""The bench: short lines that everybody there sees at once, by WebSocket or by reloading."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from typing import Any

from costrel import Blueprint, abort, current_app, redirect, render_template, request, session, url_for
from costrel.sockets import WebSocket
from costrel.typing import ResponseReturnValue

from ..db import get_db
from ..forms import Form
from ..identity import login_required, may_change, signed_in_user
from ..live import ask, read_number, seat
from ..records import lines, presence, users

bp = Blueprint("bench", __name__, url_prefix="/bench")

MAX_LENGTH = 280
SHOWN = 50
MESSAGES, PER_SECONDS = 20, 10
TOO_MANY = 4429
"""The code by which a page is told that it sends more messages than a person would."""


@bp.get("")
def show() -> ResponseReturnValue:
    """Show the last lines."""
    return _page(Form(fields=["text"]))


@bp.post("")
@login_required
def write() -> ResponseReturnValue:
    """Write a line, as browsers without the script do."""
    form = Form(request.form, fields=["text"])
    line = store(get_db(), form, author_id=signed_in_user()["id"])
    if line is None:
        return _page(form), 422

    current_app.ensure_sync(tell_all)({"line": as_json(line)})

    return redirect(url_for("bench.show"))


@bp.post("/<id:line_id>/delete")
@login_required
def delete(line_id: int) -> ResponseReturnValue:
    """Delete a line: its author or a keeper may."""
    line = lines.find(get_db(), line_id)
    if line is None:
        abort(404)
    if not may_change(signed_in_user(), line):
        abort(403, "Only its author may delete this line.")

    lines.delete(get_db(), line_id)
    current_app.ensure_sync(tell_all)({"gone": line_id})

    return redirect(url_for("bench.show"))


@bp.websocket("/ws")
async def sit_down(ws: WebSocket) -> ResponseReturnValue | None:
    """Send what is new to whoever has the page open, and take what people write.

    The page says by ``?after=`` which line it has seen last.
    """
    with seat() as seated:
        if not seated:
            return "All seats are taken.", 503

        user_id = session.get("user_id")
        user = None if user_id is None else await ask(users.by_id, user_id)
        group = current_app.groups["bench"]
        # First join, then look what was missed: so nothing falls between.
        await group.join(ws)
        token = await ask(presence.arrive, None if user is None else user["id"])
        try:
            await tell_all(await who_is_here())
            for line in await ask(lines.since, read_number(ws.args.get("after")) or 0, most=SHOWN):
                await ws.send_json({"line": as_json(line)})
            await listen(ws, user, token)
        finally:
            await group.leave(ws)
            await ask(presence.leave, token)
            await tell_all(await who_is_here())

    return None


async def listen(ws: WebSocket, user: sqlite3.Row | None, token: str) -> None:
    """Take messages until the page is closed, or sends too many."""
    times: deque[float] = deque(maxlen=MESSAGES)
    while True:
        message = await ws.receive_json()
        now = time.monotonic()
        if len(times) == MESSAGES and now - times[0] < PER_SECONDS:
            await ws.close(TOO_MANY, "too many messages")
            return
        times.append(now)
        match message:
            case {"here": True}:
                await ask(presence.stay, token)
            case {"say": str(text)} if user is not None:
                await ws.send_json(await say(text, author_id=user["id"]))
            case {"say": str()}:
                await ws.send_json({"refused": "Please sign in to write."})
            case _:
                await ws.send_json({"refused": "This message was not understood."})


async def say(text: str, *, author_id: int) -> dict[str, Any]:
    """Store a line and send it to all; return the answer for its author."""
    form = Form({"text": text}, fields=["text"])
    line = await ask(store, form, author_id=author_id)
    if line is None:
        return {"refused": form.errors["text"]}

    await tell_all({"line": as_json(line)})

    return {"said": line["id"]}


def store(db: sqlite3.Connection, form: Form, *, author_id: int) -> sqlite3.Row | None:
    """Store a line, or say in the form what is wrong with it."""
    form.values["text"] = " ".join(form.values["text"].split())
    text = form.text("text", max_length=MAX_LENGTH, what="a few words")
    if form.errors:
        return None

    line = lines.add(db, author_id=author_id, body=text)
    if line is None:
        form.errors["text"] = "That was quick. Please take a breath, then send it again."

    return line


async def who_is_here() -> dict[str, Any]:
    """Return the message that says who is on the bench."""
    names, visitors = await ask(presence.present)

    return {"present": names, "visitors": visitors}


async def tell_all(message: dict[str, Any]) -> None:
    """Send a message to all pages."""
    try:
        await current_app.groups["bench"].send_json(message)
    except Exception:
        # Redis may be gone. What was written is stored, and a reload shows it.
        current_app.logger.exception("The bench could not be told.")


def as_json(line: sqlite3.Row) -> dict[str, Any]:
    """Choose what the bench tells about a line."""
    return {"id": line["id"], "author": line["author"], "body": line["body"], "at": line["created_at"]}


def _page(form: Form) -> str:
    names, visitors = presence.present(get_db())

    return render_template(
        "bench/show.html",
        lines=lines.since(get_db(), 0, most=SHOWN)[::-1],
        form=form,
        names=names,
        visitors=visitors,
        max_length=MAX_LENGTH,
    )
