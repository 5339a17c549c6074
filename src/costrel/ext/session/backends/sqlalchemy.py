"""A store in a table of any database of SQLAlchemy's, beside the application's own tables.

The table is the one that Flask-Session makes, so its sessions stay; a second
one says which index a key has. Each operation is one short transaction on a
connection of its own: it neither sees nor ends what the request does in
``db.session``. Async code does it in a worker thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from costrel.ext.session.backends.store import Entry, StoreError
from costrel.ext.session.backends.twins import AsyncTwins
from costrel.extension import require_library

require_library("sqlalchemy", extra="sqlalchemy")

import sqlalchemy as sa  # noqa: E402  # after the check
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError  # noqa: E402

__all__ = ["SQLAlchemyStore", "make_tables"]

T = TypeVar("T")

_FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC).replace(tzinfo=None)
_MAX_TRIES = 20
"""How often a transaction is tried that another one is in the way of. At each deadlock one goes on, so
with sixteen writers of one session five were too few."""

_IN_THE_WAY = frozenset({"40001", "40P01", 1213, 1020})
"""Deadlocks and the like: SQLSTATE codes of PostgreSQL, error numbers of MariaDB and MySQL. Not a lock that
was waited for in vain: that took long enough."""


def make_tables(
    metadata: sa.MetaData, name: str = "sessions", *, schema: str | None = None, sequence: str | None = None
) -> tuple[sa.Table, sa.Table]:
    """Describe the two tables; those that the metadata has already stay as they are.

    Args:
        metadata: What they are added to, so that migrations know them.
        name: The name of the first.
        schema: Where they are; ``None`` for the database's default.
        sequence: What numbers the rows, for databases that need it said.
    """
    numbered: Any = (sa.Sequence(sequence),) if sequence else ()
    large = sa.LargeBinary().with_variant(sa.LargeBinary(2**24 - 1), "mysql", "mariadb")
    entries = sa.Table(
        name,
        metadata,
        sa.Column("id", sa.Integer, *numbered, primary_key=True),
        sa.Column("session_id", sa.String(255), unique=True),
        sa.Column("data", large),
        sa.Column("expiry", sa.DateTime, index=True),
        schema=schema,
        keep_existing=True,
    )
    indexes = sa.Table(
        f"{name}_index",
        metadata,
        sa.Column("session_id", sa.String(255), primary_key=True),
        sa.Column("index_name", sa.String(255), nullable=False, index=True),
        schema=schema,
        keep_existing=True,
    )

    return entries, indexes


class SQLAlchemyStore(AsyncTwins):
    """Keeps everything in a table, which is made at the first use if it is not there.

    Args:
        engine: The engine, or a function that returns it.
        tables: What ``make_tables`` made; by default of a metadata of their own.
        client: What the engine is of; kept for who looks for it.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        engine: sa.Engine | Callable[[], sa.Engine],
        *,
        tables: tuple[sa.Table, sa.Table] | None = None,
        client: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self.entries, self.indexes = tables or make_tables(sa.MetaData())
        self.client = client
        self._clock = clock
        self._made_for: set[str] = set()

    def get(self, key: str) -> Entry | None:
        """Return what is under a key."""
        entries = self.entries
        wanted = sa.select(entries.c.data).where(entries.c.session_id == key, self._lives())
        value = self._in_transaction(lambda connection: connection.scalar(wanted))

        return None if value is None else Entry(bytes(value), bytes(value))

    def set(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> None:
        """Write, whatever there is."""

        def write(connection: sa.Connection) -> None:
            self._drop(connection, key)
            self._insert(connection, key, value, ttl_seconds, index)

        self._in_transaction(write)

    def add(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> bool:
        """Write if there is nothing."""
        entries = self.entries

        def write(connection: sa.Connection) -> bool:
            connection.execute(
                sa.delete(entries).where(entries.c.session_id == key, entries.c.expiry <= self._now())
            )
            self._insert(connection, key, value, ttl_seconds, index)
            return True

        try:
            return self._in_transaction(write)
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                return False
            raise

    def replace(
        self, key: str, value: bytes, *, version: Any, ttl_seconds: float | None, index: str | None = None
    ) -> bool:
        """Write if there still is what was read."""
        changed = (
            sa.update(self.entries)
            .where(self._is_still(key, version))
            .values(data=value, expiry=self._expiry(ttl_seconds))
        )

        def write(connection: sa.Connection) -> bool:
            if connection.execute(changed).rowcount != 1:
                return False
            self._note_index(connection, key, index)
            return True

        return self._in_transaction(write)

    def move(
        self,
        key: str,
        to: str,
        value: bytes,
        *,
        version: Any,
        ttl_seconds: float | None,
        index: str | None = None,
        left: bytes | None = None,
        left_seconds: float | None = None,
    ) -> bool:
        """Delete a key and write another, if there still is what was read."""

        def write(connection: sa.Connection) -> bool:
            if connection.execute(sa.delete(self.entries).where(self._is_still(key, version))).rowcount != 1:
                return False
            self._note_index(connection, key, None)
            self._insert(connection, to, value, ttl_seconds, index)
            if left is not None:
                self._insert(connection, key, left, left_seconds, None)
            return True

        return self._in_transaction(write)

    def delete(self, key: str) -> bool:
        """Delete; tell whether there was something."""
        return self._in_transaction(lambda connection: self._drop(connection, key))

    def find(self, index: str) -> list[str]:
        """Return the keys of an index."""
        entries, indexes = self.entries, self.indexes
        wanted = (
            sa.select(indexes.c.session_id)
            .join(entries, entries.c.session_id == indexes.c.session_id)
            .where(indexes.c.index_name == index, self._lives())
            .order_by(indexes.c.session_id)
        )

        return self._in_transaction(lambda connection: list(connection.scalars(wanted)))

    def delete_index(self, index: str, *, keep: Collection[str] = ()) -> int:
        """Delete the keys of an index."""
        indexes = self.indexes
        wanted = sa.select(indexes.c.session_id).where(indexes.c.index_name == index)

        def drop(connection: sa.Connection) -> int:
            keys = [key for key in connection.scalars(wanted) if key not in keep]
            return sum(self._drop(connection, key) for key in keys)

        return self._in_transaction(drop)

    def clean_up(self) -> int:
        """Delete what is over."""
        entries, indexes = self.entries, self.indexes

        def drop(connection: sa.Connection) -> int:
            count = connection.execute(sa.delete(entries).where(entries.c.expiry <= self._now())).rowcount
            left = sa.select(entries.c.session_id).where(entries.c.session_id == indexes.c.session_id)
            connection.execute(sa.delete(indexes).where(~left.exists()))
            return count

        return self._in_transaction(drop)

    def close(self) -> None:
        """Do nothing: the engine is the application's."""

    # The statements that several of these need.

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC).replace(tzinfo=None)

    def _expiry(self, ttl_seconds: float | None) -> datetime:
        if ttl_seconds is None:
            return _FOR_EVER

        return self._now() + timedelta(seconds=ttl_seconds)

    def _lives(self) -> sa.ColumnElement[bool]:
        return self.entries.c.expiry > self._now()

    def _is_still(self, key: str, value: bytes) -> sa.ColumnElement[bool]:
        entries = self.entries

        return sa.and_(entries.c.session_id == key, entries.c.data == value, self._lives())

    def _insert(
        self, connection: sa.Connection, key: str, value: bytes, ttl_seconds: float | None, index: str | None
    ) -> None:
        expiry = self._expiry(ttl_seconds)
        connection.execute(sa.insert(self.entries).values(session_id=key, data=value, expiry=expiry))
        self._note_index(connection, key, index)

    def _note_index(self, connection: sa.Connection, key: str, index: str | None) -> None:
        indexes = self.indexes
        had = connection.scalar(sa.select(indexes.c.index_name).where(indexes.c.session_id == key))
        if had == index:
            return

        if had is not None:
            connection.execute(sa.delete(indexes).where(indexes.c.session_id == key))
        if index is not None:
            connection.execute(sa.insert(indexes).values(session_id=key, index_name=index))

    def _drop(self, connection: sa.Connection, key: str) -> bool:
        done = connection.execute(sa.delete(self.entries).where(self.entries.c.session_id == key))
        self._note_index(connection, key, None)

        return done.rowcount == 1

    # Transactions.

    def _in_transaction(self, work: Callable[[sa.Connection], T]) -> T:
        """Do some work in one transaction, anew if another transaction was in its way."""
        with _told():
            engine = self._engine if isinstance(self._engine, sa.Engine) else self._engine()
            self._make_tables(engine)
            for _ in range(_MAX_TRIES - 1):
                try:
                    with engine.begin() as connection:
                        return work(connection)
                except DBAPIError as error:
                    if not _was_in_the_way(error):
                        raise
            with engine.begin() as connection:
                return work(connection)

    def _make_tables(self, engine: sa.Engine) -> None:
        if str(engine.url) in self._made_for:
            return

        tables = (self.entries, self.indexes)
        for table in tables:
            try:
                table.create(engine, checkfirst=True)
            except SQLAlchemyError:
                # Another process may have made it between the look and the making.
                if not sa.inspect(engine).has_table(table.name, schema=table.schema):
                    raise
        self._made_for.add(str(engine.url))


def _was_in_the_way(error: DBAPIError) -> bool:
    original = error.orig
    codes = {getattr(original, "sqlstate", None), getattr(original, "pgcode", None)}
    codes |= set(getattr(original, "args", ())[:1])

    return any(code in _IN_THE_WAY for code in codes if isinstance(code, str | int))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        told = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        raise StoreError(f"the database of the sessions cannot be used: {told}") from error
