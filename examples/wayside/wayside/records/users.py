"""Accounts and the tokens of the API. Knows no request and hashes no password."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3

from .clock import now


def add(db: sqlite3.Connection, username: str, *, password_hash: str, is_keeper: bool | None = None) -> int:
    """Add an account and return its id.

    Args:
        db: The connection.
        username: Unique, whatever its capitals.
        password_hash: What ``generate_password_hash`` returned.
        is_keeper: May edit everything. When not given, the first account that
            can sign in becomes the keeper.

    Raises:
        sqlite3.IntegrityError: If the name is taken.
    """
    with db:
        cursor = db.execute(
            """
            INSERT INTO user (username, password_hash, is_keeper, created_at)
            VALUES (?, ?, coalesce(?, NOT EXISTS (SELECT 1 FROM user WHERE password_hash != '')), ?)
            """,
            (username, password_hash, is_keeper, now()),
        )

    return int(cursor.lastrowid or 0)


def by_id(db: sqlite3.Connection, user_id: int) -> sqlite3.Row | None:
    """Find an account by its id."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM user WHERE id = ?", (user_id,)).fetchone()
    return row


def by_name(db: sqlite3.Connection, username: str) -> sqlite3.Row | None:
    """Find an account by its name, whatever its capitals."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM user WHERE username = ?", (username,)).fetchone()
    return row


def set_password(db: sqlite3.Connection, user_id: int, password_hash: str) -> None:
    """Replace the password of an account."""
    with db:
        db.execute("UPDATE user SET password_hash = ? WHERE id = ?", (password_hash, user_id))


def everyone(db: sqlite3.Connection) -> list[sqlite3.Row]:
    """List the accounts with what each has written, in one statement."""
    return db.execute(
        """
        SELECT user.*,
            (SELECT count(*) FROM walk WHERE author_id = user.id) AS walks,
            (SELECT total(distance_km) FROM walk WHERE author_id = user.id) AS distance_km,
            (SELECT count(*) FROM comment WHERE author_id = user.id) AS comments
        FROM user ORDER BY username
        """
    ).fetchall()


def _digest(token: str) -> str:
    # A random token needs no slow hash: there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()


def add_token(db: sqlite3.Connection, user_id: int, *, label: str) -> str:
    """Make a token for the API and return it; only its hash is kept."""
    token = f"wayside_{secrets.token_urlsafe(24)}"
    with db:
        db.execute(
            "INSERT INTO api_token (user_id, label, token_hash, created_at) VALUES (?, ?, ?, ?)",
            (user_id, label, _digest(token), now()),
        )

    return token


def by_token(db: sqlite3.Connection, token: str) -> sqlite3.Row | None:
    """Find the account a token belongs to."""
    row: sqlite3.Row | None = db.execute(
        "SELECT user.* FROM api_token JOIN user ON user.id = user_id WHERE token_hash = ?",
        (_digest(token),),
    ).fetchone()
    return row


def tokens(db: sqlite3.Connection, user_id: int) -> list[sqlite3.Row]:
    """List the tokens of an account, newest first."""
    return db.execute("SELECT * FROM api_token WHERE user_id = ? ORDER BY id DESC", (user_id,)).fetchall()


def revoke_token(db: sqlite3.Connection, user_id: int, token_id: int) -> bool:
    """Delete one of the account's own tokens; tell whether it was there."""
    with db:
        cursor = db.execute("DELETE FROM api_token WHERE id = ? AND user_id = ?", (token_id, user_id))

    return cursor.rowcount == 1
