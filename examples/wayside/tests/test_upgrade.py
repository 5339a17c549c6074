"""A database of the first version, as it stands on somebody's disk, goes on."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from wayside.testing import PASSWORD, Person
from werkzeug.security import generate_password_hash


@pytest.fixture
def old(settings):
    """The settings, with a database of the first version."""
    with closing(sqlite3.connect(settings["DATABASE"])) as db:
        db.executescript((Path(__file__).parent / "schema_1.sql").read_text("utf-8"))
        password_hash = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")
        db.execute(
            "INSERT INTO user (username, password_hash, created_at) VALUES ('fern', ?, '2025-01-01')",
            (password_hash,),
        )
        for number, day in enumerate(("2025-01-02", "2025-01-04"), 1):
            db.execute(
                "INSERT INTO walk (author_id, title, place, walked_on, body, created_at)"
                " VALUES (1, ?, 'Home', ?, 'Short.', ?)",
                (f"Walk {number}", day, f"{day}T10:00:00Z"),
            )
        db.execute(
            "INSERT INTO comment (walk_id, author_id, body, created_at)"
            " VALUES (1, 1, 'Still here.', '2025-01-03T10:00:00Z')"
        )
        db.execute("PRAGMA user_version = 1")
        db.commit()

    return {**settings, "SAMPLE_DATA": True, "FEED_SECONDS": 0}


def version(settings):
    """Return the revision of the file; None if it has none yet."""
    with closing(sqlite3.connect(settings["DATABASE"])) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        found = db.execute("SELECT version_num FROM alembic_version").fetchone()

    return found and found[0]


def test_what_was_written_is_there_and_the_new_parts_work(old, serve):
    fern = Person(serve(**old))
    fern.post("/login", {"username": "fern", "password": PASSWORD})

    assert "Still here." in fern.get("/walks/1").text
    assert fern.get("/api/walks").json["total"] == 2  # no samples came
    assert fern.post("/bench", {"text": "New here."}).status_code == 302
    assert "New here." in fern.get("/bench").text
    assert version(old) == "0002"


def test_old_walks_and_comments_are_news_in_the_order_they_came_in(old, serve):
    text = Person(serve(**old)).get("/feed?after=0").text

    assert text.index("Walk 1") < text.index("#comment-1") < text.index("Walk 2")


def test_several_workers_at_once_upgrade_once(old, serve):
    apps = [serve(**old) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda app: Person(app).get("/bench").status_code, apps))

    assert statuses == [200] * 4
    assert Person(apps[0]).get("/feed?after=0").text.count("event: news") == 3


def test_upgrade_that_fails_leaves_the_file_as_it_was(old, serve):
    with closing(sqlite3.connect(old["DATABASE"])) as db:
        db.execute("CREATE TABLE news (id INTEGER)")

    assert Person(serve(**{**old, "TESTING": False})).get("/").status_code == 500

    with closing(sqlite3.connect(old["DATABASE"])) as db:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "line" not in tables
    assert version(old) in (None, "0001")


def test_file_of_the_last_version_without_migrations_goes_on(old, serve):
    with closing(sqlite3.connect(old["DATABASE"])) as db:
        db.executescript((Path(__file__).parent / "schema_2.sql").read_text("utf-8"))
        db.execute("PRAGMA user_version = 2")
        db.commit()

    assert "Still here." in Person(serve(**old)).get("/walks/1").text
    assert version(old) == "0002"


def test_models_and_migrations_agree(serve):
    app = serve()
    Person(app).get("/")

    result = app.test_cli_runner().invoke(args=["db", "check"])

    assert result.exit_code == 0, result.output
