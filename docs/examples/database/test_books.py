"""The books are kept, shown page by page and renamed; each test has a database of its own in memory."""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def books(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import books

    yield books
    del sys.modules["books"]


@pytest.fixture
def app(books):
    app = books.create_app(SQLALCHEMY_DATABASE_URI="sqlite://", TESTING=True)
    with app.app_context():
        books.db.create_all()

    return app


@pytest.fixture
def client(app):
    return app.test_client()


def test_a_book_is_on_the_page_with_its_author(client):
    client.post("/", data={"title": "Ulysses & more", "author": "Joyce"})

    page = client.get("/").text

    assert "1 books" in page
    assert "Ulysses &amp; more</a> by Joyce" in page


def test_two_books_of_one_author_share_it(client, books, app):
    for title in ("Ulysses", "Dubliners"):
        client.post("/", data={"title": title, "author": "Joyce"})

    with app.app_context():
        assert len(books.db.session.scalars(books.db.select(books.Author)).one().books) == 2


def test_the_list_has_pages(client):
    for number in range(5):
        client.post("/", data={"title": f"Volume {number}", "author": "Proust"})

    page = client.get("/?per_page=2&page=2").text

    assert '<ol start="3">' in page
    assert "Volume 2</a>" in page
    assert "Volume 1</a>" not in page
    assert client.get("/?page=9").status_code == 404


def test_async_views_see_the_same_books(client):
    client.post("/", data={"title": "Ulisses", "author": "Joyce"})

    assert client.post("/books/1/title", data={"title": "Ulysses"}).json == {"title": "Ulysses"}

    assert client.get("/books/1").json == {"title": "Ulysses", "author": "Joyce"}
    assert client.get("/books/2").status_code == 404
    assert "Ulysses" in client.get("/").text


def test_the_command_makes_the_tables(books, tmp_path, monkeypatch):
    app = books.create_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/books.db")

    assert app.test_cli_runner().invoke(args=["create-tables"]).exit_code == 0

    assert app.test_client().get("/").status_code == 200
    with app.app_context():
        books.db.engine.dispose()
