"""``SQLAlchemy`` on applications: setup, options, the shell, the end."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.pool import StaticPool

from costrel import Costrel
from costrel.core.checks.whole import check_application
from costrel.errors import ConfigError, ContextError
from costrel.ext.sqlalchemy import SQLAlchemy
from costrel.ext.sqlalchemy.cli import add_models_to_shell
from costrel.serving.lifespan import serving


@pytest.fixture
def make_app(tmp_path):
    def make(**config):
        app = Costrel("shop", instance_path=str(tmp_path))
        app.config.update({"SQLALCHEMY_DATABASE_URI": "sqlite://", **config})
        return app

    return make


def test_one_instance_serves_two_applications_with_engines_of_their_own(make_app):
    db = SQLAlchemy()
    first, second = make_app(), make_app()
    db.init_app(first)
    db.init_app(second)

    with first.app_context():
        engine = db.engine
        db.session.execute(sa.text("CREATE TABLE cup (id INTEGER)"))
    with second.app_context():
        assert db.engine is not engine
        assert not sa.inspect(db.engine).has_table("cup")
        assert second.extensions["sqlalchemy"] is db


def test_an_application_that_is_not_set_up_says_so(make_app):
    db = SQLAlchemy()

    with make_app().app_context(), pytest.raises(RuntimeError, match="not set up") as caught:
        db.session.execute(sa.text("SELECT 1"))
    assert "init_app" in caught.value.hint


@pytest.mark.parametrize("name", ["session", "engine", "engines"])
def test_outside_of_a_context_there_is_neither_session_nor_engine(make_app, name):
    db = SQLAlchemy(make_app())

    with pytest.raises(ContextError):
        getattr(db, name)() if name == "session" else getattr(db, name)


def test_a_second_instance_is_refused(make_app):
    app = make_app()
    SQLAlchemy(app)

    with pytest.raises(RuntimeError, match="'SQLAlchemy' instance has already been registered"):
        SQLAlchemy(app)


def test_no_database_at_all_is_refused_with_a_line_to_type(make_app):
    app = make_app()
    del app.config["SQLALCHEMY_DATABASE_URI"]

    with pytest.raises(RuntimeError, match="'SQLALCHEMY_DATABASE_URI' or 'SQLALCHEMY_BINDS'") as caught:
        SQLAlchemy(app)

    assert isinstance(caught.value, ConfigError)
    assert "sqlite:///app.db" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SQLALCHEMY_DATABASE_URI", 5),
        ("SQLALCHEMY_ENGINE_OPTIONS", "echo"),
        ("SQLALCHEMY_BINDS", {"log": None}),
        ("SQLALCHEMY_SQLITE_BUSY_TIMEOUT", -1),
        ("SQLALCHEMY_ECHO", "loud"),
    ],
)
def test_an_unfit_value_is_refused(make_app, key, value):
    with pytest.raises(ConfigError, match=key):
        SQLAlchemy(make_app(**{key: value}))


def test_a_bind_without_a_url_is_refused(make_app):
    with pytest.raises(ConfigError, match="'log' has no 'url'"):
        SQLAlchemy(make_app(SQLALCHEMY_BINDS={"log": {"echo": True}}))


def test_a_misspelt_key_is_refused_with_the_right_one(make_app):
    with pytest.raises(ConfigError) as caught:
        SQLAlchemy(make_app(SQLALCHEMY_TRACK_MODIFICATION=True))

    assert "SQLALCHEMY_TRACK_MODIFICATIONS" in caught.value.hint


def test_keys_of_old_times_are_taken_and_told_by_the_check(make_app):
    app = make_app(SQLALCHEMY_POOL_SIZE=5)
    db = SQLAlchemy(app)

    (finding,) = db.check(app)

    assert (finding.id, "pool_size" in finding.hint) == ("sqlalchemy.W001", True)


def test_the_configuration_goes_before_the_constructor(make_app):
    app = make_app(
        SQLALCHEMY_ENGINE_OPTIONS={"echo": False},
        SQLALCHEMY_BINDS={"log": "sqlite://", "more": {"url": "sqlite://"}},
    )
    db = SQLAlchemy(app, engine_options={"echo": True})

    with app.app_context():
        assert [db.engines[key].echo for key in (None, "log", "more")] == [False, True, True]


def test_binds_may_be_urls_texts_and_dicts_and_the_default_may_be_missing(make_app):
    binds = {"text": "sqlite://", "url": URL.create("sqlite"), "dict": {"url": "sqlite://", "echo": True}}
    app = make_app(SQLALCHEMY_DATABASE_URI=None, SQLALCHEMY_BINDS=binds)
    db = SQLAlchemy(app)

    class Cup(db.Model):
        __bind_key__ = "dict"
        id: Mapped[int] = mapped_column(primary_key=True)

    with app.app_context():
        db.create_all()
        assert sorted(db.engines) == ["dict", "text", "url"]
        assert {str(engine.url) for engine in db.engines.values()} == {"sqlite://"}
        assert sa.inspect(db.engines["dict"]).has_table("cup")
        assert repr(db) == "<SQLAlchemy sqlite:// +2>"
    assert repr(db) == "<SQLAlchemy>"


def test_mariadb_gets_its_character_set_and_fresh_connections(make_app):
    app = make_app(SQLALCHEMY_DATABASE_URI="mysql://db/shop")
    db = SQLAlchemy(app)

    with app.app_context():
        assert db.engine.url.query["charset"] == "utf8mb4"
        assert db.engine.pool._recycle == 7200


@pytest.mark.parametrize(
    ("url", "options", "seconds"),
    [
        ("postgresql://db/shop", {}, 10),
        ("postgresql://db/shop?connect_timeout=3", {}, 3),
        ("postgresql://db/shop", {"connect_args": {"connect_timeout": 3}}, 3),
    ],
)
def test_a_server_of_postgresql_that_never_answers_is_given_up(make_app, url, options, seconds):
    app = make_app(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS=options)
    db = SQLAlchemy(app)

    async def async_arguments():
        async with app.app_context():
            return connect_arguments(db.async_engine.sync_engine)

    with app.app_context():
        assert int(connect_arguments(db.engine)["connect_timeout"]) == seconds
    assert asyncio.run(async_arguments())["timeout"] == seconds


@pytest.mark.parametrize("driver", ["asyncmy", "aiomysql"])
@pytest.mark.parametrize(("query", "seconds"), [("", 10), ("?connect_timeout=3", 3)])
def test_a_server_of_mariadb_that_never_answers_is_given_up_by_async_code(make_app, driver, query, seconds):
    app = make_app(SQLALCHEMY_DATABASE_URI=f"mysql+{driver}://db/shop{query}")
    db = SQLAlchemy(app)

    async def async_arguments():
        async with app.app_context():
            return connect_arguments(db.async_engine.sync_engine)

    assert asyncio.run(async_arguments())["connect_timeout"] == seconds
    with app.app_context():
        assert connect_arguments(db.engine).get("connect_timeout", 10) == seconds


def connect_arguments(engine):
    """Return what an engine would call its driver's ``connect`` with."""
    seen = []

    @sa.event.listens_for(engine, "do_connect")
    def note(dialect, record, args, kwargs):
        seen.append(kwargs)
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        engine.raw_connection()

    return seen[0]


def test_a_subclass_may_change_how_engines_are_made(make_app):
    class Own(SQLAlchemy):
        def _apply_driver_defaults(self, options, app):
            super()._apply_driver_defaults(options, app)
            options["echo"] = True

        def _make_engine(self, bind_key, options, app):
            engine = super()._make_engine(bind_key, options, app)
            engine.made_for = app.name
            return engine

    app = make_app()
    db = Own(app)

    with app.app_context():
        assert (db.engine.echo, db.engine.made_for) == (True, "shop")
        assert isinstance(db.engine.pool, StaticPool)


def test_get_engine_is_deprecated(make_app):
    app = make_app()
    db = SQLAlchemy(app)

    with app.app_context(), pytest.deprecated_call():
        assert db.get_engine() is db.engine


def test_the_shell_knows_the_models(make_app):
    app = make_app()
    db = SQLAlchemy(app)

    class Cup(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)

    with app.app_context():
        assert add_models_to_shell() == {"db": db, "Cup": Cup}
        assert app.make_shell_context()["Cup"] is Cup
    assert SQLAlchemy(make_app(), add_models_to_shell=False) is not None


def test_connections_are_closed_when_serving_ends(make_app):
    app = make_app(SQLALCHEMY_DATABASE_URI="sqlite:///shop.db")
    db = SQLAlchemy(app)

    with serving(app), app.app_context():
        db.session.execute(sa.text("SELECT 1"))
        db.session.remove()
        before = db.engine.pool.checkedin()
    with app.app_context():
        assert (before, db.engine.pool.checkedin()) == (1, 0)


def test_an_application_that_is_gone_takes_its_engines_along(make_app):
    app = make_app(SQLALCHEMY_DATABASE_URI="sqlite:///shop.db")
    db = SQLAlchemy(app)
    with app.app_context():
        db.session.execute(sa.text("SELECT 1"))
        engine = db.engine
    assert engine.pool.checkedin() == 1

    app = weakref.ref(app)
    gc.collect()

    assert app() is None
    assert engine.pool.checkedin() == 0


def test_a_setting_of_the_applications_own_may_begin_like_the_options(tmp_path):
    app = Costrel("shop", instance_path=str(tmp_path))
    app.config.update(SQLALCHEMY_DATABASE_URI="sqlite://", SQLALCHEMY_DATABASE_PASSWORD="secret")

    SQLAlchemy(app)

    told = {finding.id: finding.text for finding in check_application(app)[0]}
    assert (
        told["sqlalchemy.W902"] == "SQLALCHEMY_DATABASE_PASSWORD is no option of sqlalchemy: it has no effect"
    )


def test_the_usual_typo_is_refused():
    app = Costrel("shop")
    app.config["SQLALCHEMY_DATABASE_URL"] = "sqlite://"

    with pytest.raises(ConfigError) as caught:
        SQLAlchemy(app)

    assert caught.value.hint == "Did you mean SQLALCHEMY_DATABASE_URI?"
