"""The migrations make what the models say, keep the rows there are, and can be taken back."""

import sys
from pathlib import Path

import pytest

from costrel.ext.migrate import check, downgrade, upgrade

HERE = Path(__file__).parent


@pytest.fixture
def guests(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    import guests

    yield guests
    del sys.modules["guests"]


@pytest.fixture
def app(guests, tmp_path):
    app = guests.create_app(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/guests.db", MIGRATE_DIRECTORY=HERE / "migrations"
    )
    with app.app_context():
        yield app
        guests.db.engine.dispose()


def test_migrations_make_what_the_models_say(app):
    upgrade()

    check()  # raises MigrationError where they differ


def test_guest_gets_an_address_from_the_name(app, guests):
    upgrade(revision="4f0c")
    guests.db.session.execute(guests.db.text("INSERT INTO guest (name) VALUES ('Ada Lovelace')"))
    guests.db.session.commit()

    upgrade()

    assert guests.db.session.scalars(guests.db.select(guests.Guest.slug)).all() == ["ada-lovelace"]
    assert app.test_client().get("/").json == ["Ada Lovelace"]


def test_migrations_can_be_taken_back(app, guests):
    upgrade()

    downgrade(revision="base")

    assert guests.db.inspect(guests.db.engine).get_table_names() == ["alembic_version"]
