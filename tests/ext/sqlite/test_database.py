"""Where the database of an application is, and how it is opened."""

from __future__ import annotations

import gc
import os
from contextlib import closing
from pathlib import Path

import pytest

from costrel import Costrel
from costrel.errors import ConfigError
from costrel.ext.sqlite import DatabaseUnavailable, SchemaError, SQLite


def test_relative_name_is_in_the_instance_folder_which_is_made(make_app, tmp_path):
    app = make_app(SQLITE_DATABASE="data/shop.sqlite")
    SQLite(app)
    database = app.extensions["sqlite"]

    with closing(database.connect()):
        assert Path(database.path) == tmp_path / "instance" / "data" / "shop.sqlite"
        assert Path(database.path).exists()


def test_absolute_name_is_taken_as_it_is_and_no_folder_is_made(make_app, tmp_path):
    app = make_app(SQLITE_DATABASE=tmp_path / "missing" / "shop.sqlite")
    SQLite(app)

    with pytest.raises(DatabaseUnavailable):
        app.extensions["sqlite"].connect()
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("name", ["file:shop?mode=memory", "a b;c?d=e#f.sqlite", "%3a.sqlite"])
def test_name_is_no_uri(make_app, tmp_path, name):
    app = make_app(SQLITE_DATABASE=name)
    SQLite(app)

    with closing(app.extensions["sqlite"].connect()):
        assert (tmp_path / "instance" / name).exists()


def test_options_set_the_connection_up(make_app):
    app = make_app(
        SQLITE_FOREIGN_KEYS="off", SQLITE_JOURNAL_MODE="delete", SQLITE_PRAGMAS={"synchronous": "OFF"}
    )
    SQLite(app)

    with closing(app.extensions["sqlite"].connect()) as connection:
        pragmas = ["foreign_keys", "journal_mode", "synchronous"]
        assert [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas] == [0, "delete", 0]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("SQLITE_DATABASE", "", "must be the name of a file"),
        ("SQLITE_DATABASE", b"x", "must be the name of a file"),
        ("SQLITE_JOURNAL_MODE", "OFF", "must be one of 'WAL'"),
        ("SQLITE_BUSY_TIMEOUT", "soon", "must be seconds or a timedelta"),
        ("SQLITE_PRAGMAS", ["synchronous"], "must be a dict"),
        ("SQLITE_PRAGMAS", {"user_version = 1; DROP TABLE a; --": 1}, "must have names and values"),
        ("SQLITE_PRAGMAS", {"user_version": "1; DROP TABLE a"}, "must have names and values"),
    ],
)
def test_option_that_cannot_be_used_is_refused_at_setup(make_app, key, value, problem):
    with pytest.raises(ConfigError, match=f"{key} {problem}"):
        SQLite(make_app(**{key: value}))


def test_database_in_memory_is_one_for_all_contexts_of_its_application():
    first, second = Costrel("first"), Costrel("second")
    db = SQLite(database=":memory:")
    for app in (first, second):
        db.init_app(app)

    with first.app_context():
        db.execute("CREATE TABLE a (x)")
    with first.app_context():
        assert db.execute("SELECT count(*) FROM a").fetchone()[0] == 0
        with first.app_context(), db.transaction():
            db.execute("INSERT INTO a VALUES (1)")
        assert db.execute("SELECT count(*) FROM a").fetchone()[0] == 1

    assert first.extensions["sqlite"].tables() == ["a"]
    assert second.extensions["sqlite"].tables() == []


def test_database_in_memory_goes_with_its_application():
    app = Costrel("shop")
    SQLite(app, database=":memory:")
    app.extensions["sqlite"].tables()

    del app
    gc.collect()  # a connection that nobody closes is a warning, and those are errors here


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_database_in_memory_is_not_shared_with_a_child():
    app = Costrel("shop")
    SQLite(app, database=":memory:")
    database = app.extensions["sqlite"]
    with closing(database.connect()) as connection:
        connection.execute("CREATE TABLE a (x)")

    pid = os.fork()
    if pid == 0:
        os._exit(len(database.tables()))

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert database.tables() == ["a"]


def test_tables_are_made_once(app):
    db = SQLite(app)

    with app.app_context():
        assert db.init_db() == ["item", "sale"]
        with pytest.raises(SchemaError) as caught:
            db.init_db()
    assert "has tables already: item, sale" in caught.value.problem
    assert "--force" in caught.value.hint


def test_tables_are_made_anew_when_forced(app, db, read):
    with app.app_context():
        with db.transaction():
            db.execute("INSERT INTO sale (item_id) VALUES (1)")
        assert read("SELECT stock FROM item") == [2]

        assert db.init_db(force=True) == ["item", "sale"]

    assert read("SELECT stock FROM item") == [3]
    assert read("SELECT count(*) FROM sale") == [0]


def test_missing_schema_says_where_it_was_looked_for(app, tmp_path):
    db = SQLite(app, schema="tables.sql")

    with app.app_context(), pytest.raises(SchemaError) as caught:
        db.init_db()
    assert str(tmp_path / "tables.sql") in caught.value.problem
    assert "SQLITE_SCHEMA" in caught.value.hint
