"""SQLite by Python's own ``sqlite3``: one connection for each request that uses one, and nothing else.

The connection is opened at its first use and closed with the request; what
was not committed is rolled back. Foreign keys are on, readers and writers do
not wait for each other (WAL), and a database that stays locked is a 503.

Example:
    >>> from costrel import Costrel
    >>> app = Costrel("shop")
    >>> app.config["SQLITE_DATABASE"] = ":memory:"
    >>> db = SQLite(app)
    >>> with app.app_context():
    ...     with db.transaction():
    ...         _ = db.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
    ...         _ = db.execute("INSERT INTO item (name) VALUES (?)", ("lamp",))
    ...     db.execute("SELECT name FROM item").fetchone()["name"]
    'lamp'
"""

from __future__ import annotations

from costrel.ext.sqlite.connections import Connection, Cursor
from costrel.ext.sqlite.database import Database
from costrel.ext.sqlite.errors import DatabaseLocked, DatabaseUnavailable, SchemaError
from costrel.ext.sqlite.extension import Result, SQLite, SQLiteOptions
from costrel.ext.sqlite.wal import switch_to_wal

__all__ = [
    "Connection",
    "Cursor",
    "Database",
    "DatabaseLocked",
    "DatabaseUnavailable",
    "Result",
    "SQLite",
    "SQLiteOptions",
    "SchemaError",
    "switch_to_wal",
]
