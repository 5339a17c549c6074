"""Locks that keep two processes from migrating one database at the same time. Knows no application.

PostgreSQL and MariaDB have locks with names, which the session holds until
it gives them back or ends. They are asked for again and again instead of
waited for: whoever waits inside of a statement holds a snapshot, and
``CREATE INDEX CONCURRENTLY`` of the other process would wait for that.
SQLite has no such locks; there the transaction itself is the lock.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from costrel.ext.migrate.errors import MigrationError

__all__ = ["POLL_SECONDS", "exclusive", "lock_key", "wait_until"]

POLL_SECONDS = 0.1
_STATEMENTS = {
    "postgresql": ("SELECT pg_try_advisory_lock(:key)", "SELECT pg_advisory_unlock(:key)"),
    "mysql": ("SELECT GET_LOCK(:key, 0)", "SELECT RELEASE_LOCK(:key)"),
}
_STATEMENTS["mariadb"] = _STATEMENTS["mysql"]

log = logging.getLogger("costrel.migrate")


@contextmanager
def exclusive(connection: Connection, *, version_table: str, wait_seconds: float) -> Iterator[None]:
    """Keep other processes away from a database's migrations.

    Args:
        connection: Holds the lock; not in a transaction, before and after.
        version_table: The table with the revision, with its schema: others
            in the same database have locks of their own.
        wait_seconds: How long to wait for another process.

    Raises:
        MigrationError: If the other process takes longer.
    """
    statements = _STATEMENTS.get(connection.dialect.name)
    if statements is None:
        yield
        return

    take, give_back = map(text, statements)
    key = lock_key(connection.dialect.name, connection.engine.url.database or "", version_table)

    def try_it() -> bool:
        taken = bool(connection.execute(take, {"key": key}).scalar())
        connection.rollback()
        return taken

    wait_until(try_it, wait_seconds=wait_seconds)
    try:
        yield
    finally:
        _give_back(connection, give_back, key)


def _give_back(connection: Connection, statement: Any, key: int | str) -> None:
    try:
        connection.rollback()
        connection.execute(statement, {"key": key})
        connection.rollback()
    except SQLAlchemyError:  # the connection is broken; with it, the lock ends
        connection.invalidate()


def lock_key(dialect: str, database: str, version_table: str) -> int | str:
    """Name the lock: PostgreSQL's are numbers of a database, MariaDB's texts for the whole server.

    Example:
        >>> lock_key("postgresql", "shop", "versions") == lock_key("postgresql", "inn", "versions")
        True
        >>> lock_key("mysql", "shop", "versions") == lock_key("mysql", "inn", "versions")
        False
    """
    if dialect == "postgresql":
        digest = hashlib.sha256(f"costrel.migrate {version_table}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)

    # 64 characters is the most that the server takes.
    return "costrel.migrate " + hashlib.sha256(f"{database} {version_table}".encode()).hexdigest()[:40]


def wait_until(try_it: Any, *, wait_seconds: float) -> None:
    """Try until it succeeds, and tell once that another process is waited for.

    Args:
        try_it: Called without arguments; returns whether it succeeded.
        wait_seconds: How long to go on.

    Raises:
        MigrationError: If it did not succeed in that time.
    """
    end = time.monotonic() + wait_seconds
    is_told = False
    while not try_it():
        if time.monotonic() >= end:
            raise MigrationError(
                f"another process has been changing the database for more than {wait_seconds:g} seconds",
                hint="Wait for its end, or raise MIGRATE_LOCK_TIMEOUT.",
            )
        if not is_told:
            log.info("Another process is changing the database; waiting for its end")
            is_told = True
        time.sleep(POLL_SECONDS)
