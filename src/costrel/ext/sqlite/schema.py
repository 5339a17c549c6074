"""Files of statements that make tables: read, and run whole or not at all. Knows no application."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from costrel.ext.sqlite.connections import Connection
from costrel.ext.sqlite.errors import SchemaError

__all__ = ["apply_schema", "split_statements", "tables_of"]

_LEADING = re.compile(r"(?:\s++|--[^\n]*+|/\*.*?\*/)*+", re.DOTALL)
_OF_TRANSACTIONS = re.compile(r"(?:BEGIN|COMMIT|END)\b", re.IGNORECASE)


def split_statements(text: str) -> Iterator[tuple[int, str]]:
    r"""Yield the statements of a text, each with the number of its line.

    Semicolons in texts, comments and triggers end none.

    Example:
        >>> list(split_statements("CREATE TABLE a (x);\n-- and; so\nINSERT INTO a VALUES (';');"))
        [(1, 'CREATE TABLE a (x);'), (3, "INSERT INTO a VALUES (';');")]
    """
    start, end = 0, text.find(";")
    while end != -1:
        if sqlite3.complete_statement(text[start : end + 1]):
            yield from _statement(text, start, end + 1)
            start = end + 1
        end = text.find(";", end + 1)
    yield from _statement(text, start, len(text))


def _statement(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    leading = _LEADING.match(text, start, end)
    begin = leading.end() if leading else start
    statement = text[begin:end].strip()
    if statement and statement != ";":
        yield text.count("\n", 0, begin) + 1, statement


def tables_of(connection: sqlite3.Connection) -> list[str]:
    """Name the tables of a database, without those of SQLite itself."""
    rows = connection.execute(
        "SELECT name FROM sqlite_master"
        " WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"
    )

    return [row[0] for row in rows]


def apply_schema(connection: Connection, text: str, *, name: str, replaces: bool) -> None:
    """Run the statements of a file in one transaction.

    Statements that begin or end transactions are left out, so that what
    ``sqlite3 .dump`` wrote can be run.

    Args:
        connection: Outside of a transaction.
        text: The statements.
        name: What the text is called in errors.
        replaces: Drop all tables and views first.

    Raises:
        SchemaError: If a statement is wrong; the database is as it was.
    """
    # Rows may be deleted in any order; this pragma does nothing within a transaction.
    (keys,) = connection.execute("PRAGMA foreign_keys").fetchone()
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        connection.execute("BEGIN IMMEDIATE")
        if replaces:
            _drop_all(connection)
        for line, statement in split_statements(text):
            if _OF_TRANSACTIONS.match(statement):
                continue
            _run(connection, statement, f"{name}, line {line}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.execute(f"PRAGMA foreign_keys = {int(keys)}")


def _run(connection: Connection, statement: str, place: str) -> None:
    try:
        connection.execute(statement)
    except sqlite3.Error as error:
        raise SchemaError(f"{place}: {error}", hint="Nothing was changed.") from error
    if not connection.in_transaction:
        raise SchemaError(
            f"{place}: the statement ended the transaction: {statement.partition(chr(10))[0]}",
            hint="Take it out: the file is run in one transaction, whole or not at all.",
        )


def _drop_all(connection: Connection) -> None:
    # Virtual tables first, which take tables of their own along.
    rows = connection.execute(
        "SELECT type, name FROM sqlite_master"
        " WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'"
        " ORDER BY type = 'table', sql NOT LIKE 'CREATE VIRTUAL%'"
    ).fetchall()
    for kind, name in rows:
        quoted = name.replace('"', '""')
        connection.execute(f'DROP {kind.upper()} IF EXISTS "{quoted}"')
