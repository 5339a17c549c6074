"""Walks and their tags. Lists come with author, tags and counts in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from ..forms import NewWalk
from ..models import Tag, User, Walk, walk_tag
from . import news
from .clock import now


@dataclass(frozen=True, slots=True)
class Filter:
    """Which walks to list. Empty fields ask for nothing."""

    words: str = ""
    tag: str = ""
    author: str = ""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield what must hold; what visitors typed is bound, never part of the statement."""
        text = Walk.title + " " + Walk.place + " " + Walk.body + " " + User.username
        for word in self.words.split()[:8]:
            yield text.contains(word, autoescape=True)
        if self.tag:
            yield Walk.tags.any(Tag.name == self.tag)
        if self.author:
            yield User.username == self.author

    def select(self, *what: Any) -> Select[Any]:
        """Select something of the walks."""
        return select(*what).select_from(Walk).join(User, User.id == Walk.author_id).where(*self.conditions())


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and where it stands in the whole."""

    items: Sequence[Walk]
    number: int
    pages: int
    total: int


def page(session: Session, which: Filter, *, number: int, size: int) -> Page | None:
    """Read one page, newest first.

    Returns:
        The page, or None when there is no page of that number. Page 1 is
        always there.
    """
    total: int = session.scalars(which.select(func.count(Walk.id))).one()
    pages = max(1, ceil(total / size))
    if not 1 <= number <= pages:
        return None

    newest = _newest_first(which).options(joinedload(Walk.tags))
    items = session.scalars(newest.limit(size).offset((number - 1) * size)).unique().all()

    return Page(items, number, pages, total)


def _newest_first(which: Filter) -> Select[tuple[Walk]]:
    return which.select(Walk).order_by(Walk.walked_on.desc(), Walk.id.desc())


def find(session: Session, walk_id: int) -> Walk | None:
    """Read one walk."""
    return session.get(Walk, walk_id, options=[joinedload(Walk.tags)])


def every(session: Session, *, author: str = "") -> Iterator[Walk]:
    """Read all walks a few at a time, so that an export never holds them all."""
    statement = _newest_first(Filter(author=author)).options(selectinload(Walk.tags))
    for walk in session.scalars(statement.execution_options(yield_per=100)):
        yield walk
        session.expunge(walk)


def add(session: Session, walk: NewWalk, *, author_id: int, picture: str | None = None) -> int:
    """Store a new walk and return its id."""
    walk_id = insert(session, walk, author_id=author_id, picture=picture)
    session.commit()

    return walk_id


def insert(session: Session, walk: NewWalk, *, author_id: int, picture: str | None) -> int:
    """Store a new walk inside the caller's transaction."""
    row = Walk(author_id=author_id, picture=picture, created_at=now(), **walk.columns())
    row.tags = _tags(session, walk.tags)
    session.add(row)
    session.flush()
    news.note(session, row.id)

    return row.id


def replace(session: Session, row: Walk, walk: NewWalk, *, picture: str | None) -> None:
    """Overwrite a walk and its tags."""
    for name, value in walk.columns().items():
        setattr(row, name, value)
    row.picture = picture
    row.tags = _tags(session, walk.tags)
    session.commit()


def delete(session: Session, row: Walk) -> None:
    """Delete a walk with its comments and tags."""
    session.delete(row)
    session.commit()


def _tags(session: Session, names: Iterable[str]) -> list[Tag]:
    wanted = list(names)
    known = {tag.name: tag for tag in session.scalars(select(Tag).where(Tag.name.in_(wanted)))}

    return [known.get(name) or Tag(name=name) for name in wanted]


def tag_counts(session: Session, *, most: int = 12) -> Sequence[Row[Any]]:
    """List the tags in use, the commonest first."""
    count = func.count(walk_tag.c.walk_id).label("walks")
    used = select(Tag.name, count).join(walk_tag, walk_tag.c.tag_id == Tag.id).group_by(Tag.id)

    return session.execute(used.order_by(count.desc(), Tag.name).limit(most)).all()


def totals(session: Session, *, since: str) -> Row[Any]:
    """Add up walks, kilometres and metres climbed since a day."""
    return session.execute(
        select(
            func.count(Walk.id).label("walks"),
            func.total(Walk.distance_km).label("distance_km"),
            func.total(Walk.ascent_m).label("ascent_m"),
        ).where(Walk.walked_on >= since)
    ).one()
