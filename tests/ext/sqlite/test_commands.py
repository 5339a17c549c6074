"""``init-db`` makes the tables, and deletes none without being told to."""

from __future__ import annotations

import pytest

from costrel.ext.sqlite import SQLite


@pytest.fixture
def run(app):
    return lambda *args, **options: app.test_cli_runner().invoke(args=["init-db", *args], **options)


def test_it_makes_the_tables(app, run):
    SQLite(app)
    result = run()

    assert result.output == f"Made in {app.extensions['sqlite'].path}: item, sale.\n"
    assert app.extensions["sqlite"].tables() == ["item", "sale"]


@pytest.mark.parametrize(("answer", "rows"), [("y\n", 1), ("n\n", 2), ("", 2)])
def test_it_asks_before_it_deletes(app, db, run, read, answer, rows):
    with app.app_context(), db.transaction():
        db.execute("INSERT INTO item (name) VALUES ('chair')")

    result = run(input=answer)

    assert "has tables: item, sale. Delete them, with all their rows?" in result.output
    assert result.exit_code == (0 if rows == 1 else 1)
    assert read("SELECT count(*) FROM item") == [rows]


def test_it_deletes_without_asking_when_forced(app, db, run, read):
    with app.app_context(), db.transaction():
        db.execute("INSERT INTO item (name) VALUES ('chair')")

    result = run("--force")

    assert result.exit_code == 0
    assert read("SELECT count(*) FROM item") == [1]


def test_mistake_in_the_file_is_told_and_nothing_is_changed(app, db, run, read, tmp_path):
    (tmp_path / "schema.sql").write_text("CREATE TABLE a (x);\nnonsense;", encoding="utf-8")

    result = run("--force")

    assert result.exit_code == 1
    assert 'schema.sql, line 2: near "nonsense": syntax error' in result.output
    assert read("SELECT count(*) FROM item") == [1]


@pytest.mark.usefixtures("writer")
def test_database_in_use_is_told(db, run):
    result = run("--force")

    assert result.exit_code == 1
    assert "The database is busy" in result.output


def test_it_is_listed_with_what_it_does(app):
    SQLite(app)

    assert (
        "Make the tables of the file SQLITE_SCHEMA"
        in app.test_cli_runner().invoke(args=["init-db", "--help"]).output
    )
