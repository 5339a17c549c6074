"""Operations of an async session that go on when their request ends: the connection goes back even so."""

from __future__ import annotations

import asyncio

import pytest
from werkzeug.test import create_environ

from costrel.errors import ContextError
from costrel.ext.sqlalchemy.async_engines import closing_sessions
from costrel.ext.sqlalchemy.under_way import close_between_operations, with_count
from costrel.serving.lifespan import serving
from costrel.testing.scopes import http_scope

SLOW = {
    "postgresql": "SELECT 1 FROM pg_sleep({})",
    "mysql": "SELECT sleep({})",
    # The count takes about 0.1 µs for each number.
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}e7)"
    " SELECT max(i) FROM n",
}


@pytest.fixture
def slow(db, url):
    """Make a statement that takes a while on any of the databases."""
    return lambda seconds=0.05: db.text(SLOW[url.partition(":")[0]].format(seconds))


def request_for(app, path):
    """Begin a request, as a task that a test can cancel."""

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        pass

    return asyncio.ensure_future(app.asgi(http_scope(create_environ(path)), receive, send))


async def cancel(app, path, when):
    """Send a request, and cancel it in the middle, as servers do when the client leaves."""
    task = request_for(app, path)
    await when.wait()
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.gather(*closing_sessions)


async def connections_out(app, db):
    async with app.app_context():
        return db.async_engine.pool.checkedout()


async def test_the_connection_of_a_shielded_query_goes_back_when_the_request_is_cancelled(new_shop, db, slow):
    begun, ended = asyncio.Event(), []

    @new_shop.get("/shield")
    async def shield():
        async def ask():
            begun.set()
            ended.append((await db.async_session.execute(slow())).all())

        await asyncio.shield(ask())

    await cancel(new_shop, "/shield", begun)

    assert len(ended) == 1
    assert await connections_out(new_shop, db) == 0


async def test_a_shielded_commit_is_done_when_the_request_is_cancelled(new_shop, db):
    begun = asyncio.Event()

    @new_shop.get("/commit")
    async def commit():
        db.async_session.add(db.Cup(name="blue"))
        begun.set()
        await asyncio.shield(db.async_session.commit())

    await cancel(new_shop, "/commit", begun)

    async with new_shop.app_context():
        assert await db.async_session.scalar(db.select(db.Cup.name)) == "blue"
    assert await connections_out(new_shop, db) == 0


def test_the_connection_goes_back_when_two_tasks_use_one_session_and_one_fails(new_shop, client, db, slow):
    @new_shop.get("/both")
    async def both():
        await asyncio.gather(*[db.async_session.execute(slow()) for _ in range(2)])
        return "both"

    @new_shop.get("/out")
    async def out():
        return str(db.async_engine.pool.checkedout())

    with serving(new_shop):
        visitor = client(new_shop)
        visitor.get("/both")  # which SQLAlchemy or the driver refuses
        left = visitor.get("/out").text

    assert left == "0"


@pytest.mark.parametrize("how", ["kept", "asked for"])
async def test_a_session_is_no_more_when_its_request_is_over(new_shop, db, how):
    tasks, over = [], asyncio.Event()

    @new_shop.get("/task")
    async def task():
        session = db.async_session() if how == "kept" else None

        async def use():
            await over.wait()
            await (session or db.async_session).execute(db.text("SELECT 1"))

        tasks.append(asyncio.create_task(use()))
        return "answered"

    await request_for(new_shop, "/task")
    over.set()
    with pytest.raises(ContextError, match="over") as caught:
        await tasks[0]

    assert "app_context" in caught.value.hint
    assert await connections_out(new_shop, db) == 0


async def test_an_operation_that_takes_too_long_loses_its_connection(new_shop, db, slow):
    async with new_shop.app_context():
        session = db.async_session()
        task = asyncio.create_task(session.execute(slow(1)))
        while not session.sync_session.in_transaction() or not db.async_engine.pool.checkedout():
            await asyncio.sleep(0)

        await close_between_operations(session, patience_seconds=0.01)
        await asyncio.wait((task,), timeout=10)

        assert db.async_engine.pool.checkedout() == 0


def test_a_session_that_counts_is_of_the_class_that_was_given():
    from sqlalchemy.ext.asyncio import AsyncSession

    assert issubclass(with_count(AsyncSession), AsyncSession)
