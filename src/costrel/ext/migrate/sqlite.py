"""SQLite: transactions that hold changes of tables, the write lock, and foreign keys. Knows no application.

Python's driver begins a transaction before it writes rows, and not before it
changes tables: those would be outside of it, and stay when a migration fails.
And a table that a batch copies and drops would take the rows of other tables
with it that refer to it and cascade.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from types import TracebackType
from typing import Any, Self, cast

from sqlalchemy import event
from sqlalchemy.engine import Connection

from costrel.ext.migrate.errors import MigrationError
from costrel.ext.migrate.locks import wait_until

__all__ = ["SqliteGuard"]

_BEGINS = re.compile(r"\s*BEGIN\b", re.IGNORECASE)


class SqliteGuard:
    """Guard the transactions of one connection as long as it is entered.

    Each begins with ``BEGIN IMMEDIATE``, so that a second process waits, and
    without enforcement of foreign keys; ``check`` looks for rows that lost
    what they refer to. Afterwards the connection is as it was.

    Args:
        connection: Of a SQLite database; not in a transaction.
        wait_seconds: How long to wait for another process.
    """

    def __init__(self, connection: Connection, *, wait_seconds: float) -> None:
        self.connection = connection
        self.wait_seconds = wait_seconds
        self._foreign_keys = False
        self._orphans: Counter[tuple[str, str]] | None = None
        self._has_just_begun = False

    def __enter__(self) -> Self:
        # Any: sqlite3's, or what stands for it.
        self._driver = cast(Any, self.connection.connection.dbapi_connection)
        self._isolation_level = self._driver.isolation_level
        self._autocommit = getattr(self._driver, "autocommit", None)
        if isinstance(self._autocommit, bool):
            # Python 3.12: with the newer way of transactions, the driver would begin them itself.
            self._driver.autocommit = sqlite3.LEGACY_TRANSACTION_CONTROL  # type: ignore[attr-defined]  # 3.12 has it
        self._foreign_keys = self._run("PRAGMA foreign_keys") == [(1,)]
        event.listen(self.connection, "begin", self._begin)
        event.listen(self.connection, "before_cursor_execute", self._leave_out_second_begin, retval=True)

        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        event.remove(self.connection, "begin", self._begin)
        event.remove(self.connection, "before_cursor_execute", self._leave_out_second_begin)
        if self.connection.closed or self.connection.invalidated:
            return
        self._leave_transaction()
        if self._foreign_keys:
            self._run("PRAGMA foreign_keys=ON")
        self._driver.isolation_level = self._isolation_level
        if isinstance(self._autocommit, bool):
            self._driver.autocommit = self._autocommit

    def check(self, revision: str) -> None:
        """Refuse what was done in this transaction if rows refer to others that are no more.

        Args:
            revision: The migration that was run last, for the message.

        Raises:
            MigrationError: With the tables.
        """
        if not self._foreign_keys or self._orphans is None:
            return
        new = self._find_orphans() - self._orphans
        if new:
            (table, parent), count = new.most_common(1)[0]
            raise MigrationError(
                f"after the migration {revision!r}, {count} row{'s' * (count > 1)} of {table!r} would refer"
                f" to what is not in {parent!r}; nothing of it was kept",
                hint="Let the migration delete or change those rows as well.",
            )

    def _begin(self, connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            return
        self._driver.isolation_level = None
        self._leave_transaction()
        self._run("PRAGMA foreign_keys=OFF")
        ((busy_milliseconds,),) = self._run("PRAGMA busy_timeout")
        self._run("PRAGMA busy_timeout=0")  # wait_until tells what is waited for, which SQLite would not
        try:
            wait_until(self._try_to_begin, wait_seconds=self.wait_seconds)
        finally:
            self._run(f"PRAGMA busy_timeout={busy_milliseconds}")
        if self._foreign_keys and self._orphans is None:
            self._orphans = self._find_orphans()
        self._has_just_begun = True

    # Any: SQLAlchemy's events have no types of their own.
    def _leave_out_second_begin(
        self, connection: Any, cursor: Any, statement: str, parameters: Any, *others: Any
    ) -> tuple[str, Any]:
        """Pass over a BEGIN of the engine's handlers, which are called after that of the connection.

        SQLAlchemy's documentation proposes such a handler for SQLite.
        """
        if self._has_just_begun:
            self._has_just_begun = _BEGINS.match(statement) is not None
            if self._has_just_begun:
                return "SELECT 1", parameters

        return statement, parameters

    def _try_to_begin(self) -> bool:
        try:
            self._run("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) and "busy" not in str(error):
                raise
            return False

        return True

    def _find_orphans(self) -> Counter[tuple[str, str]]:
        try:
            rows = self._run("PRAGMA foreign_key_check")
        except (
            sqlite3.OperationalError
        ):  # a key that refers to what cannot be referred to: nothing to compare
            return Counter()

        return Counter((row[0], row[2]) for row in rows)

    def _leave_transaction(self) -> None:
        # The stand-in for an asynchronous connection has this on the connection behind it.
        inner = getattr(self._driver, "driver_connection", self._driver)
        if inner.in_transaction:
            self._run("ROLLBACK")

    def _run(self, statement: str) -> list[Any]:
        cursor = self._driver.cursor()
        try:
            cursor.execute(statement)
            return list(cursor.fetchall())
        finally:
            cursor.close()
