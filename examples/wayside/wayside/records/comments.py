"""Comments under a walk."""

from __future__ import annotations

import sqlite3

from . import news
from .clock import now


def under(db: sqlite3.Connection, walk_id: int) -> list[sqlite3.Row]:
    """List a walk's comments, oldest first."""
    return db.execute(
        """
        SELECT comment.*, user.username AS author FROM comment JOIN user ON user.id = author_id
        WHERE walk_id = ? ORDER BY comment.id
        """,
        (walk_id,),
    ).fetchall()


def latest(db: sqlite3.Connection, *, most: int) -> list[sqlite3.Row]:
    """List the newest comments of all walks, with the walk's title."""
    return db.execute(
        """
        SELECT comment.*, user.username AS author, walk.title AS walk_title
        FROM comment JOIN user ON user.id = comment.author_id JOIN walk ON walk.id = walk_id
        ORDER BY comment.created_at DESC, comment.id DESC LIMIT ?
        """,
        (most,),
    ).fetchall()


def find(db: sqlite3.Connection, comment_id: int) -> sqlite3.Row | None:
    """Read one comment."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM comment WHERE id = ?", (comment_id,)).fetchone()
    return row


def add(db: sqlite3.Connection, walk_id: int, *, author_id: int, body: str) -> int:
    """Store a comment and return its id."""
    with db:
        return insert(db, walk_id, author_id=author_id, body=body, created_at=now())


def insert(db: sqlite3.Connection, walk_id: int, *, author_id: int, body: str, created_at: str) -> int:
    """Store a comment inside the caller's transaction."""
    cursor = db.execute(
        "INSERT INTO comment (walk_id, author_id, body, created_at) VALUES (?, ?, ?, ?)",
        (walk_id, author_id, body, created_at),
    )
    comment_id = int(cursor.lastrowid or 0)
    news.note(db, walk_id, comment_id)

    return comment_id


def delete(db: sqlite3.Connection, comment_id: int) -> None:
    """Delete a comment."""
    with db:
        db.execute("DELETE FROM comment WHERE id = ?", (comment_id,))
