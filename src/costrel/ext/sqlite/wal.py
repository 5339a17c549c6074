"""Have a file of SQLite keep a write-ahead log; for engines of SQLAlchemy too. Knows no application."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

__all__ = ["switch_to_wal"]


def switch_to_wal(execute: Callable[[str], Any]) -> None:
    """Switch a file to WAL, unless another connection is in the way at this moment.

    Two that switch or close at once cannot both have the lock, and SQLite
    tells one of them so without waiting. The mode is the file's and stays, so
    the other one switches it, or whoever connects next; meanwhile everything
    works, but that readers wait for a writer.

    Args:
        execute: Runs a statement on the connection.

    Raises:
        sqlite3.OperationalError: Something else than a lock is the reason, a
            full disk say.

    Example:
        >>> connection = sqlite3.connect(":memory:")
        >>> switch_to_wal(connection.execute)
        >>> connection.execute("PRAGMA journal_mode").fetchone()[0]  # memory has no log
        'memory'
        >>> connection.close()
    """
    try:
        execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
