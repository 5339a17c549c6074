"""The bench: short lines that everybody there sees at once, by WebSocket or by reloading."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from sqlalchemy.orm import Session

from costrel import Blueprint, abort, current_app, redirect, render_template, url_for
from costrel.ext.login import current_user, login_required
from costrel.sockets import WebSocket
from costrel.typing import ResponseReturnValue

from ..forms import LineForm
from ..identity import may_change
from ..live import ask, read_number, seat
from ..models import Line, db
from ..records import lines, presence

bp = Blueprint("bench", __name__, url_prefix="/bench")

MAX_LENGTH = 280
SHOWN = 50
MESSAGES, PER_SECONDS = 20, 10
TOO_MANY = 4429
"""The code by which a page is told that it sends more messages than a person would."""


@bp.get("")
def show() -> ResponseReturnValue:
    """Show the last lines."""
    return _page(LineForm(formdata=None))


@bp.post("")
@login_required
def write() -> ResponseReturnValue:
    """Write a line, as browsers without the script do."""
    form = LineForm()
    line = store(db.session(), form, author_id=current_user.id)
    if line is None:
        return _page(form), 422

    current_app.ensure_sync(tell_all)({"line": as_json(line)})

    return redirect(url_for("bench.show"))


@bp.post("/<id:line_id>/delete")
@login_required
def delete(line_id: int) -> ResponseReturnValue:
    """Delete a line: its author or a keeper may."""
    line = lines.find(db.session(), line_id)
    if line is None:
        abort(404)
    if not may_change(current_user, line):
        abort(403, "Only its author may delete this line.")

    lines.delete(db.session(), line)
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

        user_id = current_user.id if current_user.is_authenticated else None
        # This lasts for hours; what is asked from now on, is asked in sessions of its own.
        db.session.remove()
        group = current_app.groups["bench"]
        # First join, then look what was missed: so nothing falls between.
        await group.join(ws)
        token = await ask(presence.arrive, user_id)
        try:
            await tell_all(await who_is_here())
            for line in await ask(lines.since, read_number(ws.args.get("after")) or 0, most=SHOWN):
                await ws.send_json({"line": as_json(line)})
            await listen(ws, user_id, token)
        finally:
            await group.leave(ws)
            await ask(presence.leave, token)
            await tell_all(await who_is_here())

    return None


async def listen(ws: WebSocket, user_id: int | None, token: str) -> None:
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
            case {"say": str(text)} if user_id is not None:
                await ws.send_json(await say(text, author_id=user_id))
            case {"say": str()}:
                await ws.send_json({"refused": "Please sign in to write."})
            case _:
                await ws.send_json({"refused": "This message was not understood."})


async def say(text: str, *, author_id: int) -> dict[str, Any]:
    """Store a line and send it to all; return the answer for its author."""
    form = LineForm.of({"text": text})
    line = await ask(store, form, author_id=author_id)
    if line is None:
        return {"refused": form.messages["text"]}

    await tell_all({"line": as_json(line)})

    return {"said": line.id}


def store(session: Session, form: LineForm, *, author_id: int) -> Line | None:
    """Store a line, or say in the form what is wrong with it."""
    if not form.validate():
        return None

    line = lines.add(session, author_id=author_id, body=form.line)
    if line is None:
        form.text.errors = ["That was quick. Please take a breath, then send it again."]

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


def as_json(line: Line) -> dict[str, Any]:
    """Choose what the bench tells about a line."""
    return {"id": line.id, "author": line.author.username, "body": line.body, "at": line.created_at}


def _page(form: LineForm) -> str:
    names, visitors = presence.present(db.session())

    return render_template(
        "bench/show.html",
        lines=lines.since(db.session(), 0, most=SHOWN)[::-1],
        form=form,
        names=names,
        visitors=visitors,
        max_length=MAX_LENGTH,
    )
