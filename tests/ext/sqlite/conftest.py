"""An application with a database in a file of its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from costrel import Costrel, request
from costrel.ext.sqlite import SQLite

SCHEMA = """
-- What the shop sells; see also: nothing.
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, stock INTEGER NOT NULL DEFAULT 0);
CREATE TABLE sale (id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL REFERENCES item (id));
CREATE TRIGGER sold AFTER INSERT ON sale BEGIN
    UPDATE item SET stock = stock - 1 WHERE id = NEW.item_id;
END;
INSERT INTO item (name, stock) VALUES ('lamp; blue', 3);
"""


@pytest.fixture
def make_app(tmp_path):
    """Make applications that keep their files in one folder."""

    def make(**config):
        (tmp_path / "schema.sql").write_text(SCHEMA, encoding="utf-8")
        app = Costrel("shop", instance_path=str(tmp_path / "instance"), root_path=str(tmp_path))
        app.config.update({"TESTING": True, "SQLITE_BUSY_TIMEOUT": 0, **config})
        return app

    return make


@pytest.fixture
def app(make_app):
    return make_app()


@pytest.fixture
def db(app):
    """The extension, with the tables made."""
    db = SQLite(app)
    with app.app_context():
        db.init_db()

    return db


@pytest.fixture
def read(app):
    """Read the first column of a query by a connection of our own: what others see."""

    def read(sql, *parameters):
        with closing(sqlite3.connect(app.extensions["sqlite"].path)) as connection:
            return [row[0] for row in connection.execute(sql, parameters)]

    return read


@pytest.fixture
def writer(app, db):
    """Another connection that writes and does not commit."""
    with closing(sqlite3.connect(app.extensions["sqlite"].path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


@pytest.fixture
def add_views():
    """Add views that write and read, sync and async ones: ``add_views(app, db)``."""

    def add(app, db):
        @app.post("/sync")
        def sync_add():
            with db.transaction():
                added = db.execute("INSERT INTO item (name) VALUES (?)", (request.form["name"],))
            return {"id": added.lastrowid}

        @app.post("/async")
        async def async_add():
            async with db.atransaction():
                added = await db.aexecute(
                    "INSERT INTO item (name) VALUES (:name)", {"name": request.form["name"]}
                )
            return {"id": added.lastrowid}

        @app.get("/sync")
        def sync_list():
            return {"names": [row["name"] for row in db.execute("SELECT name FROM item ORDER BY id")]}

        @app.get("/async")
        async def async_list():
            rows = await db.aexecute("SELECT name FROM item ORDER BY id")
            return {"names": [row["name"] for row in rows]}

    return add
