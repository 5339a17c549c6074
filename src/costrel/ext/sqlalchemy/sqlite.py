"""How SQLite is set up: where its file lies, what each connection is told, one database in memory for all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.pool import StaticPool

from costrel.ext.sqlalchemy.options import SQLAlchemyOptions
from costrel.ext.sqlite import switch_to_wal

__all__ = ["is_memory", "place_file", "set_up_sqlite", "sqlite_defaults", "without_foreign_keys"]


def is_memory(url: URL) -> bool:
    """Tell whether a URL means a database in memory.

    Example:
        >>> from sqlalchemy.engine import make_url
        >>> is_memory(make_url("sqlite://")), is_memory(make_url("sqlite:///shop.db"))
        (True, False)
    """
    database = url.database or ""

    return database in {"", ":memory:", "file::memory:"} or url.query.get("mode") == "memory"


def place_file(url: URL, folder: str) -> URL:
    """Return the URL with a relative path made one in a folder.

    Args:
        url: Also one with a URI of SQLite's own: ``sqlite:///file:shop.db?uri=true``.
        folder: The instance folder.

    Example:
        >>> from sqlalchemy.engine import make_url
        >>> str(place_file(make_url("sqlite:///shop.db"), "/srv"))
        'sqlite:////srv/shop.db'
    """
    path = url.database or ""
    scheme = "file:" if url.query.get("uri") and path.startswith("file:") else ""
    path = path.removeprefix(scheme)
    if os.path.isabs(path):
        return url

    return url.set(database=scheme + os.path.join(folder, path))


def sqlite_defaults(options: dict[str, Any], folder: str) -> None:
    """Fill in arguments of ``create_engine`` for SQLite; make the folder of its file.

    Args:
        options: The arguments, with ``url`` as a ``URL``.
        folder: The instance folder.
    """
    url = options["url"]
    if is_memory(url):
        options["poolclass"] = StaticPool
        options["connect_args"] = {**options.get("connect_args", {}), "check_same_thread": False}
        return

    placed = place_file(url, folder)
    if placed is not url:
        os.makedirs(folder, exist_ok=True)
        options["url"] = placed


def _begin_before_savepoints(dialect: Any) -> None:
    """Have an engine's dialect begin a transaction before a savepoint.

    Python's driver begins one with the first change only, and a savepoint
    outside of one is committed when it is released.
    """
    # PERF: an event of the engine's would say the same, and make each query 10 µs slower.
    set_savepoint = dialect.do_savepoint

    def do_savepoint(connection: sa.Connection, name: str) -> None:
        if not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]  # a connection of sqlite3 or aiosqlite
            connection.exec_driver_sql("BEGIN")
        set_savepoint(connection, name)

    dialect.do_savepoint = do_savepoint


def set_up_sqlite(engine: sa.Engine, options: SQLAlchemyOptions, memory_name: str) -> None:
    """Have an engine prepare its connections.

    Args:
        engine: The sync engine, or the sync side of an async one.
        options: What says how.
        memory_name: The name of the database if it is in memory. Sync and
            async engines of one name see the same.
    """
    url = engine.url
    wants_wal = options.sqlite_wal and not is_memory(url) and url.query.get("mode") != "ro"
    is_timed = "timeout" in url.query

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        if not is_timed:
            cursor.execute(f"PRAGMA busy_timeout = {int(options.sqlite_busy_timeout * 1000)}")
        if wants_wal:
            switch_to_wal(cursor.execute)
        if options.sqlite_foreign_keys:
            cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    _begin_before_savepoints(engine.dialect)
    if is_memory(url) and not url.query:

        @event.listens_for(engine, "do_connect")
        def connect_by_name(dialect: Any, record: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
            args[0] = f"file:{memory_name}?mode=memory&cache=shared"
            kwargs["uri"] = True


@contextmanager
def without_foreign_keys(connection: sa.Connection) -> Iterator[None]:
    """Commit what the block does, on SQLite with nobody asking what refers to what.

    SQLite deletes a table's rows before it drops the table, and cannot drop
    constraints first: tables that refer to each other would hold each other.

    Args:
        connection: One to any database, not in a transaction.
    """
    enforces = (
        connection.dialect.name == "sqlite"
        and connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    )
    if enforces:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    try:
        yield
        connection.commit()
    finally:
        if enforces:
            connection.rollback()  # within a transaction, SQLite would not hear the next line
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
