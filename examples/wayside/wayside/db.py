"""One SQLite connection per request or command, and the first start. Knows no table."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from costrel import Costrel, current_app, g

from .records import transfer

SCHEMA_VERSION = 1


def init_app(app: Costrel) -> None:
    """Close the connection whenever a request or command ends."""
    app.teardown_appcontext(close_db)


def get_db() -> sqlite3.Connection:
    """Return this context's connection, opening it on first use.

    A new file gets its tables, and the sample walks unless ``SAMPLE_DATA`` is
    off.
    """
    if "db" not in g:
        path = Path(current_app.config["DATABASE"])
        path.parent.mkdir(parents=True, exist_ok=True)
        g.db = connect(path)
        if not is_ready(g.db):
            create(g.db)

    connection: sqlite3.Connection = g.db
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """Open the file with the settings every connection needs."""
    connection = sqlite3.connect(path, timeout=10)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")

    return connection


def is_ready(connection: sqlite3.Connection) -> bool:
    """Tell whether the tables are there."""
    row = connection.execute("PRAGMA user_version").fetchone()

    return bool(row[0] == SCHEMA_VERSION)


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, and load the samples if the configuration says so."""
    with connection:
        # Two workers may start at once: the second waits here, then finds all done.
        connection.execute("BEGIN EXCLUSIVE")
        if is_ready(connection):
            return
        with current_app.open_resource("schema.sql", "r") as file:
            for statement in file.read().split(";"):
                connection.execute(statement)
        if current_app.config["SAMPLE_DATA"]:
            transfer.load_sample(
                connection,
                source=Path(current_app.root_path, "sample"),
                pictures=Path(current_app.config["PICTURES"]),
            )
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def erase() -> None:
    """Delete the database; the next use creates it again."""
    close_db()
    Path(current_app.config["DATABASE"]).unlink(missing_ok=True)


def close_db(error: BaseException | None = None) -> None:
    """Close this context's connection, if one was opened."""
    connection = g.pop("db", None)
    if connection is not None:
        connection.close()
