"""Visits go to their own database, and to no other."""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def visits(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import visits

    yield visits
    del sys.modules["visits"]


def test_visits_lie_in_the_second_database(visits):
    db = visits.db
    app = visits.create_app(SQLALCHEMY_DATABASE_URI="sqlite://", SQLALCHEMY_BINDS={"statistics": "sqlite://"})
    with app.app_context():
        db.create_all()
    client = app.test_client()

    assert [client.get("/cups").text for _ in range(2)] == ["1 visits", "2 visits"]

    with app.app_context():
        assert db.inspect(db.engines["statistics"]).has_table("visit")
        assert not db.inspect(db.engine).has_table("visit")
