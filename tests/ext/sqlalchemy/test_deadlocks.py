"""Two transactions in each other's way, on real servers: a 503 for one of them, or another attempt."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from costrel import Costrel
from costrel.ext.sqlalchemy import SQLAlchemy


@pytest.fixture(params=["postgresql", "mariadb"])
def bank(request):
    """An application that moves money between two accounts."""
    app = Costrel("bank")
    name = {"postgresql": "postgres_url", "mariadb": "mariadb_url"}[request.param]
    app.config.update(
        SQLALCHEMY_DATABASE_URI=request.getfixturevalue(name),
        PROPAGATE_EXCEPTIONS=False,
        # Who comes first to the second account is to wait for the other; one that waits for ever fails.
        SQLALCHEMY_ENGINE_OPTIONS={"pool_timeout": 30},
    )
    db = app.db = SQLAlchemy(app)
    app.both_hold_one = threading.Barrier(2, timeout=60)
    app.attempts = []

    def take(account):
        return sa.text(f"UPDATE account SET money = money + 1 WHERE id = {account}")

    def move(first, second):
        app.attempts.append(first)
        db.session.execute(take(first))
        if len(app.attempts) <= 2:
            app.both_hold_one.wait()
        db.session.execute(take(second))
        db.session.commit()
        return "moved"

    async def amove(first, second):
        from asyncio import to_thread

        app.attempts.append(first)
        await db.async_session.execute(take(first))
        if len(app.attempts) <= 2:
            await to_thread(app.both_hold_one.wait)
        await db.async_session.execute(take(second))
        await db.async_session.commit()
        return "moved"

    app.add_url_rule("/move/<int:first>/<int:second>", "move", move)
    app.add_url_rule("/retry/<int:first>/<int:second>", "retry", db.retry_on_deadlock()(move))
    app.add_url_rule("/async/move/<int:first>/<int:second>", "amove", amove)
    app.add_url_rule("/async/retry/<int:first>/<int:second>", "aretry", db.retry_on_deadlock()(amove))
    with app.app_context():
        db.session.execute(sa.text("CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER)"))
        db.session.execute(sa.text("INSERT INTO account VALUES (1, 0), (2, 0)"))
        db.session.commit()
    yield app
    with app.app_context():
        db.engine.dispose()


def money(bank):
    with bank.app_context():
        return bank.db.session.scalars(sa.text("SELECT money FROM account ORDER BY id")).all()


def move_both_ways(bank, client, way):
    """Send two requests at once that take the accounts in opposite order; return the responses."""
    responses = []
    paths = [f"{way}/1/2", f"{way}/2/1"]
    threads = [
        threading.Thread(target=lambda path=path: responses.append(client(bank).get(path))) for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    return responses


@pytest.mark.parametrize("way", ["/move", "/async/move"])
def test_deadlock_is_a_503_for_one_and_harmless_for_the_other(bank, client, caplog, way):
    responses = move_both_ways(bank, client, way)

    refused = [response for response in responses if response.status_code == 503]
    assert [response.text for response in responses if response.status_code == 200] == ["moved"]
    assert [response.headers["Retry-After"] for response in refused] == ["5"]
    assert money(bank) == [1, 1]
    (told,) = [record.getMessage() for record in caplog.records if record.name == "bank"]
    assert "in each other's way" in told


@pytest.mark.parametrize("way", ["/retry", "/async/retry"])
def test_transaction_that_is_tried_again_ends_well(bank, client, way):
    responses = move_both_ways(bank, client, way)

    assert [response.text for response in responses] == ["moved", "moved"]
    assert money(bank) == [2, 2]
    assert len(bank.attempts) == 3


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_database_file_that_another_connection_writes_is_a_503(app, client, tmp_path, path):
    app.config.update(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/bank.db", SQLALCHEMY_SQLITE_BUSY_TIMEOUT=0
    )
    db = SQLAlchemy(app)
    statement = sa.text("CREATE TABLE account (id INTEGER)")

    @app.post("/sync")
    def write():
        db.session.execute(statement)
        db.session.commit()
        return "written"

    @app.post("/async")
    async def write_async():
        await db.async_session.execute(statement)
        await db.async_session.commit()
        return "written"

    with app.app_context(), db.engine.connect() as writer:
        writer.exec_driver_sql("BEGIN IMMEDIATE")
        locked = client(app).post(path)
        writer.rollback()

    assert (locked.status_code, locked.headers["Retry-After"]) == (503, "5")
    assert client(app).post(path).text == "written"
    db.databases_of(app).end()


def test_attempts_end(app, tmp_path):
    app.config.update(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/bank.db", SQLALCHEMY_SQLITE_BUSY_TIMEOUT=0
    )
    db = SQLAlchemy(app)
    attempts = []

    @db.retry_on_deadlock(attempts=2)
    def write():
        attempts.append(1)
        db.session.execute(sa.text("CREATE TABLE account (id INTEGER)"))

    with app.app_context(), db.engine.connect() as writer:
        writer.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(DBAPIError, match="locked"):
            write()
        writer.rollback()
    db.databases_of(app).end()

    assert len(attempts) == 2
