"""Lines on the bench: short, few, and not for ever."""

from __future__ import annotations

import sqlite3

from .clock import ago, now

KEPT = 500
AT_MOST, WITHIN_SECONDS = 5, 10


def since(db: sqlite3.Connection, number: int, *, most: int) -> list[sqlite3.Row]:
    """List the lines after a number, oldest first; of more than ``most`` the newest."""
    return db.execute(
        """
        SELECT * FROM (
            SELECT line.*, user.username AS author FROM line JOIN user ON user.id = author_id
            WHERE line.id > ? ORDER BY line.id DESC LIMIT ?
        )
        ORDER BY id
        """,
        (number, most),
    ).fetchall()


def find(db: sqlite3.Connection, line_id: int) -> sqlite3.Row | None:
    """Read one line."""
    row: sqlite3.Row | None = db.execute(
        "SELECT line.*, user.username AS author FROM line JOIN user ON user.id = author_id WHERE line.id = ?",
        (line_id,),
    ).fetchone()
    return row


def add(db: sqlite3.Connection, *, author_id: int, body: str) -> sqlite3.Row | None:
    """Store a line and return it, or None if its author writes too fast."""
    with db:
        # At once, so that two processes cannot both find room for the last one.
        db.execute("BEGIN IMMEDIATE")
        recent = db.execute(
            "SELECT count(*) FROM line WHERE author_id = ? AND created_at > ?",
            (author_id, ago(WITHIN_SECONDS)),
        ).fetchone()[0]
        if recent >= AT_MOST:
            return None
        line_id = insert(db, author_id=author_id, body=body)
        db.execute("DELETE FROM line WHERE id <= ?", (line_id - KEPT,))

        return find(db, line_id)


def insert(db: sqlite3.Connection, *, author_id: int, body: str) -> int:
    """Store a line inside the caller's transaction, and return its number."""
    cursor = db.execute(
        "INSERT INTO line (author_id, body, created_at) VALUES (?, ?, ?)", (author_id, body, now())
    )

    return int(cursor.lastrowid or 0)


def delete(db: sqlite3.Connection, line_id: int) -> None:
    """Delete a line."""
    with db:
        db.execute("DELETE FROM line WHERE id = ?", (line_id,))
