"""Connections and cursors are sqlite3's; a database that is locked is an answer wherever it is noticed."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from costrel.ext.sqlite import Connection, DatabaseLocked, SQLite

READS = {
    "next": next,
    "iteration": list,
    "fetchone": lambda cursor: cursor.fetchone(),
    "fetchmany": lambda cursor: cursor.fetchmany(5),
    "fetchall": lambda cursor: cursor.fetchall(),
}
# sqlite3 begins no transaction before it: SQLite commits it when its last row has been read.
COMMITS_WITH_ITS_LAST_ROW = (
    "WITH new (name) AS (VALUES ('chair'), ('table'))"
    " INSERT INTO item (name) SELECT name FROM new RETURNING id"
)


@pytest.fixture
def reader(app, db):
    """Another connection that reads: without WAL, nobody can commit meanwhile."""
    app.config["SQLITE_JOURNAL_MODE"] = "DELETE"
    with app.app_context():
        db.execute("SELECT 1")
    with closing(sqlite3.connect(app.extensions["sqlite"].path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM item").fetchone()
        yield connection


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("how", READS)
def test_lock_that_is_noticed_while_rows_are_read_is_a_503(app, client, db, read, how):
    @app.get("/")
    def add():
        cursor = db.execute(COMMITS_WITH_ITS_LAST_ROW)
        READS[how](cursor)
        READS[how](cursor)
        return ""

    response = client(app).get("/")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert read("SELECT count(*) FROM item") == [1]


@pytest.mark.usefixtures("reader")
def test_lock_that_is_noticed_while_rows_are_read_is_a_503_in_async_views(app, client, db):
    @app.get("/")
    async def add():
        await db.aexecute(COMMITS_WITH_ITS_LAST_ROW)
        return ""

    assert client(app).get("/").status_code == 503


@pytest.mark.usefixtures("reader")
def test_lock_that_is_noticed_at_the_end_of_a_with_block_is_a_503(app, client, db):
    @app.get("/")
    def add():
        with db.connection as connection:
            connection.execute("INSERT INTO item (name) VALUES ('chair')")
        return ""

    assert client(app).get("/").status_code == 503


def test_other_errors_while_rows_are_read_stay_what_they_are(app):
    db = SQLite(app, database=":memory:")

    with app.app_context():
        db.connection.create_function("fail", 1, lambda x: 1 / (x - 2))
        cursor = db.execute("SELECT fail(column1) FROM (VALUES (1), (2))")
        with pytest.raises(sqlite3.OperationalError) as caught:
            list(cursor)

    assert not isinstance(caught.value, DatabaseLocked)


@pytest.mark.parametrize("how", READS)
def test_rows_are_read_as_by_sqlite3(how):
    def read(factory):
        with closing(sqlite3.connect(":memory:", factory=factory)) as connection:
            cursor = connection.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3")
            return [
                READS[how](cursor),
                cursor.fetchmany(),
                cursor.fetchall(),
                cursor.fetchone(),
                list(cursor),
            ]

    assert read(Connection) == read(sqlite3.Connection)


def test_iteration_goes_on_where_it_was_left():
    with closing(sqlite3.connect(":memory:", factory=Connection)) as connection:
        cursor = connection.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3")
        for first in cursor:
            break

        assert (first, next(cursor), *cursor) == ((1,), (2,), (3,))
