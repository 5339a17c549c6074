"""Walks and their tags. Lists come with author, tags and counts in one statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

from ..forms import NewWalk
from . import news
from .clock import now

_SELECT = """
    SELECT walk.*, user.username AS author,
        (SELECT count(*) FROM comment WHERE comment.walk_id = walk.id) AS comment_count,
        coalesce((
            SELECT group_concat(name, ' ')
            FROM (
                SELECT tag.name FROM walk_tag JOIN tag ON tag.id = tag_id
                WHERE walk_tag.walk_id = walk.id ORDER BY tag.name
            )
        ), '') AS tags
    FROM walk JOIN user ON user.id = walk.author_id
"""
_NEWEST_FIRST = " ORDER BY walk.walked_on DESC, walk.id DESC"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which walks to list. Empty fields ask for nothing."""

    words: str = ""
    tag: str = ""
    author: str = ""

    def where(self) -> tuple[str, list[str]]:
        """Return a condition made of fixed text, and the values to bind."""
        parts, values = [], []
        for word in self.words.split()[:8]:
            parts.append(
                "(walk.title || ' ' || walk.place || ' ' || walk.body || ' ' || user.username)"
                " LIKE ? ESCAPE '\\'"
            )
            escaped = word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
            values.append(f"%{escaped}%")
        if self.tag:
            parts.append(
                "walk.id IN (SELECT walk_id FROM walk_tag JOIN tag ON tag.id = tag_id WHERE name = ?)"
            )
            values.append(self.tag)
        if self.author:
            parts.append("user.username = ?")
            values.append(self.author)

        return (" WHERE " + " AND ".join(parts) if parts else ""), values


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and where it stands in the whole."""

    items: list[sqlite3.Row]
    number: int
    pages: int
    total: int


def page(db: sqlite3.Connection, which: Filter, *, number: int, size: int) -> Page | None:
    """Read one page, newest first.

    Returns:
        The page, or None when there is no page of that number. Page 1 is
        always there.
    """
    where, values = which.where()
    counted = "SELECT count(*) FROM walk JOIN user ON user.id = walk.author_id" + where
    total = int(db.execute(counted, values).fetchone()[0])
    pages = max(1, ceil(total / size))
    if not 1 <= number <= pages:
        return None

    select = _SELECT + where + _NEWEST_FIRST + " LIMIT ? OFFSET ?"
    items = db.execute(select, (*values, size, (number - 1) * size)).fetchall()

    return Page(items, number, pages, total)


def find(db: sqlite3.Connection, walk_id: int) -> sqlite3.Row | None:
    """Read one walk."""
    row: sqlite3.Row | None = db.execute(_SELECT + " WHERE walk.id = ?", (walk_id,)).fetchone()
    return row


def every(db: sqlite3.Connection, *, author: str = "") -> Iterator[sqlite3.Row]:
    """Read all walks one by one, so that an export never holds them all."""
    where, values = Filter(author=author).where()
    yield from db.execute(_SELECT + where + _NEWEST_FIRST, values)


def add(db: sqlite3.Connection, walk: NewWalk, *, author_id: int, picture: str | None = None) -> int:
    """Store a new walk and return its id."""
    with db:
        return insert(db, walk, author_id=author_id, picture=picture)


def insert(db: sqlite3.Connection, walk: NewWalk, *, author_id: int, picture: str | None) -> int:
    """Store a new walk inside the caller's transaction."""
    cursor = db.execute(
        """
        INSERT INTO walk (author_id, title, place, walked_on, distance_km, ascent_m, body,
            picture_alt, picture, created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (author_id, *walk.columns(), picture, now()),
    )
    walk_id = int(cursor.lastrowid or 0)
    _set_tags(db, walk_id, walk.tags)
    news.note(db, walk_id)

    return walk_id


def replace(db: sqlite3.Connection, walk_id: int, walk: NewWalk, *, picture: str | None) -> None:
    """Overwrite a walk and its tags."""
    with db:
        db.execute(
            """
            UPDATE walk SET title = ?, place = ?, walked_on = ?, distance_km = ?, ascent_m = ?, body = ?,
                picture_alt = ?, picture = ?
            WHERE id = ?
            """,
            (*walk.columns(), picture, walk_id),
        )
        _set_tags(db, walk_id, walk.tags)


def delete(db: sqlite3.Connection, walk_id: int) -> None:
    """Delete a walk with its comments and tags."""
    with db:
        db.execute("DELETE FROM walk WHERE id = ?", (walk_id,))


def _set_tags(db: sqlite3.Connection, walk_id: int, names: Iterable[str]) -> None:
    db.execute("DELETE FROM walk_tag WHERE walk_id = ?", (walk_id,))
    rows = [(name,) for name in names]
    db.executemany("INSERT OR IGNORE INTO tag (name) VALUES (?)", rows)
    db.executemany(
        "INSERT INTO walk_tag (walk_id, tag_id) SELECT ?, id FROM tag WHERE name = ?",
        [(walk_id, name) for (name,) in rows],
    )


def tag_counts(db: sqlite3.Connection, *, most: int = 12) -> list[sqlite3.Row]:
    """List the tags in use, the commonest first."""
    return db.execute(
        """
        SELECT tag.name, count(*) AS walks FROM walk_tag JOIN tag ON tag.id = tag_id
        GROUP BY tag.id ORDER BY walks DESC, tag.name LIMIT ?
        """,
        (most,),
    ).fetchall()


def totals(db: sqlite3.Connection, *, since: str) -> sqlite3.Row:
    """Add up walks, kilometres and metres climbed since a day."""
    row: sqlite3.Row = db.execute(
        """
        SELECT count(*) AS walks, total(distance_km) AS distance_km, total(ascent_m) AS ascent_m
        FROM walk WHERE walked_on >= ?
        """,
        (since,),
    ).fetchone()
    return row
