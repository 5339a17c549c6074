"""Async engines: one set for each event loop, closed before the loop is."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
import sqlalchemy as sa

from costrel import Costrel
from costrel.errors import ContextError
from costrel.ext.sqlalchemy import SQLAlchemy
from costrel.ext.sqlalchemy.async_engines import close_session, closing_sessions


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def app(request, tmp_path):
    names = {"postgresql": "postgres_url", "mariadb": "mariadb_url"}
    url = "sqlite:///shop.db" if request.param == "sqlite" else request.getfixturevalue(names[request.param])
    app = Costrel("shop", instance_path=str(tmp_path))
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    SQLAlchemy(app)
    return app


@pytest.fixture
def db(app):
    return app.extensions["sqlalchemy"]


async def ask(app, db):
    async with app.app_context():
        assert await db.async_session.scalar(sa.text("SELECT 1")) == 1
        return db.async_engine


def test_each_loop_has_engines_of_its_own_that_end_with_it(app, db):
    first = asyncio.run(ask(app, db))
    second = asyncio.run(ask(app, db))
    gc.collect()  # a connection left open would warn, which is an error

    assert first is not second
    assert first.pool.checkedin() == second.pool.checkedin() == 0
    assert not db.databases_of(app).loops.is_used()


async def test_a_loop_keeps_its_engines_and_their_connections(app, db):
    first = await ask(app, db)
    second = await ask(app, db)

    assert first is second
    assert first.pool.checkedin() == 1


def test_loops_in_two_threads_share_nothing(app, db):
    both, engines = threading.Barrier(2), []

    async def main():
        engine = await ask(app, db)
        await asyncio.to_thread(both.wait, 60)
        engines.append((engine, await ask(app, db)))

    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [first is second for first, second in engines] == [True, True]
    assert engines[0][0] is not engines[1][0]


def test_engines_of_a_loop_that_goes_on_are_closed_when_their_application_ends(app, db):
    """Under WSGI one loop serves all applications of a process, for as long as that runs."""

    @app.get("/")
    async def index():
        return str(await db.async_session.scalar(sa.text("SELECT 1")))

    other = Costrel("other")

    @other.get("/")
    async def wait():
        await asyncio.gather(*closing_sessions)
        return "waited"

    assert app.test_client(protocol="wsgi").get("/").text == "1"
    ((_key, engine),) = db.databases_of(app).loops.made()
    assert engine.pool.checkedin() == 1

    db.databases_of(app).end()
    assert other.test_client(protocol="wsgi").get("/").text == "waited"

    assert engine.pool.checkedin() == 0
    gc.collect()  # a connection left open would warn


def test_a_session_left_open_when_its_loop_ends_gives_its_connection_back(app, db):
    async def leave():
        await db.async_session.execute(sa.text("SELECT 1"))
        return db.async_engine

    with app.app_context():
        engine = asyncio.run(leave())
        assert engine.pool.checkedout() == 0
    gc.collect()


def test_where_no_loop_runs_the_error_names_what_to_use(app, db):
    with app.app_context(), pytest.raises(ContextError, match="no event loop") as caught:
        db.async_engines

    assert "db.session" in caught.value.hint


async def test_closing_a_session_goes_on_when_who_waits_is_cancelled(app, db):
    async with app.app_context():
        await db.async_session.execute(sa.text("SELECT 1"))
        session, engine = db.async_session(), db.async_engine
        task = asyncio.ensure_future(close_session(session))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.gather(*closing_sessions)

        assert engine.pool.checkedout() == 0
