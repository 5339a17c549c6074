"""The signals of committed models."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import orm
from sqlalchemy.orm import Mapped, mapped_column

from costrel import Costrel
from costrel.ext.sqlalchemy import SQLAlchemy, before_models_committed, models_committed
from costrel.ext.sqlalchemy.track_modifications import listen


@pytest.fixture
def app():
    app = Costrel("shop")
    app.config.update(SQLALCHEMY_DATABASE_URI="sqlite://", SQLALCHEMY_TRACK_MODIFICATIONS=True)
    return app


@pytest.fixture
def db(app):
    db = SQLAlchemy(app)

    class Cup(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    db.Cup = Cup
    with app.app_context():
        db.create_all()

    return db


@pytest.fixture
def told(app):
    told = []

    def before(sender, changes):
        told.append(("before", [(cup.name, operation) for cup, operation in changes]))

    def after(sender, changes):
        told.append(("after", [operation for _cup, operation in changes]))

    with before_models_committed.connected_to(before, app), models_committed.connected_to(after, app):
        yield told


def test_a_commit_tells_what_was_added_changed_and_deleted(app, db, told):
    with app.app_context():
        cup = db.Cup(name="blue")
        db.session.add(cup)
        assert told == []
        db.session.commit()
        cup.name = "red"
        db.session.commit()
        db.session.delete(cup)
        db.session.commit()

    operations = [("blue", "insert"), ("red", "update"), ("red", "delete")]
    assert told == [entry for one in operations for entry in (("before", [one]), ("after", [one[1]]))]


def test_async_sessions_tell_it_too(app, db, told):
    async def add():
        async with app.app_context():
            db.async_session.add(db.Cup(name="blue"))
            await db.async_session.commit()

    asyncio.run(add())

    assert told == [("before", [("blue", "insert")]), ("after", ["insert"])]


def test_what_is_rolled_back_is_not_told(app, db, told):
    with app.app_context():
        db.session.add(db.Cup(name="blue"))
        db.session.flush()
        db.session.rollback()
        db.session.commit()

    assert told == []


def test_an_application_that_does_not_want_it_hears_nothing(app, db, told):
    app.config["SQLALCHEMY_TRACK_MODIFICATIONS"] = False

    with app.app_context():
        db.session.add(db.Cup(name="blue"))
        db.session.commit()

    assert told == []


def test_two_applications_of_one_instance_are_told_once_each(app, db, told):
    second = Costrel("second")
    second.config.update(app.config)
    db.init_app(second)

    with app.app_context():
        db.session.add(db.Cup(name="blue"))
        db.session.commit()

    assert told == [("before", [("blue", "insert")]), ("after", ["insert"])]


def test_sessions_are_listened_to_that_lie_in_memory_where_others_were():
    def count_listeners():
        sessions = orm.scoped_session(orm.sessionmaker())
        listen(sessions)
        kept.append(sessions.session_factory)  # as a cycle keeps it; the scoped session itself is gone

        return len(list(sessions.session_factory().dispatch.before_commit))

    kept = []

    assert [count_listeners() for _ in range(200)] == [1] * 200


def test_an_extension_of_two_applications_tells_each_commit_once():
    db = SQLAlchemy()

    class Cup(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)

    told = []

    def after(sender, changes):
        told.append(sender)

    apps = [Costrel("shop"), Costrel("market")]
    for app in apps:
        app.config.update(SQLALCHEMY_DATABASE_URI="sqlite://", SQLALCHEMY_TRACK_MODIFICATIONS=True)
        db.init_app(app)
    with models_committed.connected_to(after):
        for app in apps:
            with app.app_context():
                db.create_all()
                db.session.add(Cup())
                db.session.commit()

    assert told == apps
