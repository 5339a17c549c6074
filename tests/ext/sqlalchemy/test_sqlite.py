"""SQLite as the extension sets it up."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.pool import StaticPool

from costrel import Costrel
from costrel.ext.sqlalchemy import SQLAlchemy
from costrel.ext.sqlalchemy.sqlite import is_memory, place_file


@pytest.fixture
def make_db(tmp_path):
    made = []

    def make(url="sqlite:///shop.db", **config):
        app = Costrel("shop", instance_path=str(tmp_path / "instance"))
        app.config.update(SQLALCHEMY_DATABASE_URI=url, **config)
        db = SQLAlchemy(app)
        db.app = app

        class Cup(db.Model):
            id: Mapped[int] = mapped_column(primary_key=True)
            saucer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cup.id"))

        db.Cup = Cup
        made.append(db)
        return db

    yield make
    for db in made:
        db.databases_of(db.app).close()


def pragmas(db):
    names = ("journal_mode", "foreign_keys", "busy_timeout")
    with db.app.app_context():
        return [db.session.scalar(sa.text(f"PRAGMA {name}")) for name in names]


async def async_pragmas(db):
    names = ("journal_mode", "foreign_keys", "busy_timeout")
    async with db.app.app_context():
        return [await db.async_session.scalar(sa.text(f"PRAGMA {name}")) for name in names]


def test_it_has_a_log_foreign_keys_and_patience(make_db):
    db = make_db()

    assert pragmas(db) == ["wal", 1, 5_000]
    assert asyncio.run(async_pragmas(db)) == ["wal", 1, 5_000]


def test_all_three_are_options(make_db):
    db = make_db(
        SQLALCHEMY_SQLITE_WAL=False, SQLALCHEMY_SQLITE_FOREIGN_KEYS=False, SQLALCHEMY_SQLITE_BUSY_TIMEOUT=0.25
    )

    assert pragmas(db) == ["delete", 0, 250]
    assert asyncio.run(async_pragmas(db)) == ["delete", 0, 250]


def test_a_relative_file_lies_in_the_instance_folder_which_is_made(make_db, tmp_path):
    db = make_db("sqlite:///shop.db")
    with db.app.app_context():
        db.create_all()

    assert (tmp_path / "instance" / "shop.db").exists()


@pytest.mark.parametrize(
    ("url", "placed"),
    [
        ("sqlite:///shop.db", "/srv/shop.db"),
        ("sqlite:////data/shop.db", "/data/shop.db"),
        ("sqlite:///file:shop.db?uri=true", "file:/srv/shop.db"),
        ("sqlite:///file:/data/shop.db?uri=true", "file:/data/shop.db"),
    ],
)
def test_relative_paths_are_placed_in_a_folder(url, placed):
    assert place_file(make_url(url), "/srv").database == os.path.normpath(placed)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite://", True),
        ("sqlite:///:memory:", True),
        ("sqlite:///file:cups?mode=memory&cache=shared&uri=true", True),
        ("sqlite:///memory", False),
    ],
)
def test_databases_in_memory_are_told_from_files(url, expected):
    assert is_memory(make_url(url)) is expected


def test_a_broken_reference_is_refused(make_db):
    db = make_db()
    with db.app.app_context():
        db.create_all()
        db.session.add(db.Cup(saucer_id=9))
        with pytest.raises(exc.IntegrityError):
            db.session.commit()


@pytest.mark.parametrize("url", ["sqlite:///shop.db", "sqlite://"])
@pytest.mark.parametrize("is_async", [False, True])
def test_rows_that_refer_to_each_other_do_not_keep_tables_from_being_dropped(make_db, url, is_async):
    db = make_db(url)
    for name, other in ("tree", "bird"), ("bird", "tree"):
        refers = sa.ForeignKey(f"{other}.id", use_alter=True, name=f"{name}_{other}")
        db.Table(name, sa.Column("id", sa.Integer, primary_key=True), sa.Column("other", refers))

    async def drop():
        async with db.app.app_context():
            await db.adrop_all()

    with db.app.app_context():
        db.create_all()
        for statement in (
            "insert into tree values (1, null)",
            "insert into bird values (1, 1)",
            "update tree set other = 1",
        ):
            db.session.execute(sa.text(statement))
        db.session.commit()
        db.session.remove()
        asyncio.run(drop()) if is_async else db.drop_all()

        assert sa.inspect(db.engine).get_table_names() == []

    assert pragmas(db)[1] == 1
    assert asyncio.run(async_pragmas(db))[1] == 1


def test_a_failed_drop_leaves_foreign_keys_enforced(make_db):
    db = make_db("sqlite://")

    @sa.event.listens_for(db.Cup.__table__, "before_drop")
    def write_and_fail(table, connection, **kwargs):
        connection.execute(sa.insert(table).values(id=7))
        raise RuntimeError("no")

    with db.app.app_context():
        db.create_all()
        with pytest.raises(RuntimeError):
            db.drop_all()

        assert db.session.scalar(sa.select(sa.func.count(db.Cup.id))) == 0

    assert pragmas(db)[1] == 1


def test_in_memory_all_threads_and_async_code_see_the_same(make_db):
    db = make_db("sqlite://")
    seen = []

    async def count():
        async with db.app.app_context():
            return await db.async_session.scalar(sa.select(sa.func.count()).select_from(db.Cup))

    def add():
        with db.app.app_context():
            db.session.add(db.Cup())
            db.session.commit()

    def look():
        seen.append(asyncio.run(count()))

    with db.app.app_context():
        db.create_all()
        assert isinstance(db.engine.pool, StaticPool)
    for target in (add, look, add, look):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()

    assert seen == [1, 2]


def test_databases_in_memory_are_told_apart(make_db):
    first, second = make_db("sqlite://"), make_db("sqlite://", SQLALCHEMY_BINDS={"log": "sqlite://"})
    with first.app.app_context():
        first.create_all()
    with second.app.app_context():
        assert not sa.inspect(second.engine).has_table("cup")
        second.create_all(None)
        assert not sa.inspect(second.engines["log"]).has_table("cup")


def test_readers_go_on_while_one_writes(make_db):
    db = make_db(SQLALCHEMY_SQLITE_BUSY_TIMEOUT=0)
    with db.app.app_context():
        db.create_all()
        db.session.add(db.Cup())
        db.session.flush()
        with db.app.app_context():
            assert db.session.scalars(sa.select(db.Cup)).all() == []
            db.session.add(db.Cup())
            with pytest.raises(exc.OperationalError, match="locked"):
                db.session.flush()
