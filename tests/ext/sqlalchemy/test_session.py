"""Sessions belong to contexts; statements go to the database of their bind key."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy import exc, orm
from sqlalchemy.orm import Mapped, mapped_column

from costrel import Costrel
from costrel.ext.sqlalchemy import Session, SQLAlchemy


@pytest.fixture
def app(tmp_path):
    app = Costrel("shop", instance_path=str(tmp_path))
    app.config.update(
        SQLALCHEMY_DATABASE_URI="sqlite:///shop.db", SQLALCHEMY_BINDS={"log": "sqlite:///log.db"}
    )
    yield app
    db = app.extensions.get("sqlalchemy")
    if db is not None:
        db.databases_of(app).end()


@pytest.fixture
def db(app):
    db = SQLAlchemy(app)

    class Cup(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)

    class Line(db.Model):
        __bind_key__ = "log"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "line"}

    class Warning(Line):
        id: Mapped[int] = mapped_column(sa.ForeignKey(Line.id), primary_key=True)
        __mapper_args__ = {"polymorphic_identity": "warning"}

    db.Cup, db.Line, db.Warning = Cup, Line, Warning
    with app.app_context():
        db.create_all()

    return db


def test_a_context_has_one_session_and_the_next_another(app, db):
    with app.app_context():
        first = db.session()
        assert db.session() is first
        with app.app_context():
            assert db.session() is not first
        assert db.session() is first
    with app.app_context():
        assert db.session() is not first


def test_the_session_is_closed_with_its_context(app, db):
    with app.app_context():
        db.session.add(db.Cup())
        db.session.flush()
        session = db.session()
        assert db.engine.pool.checkedout() == 1
        engine = db.engine

    assert engine.pool.checkedout() == 0
    assert not session.in_transaction()


def test_a_context_that_uses_no_session_has_nothing_to_tear_down(app, db):
    with app.app_context() as ctx:
        assert ctx._closing is None
        assert not app.teardown_appcontext_funcs
        db.session()
        assert len(ctx._closing) == 1


def test_a_session_that_was_removed_is_followed_by_a_new_one_that_is_closed_too(app, db):
    with app.app_context():
        first = db.session()
        db.session.remove()
        db.session.execute(sa.select(db.Cup))
        assert db.session() is not first
        engine = db.engine

    assert engine.pool.checkedout() == 0


def test_a_context_that_lasts_keeps_nothing_of_the_sessions_it_had(app, db):
    """A worker has one context for days and removes the session after each piece of work."""
    with app.app_context() as ctx:
        for _ in range(3):
            db.session.execute(sa.select(db.Cup))
            db.session.remove()
            assert not db.session.registry.has()

        assert len(ctx._closing) == 1


def test_a_session_made_with_a_bind_uses_it_for_the_default_database(app, db):
    with app.app_context(), db.engine.connect() as connection:
        scoped = db._make_scoped_session({"bind": connection})
        scoped.add_all([db.Cup(), db.Line(kind="line")])
        scoped.flush()

        assert scoped.connection() is connection
        assert scoped.get_bind(db.Line) is db.engines["log"]


def test_a_function_of_the_teardown_may_still_use_the_session(app, db):
    seen = []

    @app.teardown_appcontext
    def look(error):
        seen.append(db.session.scalar(sa.select(sa.func.count()).select_from(db.Cup)))

    with app.app_context():
        engine = db.engine

    assert seen == [0]
    assert engine.pool.checkedout() == 0


def test_a_scope_of_one_s_own_is_asked_and_its_session_removed(app):
    keys = []

    def scope():
        keys.append("mine")
        return "mine"

    db = SQLAlchemy(app, session_options={"scopefunc": scope})
    with app.app_context():
        assert db.session() is db.session()
        assert db.session.registry.has()

    assert not db.session.registry.has()
    assert keys


def test_the_session_class_is_also_that_inside_of_async_sessions(app):
    class Own(Session):
        pass

    db = SQLAlchemy(app, session_options={"class_": Own, "autoflush": False})

    async def inner():
        async with app.app_context():
            return db.async_session().sync_session

    with app.app_context():
        assert isinstance(db.session(), Own)
        assert not db.session().autoflush
    session = asyncio.run(inner())
    assert isinstance(session, Own)
    assert not session.autoflush


def test_async_sessions_keep_what_they_loaded_unless_told_otherwise(app):
    async def expires(db):
        async with app.app_context():
            return db.async_session().sync_session.expire_on_commit

    db = SQLAlchemy(app)
    assert asyncio.run(expires(db)) is False
    with app.app_context():
        assert db.session().expire_on_commit
    del app.extensions["sqlalchemy"]
    assert asyncio.run(expires(SQLAlchemy(app, async_session_options={"expire_on_commit": True}))) is True


def test_statements_go_to_the_database_of_their_bind_key(app, db):
    with app.app_context():
        log, default = db.engines["log"], db.engine
        session = db.session()

        assert session.get_bind(db.Cup) is default
        assert session.get_bind(db.Line) is log
        assert session.get_bind(db.Warning) is log
        assert session.get_bind(clause=db.Line.__table__.insert()) is log
        assert session.get_bind(clause=sa.select(sa.func.max(db.Line.__table__.c.id))) is log
        assert session.get_bind(clause=sa.text("SELECT 1")) is default
        assert session.get_bind(db.Cup, bind=log) is log


def test_both_databases_are_written_in_one_session(app, db):
    with app.app_context():
        db.session.add_all([db.Cup(), db.Warning()])
        db.session.commit()
        assert db.session.scalar(sa.select(sa.func.count()).select_from(db.Warning)) == 1
        assert sa.inspect(db.engines["log"]).get_table_names() == ["line", "warning"]
        assert sa.inspect(db.engine).get_table_names() == ["cup"]


def test_a_bind_key_without_a_database_is_an_error_that_names_it(app, db):
    class Lost(db.Model):
        __bind_key__ = "lost"
        id: Mapped[int] = mapped_column(primary_key=True)

    with app.app_context(), pytest.raises(exc.UnboundExecutionError, match="'lost'"):
        db.session.get(Lost, 1)


def test_a_model_without_a_bind_key_where_there_is_no_default_database_is_an_error_with_a_hint():
    app = Costrel("shop")
    app.config["SQLALCHEMY_BINDS"] = {"log": "sqlite://"}
    db = SQLAlchemy(app)

    class Cup(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)

    with app.app_context(), pytest.raises(exc.UnboundExecutionError) as caught:
        db.session.get(Cup, 1)

    assert caught.value.__notes__ == ["hint: Set SQLALCHEMY_DATABASE_URI, or give the model a __bind_key__."]


def test_a_class_that_is_no_model_is_an_error_of_sqlalchemy(app, db):
    with app.app_context():
        with pytest.raises(orm.exc.UnmappedClassError):
            db.session().get_bind(int)
        with pytest.raises(exc.NoInspectionAvailable):
            db.session().get_bind("cup")


def test_a_request_inside_of_a_context_has_a_session_of_its_own(app, db):
    @app.get("/")
    def index():
        return str(id(db.session()))

    with app.app_context():
        assert app.test_client().get("/").text != str(id(db.session()))
