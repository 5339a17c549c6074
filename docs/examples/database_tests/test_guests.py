import pytest
from sqlalchemy.orm import Mapped, mapped_column

from costrel import Costrel, request
from costrel.ext.sqlalchemy import SQLAlchemy
from costrel.ext.sqlalchemy.testing import rolled_back

db = SQLAlchemy()


class Guest(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def create_app(database_uri):
    app = Costrel(__name__)
    app.config.update(TESTING=True, SQLALCHEMY_DATABASE_URI=database_uri)
    db.init_app(app)

    @app.post("/guests")
    def add():
        db.session.add(Guest(name=request.form["name"]))
        db.session.commit()
        return "welcome", 201

    @app.get("/guests")
    async def names():
        return list(await db.async_session.scalars(db.select(Guest.name)))

    return app


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    app = create_app(f"sqlite:///{tmp_path_factory.mktemp('data')}/hotel.db")
    with app.app_context():
        db.create_all()  # once for all tests

    return app


@pytest.fixture(autouse=True)
def database(app):
    with rolled_back(db, app):
        yield db


def test_guest_is_added(app):
    client = app.test_client()

    client.post("/guests", data={"name": "Ada"})

    assert client.get("/guests").json == ["Ada"]


def test_guests_of_other_tests_are_gone(app):
    assert app.test_client().get("/guests").json == []


def test_request_sees_what_the_test_committed(app):
    with app.app_context():
        db.session.add(Guest(name="Grace"))
        db.session.commit()

    assert app.test_client().get("/guests").json == ["Grace"]


def test_session_is_rolled_back_to_what_was_committed(app):
    with app.app_context():
        db.session.add(Guest(name="Grace"))
        db.session.commit()
        db.session.add(Guest(name="Alan"))
        db.session.rollback()

        assert db.session.scalars(db.select(Guest.name)).all() == ["Grace"]
