"""Walks in and out as JSON, and the sample walks of the first start."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..forms import WalkForm
from ..models import User
from . import comments, lines, walks
from .clock import now

FIELDS = ("title", "place", "walked_on", "distance_km", "ascent_m", "body", "picture_alt")


class TransferError(ValueError):
    """A record that cannot be imported; says which one and why."""


def dump(session: Session) -> Iterator[dict[str, Any]]:
    """Give every walk as a mapping that ``load`` accepts. Pictures stay behind."""
    for walk in walks.every(session):
        fields = {name: getattr(walk, name) for name in FIELDS}
        yield {"author": walk.author.username, **fields, "tags": [tag.name for tag in walk.tags]}


def load(session: Session, records: Iterable[Mapping[str, Any]], *, today: date) -> int:
    """Import walks, all or none. Unknown authors get an account without a password.

    Raises:
        TransferError: If a record is malformed; nothing is imported then.
    """
    count = 0
    try:
        for record in records:
            count += 1
            _insert(session, record, number=count, today=today, picture=None)
        session.commit()
    except BaseException:
        session.rollback()
        raise

    return count


def load_sample(session: Session, *, source: Path, pictures: Path) -> None:
    """Load sample walks and lines inside the caller's transaction, and copy the pictures."""
    today = datetime.now(UTC).date()
    pictures.mkdir(parents=True, exist_ok=True)
    said: list[tuple[str, int, str, str]] = []
    for number, record in enumerate(json.loads((source / "walks.json").read_text("utf-8")), 1):
        record["walked_on"] = _latest(record["walked"], today=today)
        if picture := record.get("picture"):
            shutil.copyfile(source / picture, pictures / picture)
        walk_id = _insert(session, record, number=number, today=today, picture=picture)
        said_at = record["walked_on"] + "T20:15:00Z"
        said += [(said_at, walk_id, author, body) for author, body in record.get("comments", ())]
    for said_at, walk_id, author, body in sorted(said, key=itemgetter(0)):
        comments.insert(
            session, walk_id, author_id=_author_id(session, author), body=body, created_at=said_at
        )
    for author, body in json.loads((source / "bench.json").read_text("utf-8")):
        lines.insert(session, author_id=_author_id(session, author), body=body)


def _latest(month_and_day: str, *, today: date) -> str:
    # The sample year always ends today, and each walk stays in its season.
    this_year = f"{today.year}-{month_and_day}"

    return this_year if this_year <= today.isoformat() else f"{today.year - 1}-{month_and_day}"


def _insert(
    session: Session, record: Mapping[str, Any], *, number: int, today: date, picture: str | None
) -> int:
    if not isinstance(record, dict) or not isinstance(record.get("author"), str):
        raise TransferError(f"walk {number}: expected an object with an author, got {record!r:.80}")
    form = WalkForm.of(record)
    walk = form.read(today=today)
    if walk is None:
        problems = "; ".join(f"{name}: {text}" for name, text in form.messages.items())
        raise TransferError(f"walk {number} ({record.get('title')!r}): {problems}")

    return walks.insert(session, walk, author_id=_author_id(session, record["author"]), picture=picture)


def _author_id(session: Session, username: str) -> int:
    user = session.scalars(select(User).where(User.username == username)).one_or_none()
    if user is None:
        # An empty hash matches no password: nobody can sign in as a sample author.
        user = User(username=username, password_hash="", created_at=now())
        session.add(user)
        session.flush()

    return user.id
