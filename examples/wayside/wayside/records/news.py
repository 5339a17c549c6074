"""News: which walks and comments came, in the order in which they came."""

from __future__ import annotations

import sqlite3


def note(db: sqlite3.Connection, walk_id: int, comment_id: int | None = None) -> None:
    """Note inside the caller's transaction that a walk came, or a comment on it."""
    db.execute("INSERT INTO news (walk_id, comment_id) VALUES (?, ?)", (walk_id, comment_id))


def newest(db: sqlite3.Connection) -> int:
    """Return the number of the newest, or 0."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM news").fetchone()[0])


def since(db: sqlite3.Connection, number: int, *, most: int) -> list[sqlite3.Row]:
    """List what came after a number, oldest first; of more than ``most`` the newest."""
    return db.execute(
        """
        SELECT * FROM (
            SELECT news.*, walk.title, user.username AS author
            FROM news JOIN walk ON walk.id = news.walk_id LEFT JOIN comment ON comment.id = comment_id
                JOIN user ON user.id = coalesce(comment.author_id, walk.author_id)
            WHERE news.id > ? ORDER BY news.id DESC LIMIT ?
        )
        ORDER BY id
        """,
        (number, most),
    ).fetchall()
