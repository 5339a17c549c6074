"""The extension ``SQLite``: the connection of the current context, and what is usually done with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ClassVar, TypeVar

from costrel import Costrel
from costrel.checks import Finding
from costrel.ext.sqlite.connections import Connection, Cursor, Mode, Transaction
from costrel.ext.sqlite.database import Database
from costrel.ext.sqlite.held import HeldConnection
from costrel.ext.sqlite.options import MEMORY, SQLiteOptions
from costrel.extension import Extension

__all__ = ["Result", "SQLite", "SQLiteOptions"]

R = TypeVar("R")
# Any: what sqlite3 can bind, and what was registered with it besides.
Parameters = Sequence[Any] | Mapping[str, Any]


class Result:
    """What an awaited statement brought; it is read like a cursor, and all of it is there already.

    Args:
        rows: The rows, as ``sqlite3.Row`` unless the connection makes others.
        lastrowid: The id of the row that was inserted last.
        rowcount: How many rows were changed; -1 for a ``SELECT``.
    """

    def __init__(self, rows: list[Any], *, lastrowid: int | None, rowcount: int) -> None:
        self._rows = iter(rows)
        self.lastrowid = lastrowid
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        """Return the next row, or ``None``."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return list(self._rows)


class SQLite(Extension[SQLiteOptions]):
    """Plain SQLite, one connection for each context that uses it.

    Args:
        app: As for every extension.
        **given: Likewise: ``database="shop.sqlite"``.

    Example:
        >>> from costrel import Costrel
        >>> db = SQLite(database=":memory:")
        >>> app = Costrel("shop")
        >>> db.init_app(app)
        >>> @app.get("/answer")
        ... async def answer():
        ...     row = (await db.aexecute("SELECT 42 AS answer")).fetchone()
        ...     return dict(row)
        >>> app.test_client().get("/answer").json
        {'answer': 42}
    """

    name: ClassVar[str] = "sqlite"
    options_class: ClassVar[type[Any]] = SQLiteOptions
    commands: ClassVar[str] = "costrel.ext.sqlite.commands:init_db"

    def setup(self, app: Costrel, options: SQLiteOptions) -> Database:
        """Make what lies in ``app.extensions["sqlite"]``; no file is opened."""
        return Database(options, instance_path=app.instance_path, root_path=app.root_path)

    @property
    def _held(self) -> HeldConnection:
        return HeldConnection.of_context(self.state_of)

    # In sync code.

    @property
    def connection(self) -> Connection:
        """The connection of the current context, a ``sqlite3.Connection`` with ``sqlite3.Row`` rows.

        A statement that writes begins a transaction, which ``commit`` ends.

        Raises:
            ContextError: If there is no context.
            DatabaseUnavailable: If the file cannot be opened.
        """
        return self._held.get()

    def execute(self, sql: str, parameters: Parameters = ()) -> Cursor:
        """Run a statement and return its cursor.

        Args:
            sql: The statement. SECURITY: never put a value into this text;
                whoever sends the value would write the statement.
            parameters: The values for ``?`` in order, or for ``:name`` by name.

        Raises:
            DatabaseLocked: If another one wrote for too long.
        """
        return self._held.run(Connection.execute, sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Parameters]) -> Cursor:
        """Run a statement once for each of the parameters; see ``execute``."""
        return self._held.run(Connection.executemany, sql, parameters)

    def commit(self) -> None:
        """Keep what was changed since the last commit."""
        self._held.run(Connection.commit)

    @contextmanager
    def transaction(self, *, mode: Mode = "immediate") -> Iterator[Connection]:
        """Keep all that the block changes, or nothing if it raises.

        Inside of another transaction it is a savepoint.

        Args:
            mode: When the lock for writing is taken: ``"immediate"`` at the
                beginning, ``"deferred"`` with the first change,
                ``"exclusive"`` keeps readers away too, without WAL.
        """
        transaction, held = Transaction(mode), self._held
        connection = held.run(transaction.begin)
        try:
            yield connection
        except BaseException:
            held.run(transaction.roll_back)
            raise
        held.run(transaction.commit)

    # In async code: in a worker thread, so that the loop goes on.

    async def arun(self, function: Callable[..., R], *args: Any) -> R:
        """Call a function with the connection in a worker thread, and return its result.

        For what takes several steps, and for rows that are not to be read
        all at once. If the task is cancelled, the statement is interrupted.

        Args:
            function: Called with the connection and the arguments; it must
                read what it returns, a cursor belongs to the thread.
            *args: More arguments.
        """
        return await self._held.arun(function, *args)

    async def aexecute(self, sql: str, parameters: Parameters = ()) -> Result:
        """Do as ``execute``, and read all rows."""
        return await self.arun(_execute_and_read, sql, parameters)

    async def aexecutemany(self, sql: str, parameters: Iterable[Parameters]) -> Result:
        """Do as ``executemany``."""
        return await self.arun(_executemany_and_read, sql, parameters)

    async def acommit(self) -> None:
        """Do as ``commit``."""
        await self.arun(Connection.commit)

    @asynccontextmanager
    async def atransaction(self, *, mode: Mode = "immediate") -> AsyncIterator[None]:
        """Do as ``transaction``, for ``async with``.

        Tasks that the block starts share its connection and so its transaction.
        """
        transaction, held = Transaction(mode), self._held
        await held.arun(transaction.begin)
        try:
            yield
        except BaseException:
            await held.arun(transaction.roll_back)
            raise
        await held.arun(transaction.commit)

    # Tables, and what is unwise.

    def init_db(self, *, force: bool = False) -> list[str]:
        """Make the tables of ``SQLITE_SCHEMA`` in the current application's database, all or none.

        Args:
            force: Drop the tables that there are, with all their rows.

        Returns:
            The names of the tables.

        Raises:
            SchemaError: As ``Database.make_tables`` says.
        """
        database: Database = self.state_of()

        return database.make_tables(replaces=force)

    def check(self, app: Costrel) -> Iterable[Finding]:
        """Find a database that everybody can download, and one that a restart empties."""
        path = self.state_of(app).path
        if path == MEMORY:
            yield Finding(
                "sqlite.W001",
                "the database is in memory: each process has its own, and a restart empties it",
                'Set SQLITE_DATABASE = "app.sqlite".',
            )
        elif app.static_folder and _is_below(path, app.static_folder):
            yield Finding(
                "sqlite.E001",
                "the database lies in the static folder: whoever guesses its name downloads it",
                "Set SQLITE_DATABASE to a name without a folder: it is put into the instance folder.",
            )


def _is_below(path: str, folder: str) -> bool:
    folder = os.path.realpath(folder)
    try:
        return os.path.commonpath([os.path.realpath(path), folder]) == folder
    except ValueError:  # on another drive
        return False


def _execute_and_read(connection: Connection, sql: str, parameters: Parameters) -> Result:
    return _read(connection.execute(sql, parameters))


def _executemany_and_read(connection: Connection, sql: str, parameters: Iterable[Parameters]) -> Result:
    return _read(connection.executemany(sql, parameters))


def _read(cursor: sqlite3.Cursor) -> Result:
    return Result(cursor.fetchall(), lastrowid=cursor.lastrowid, rowcount=cursor.rowcount)
