"""A shop on each database, with what sync and async views do alike."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from costrel import Costrel
from costrel.ext.sqlalchemy import SQLAlchemy
from costrel.serving.lifespan import serving


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request, tmp_path):
    """The URL of an empty database, without a driver; on each of the three."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shop.db"

    return request.getfixturevalue({"postgresql": "postgres_url", "mariadb": "mariadb_url"}[request.param])


@pytest.fixture
def other_url(url, tmp_path):
    """A second database."""
    return f"sqlite:///{tmp_path}/other.db"


@pytest.fixture
def db():
    """The extension, with a model on the default database and one on the bind ``log``."""
    db = SQLAlchemy()

    class Cup(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(sa.String(40), unique=True)

    class Line(db.Model):
        __bind_key__ = "log"
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str] = mapped_column(sa.String(40))

    db.Cup, db.Line = Cup, Line

    return db


@pytest.fixture
def new_shop(db, url, other_url, tmp_path):
    """The application with empty tables, before it serves: a test may add views."""
    app = Costrel("shop", instance_path=str(tmp_path))
    app.config.update(
        TESTING=True,
        PROPAGATE_EXCEPTIONS=False,
        SQLALCHEMY_DATABASE_URI=url,
        SQLALCHEMY_BINDS={"log": other_url},
    )
    db.init_app(app)
    add_sync_views(app, db)
    add_async_views(app, db)
    with app.app_context():
        db.create_all()
    yield app
    db.databases_of(app).end()


@pytest.fixture
def shop(new_shop):
    """The application while it serves; its connections are closed at the end, on whatever loop."""
    with serving(new_shop):
        yield new_shop


def add_sync_views(app, db):
    Cup, Line = db.Cup, db.Line

    @app.post("/sync/cups/<name>")
    def add(name):
        db.session.add(Cup(name=name))
        db.session.add(Line(text=f"add {name}"))
        db.session.commit()
        return name

    @app.post("/sync/fail/<name>")
    def fail(name):
        db.session.add(Cup(name=name))
        db.session.add(Line(text=f"fail {name}"))
        db.session.flush()
        raise RuntimeError("in the middle")

    @app.get("/sync/cups/<int:number>")
    def get(number):
        return db.get_or_404(Cup, number, description="no such cup").name

    @app.get("/sync/first/<name>")
    def first(name):
        return db.first_or_404(db.select(Cup).filter_by(name=name)).name

    @app.get("/sync/one/<start>")
    def one(start):
        return db.one_or_404(db.select(Cup).where(Cup.name.startswith(start))).name

    @app.get("/sync/page")
    def page():
        found = db.paginate(db.select(Cup).order_by(Cup.name))
        following = found.next() if found.has_next else ()
        return {
            "items": [cup.name for cup in found],
            "total": found.total,
            "next": [cup.name for cup in following],
        }

    @app.get("/sync/session")
    def session():
        return str(db.session() is db.session())

    @app.get("/sync/idle")
    def idle():
        return "idle"


def add_async_views(app, db):
    Cup, Line = db.Cup, db.Line

    @app.post("/async/cups/<name>")
    async def async_add(name):
        db.async_session.add(Cup(name=name))
        db.async_session.add(Line(text=f"add {name}"))
        await db.async_session.commit()
        return name

    @app.post("/async/fail/<name>")
    async def async_fail(name):
        db.async_session.add(Cup(name=name))
        db.async_session.add(Line(text=f"fail {name}"))
        await db.async_session.flush()
        raise RuntimeError("in the middle")

    @app.get("/async/cups/<int:number>")
    async def async_get(number):
        return (await db.aget_or_404(Cup, number, description="no such cup")).name

    @app.get("/async/first/<name>")
    async def async_first(name):
        return (await db.afirst_or_404(db.select(Cup).filter_by(name=name))).name

    @app.get("/async/one/<start>")
    async def async_one(start):
        return (await db.aone_or_404(db.select(Cup).where(Cup.name.startswith(start)))).name

    @app.get("/async/page")
    async def async_page():
        found = await db.apaginate(db.select(Cup).order_by(Cup.name))
        following = await found.anext() if found.has_next else ()
        return {
            "items": [cup.name for cup in found],
            "total": found.total,
            "next": [cup.name for cup in following],
        }

    @app.get("/async/session")
    async def async_session():
        return str(db.async_session() is db.async_session())

    @app.get("/async/idle")
    async def async_idle():
        return "idle"
