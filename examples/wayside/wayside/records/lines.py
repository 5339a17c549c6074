"""Lines on the bench: short, few, and not for ever."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete as delete_from
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..models import Line
from .clock import ago, now

KEPT = 500
AT_MOST, WITHIN_SECONDS = 5, 10


def since(session: Session, number: int, *, most: int) -> Sequence[Line]:
    """List the lines after a number, oldest first; of more than ``most`` the newest."""
    newest_first = select(Line).where(Line.id > number).order_by(Line.id.desc()).limit(most)

    return session.scalars(newest_first).all()[::-1]


def find(session: Session, line_id: int) -> Line | None:
    """Read one line."""
    return session.get(Line, line_id)


def add(session: Session, *, author_id: int, body: str) -> Line | None:
    """Store a line and return it, or None if its author writes too fast."""
    # Counted after it is written: who writes holds the database, so two
    # processes cannot both find room for the last one.
    line = insert(session, author_id=author_id, body=body)
    recent = select(func.count(Line.id)).where(
        Line.author_id == author_id, Line.created_at > ago(WITHIN_SECONDS)
    )
    if session.scalars(recent).one() > AT_MOST:
        session.rollback()
        return None

    session.execute(delete_from(Line).where(Line.id <= line.id - KEPT))
    session.refresh(line, ["author"])  # now: whoever is told of it later has no session
    session.commit()

    return line


def insert(session: Session, *, author_id: int, body: str) -> Line:
    """Store a line inside the caller's transaction."""
    line = Line(author_id=author_id, body=body, created_at=now())
    session.add(line)
    session.flush()

    return line


def delete(session: Session, line: Line) -> None:
    """Delete a line."""
    session.delete(line)
    session.commit()
