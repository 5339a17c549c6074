"""Comments under a walk."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from ..models import Comment
from . import news
from .clock import now


def under(session: Session, walk_id: int) -> Sequence[Comment]:
    """List a walk's comments, oldest first."""
    return session.scalars(select(Comment).where(Comment.walk_id == walk_id).order_by(Comment.id)).all()


def latest(session: Session, *, most: int) -> Sequence[Comment]:
    """List the newest comments of all walks, with the walks."""
    newest_first = select(Comment).order_by(Comment.created_at.desc(), Comment.id.desc())

    return session.scalars(newest_first.options(joinedload(Comment.walk)).limit(most)).all()


def find(session: Session, comment_id: int) -> Comment | None:
    """Read one comment."""
    return session.get(Comment, comment_id)


def add(session: Session, walk_id: int, *, author_id: int, body: str) -> int:
    """Store a comment and return its id."""
    comment_id = insert(session, walk_id, author_id=author_id, body=body, created_at=now())
    session.commit()

    return comment_id


def insert(session: Session, walk_id: int, *, author_id: int, body: str, created_at: str) -> int:
    """Store a comment inside the caller's transaction."""
    comment = Comment(walk_id=walk_id, author_id=author_id, body=body, created_at=created_at)
    session.add(comment)
    session.flush()
    news.note(session, walk_id, comment.id)

    return comment.id


def delete(session: Session, comment: Comment) -> None:
    """Delete a comment."""
    session.delete(comment)
    session.commit()
