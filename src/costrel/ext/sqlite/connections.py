"""Connections whose errors are answers, and transactions on them. Knows no application and no file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Literal, TypeVar

from costrel.errors import ConfigError
from costrel.ext.sqlite.errors import raise_explained

__all__ = ["Connection", "Cursor", "Mode", "Transaction"]

Mode = Literal["deferred", "immediate", "exclusive"]
"""When a transaction takes the lock for writing; see https://sqlite.org/lang_transaction.html"""

_MODES = ("deferred", "immediate", "exclusive")
_SAVEPOINT = "costrel"
"""One name serves any depth: SQLite takes the innermost savepoint that bears it."""

_NEVER = object()

R = TypeVar("R")


def _explaining(function: Callable[..., R], *args: Any) -> R:
    try:
        return function(*args)
    except sqlite3.OperationalError as error:
        raise_explained(error)


class Cursor(sqlite3.Cursor):
    """A cursor of ``sqlite3``; a database that is locked or gone is an answer 503."""

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:
        """Run a statement; arguments and result are those of ``sqlite3``."""
        _explaining(super().execute, sql, parameters)

        return self

    def executemany(self, sql: str, seq_of_parameters: Iterable[Any], /) -> Cursor:
        """Run a statement once for each of the parameters."""
        _explaining(super().executemany, sql, seq_of_parameters)

        return self

    def executescript(self, sql_script: str, /) -> Cursor:
        """Commit, and run several statements, each for itself."""
        _explaining(super().executescript, sql_script)

        return self

    # SQLite works on while rows are read, and may find the database locked or gone then.

    def fetchone(self) -> Any:
        """Return the next row, or ``None``."""
        return _explaining(super().fetchone)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows, as many as ``size`` or else ``arraysize`` says."""
        return _explaining(super().fetchmany, self.arraysize if size is None else size)

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return _explaining(super().fetchall)

    def __next__(self) -> Any:
        return _explaining(super().__next__)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # sqlite3's is its own iterator
        # PERF: 80 ns a row more than sqlite3's own; by __next__ it would be 210.
        try:
            yield from iter(partial(sqlite3.Cursor.__next__, self), _NEVER)
        except sqlite3.OperationalError as error:
            raise_explained(error)


class Connection(sqlite3.Connection):
    """A connection of ``sqlite3``; a database that is locked or gone is an answer 503."""

    def cursor(self, factory: Any = Cursor) -> Any:
        """Make a cursor."""
        return super().cursor(factory)

    # sqlite3's own three ask no overridden cursor.

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:
        """Run a statement by a new cursor, and return that."""
        cursor: Cursor = self.cursor()

        return cursor.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Cursor:
        """Run a statement once for each of the parameters, and return the cursor."""
        cursor: Cursor = self.cursor()

        return cursor.executemany(sql, parameters)

    def executescript(self, sql_script: str, /) -> Cursor:
        """Commit, run several statements, each for itself, and return the cursor."""
        cursor: Cursor = self.cursor()

        return cursor.executescript(sql_script)

    def commit(self) -> None:
        """Keep what was changed."""
        _explaining(super().commit)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        return _explaining(super().__exit__, kind, error, traceback)


class Transaction:
    """Begins, commits and rolls back; a savepoint where a transaction is open already.

    Args:
        mode: When to take the lock for writing. ``"immediate"`` waits for it
            at the beginning: one that reads first and then writes can fail
            at once otherwise, whatever the busy timeout.

    Raises:
        ConfigError: If the mode is another one.
    """

    def __init__(self, mode: Mode) -> None:
        if mode not in _MODES:
            raise ConfigError(
                f"the mode of a transaction must be one of {', '.join(map(repr, _MODES))}, got {mode!r}",
                hint='Leave it out, or write mode="deferred" for one that only reads.',
            )
        self._mode = mode
        self._is_inner = False

    def begin(self, connection: Connection) -> Connection:
        """Begin, and return the connection."""
        self._is_inner = connection.in_transaction
        connection.execute(f"SAVEPOINT {_SAVEPOINT}" if self._is_inner else f"BEGIN {self._mode.upper()}")

        return connection

    def commit(self, connection: Connection) -> None:
        """Keep what was changed; if that fails, nothing is."""
        if not connection.in_transaction:  # the block committed by itself
            return
        try:
            connection.execute(f"RELEASE {_SAVEPOINT}" if self._is_inner else "COMMIT")
        except BaseException:
            self.roll_back(connection)
            raise

    def roll_back(self, connection: Connection) -> None:
        """Undo what was changed; some errors made SQLite do so already."""
        if not connection.in_transaction:
            return
        if self._is_inner:
            connection.execute(f"ROLLBACK TO {_SAVEPOINT}")
            connection.execute(f"RELEASE {_SAVEPOINT}")
        else:
            connection.execute("ROLLBACK")
