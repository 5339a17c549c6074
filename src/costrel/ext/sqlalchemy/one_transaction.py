"""An engine with one connection to its database, in a transaction that is never committed.

Whoever asks the engine for a connection, in any context or thread, gets that
one; what they take for their transaction is a savepoint, so their commit and
rollback do what they should. Knows engines, and no application.
"""

from __future__ import annotations

import threading
from asyncio import Lock, Task, current_task, sleep
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.pool import NullPool, Pool
from sqlalchemy.util import await_only

from costrel.errors import SetupError

__all__ = ["OneTransaction"]

# These end a transaction by themselves on MariaDB and MySQL.
_ENDING = {"ALTER", "CREATE", "DROP", "GRANT", "LOCK", "RENAME", "REVOKE", "TRUNCATE"}

_READING = {"EXPLAIN", "PRAGMA", "SELECT", "SHOW", "VALUES"}


@dataclass(eq=False, slots=True)
class _Part:
    """What one user of the connection takes for a transaction: a savepoint."""

    savepoint: str
    has_written: bool = False
    has_failed: bool = False
    is_over: bool = False
    """Whether it was committed while another one lay on it; it is released with that."""


class _AwaitedCursor:
    """A cursor of a sync driver that an ``AsyncEngine`` can be done with."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    async def _async_soft_close(self) -> None:
        """Close nothing: its rows are still to be read."""


class OneTransaction:
    """One engine with one connection, in one transaction.

    The methods stand in for those of the engine's dialect, each with the
    arguments of that. A dialect is told who begins, commits and closes by the
    pool's proxy of the connection, of which every user has another.

    Args:
        engine: The engine.
    """

    # Any: dialects, cursors and connections of drivers have no common types.

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dialect: Any = engine.dialect
        self.pool: Pool = engine.pool
        self.real: Any = None
        """The pool's proxy of the one connection; opened when first asked for."""
        self.parts: list[_Part] = []
        self.part_of: dict[Any, _Part] = {}
        self.users: set[Any] = set()
        self.names = iter(f"costrel_{number}" for number in range(1, 10**9))
        self.lock = threading.RLock()
        self.tasks_lock = Lock()
        self.task: Task[Any] | None = None
        """The task that has ``tasks_lock``."""

        self.serves_async = False
        """Whether an ``AsyncEngine`` hands its work on to this engine, whose driver never awaits."""
        self.replaced = {
            name: getattr(self, name)
            for name in (
                "do_begin",
                "do_close",
                "do_commit",
                "do_execute",
                "do_execute_no_params",
                "do_executemany",
                "do_rollback",
                "do_terminate",
                "reset_isolation_level",
                "set_isolation_level",
            )
        }

    # Putting itself in the engine's place, and away again.

    def begin(self) -> None:
        """Have the engine use the one connection from now on."""
        shared = NullPool(self._give, dialect=self.dialect)
        event.listen(shared, "checkout", lambda connection, record, user: self.users.add(user))
        vars(self.dialect).update(self.replaced)
        self.engine.pool = shared

    def end(self) -> None:
        """Undo all that was done, and give the engine its connections back."""
        for user in list(self.users):  # what is still open must not work on in a pool that others use
            with suppress(Exception):
                user.invalidate()
        self.engine.pool = self.pool
        for name in self.replaced:
            vars(self.dialect).pop(name, None)
        if self.real is not None:
            try:
                self.dialect.do_rollback(self.real)
            finally:
                self.real.close()
                self.real = None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Keep others off the connection: threads, or the tasks of the loop if its driver awaits."""
        if not self.dialect.is_async:
            with self.lock:
                yield
            return
        task = current_task()
        if self.task is task:  # the first connection runs statements of its dialect's
            yield
            return

        await_only(self.tasks_lock.acquire())
        self.task = task
        try:
            yield
        finally:
            self.task = None
            self.tasks_lock.release()

    def _give(self) -> Any:
        """Return the driver's connection, for the pool."""
        with self._turn():
            if self.real is None:
                real: Any = self.pool.connect()
                if self.dialect.name == "sqlite" and not _is_in_transaction(real):
                    # sqlite3 begins none for a savepoint, whose release would commit then.
                    self._run(real.dbapi_connection, "BEGIN")
                self.real = real

            return self.real.dbapi_connection

    # In place of the dialect's.

    def do_begin(self, user: Any) -> None:
        """Begin nothing; the first statement sets a savepoint."""

    def do_close(self, connection: Any) -> None:
        """Close nothing, unless it is another connection."""
        if self.real is None or connection is not self.real.dbapi_connection:
            type(self.dialect).do_close(self.dialect, connection)

    def do_terminate(self, connection: Any) -> None:
        """Close nothing, unless it is another connection."""
        if self.real is None or connection is not self.real.dbapi_connection:
            type(self.dialect).do_terminate(self.dialect, connection)

    def set_isolation_level(self, connection: Any, level: Any) -> None:
        """Leave the level alone: there is one transaction."""

    def reset_isolation_level(self, connection: Any) -> None:
        """Leave the level alone."""

    def do_commit(self, user: Any) -> None:
        """Keep what a user did."""
        with self._turn():
            part = self.part_of.pop(user, None)
            if part is not None:
                self._keep(part)

    def do_rollback(self, user: Any) -> None:
        """Undo what a user did."""
        with self._turn():
            part = self.part_of.pop(user, None)
            if part is None:
                return
            if part.has_written or part.has_failed:
                self._undo(part)
            else:  # it must not take away what others committed since it began to read
                self._keep(part)

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Run a statement in a savepoint of its user's."""
        self._execute("do_execute", cursor, statement, parameters, context)

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Run a statement for many rows, the same way."""
        self._execute("do_executemany", cursor, statement, parameters, context)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any = None) -> None:
        """Run a statement without parameters, the same way."""
        self._execute("do_execute_no_params", cursor, statement, context)

    def _execute(self, method: str, cursor: Any, statement: str, *args: Any) -> None:
        run = getattr(type(self.dialect), method)
        context = args[-1]
        if context is None or self.real is None:
            run(self.dialect, cursor, statement, *args)
            return

        word = _first_word(statement)
        if word == "BEGIN":  # of a listener that cures sqlite3's way with transactions
            return
        if word in _ENDING and self.dialect.name in {"mysql", "mariadb"}:
            self._refuse(word, statement)
        is_awaited = self.serves_async and self._pause()
        with self._turn():
            part = self._part(context.root_connection.connection)
            part.has_written = part.has_written or word not in _READING
            try:
                run(self.dialect, cursor, statement, *args)
            except BaseException:
                part.has_failed = True
                raise
        if is_awaited:
            context.cursor = _AwaitedCursor(cursor)

    @staticmethod
    def _pause() -> bool:
        """Await something, as SQLAlchemy expects of an async driver; tell whether it awaits one."""
        try:
            await_only(sleep(0))
        except MissingGreenlet:
            return False

        return True

    def _refuse(self, word: str, statement: str) -> None:
        if "TEMPORARY" not in statement.upper():
            raise SetupError(
                f"{word} would commit the test's transaction, which is to be rolled back",
                hint="Create tables before rolled_back, once for all tests; this database cannot undo it.",
            )

    # Savepoints, which lie on each other like plates.

    def _part(self, user: Any) -> _Part:
        part = self.part_of.get(user)
        if part is None:
            part = self.part_of[user] = _Part(next(self.names))
            self._run(self.real.dbapi_connection, f"SAVEPOINT {part.savepoint}")
            self.parts.append(part)
        elif part not in self.parts:
            raise _lost()

        return part

    def _keep(self, part: _Part) -> None:
        if part not in self.parts:
            raise _lost()

        part.is_over = True
        while self.parts and self.parts[-1].is_over:
            self._run(self.real.dbapi_connection, f"RELEASE SAVEPOINT {self.parts[-1].savepoint}")
            self.parts.pop()

    def _undo(self, part: _Part) -> None:
        if part not in self.parts:
            return

        self._run(self.real.dbapi_connection, f"ROLLBACK TO SAVEPOINT {part.savepoint}")
        place = self.parts.index(part)
        idle = {id(above) for above in self.parts[place + 1 :] if not above.has_written}
        # Who only read on top of it gets a new savepoint and notices nothing.
        self.part_of = {user: other for user, other in self.part_of.items() if id(other) not in idle}
        del self.parts[place + 1 :]
        self._keep(part)

    @staticmethod
    def _run(connection: Any, statement: str) -> None:
        cursor = connection.cursor()
        try:
            cursor.execute(statement)
        finally:
            cursor.close()


def _lost() -> SetupError:
    return SetupError(
        "two transactions of a test wrote at the same time, and the one that began first was rolled back",
        hint="Commit or roll back the session of the test before it sends requests that write.",
    )


def _first_word(statement: str) -> str:
    return (
        statement.lstrip(" \t\r\n(")[:9].split(maxsplit=1)[0].upper() if statement.strip(" \t\r\n(") else ""
    )


def _is_in_transaction(real: Any) -> bool:
    return bool(getattr(real.driver_connection, "in_transaction", False))
