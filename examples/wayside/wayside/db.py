"""One SQLite connection per request or command, and the first start. Knows no table."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from costrel import Costrel, current_app, g

from .records import transfer

SCRIPTS = ("schema.sql", "schema_2.sql")
"""Each takes the tables one version further. Files are out there, so none is ever changed."""

SCHEMA_VERSION = len(SCRIPTS)


def init_app(app: Costrel) -> None:
    """Close the connection whenever a request or command ends."""
    app.teardown_appcontext(close_db)


def get_db() -> sqlite3.Connection:
    """Return this context's connection, opening it on first use."""
    if "db" not in g:
        g.db = open_db()

    connection: sqlite3.Connection = g.db
    return connection


def open_db() -> sqlite3.Connection:
    """Open a connection for the caller to close.

    A new file gets its tables, and the sample walks unless ``SAMPLE_DATA`` is
    off. One of an earlier version gets what it lacks.
    """
    path = Path(current_app.config["DATABASE"])
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = connect(path)
    try:
        if version_of(connection) < SCHEMA_VERSION:
            bring_up_to_date(connection)
    except BaseException:
        connection.close()
        raise

    return connection


def connect(path: Path) -> sqlite3.Connection:
    """Open the file with the settings every connection needs."""
    # An asynchronous server may run the parts of one request in several
    # threads, one after the other; never two at once.
    connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")

    return connection


def version_of(connection: sqlite3.Connection) -> int:
    """Return how many of the scripts the file has had; 0 for a new one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Run the scripts that the file lacks: all of them, or none."""
    with connection:
        # Two workers may start at once: the second waits here, then finds all done.
        connection.execute("BEGIN EXCLUSIVE")
        version = version_of(connection)
        for name in SCRIPTS[version:]:
            with current_app.open_resource(name, "r") as file:
                for statement in file.read().split(";"):
                    connection.execute(statement)
        if version == 0 and current_app.config["SAMPLE_DATA"]:
            transfer.load_sample(
                connection,
                source=Path(current_app.root_path, "sample"),
                pictures=Path(current_app.config["PICTURES"]),
            )
        # Not back, if another process has a later version of this file.
        connection.execute(f"PRAGMA user_version = {max(version, SCHEMA_VERSION)}")


def erase() -> None:
    """Delete the database; the next use creates it again."""
    close_db()
    Path(current_app.config["DATABASE"]).unlink(missing_ok=True)


def close_db(error: BaseException | None = None) -> None:
    """Close this context's connection, if one was opened."""
    connection = g.pop("db", None)
    if connection is not None:
        connection.close()
