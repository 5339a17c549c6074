"""The guest book's SQLite file: opened when first needed, closed when the request ends."""

import sqlite3
from pathlib import Path

from costrel import current_app, g

SCHEMA = "CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL)"


def connection():
    if "db" not in g:
        path = Path(current_app.config["DATABASE"])
        path.parent.mkdir(parents=True, exist_ok=True)
        g.db = sqlite3.connect(path)
        g.db.row_factory = sqlite3.Row
        g.db.execute(SCHEMA)
    return g.db


def close(error=None):
    if "db" in g:
        g.pop("db").close()
