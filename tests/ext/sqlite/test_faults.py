"""Faults: locks, a file that is gone, a disk that is full, workers killed, tasks cancelled."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading

import pytest

from costrel.ext.sqlite import DatabaseLocked, DatabaseUnavailable, SQLite

ENDLESS = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(started()) FROM c"
BOTH = pytest.mark.parametrize("path", ["/sync", "/async"])


@BOTH
@pytest.mark.usefixtures("writer")
def test_database_that_stays_locked_is_a_503_to_try_again(add_views, app, client, db, caplog, path):
    add_views(app, db)
    browser = client(app)

    response = browser.post(path, data={"name": "chair"})

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert "database is locked" in caplog.text
    assert "sqlite" not in response.text.lower()
    assert browser.get(path).json == {"names": ["lamp; blue"]}, "who reads does not wait"


@BOTH
def test_it_is_served_again_when_the_lock_is_gone(add_views, app, client, db, writer, path):
    add_views(app, db)
    browser = client(app)
    assert browser.post(path, data={"name": "chair"}).status_code == 503

    writer.execute("COMMIT")

    assert browser.post(path, data={"name": "chair"}).status_code == 200


@pytest.mark.usefixtures("writer")
def test_lock_is_an_error_of_sqlite3_too(app, db):
    with app.app_context():
        with pytest.raises(sqlite3.OperationalError) as caught, db.transaction():
            pass
        assert not db.connection.in_transaction

    assert type(caught.value) is DatabaseLocked
    assert caught.value.sqlite_errorname == "SQLITE_BUSY"
    assert str(caught.value.__cause__) == "database is locked"


@BOTH
def test_file_that_is_gone_is_a_503_until_it_is_back(add_views, app, client, db, tmp_path, path):
    add_views(app, db)
    browser = client(app)
    (tmp_path / "instance").rename(tmp_path / "away")
    (tmp_path / "instance").write_text("no folder", encoding="utf-8")
    app.config["SQLITE_DATABASE"] = str(tmp_path / "instance" / "app.sqlite")

    gone = browser.get(path)
    (tmp_path / "instance").unlink()
    (tmp_path / "away").rename(tmp_path / "instance")

    assert gone.status_code == 503
    assert "Retry-After" not in gone.headers
    assert browser.get(path).json == {"names": ["lamp; blue"]}


@BOTH
@pytest.mark.parametrize("pragma", ["max_page_count = 1", "query_only = 1"])
def test_full_disk_and_unwritable_file_are_503_and_nothing_is_half_written(
    add_views, app, client, db, read, path, pragma
):
    name, _, value = pragma.partition(" = ")
    app.config["SQLITE_PRAGMAS"] = {name: value}
    add_views(app, db)

    assert client(app).post(path, data={"name": "x" * 400_000}).status_code == 503
    assert read("SELECT count(*) FROM item") == [1]


def test_missing_table_tells_the_command(app):
    db = SQLite(app)

    with app.app_context(), pytest.raises(sqlite3.OperationalError, match="no such table: item") as caught:
        db.execute("SELECT * FROM item")
    assert not isinstance(caught.value, DatabaseUnavailable)
    assert "costrel init-db" in caught.value.__notes__[0]


def test_worker_that_is_killed_within_a_transaction_leaves_nothing(app, db, read):
    code = (
        "import os, sys; sys.path[:] = {path!r}\n"
        "from costrel import Costrel\nfrom costrel.ext.sqlite import SQLite\n"
        "app = Costrel('shop'); db = SQLite(app, database={file!r})\n"
        "with app.app_context(), db.transaction():\n"
        "    db.execute('UPDATE item SET stock = 0')\n"
        "    os._exit(9)\n"
    ).format(path=sys.path, file=app.extensions["sqlite"].path)

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert read("SELECT stock FROM item") == [3]
    with app.app_context(), db.transaction():
        db.execute("UPDATE item SET stock = 2")


# The event loop.


async def test_loop_goes_on_while_a_statement_waits_for_the_lock(app, db, writer):
    app.config["SQLITE_BUSY_TIMEOUT"] = 60

    async with app.app_context():
        adding = asyncio.ensure_future(db.aexecute("INSERT INTO item (name) VALUES ('chair')"))
        await asyncio.sleep(0)
        writer.execute("COMMIT")  # a loop that waits itself would never come here

        assert (await adding).lastrowid == 2
        await db.acommit()


async def test_cancelled_task_does_not_wait_for_its_statement(app, db):
    started = threading.Event()

    async with app.app_context():
        await db.arun(lambda connection: connection.create_function("started", 0, started.set))
        counting = asyncio.ensure_future(db.aexecute(ENDLESS))
        await asyncio.to_thread(started.wait)
        counting.cancel()

        with pytest.raises(asyncio.CancelledError):
            await counting
        assert (await db.aexecute("SELECT 1")).fetchone()[0] == 1


async def test_cancelled_transaction_is_undone(app, db, read):
    inside = asyncio.Event()

    async def add():
        async with db.atransaction():
            await db.aexecute("INSERT INTO item (name) VALUES ('chair')")
            inside.set()
            await asyncio.Event().wait()

    async with app.app_context():
        adding = asyncio.ensure_future(add())
        await inside.wait()
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        assert not db.connection.in_transaction

    assert read("SELECT count(*) FROM item") == [1]
