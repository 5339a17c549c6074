"""Tests that leave nothing behind: commits of the test and of its requests are undone, sync and async."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from costrel import Costrel, request
from costrel.errors import SetupError
from costrel.ext.sqlalchemy import SQLAlchemy
from costrel.ext.sqlalchemy.testing import rolled_back


@pytest.fixture(params=["memory", "sqlite", "postgresql", "mariadb"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    if request.param == "mariadb":
        return request.getfixturevalue("mariadb_url")

    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/hotel.db"


class Hotel:
    """An application with guests in one database and rooms in another, served by sync and async views."""

    def __init__(self, url, other):
        self.db = db = SQLAlchemy()

        class Guest(db.Model):
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = mapped_column(db.String(40), unique=True)

        class Room(db.Model):
            __bind_key__ = "house"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = mapped_column(db.String(40))

        self.Guest, self.Room = Guest, Room
        self.app = app = Costrel(__name__)
        app.config.update(
            TESTING=True, SECRET_KEY="x", SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_BINDS={"house": other}
        )
        db.init_app(app)
        self.add_views()
        with app.app_context():
            db.create_all()
            db.session.add(Guest(name="Grace"))
            db.session.commit()

    def add_views(self):
        app, db = self.app, self.db

        @app.post("/guests")
        def add():
            db.session.add(self.Guest(name=request.form["name"]))
            db.session.add(self.Room(name="attic"))
            db.session.commit()
            return "added"

        @app.post("/async/guests")
        async def add_async():
            db.async_session.add(self.Guest(name=request.form["name"]))
            db.async_session.add(self.Room(name="attic"))
            await db.async_session.commit()
            return "added"

        @app.get("/guests")
        def names():
            return self.names()

        @app.get("/async/guests")
        async def names_async():
            return await self.anames()

        @app.get("/async/direct")
        async def direct():
            async with db.async_engine.connect() as connection:
                result = await connection.exec_driver_sql("SELECT name FROM guest ORDER BY name")
                return [row.name for row in result]

    def names(self):
        return sorted(self.db.session.scalars(select(self.Guest.name)))

    async def anames(self):
        return sorted(await self.db.async_session.scalars(select(self.Guest.name)))

    def left(self):
        """What is in the databases, read outside of any block."""
        with self.app.app_context():
            rooms = self.db.session.scalars(select(self.Room.name)).all()
            return [*self.names(), *rooms]

    def close(self):
        with self.app.app_context():
            for engine in self.db.engines.values():
                engine.dispose()


@pytest.fixture
def hotel(database_url, tmp_path):
    hotel = Hotel(database_url, f"sqlite:///{tmp_path}/house.db")
    yield hotel
    assert hotel.left() == ["Grace"]
    hotel.close()


@pytest.mark.parametrize("path", ["/guests", "/async/guests"])
def test_what_requests_commit_is_undone_in_all_databases(hotel, client, path):
    with rolled_back(hotel.db, hotel.app):
        assert client(hotel.app).post(path, data={"name": "Ada"}).text == "added"

        assert client(hotel.app).get("/guests").json == ["Ada", "Grace"]
        assert client(hotel.app).get("/async/guests").json == ["Ada", "Grace"]
        assert client(hotel.app).get("/async/direct").json == ["Ada", "Grace"]


def test_test_and_requests_see_what_the_others_commit(hotel, client):
    with rolled_back(hotel.db, hotel.app), hotel.app.app_context():
        hotel.db.session.add(hotel.Guest(name="Ada"))
        hotel.db.session.commit()
        assert hotel.names() == ["Ada", "Grace"]

        client(hotel.app).post("/guests", data={"name": "Alan"})
        hotel.db.session.rollback()

        assert hotel.names() == ["Ada", "Alan", "Grace"]


def test_block_inside_of_a_context_leaves_no_session_that_knows_what_is_gone(hotel):
    with hotel.app.app_context():
        with rolled_back(hotel.db):
            hotel.db.session.add(hotel.Guest(name="Ada"))
            hotel.db.session.commit()

        assert hotel.names() == ["Grace"]


def test_block_that_fails_is_undone(hotel):
    with pytest.raises(ZeroDivisionError), rolled_back(hotel.db, hotel.app), hotel.app.app_context():
        hotel.db.session.add(hotel.Guest(name="Ada"))
        hotel.db.session.commit()
        raise ZeroDivisionError


def test_same_test_twice_finds_the_same(hotel, client):
    for _ in range(2):
        with rolled_back(hotel.db, hotel.app):
            assert client(hotel.app).post("/guests", data={"name": "Ada"}).text == "added"


async def test_async_block_undoes_what_async_requests_commit(hotel):
    async with rolled_back(hotel.db, hotel.app):
        client = hotel.app.async_test_client()
        await client.post("/async/guests", data={"name": "Ada"})

        assert (await client.get("/async/guests")).json == ["Ada", "Grace"]


async def test_async_block_undoes_what_the_test_commits(hotel):
    async with rolled_back(hotel.db, hotel.app), hotel.app.app_context():
        hotel.db.async_session.add(hotel.Guest(name="Ada"))
        await hotel.db.async_session.commit()
        hotel.db.async_session.add(hotel.Guest(name="Alan"))
        await hotel.db.async_session.rollback()

        assert await hotel.anames() == ["Ada", "Grace"]


async def test_async_block_undoes_what_tasks_commit_at_the_same_time(hotel):
    async def add(number):
        async with hotel.app.app_context():
            hotel.db.async_session.add(hotel.Guest(name=f"guest {number}"))
            await hotel.db.async_session.commit()

    async with rolled_back(hotel.db, hotel.app):
        await asyncio.gather(*(add(number) for number in range(5)))

        async with hotel.app.app_context():
            assert len(await hotel.anames()) == 6


async def test_sync_block_serves_an_async_test_too(hotel):
    with rolled_back(hotel.db, hotel.app):
        async with hotel.app.app_context():
            hotel.db.async_session.add(hotel.Guest(name="Ada"))
            await hotel.db.async_session.commit()
        response = await hotel.app.async_test_client().get("/guests")

    assert response.json == ["Ada", "Grace"]


async def test_async_sessions_have_their_driver_back_after_a_sync_block(hotel):
    async with hotel.app.app_context():
        assert await hotel.anames() == ["Grace"]
        driver = hotel.db.async_engine.driver
        with rolled_back(hotel.db, hotel.app):
            assert hotel.db.async_engine.driver != driver

        assert hotel.db.async_engine.driver == driver
        await hotel.db.async_session.remove()
        assert await hotel.anames() == ["Grace"]


def test_bind_without_a_sync_driver_is_refused(hotel):
    databases = hotel.db.databases_of(hotel.app)
    databases.engines.missing["far"] = ImportError("no driver")

    with pytest.raises(SetupError, match="'far' has an async driver only") as caught:
        rolled_back(hotel.db, hotel.app).__enter__()

    assert "async with rolled_back" in caught.value.hint


def test_application_without_the_extension_is_refused(app):
    with pytest.raises(SetupError, match="not set up"), rolled_back(SQLAlchemy(), app):
        pass
