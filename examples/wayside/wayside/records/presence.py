"""Who sits on the bench: one row for each open page, in whichever process.

A page says every half minute that it is still there. The row of a process that
was killed is not taken out by anybody, so rows that are silent do not count.
"""

from __future__ import annotations

import secrets

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from ..models import Presence, User
from .clock import ago, now

SILENT_SECONDS = 150


def arrive(session: Session, user_id: int | None) -> str:
    """Note that somebody came, a visitor if ``user_id`` is None; return what names the page."""
    token = secrets.token_hex(8)
    session.execute(delete(Presence).where(Presence.seen_at < ago(SILENT_SECONDS)))
    session.add(Presence(token=token, user_id=user_id, seen_at=now()))
    session.commit()

    return token


def stay(session: Session, token: str) -> None:
    """Note that a page is still there."""
    session.execute(update(Presence).where(Presence.token == token).values(seen_at=now()))
    session.commit()


def leave(session: Session, token: str) -> None:
    """Note that a page was closed."""
    session.execute(delete(Presence).where(Presence.token == token))
    session.commit()


def present(session: Session) -> tuple[list[str], int]:
    """Return the names of who is here, and how many pages of visitors are."""
    seen = session.execute(
        select(User.username, func.count(Presence.token))
        .select_from(Presence)
        .outerjoin(User, User.id == Presence.user_id)
        .where(Presence.seen_at >= ago(SILENT_SECONDS))
        .group_by(User.username)
        .order_by(User.username)
    ).all()

    return (
        [username for username, _ in seen if username is not None],
        sum(pages for username, pages in seen if username is None),
    )
