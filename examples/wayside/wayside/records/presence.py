"""Who sits on the bench: one row for each open page, in whichever process.

A page says every half minute that it is still there. The row of a process that
was killed is not taken out by anybody, so rows that are silent do not count.
"""

from __future__ import annotations

import secrets
import sqlite3

from .clock import ago, now

SILENT_SECONDS = 150


def arrive(db: sqlite3.Connection, user_id: int | None) -> str:
    """Note that somebody came, a visitor if ``user_id`` is None; return what names the page."""
    token = secrets.token_hex(8)
    with db:
        db.execute("DELETE FROM presence WHERE seen_at < ?", (ago(SILENT_SECONDS),))
        db.execute("INSERT INTO presence (token, user_id, seen_at) VALUES (?, ?, ?)", (token, user_id, now()))

    return token


def stay(db: sqlite3.Connection, token: str) -> None:
    """Note that a page is still there."""
    with db:
        db.execute("UPDATE presence SET seen_at = ? WHERE token = ?", (now(), token))


def leave(db: sqlite3.Connection, token: str) -> None:
    """Note that a page was closed."""
    with db:
        db.execute("DELETE FROM presence WHERE token = ?", (token,))


def present(db: sqlite3.Connection) -> tuple[list[str], int]:
    """Return the names of who is here, and how many pages of visitors are."""
    seen = db.execute(
        """
        SELECT username, count(*) AS pages FROM presence LEFT JOIN user ON user.id = user_id
        WHERE seen_at >= ? GROUP BY username ORDER BY username
        """,
        (ago(SILENT_SECONDS),),
    ).fetchall()

    return (
        [row["username"] for row in seen if row["username"] is not None],
        sum(row["pages"] for row in seen if row["username"] is None),
    )
