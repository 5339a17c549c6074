"""The same promises on SQLite, PostgreSQL and MariaDB, sync and async, over WSGI and ASGI."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from urllib.parse import quote

import pytest
from sqlalchemy import exc
from werkzeug.test import create_environ

from costrel import Costrel
from costrel.ext.sqlalchemy import SQLAlchemy
from costrel.ext.sqlalchemy.async_engines import closing_sessions
from costrel.testing.scopes import http_scope

SYNC_DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg", "mysql": "pymysql"}
ASYNC_DRIVERS = {"sqlite": "aiosqlite", "postgresql": "asyncpg", "mysql": "asyncmy"}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mariadb by aiomysql"])
def url(request, tmp_path):
    """The URL of an empty database; without a driver, but for the one that is not taken by itself."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shop.db"
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")

    url = request.getfixturevalue("mariadb_url")
    return url.replace("mysql://", "mysql+aiomysql://") if "aiomysql" in request.param else url


@pytest.fixture(params=["sync", "async"])
def kind(request):
    return request.param


def rows(app, db, model):
    with app.app_context():
        return db.session.scalar(db.select(db.func.count()).select_from(model))


def checked_out(db):
    return [engine.pool.checkedout() for engine in db.engines.values()]


def test_what_a_view_commits_is_there_for_sync_and_async_views(shop, db, client, kind):
    browser = client(shop)

    assert browser.post(f"/{kind}/cups/blue").text == "blue"

    assert browser.get("/sync/cups/1").text == "blue"
    assert browser.get("/async/cups/1").text == "blue"
    assert rows(shop, db, db.Line) == 1


def test_a_view_that_fails_in_a_transaction_leaves_nothing_in_any_database(shop, db, client, kind):
    browser = client(shop)

    assert browser.post(f"/{kind}/fail/blue").status_code == 500

    assert rows(shop, db, db.Cup) == rows(shop, db, db.Line) == 0
    assert browser.post(f"/{kind}/cups/blue").text == "blue"


def test_a_broken_constraint_leaves_nothing_and_the_next_request_works(shop, db, client, kind):
    browser = client(shop)
    browser.post(f"/{kind}/cups/blue")

    assert browser.post(f"/{kind}/cups/blue").status_code == 500

    assert browser.post(f"/{kind}/cups/red").text == "red"
    assert rows(shop, db, db.Cup) == rows(shop, db, db.Line) == 2


def test_what_is_not_there_is_a_404(shop, client, kind):
    browser = client(shop)
    for name in ("blue", "black"):
        browser.post(f"/{kind}/cups/{name}")

    assert browser.get(f"/{kind}/first/blue").text == "blue"
    assert browser.get(f"/{kind}/one/blu").text == "blue"
    missing = browser.get(f"/{kind}/cups/9")
    assert (missing.status_code, "no such cup" in missing.text) == (404, True)
    assert browser.get(f"/{kind}/first/red").status_code == 404
    assert browser.get(f"/{kind}/one/bl").status_code == 404
    assert browser.get(f"/{kind}/one/red").status_code == 404


def test_pages_follow_each_other(shop, client, kind):
    browser = client(shop)
    for name in ("a", "b", "c"):
        browser.post(f"/{kind}/cups/{name}")

    assert browser.get(f"/{kind}/page?per_page=2").json == {"items": ["a", "b"], "total": 3, "next": ["c"]}
    assert browser.get(f"/{kind}/page?per_page=2&page=2").json == {"items": ["c"], "total": 3, "next": []}


def test_a_page_that_does_not_exist_is_a_404(shop, client, kind):
    browser = client(shop)

    for query in ("page=9", "page=0", "page=x", "per_page=-1", f"page={10**30}", f"page={2**62}"):
        assert browser.get(f"/{kind}/page?{query}").status_code == 404, query


def test_what_looks_like_sql_is_data(shop, db, client, kind):
    browser = client(shop)
    texts = ["' OR 1=1 --", "x'; DROP TABLE cup; --", 'a" b', "%", "é\\", "%(name)s :name ?"]

    for text in texts:
        assert browser.get(f"/{kind}/first/{quote(text)}").status_code == 404
        assert browser.post(f"/{kind}/cups/{quote(text)}").text == text
        assert browser.get(f"/{kind}/first/{quote(text)}").text == text

    assert rows(shop, db, db.Cup) == len(texts)


def test_each_request_has_one_session_and_gives_its_connection_back(shop, db, client, kind):
    browser = client(shop)

    assert browser.get(f"/{kind}/session").text == "True"
    browser.post(f"/{kind}/cups/blue")
    browser.post(f"/{kind}/fail/red")

    with shop.app_context():
        assert checked_out(db) == [0, 0]
        pairs = db._current().loops.made()
        assert [engine.pool.checkedout() for _key, engine in pairs] == [0] * len(pairs)
        assert bool(pairs) is (kind == "async")


def test_the_drivers_are_chosen_for_sync_and_async(shop, db, url):
    async def names():
        async with shop.app_context():
            return db.async_engine.driver

    with shop.app_context():
        assert db.engine.driver == SYNC_DRIVERS[db.engine.dialect.name]
        wanted = "aiomysql" if "aiomysql" in url else ASYNC_DRIVERS[db.engine.dialect.name]
        assert asyncio.run(names()) == wanted


async def test_concurrent_async_requests_have_sessions_of_their_own(new_shop, db):
    there, sessions = asyncio.Barrier(3), []

    @new_shop.get("/meet/<name>")
    async def meet(name):
        cup = await db.aget_or_404(db.Cup, 1)
        cup.name = name
        sessions.append(db.async_session())
        await there.wait()  # all three have changed it, none has committed
        return cup.name

    async with new_shop.app_context():
        await db.acreate_all()
        db.async_session.add(db.Cup(name="blue"))
        await db.async_session.commit()
    browser = new_shop.async_test_client()
    replies = await asyncio.gather(*(browser.get(f"/meet/{name}") for name in "abc"))

    assert [reply.text for reply in replies] == ["a", "b", "c"]
    assert len(set(map(id, sessions))) == 3
    async with new_shop.app_context():
        assert (await db.async_session.get(db.Cup, 1)).name == "blue"
        assert db.async_engine.pool.checkedout() == 1  # this context's own


def test_concurrent_sync_requests_have_sessions_of_their_own(new_shop, db):
    there, sessions, seen = threading.Barrier(3), [], []

    @new_shop.get("/meet/<name>")
    def meet(name):
        cup = db.get_or_404(db.Cup, 1)
        cup.name = name
        sessions.append(db.session())
        there.wait(60)
        return cup.name

    def visit(name):
        seen.append(new_shop.test_client().get(f"/meet/{name}").text)

    new_shop.test_client().post("/sync/cups/blue")
    threads = [threading.Thread(target=visit, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(seen) == ["a", "b", "c"]
    assert len(set(map(id, sessions))) == 3
    with new_shop.app_context():
        assert db.session.get(db.Cup, 1).name == "blue"


@pytest.mark.parametrize("again", [False, True])
async def test_a_cancelled_request_gives_its_connection_back_and_leaves_nothing(new_shop, db, again):
    has_begun = asyncio.Event()

    @new_shop.post("/wait")
    async def wait():
        db.async_session.add(db.Cup(name="blue"))
        await db.async_session.flush()
        has_begun.set()
        await asyncio.Event().wait()

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        raise AssertionError(message)

    scope = http_scope(create_environ("/wait", method="POST"))
    request = asyncio.ensure_future(new_shop.asgi(scope, receive, send))
    await has_begun.wait()
    request.cancel()
    while again and not closing_sessions:
        await asyncio.sleep(0)
    if again:  # while its session is being closed
        request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request

    assert bool(closing_sessions) is again
    await asyncio.gather(*closing_sessions)
    async with new_shop.app_context():
        assert db.async_engine.pool.checkedout() == 0
        assert (await db.async_session.scalars(db.select(db.Cup))).all() == []


def test_a_worker_killed_in_a_transaction_leaves_nothing(shop, db):
    with shop.app_context():
        db.session.add(db.Cup(name="red"))
        db.session.commit()

    child = fork()
    if child == 0:
        with shop.app_context():
            db.session.add(db.Cup(name="blue"))
            db.session.flush()
            os._exit(9)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    with shop.app_context():
        assert db.session.scalars(db.select(db.Cup.name)).all() == ["red"]
        db.session.add(db.Cup(name="blue"))
        db.session.commit()


def test_a_child_process_has_connections_of_its_own(shop, db):
    shop.test_client().post("/sync/cups/blue")
    with shop.app_context():
        pool = db.engine.pool
        assert pool.checkedin() == 1  # open when the process forks

    child = fork()
    if child == 0:
        with shop.app_context():
            is_new = db.engine.pool is not pool and db.engine.pool.checkedin() == 0
            found = db.session.scalars(db.select(db.Cup.name)).all()
            db.session.remove()
            os._exit(0 if is_new and found == ["blue"] else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with shop.app_context():
        assert db.session.scalars(db.select(db.Cup.name)).all() == ["blue"]


def fork():
    with warnings.catch_warnings():
        # Python 3.12 warns where other threads run; what the child does takes no lock of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def test_tables_come_and_go_for_the_binds_that_are_named(shop, db):
    async def again():
        async with shop.app_context():
            await db.acreate_all()
            await db.adrop_all()
            await db.acreate_all("log")

    with shop.app_context():
        db.drop_all(["log"])
        assert db.inspect(db.engine).has_table("cup")
        assert not db.inspect(db.engines["log"]).has_table("line")
        asyncio.run(again())
        assert not db.inspect(db.engine).has_table("cup")
        assert db.inspect(db.engines["log"]).has_table("line")
        with pytest.raises(exc.UnboundExecutionError, match="'other' is not in"):
            db.create_all("other")


def test_tables_are_reflected_sync_and_async(shop, db):
    async def reflect():
        async with app.app_context():
            await again.areflect("log")

    app, again = Costrel("again"), SQLAlchemy()
    app.config.update(shop.config)
    again.init_app(app)
    with app.app_context():
        again.reflect([None])
    asyncio.run(reflect())
    again.databases_of(app).close()

    assert "cup" in again.metadata.tables
    assert "line" in again.metadatas["log"].tables


def test_a_released_savepoint_goes_with_its_transaction(shop, db):
    with shop.app_context():
        with db.session.begin_nested():
            db.session.add(db.Cup(name="blue"))
        db.session.rollback()
        assert db.session.scalars(db.select(db.Cup)).all() == []


def test_a_released_savepoint_goes_with_its_transaction_in_async_sessions(shop, db):
    async def main():
        async with shop.app_context():
            async with db.async_session.begin_nested():
                db.async_session.add(db.Cup(name="blue"))
            await db.async_session.rollback()
            return (await db.async_session.scalars(db.select(db.Cup))).all()

    assert asyncio.run(main()) == []
