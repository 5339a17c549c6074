"""Views read and write by the connection of their request; nothing of it outlives the request."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading

import pytest

from costrel import Costrel, stream_with_context
from costrel.core.checks.whole import check_application
from costrel.errors import ConfigError, ContextError, SetupError
from costrel.ext.sqlite import SQLite

BOTH = pytest.mark.parametrize("path", ["/sync", "/async"])


@BOTH
def test_views_write_and_read(add_views, app, client, db, path):
    add_views(app, db)
    browser = client(app)

    assert browser.post(path, data={"name": "chair"}).json == {"id": 2}
    assert browser.get(path).json == {"names": ["lamp; blue", "chair"]}


@BOTH
@pytest.mark.parametrize("name", ["'); DROP TABLE item; --", '" OR 1=1 --', "\x00", "%_\\", "é" * 1000])
def test_what_a_visitor_sends_is_a_value_never_a_statement(add_views, app, client, db, path, name):
    add_views(app, db)
    browser = client(app)

    browser.post(path, data={"name": name})

    assert browser.get(path).json == {"names": ["lamp; blue", name]}


def test_one_connection_serves_a_context(app, db):
    with app.app_context():
        first = db.connection
        assert db.connection is first
        with app.app_context():
            assert db.connection is not first
        assert db.connection is first

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        first.execute("SELECT 1")


def test_rows_are_read_by_name_and_foreign_keys_hold(app, db):
    with app.app_context():
        assert dict(db.execute("SELECT * FROM item").fetchone()) == {
            "id": 1,
            "name": "lamp; blue",
            "stock": 3,
        }
        with pytest.raises(sqlite3.IntegrityError):
            db.execute("INSERT INTO sale (item_id) VALUES (7)")
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_nothing_is_opened_before_it_is_used(app, client, tmp_path):
    SQLite(app)
    app.add_url_rule("/", "index", lambda: "hello")

    assert client(app).get("/").text == "hello"
    assert not (tmp_path / "instance").exists()
    assert not app.teardown_appcontext_funcs


@BOTH
def test_what_was_not_committed_is_rolled_back_and_told(app, client, db, read, caplog, path):
    @app.get("/sync")
    def forgets():
        db.execute("INSERT INTO item (name) VALUES ('chair')")
        return "done"

    @app.get("/async")
    async def forgets_async():
        await db.aexecute("INSERT INTO item (name) VALUES ('chair')")
        return "done"

    with caplog.at_level(logging.WARNING, "costrel.sqlite"):
        assert client(app).get(path).text == "done"

    assert read("SELECT name FROM item ORDER BY id") == ["lamp; blue"]
    assert "call db.commit()" in caplog.text


@BOTH
def test_what_was_committed_stays(app, client, db, read, path):
    @app.get("/sync")
    def keeps():
        db.executemany("INSERT INTO item (name) VALUES (?)", [("chair",), ("table",)])
        db.commit()
        return "done"

    @app.get("/async")
    async def keeps_async():
        added = await db.aexecutemany("INSERT INTO item (name) VALUES (?)", [("chair",), ("table",)])
        assert added.rowcount == 2
        await db.acommit()
        return "done"

    client(app).get(path)

    assert read("SELECT name FROM item ORDER BY id") == ["lamp; blue", "chair", "table"]


@BOTH
def test_error_within_a_transaction_undoes_it(app, client, db, read, path):
    @app.get("/sync")
    def fails():
        with db.transaction():
            db.execute("INSERT INTO item (name) VALUES ('chair')")
            raise LookupError("sync")

    @app.get("/async")
    async def fails_async():
        async with db.atransaction():
            await db.aexecute("INSERT INTO item (name) VALUES ('chair')")
            raise LookupError("async")

    with pytest.raises(LookupError):
        client(app).get(path)

    assert read("SELECT name FROM item ORDER BY id") == ["lamp; blue"]


def test_inner_transaction_is_undone_alone(app, db, read):
    with app.app_context(), db.transaction():
        db.execute("INSERT INTO item (name) VALUES ('chair')")
        with pytest.raises(sqlite3.IntegrityError), db.transaction():
            db.execute("INSERT INTO item (name) VALUES ('table')")
            db.execute("INSERT INTO item (name) VALUES ('table')")
        with db.transaction():
            db.execute("INSERT INTO item (name) VALUES ('shelf')")

    assert read("SELECT name FROM item ORDER BY id") == ["lamp; blue", "chair", "shelf"]


def test_block_may_end_its_transaction_by_itself(app, db, read):
    with app.app_context(), db.transaction() as connection:
        connection.execute("INSERT INTO item (name) VALUES ('chair')")
        connection.commit()

    assert read("SELECT count(*) FROM item") == [2]


def test_unknown_mode_is_refused(app, db):
    with app.app_context(), pytest.raises(ConfigError, match="got 'write'"), db.transaction(mode="write"):
        pass


def test_changes_of_many_threads_are_all_counted(app, db, read):
    app.config["SQLITE_BUSY_TIMEOUT"] = 60

    def sell():
        for _ in range(5):
            with app.app_context(), db.transaction():
                (stock,) = db.execute("SELECT stock FROM item").fetchone()
                db.execute("UPDATE item SET stock = ?", (stock + 1,))

    threads = [threading.Thread(target=sell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert read("SELECT stock FROM item") == [23]


async def test_tasks_of_one_context_use_its_connection_one_after_another(app, db):
    async def add(number):
        await db.aexecute("INSERT INTO item (name) VALUES (?)", (f"item {number}",))

    async with app.app_context():
        async with db.atransaction():
            await asyncio.gather(*(add(number) for number in range(20)))
        assert (await db.aexecute("SELECT count(*) FROM item")).fetchone()[0] == 21


def test_stream_reads_by_the_connection_of_its_request(app, client, db):
    @app.get("/")
    def export():
        return stream_with_context(f"{row['name']}\n" for row in db.execute("SELECT name FROM item"))

    assert client(app).get("/").text == "lamp; blue\n"


async def test_websocket_reads_too(app, db):
    @app.websocket("/ws")
    async def names(ws):
        await ws.send((await db.aexecute("SELECT name FROM item")).fetchone()["name"])

    async with app.async_test_client().websocket("/ws") as ws:
        assert await ws.receive() == "lamp; blue"


def test_outside_of_a_context_it_says_what_to_do(db):
    with pytest.raises(ContextError, match="Working outside of application context"):
        db.execute("SELECT 1")


def test_application_without_it_is_told_so(db):
    with Costrel("other").app_context(), pytest.raises(SetupError, match="'sqlite' is not set up"):
        db.execute("SELECT 1")


def test_result_is_read_like_a_cursor(app, client, db):
    @app.get("/")
    async def index():
        result = await db.aexecute("SELECT value FROM json_each('[1, 2, 3, 4]')")
        first, second = result.fetchone()[0], next(iter(result))[0]
        rest = [row[0] for row in result.fetchall()]
        return [first, second, rest, result.fetchone(), result.rowcount]

    assert client(app).get("/").json == [1, 2, [3, 4], None, -1]


def test_several_steps_run_in_one_thread(app, client, db):
    def count(connection, factor):
        return factor * sum(1 for _ in connection.execute("SELECT 1 FROM item"))

    @app.get("/")
    async def index():
        return {"count": await db.arun(count, 10)}

    assert client(app).get("/").json == {"count": 10}


# What is unwise.


def findings(app):
    return [finding.id for finding in check_application(app)[0] if finding.id.startswith("sqlite.")]


def test_database_in_the_instance_folder_is_fine(app):
    SQLite(app)

    assert findings(app) == []


def test_database_that_visitors_can_download_is_found(app, tmp_path):
    SQLite(app, database=str(tmp_path / "static" / "app.sqlite"))

    assert findings(app) == ["sqlite.E001"]


def test_database_in_memory_is_found(app):
    SQLite(app, database=":memory:")

    assert findings(app) == ["sqlite.W001"]
