"""News: which walks and comments came, in the order in which they came."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..models import News


def note(session: Session, walk_id: int, comment_id: int | None = None) -> None:
    """Note inside the caller's transaction that a walk came, or a comment on it."""
    session.add(News(walk_id=walk_id, comment_id=comment_id))


def newest(session: Session) -> int:
    """Return the number of the newest, or 0."""
    return session.scalars(select(func.coalesce(func.max(News.id), 0))).one()


def since(session: Session, number: int, *, most: int) -> Sequence[News]:
    """List what came after a number, oldest first; of more than ``most`` the newest."""
    newest_first = select(News).where(News.id > number).order_by(News.id.desc()).limit(most)

    return session.scalars(newest_first).all()[::-1]
