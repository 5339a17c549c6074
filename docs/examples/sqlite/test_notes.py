"""Notes are kept, found and moved; each test has a database of its own in memory."""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def notes(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import notes

    yield notes
    del sys.modules["notes"]


@pytest.fixture
def app(notes):
    app = notes.create_app(SQLITE_DATABASE=":memory:", TESTING=True)
    with app.app_context():
        notes.db.init_db()

    return app


@pytest.fixture(params=["wsgi", "asgi"])
def client(app, request):
    return app.test_client(protocol=request.param)


def test_note_is_kept_and_found(client):
    assert client.post("/notes", data={"folder": "home", "text": "fill the flask"}).json == {"id": 1}
    assert client.get("/notes/1").json["text"] == "fill the flask"
    assert client.get("/search?q=flask").json == {"found": [{"id": 1, "text": "fill the flask"}]}
    assert client.get("/notes/2").status_code == 404


def test_note_is_moved_and_counted(app, client, notes):
    client.post("/notes", data={"folder": "home", "text": "fill the flask"})

    assert client.post("/notes/1/move", data={"folder": "work"}).json == {"moved": 1}
    assert client.get("/notes/1").json["folder"] == "work"
    with app.app_context():
        assert notes.db.execute("SELECT moves FROM counter").fetchone()["moves"] == 1
