"""The database of one application: where it is, how it is opened, and how its tables are made."""

from __future__ import annotations

import itertools
import os
import sqlite3
import weakref
from contextlib import closing

from costrel.ext.sqlite.connections import Connection
from costrel.ext.sqlite.errors import SchemaError, raise_explained
from costrel.ext.sqlite.options import MEMORY, SQLiteOptions
from costrel.ext.sqlite.schema import apply_schema, tables_of
from costrel.ext.sqlite.wal import switch_to_wal

__all__ = ["Database"]

_numbers = itertools.count(1)


class Database:
    """What lies in ``app.extensions["sqlite"]``.

    Args:
        options: The options, read anew for each connection.
        instance_path: The folder that ``SQLITE_DATABASE`` is relative to; it
            is made when a connection is opened.
        root_path: The folder that ``SQLITE_SCHEMA`` is relative to.
    """

    def __init__(self, options: SQLiteOptions, *, instance_path: str, root_path: str) -> None:
        self.options = options
        self._instance_path = instance_path
        self._root_path = root_path
        self._memory: tuple[int, str] | None = None
        """The process whose database in memory exists, and its URI."""

    @property
    def path(self) -> str:
        """The file, or ``":memory:"``."""
        name = self.options.database

        return name if name == MEMORY else os.path.join(self._instance_path, name)

    def connect(self) -> Connection:
        """Open a connection, with the pragmas of the options; who calls closes it.

        Raises:
            DatabaseUnavailable: If the file cannot be opened.
        """
        path = self.path
        is_memory = path == MEMORY
        if not is_memory and not os.path.isabs(self.options.database):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            return self._set_up(self._open(self._memory_uri() if is_memory else path, is_uri=is_memory))
        except sqlite3.OperationalError as error:
            raise_explained(error)

    def _open(self, name: str, *, is_uri: bool) -> Connection:
        timeout = self.options.busy_timeout
        return sqlite3.connect(
            name,
            timeout=timeout.total_seconds() if timeout else 0,
            # A statement that writes begins a transaction and waits for the lock, as the pattern has it.
            isolation_level="IMMEDIATE",
            # An async view uses it from several threads, one after another.
            check_same_thread=False,
            factory=Connection,
            uri=is_uri,
        )

    def _set_up(self, connection: Connection) -> Connection:
        options = self.options
        try:
            connection.row_factory = sqlite3.Row
            if options.foreign_keys:
                connection.execute("PRAGMA foreign_keys = ON")
            if self.path != MEMORY:
                (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
                if mode.upper() != options.journal_mode == "WAL":
                    switch_to_wal(connection.execute)
                elif mode.upper() != options.journal_mode:
                    connection.execute(f"PRAGMA journal_mode = {options.journal_mode}")
            for name, value in options.pragmas.items():
                connection.execute(f"PRAGMA {name} = {value}")
        except BaseException:
            connection.close()
            raise

        return connection

    def _memory_uri(self) -> str:
        """Name the database in memory of this process; a connection that stays open keeps it."""
        if self._memory is None or self._memory[0] != os.getpid():
            name = f"costrel-{os.getpid()}-{next(_numbers)}"
            # The VFS "memdb" locks as files do; SQLite has it since 3.36.
            has_memdb = sqlite3.sqlite_version_info >= (3, 36)
            uri = f"file:/{name}?vfs=memdb" if has_memdb else f"file:{name}?mode=memory&cache=shared"
            keeper = sqlite3.connect(uri, uri=True, check_same_thread=False)
            weakref.finalize(self, keeper.close)
            self._memory = (os.getpid(), uri)

        return self._memory[1]

    # Tables.

    def tables(self) -> list[str]:
        """Name the tables that there are."""
        with closing(self.connect()) as connection:
            return tables_of(connection)

    def make_tables(self, *, replaces: bool = False) -> list[str]:
        """Make the tables of the file ``SQLITE_SCHEMA``, all or none.

        Args:
            replaces: Drop the tables that there are, with all their rows.

        Returns:
            The names of the tables afterwards.

        Raises:
            SchemaError: If the file is not there or has a mistake, or if
                there are tables and they are not to be replaced.
        """
        file = os.path.join(self._root_path, self.options.schema)
        try:
            with open(file, encoding="utf-8") as opened:
                text = opened.read()
        except FileNotFoundError:
            raise SchemaError(
                f"there is no file {file!r}",
                hint="Write CREATE TABLE statements there, or set SQLITE_SCHEMA.",
            ) from None

        with closing(self.connect()) as connection:
            there = tables_of(connection)
            if there and not replaces:
                raise SchemaError(
                    f"{self.path} has tables already: {', '.join(there)}",
                    hint="To delete them with all their rows: costrel init-db --force",
                )
            apply_schema(connection, text, name=os.path.basename(file), replaces=replaces)

            return tables_of(connection)
