"""A store in an SQLite file, by the standard library: for one machine, and all its processes."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Any
from weakref import finalize

from costrel.ext.session.backends.store import Entry, StoreError
from costrel.ext.session.backends.twins import AsyncTwins

__all__ = ["SQLiteStore"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at REAL, index_name TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_index ON entries (index_name) WHERE index_name IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires_at) WHERE expires_at IS NOT NULL;
"""
_LIVES = "(expires_at IS NULL OR expires_at > ?)"
_WRITE = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)"


class SQLiteStore(AsyncTwins):
    """Keeps everything in one table of a file, which is made at the first use.

    Args:
        path: The file. It gets the permissions 0600.
        busy_seconds: How long a writer waits for another one.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        busy_seconds: float = 5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = Path(path)
        self._busy_seconds = busy_seconds
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        """Begin without connections, in this process; those to come are closed with this store."""
        self._idle: list[sqlite3.Connection] = []
        self._pid = os.getpid()
        finalize(self, _close_all, self._idle, self._pid)

    def get(self, key: str) -> Entry | None:
        """Return what is under a key."""
        with self._connected() as connection:
            row = connection.execute(
                f"SELECT value FROM entries WHERE key = ? AND {_LIVES}", (key, self._clock())
            ).fetchone()

        return None if row is None else Entry(row[0], row[0])

    def set(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> None:
        """Write, whatever there is."""
        with self._connected() as connection:
            connection.execute(_WRITE, (key, value, self._expiry(ttl_seconds), index))

    def add(self, key: str, value: bytes, *, ttl_seconds: float | None, index: str | None = None) -> bool:
        """Write if there is nothing."""
        row = (key, value, self._expiry(ttl_seconds), index)
        with self._connected() as connection:
            # One statement: what is over is written over.
            done = connection.execute(
                "INSERT INTO entries VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
                " value = excluded.value, expires_at = excluded.expires_at, index_name = excluded.index_name"
                " WHERE entries.expires_at <= ?",
                (*row, self._clock()),
            )

        return done.rowcount == 1

    def replace(
        self, key: str, value: bytes, *, version: Any, ttl_seconds: float | None, index: str | None = None
    ) -> bool:
        """Write if there still is what was read."""
        with self._connected() as connection:
            done = connection.execute(
                "UPDATE entries SET value = ?, expires_at = ?, index_name = ?"
                f" WHERE key = ? AND value = ? AND {_LIVES}",
                (value, self._expiry(ttl_seconds), index, key, version, self._clock()),
            )

        return done.rowcount == 1

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
        with self._connected() as connection, _transaction(connection):
            done = connection.execute(
                f"DELETE FROM entries WHERE key = ? AND value = ? AND {_LIVES}", (key, version, self._clock())
            )
            if done.rowcount != 1:
                return False
            connection.execute(_WRITE, (to, value, self._expiry(ttl_seconds), index))
            if left is not None:
                connection.execute(_WRITE, (key, left, self._expiry(left_seconds), None))

        return True

    def delete(self, key: str) -> bool:
        """Delete; tell whether there was something."""
        with self._connected() as connection:
            return connection.execute("DELETE FROM entries WHERE key = ?", (key,)).rowcount == 1

    def find(self, index: str) -> list[str]:
        """Return the keys of an index."""
        with self._connected() as connection:
            rows = connection.execute(
                f"SELECT key FROM entries WHERE index_name = ? AND {_LIVES} ORDER BY key",
                (index, self._clock()),
            )
            return [key for (key,) in rows]

    def delete_index(self, index: str, *, keep: Collection[str] = ()) -> int:
        """Delete the keys of an index."""
        marks = ", ".join("?" * len(keep))
        with self._connected() as connection:
            return connection.execute(
                f"DELETE FROM entries WHERE index_name = ? AND key NOT IN ({marks})", (index, *keep)
            ).rowcount

    def clean_up(self) -> int:
        """Delete what is over."""
        with self._connected() as connection:
            return connection.execute("DELETE FROM entries WHERE expires_at <= ?", (self._clock(),)).rowcount

    def close(self) -> None:
        """Close the connections that are not in use."""
        _close_all(self._idle, os.getpid())

    def _expiry(self, ttl_seconds: float | None) -> float | None:
        return None if ttl_seconds is None else self._clock() + ttl_seconds

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that nobody else uses; each statement is a transaction of its own."""
        try:
            connection = self._take()
            try:
                yield connection
            except BaseException:
                connection.close()  # who knows in what state it is
                raise
            self._idle.append(connection)
        except sqlite3.Error as error:
            raise StoreError(f"the SQLite file of the sessions cannot be used: {error}") from error
        except OSError as error:
            raise StoreError(f"the SQLite file of the sessions cannot be made: {error}") from error

    def _take(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            # SQLite: a connection must not be used, or closed, in a child process.
            self._inherited = self._idle
            self._begin()
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    _inherited: list[sqlite3.Connection]

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            _create(self.path)
        connection = sqlite3.connect(
            self.path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            with suppress(sqlite3.OperationalError):  # another connection is about to do so; it is for good
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = 1; COMMIT;")
        except BaseException:
            connection.close()
            raise

        return connection


def _create(path: Path) -> None:
    """Make an empty file for its owner alone, if there still is none.

    SECURITY: the ids in it are as good as passwords; SQLite itself would
    leave it to the umask.
    """
    # POSIX: closing any descriptor of a file drops the locks that this process has on it, SQLite's
    # too, and another process then deletes the log under it. So the file gets its name when closed.
    descriptor, unnamed = mkstemp(prefix=path.name, dir=path.parent)
    os.close(descriptor)
    try:
        os.link(unnamed, path)
    except FileExistsError:
        pass  # somebody else has just made it
    except OSError:  # no links on this file system: safe but for two threads at the first use of all
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    finally:
        os.unlink(unnamed)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    with closing(connection.cursor()) as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")


def _close_all(idle: list[sqlite3.Connection], pid: int) -> None:
    while idle and pid == os.getpid():
        idle.pop().close()
