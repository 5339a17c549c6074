"""A database that fails while an answer is sent: the body breaks off, and the log says why."""

from __future__ import annotations

import sqlite3

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from costrel import Costrel, stream_with_context
from costrel.ext.sqlalchemy import SQLAlchemy


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE line (id INTEGER)")
    connection.close()

    return path


@pytest.fixture
def locked(path):
    """Lock the database, from when it is called until the end."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    yield lambda: connection.execute("BEGIN IMMEDIATE")
    connection.close()


@pytest.fixture
def app(path, locked):
    app = Costrel("shop")
    app.config.update(
        TESTING=True, SQLALCHEMY_DATABASE_URI=f"sqlite:///{path}?timeout=0", SQLALCHEMY_RETRY_AFTER=3
    )
    db = SQLAlchemy(app)
    write = sa.text("INSERT INTO line VALUES (1)")

    @app.get("/sync")
    def sync():
        @stream_with_context
        def lines():
            db.session.execute(sa.text("SELECT 1"))
            yield "first"
            locked()
            db.session.execute(write)
            yield "last"

        return lines()

    @app.get("/async")
    async def asynchronous():
        @stream_with_context
        async def lines():
            await db.async_session.execute(sa.text("SELECT 1"))
            db.session()  # a second session tells nothing a second time
            yield "first"
            locked()
            await db.async_session.execute(write)
            yield "last"

        return lines()

    @app.get("/whole")
    def whole():
        locked()
        db.session.execute(write)

    @app.get("/bug")
    def bug():
        @stream_with_context
        def lines():
            db.session.execute(sa.text("SELECT 1"))
            yield "first"
            raise KeyError("a bug")

        return lines()

    yield app
    db.databases_of(app).end()


def told(app, caplog):
    return [record.getMessage() for record in caplog.records if record.name == app.name]


@pytest.mark.parametrize("path_", ["/sync", "/async"])
def test_a_lock_noticed_while_a_response_is_streamed_breaks_it_off_and_is_told_once(
    app, client, caplog, path_
):
    with pytest.raises(OperationalError, match="database is locked"):
        _ = client(app).get(path_).text

    assert told(app, caplog) == [
        f"Two transactions were in each other's way; the answer to GET {path_} breaks off: database is locked"
    ]


def test_what_was_answered_is_not_told_of_again(app, client, caplog):
    response = client(app).get("/whole")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "3")
    assert [line.partition(";")[2] for line in told(app, caplog)] == [
        " GET /whole gets a 503: database is locked"
    ]


def test_an_error_that_is_left_to_the_application_is_not_told_of_as_a_broken_answer(app, client, caplog):
    app.config["SQLALCHEMY_RETRY_AFTER"] = None

    with pytest.raises(OperationalError):
        client(app).get("/whole")

    assert not [line for line in told(app, caplog) if "breaks off" in line]


def test_a_bug_in_a_stream_is_the_servers_to_log(app, client, caplog):
    with pytest.raises(KeyError):
        _ = client(app).get("/bug").text

    assert told(app, caplog) == []


def test_in_debug_mode_errors_are_left_to_the_debugger(app, client, caplog):
    app.debug = True

    with pytest.raises(OperationalError):
        _ = client(app).get("/sync").text

    assert told(app, caplog) == []
