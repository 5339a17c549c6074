"""Files of statements are split as SQLite does, and run whole or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.ext.sqlite import Connection, SchemaError
from costrel.ext.sqlite.schema import apply_schema, split_statements, tables_of


@pytest.fixture
def connection():
    opened = sqlite3.connect(":memory:", isolation_level="IMMEDIATE", factory=Connection)
    with closing(opened):
        opened.execute("PRAGMA foreign_keys = ON")
        yield opened


def apply(connection, text, *, replaces=False):
    apply_schema(connection, text, name="schema.sql", replaces=replaces)


TRIGGER = "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM c; END;"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n-- only a comment;", []),
        (";;", []),
        ("SELECT 1", [(1, "SELECT 1")]),
        ("SELECT 1; SELECT 2;", [(1, "SELECT 1;"), (1, "SELECT 2;")]),
        ("/* a;\n b */\nSELECT ';' ;\n-- c;\nSELECT 2;", [(3, "SELECT ';' ;"), (5, "SELECT 2;")]),
        (TRIGGER + "\nSELECT 1;", [(1, TRIGGER), (2, "SELECT 1;")]),
    ],
)
def test_text_is_split_with_lines(text, expected):
    assert list(split_statements(text)) == expected


@given(st.text(alphabet="a;'\"-*/\n [`", max_size=60))
def test_any_text_is_split_and_nothing_but_blanks_and_comments_is_lost(text):
    statements = [statement for _, statement in split_statements(text)]
    position = 0
    for statement in statements:
        position = text.index(statement, position) + len(statement)

    assert all(statement.strip() for statement in statements)


def test_long_text_is_split_in_time():
    text = "INSERT INTO a VALUES ('" + ";" * 2_000 + "');\n"

    assert len(list(split_statements(text * 5 + "\n" * 100_000))) == 5


def test_mistake_names_its_line_and_nothing_is_kept(connection):
    with pytest.raises(SchemaError) as caught:
        apply(connection, "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\nCREATE TABEL b (x);\n")

    assert caught.value.problem == 'schema.sql, line 3: near "TABEL": syntax error'
    assert tables_of(connection) == []
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_mistake_leaves_what_was_to_be_replaced(connection):
    apply(connection, "CREATE TABLE a (x); INSERT INTO a VALUES (1);")

    with pytest.raises(SchemaError):
        apply(connection, "CREATE TABLE b (x); nonsense;", replaces=True)

    assert connection.execute("SELECT x FROM a").fetchall() == [(1,)]
    assert tables_of(connection) == ["a"]


def test_everything_is_replaced(connection):
    apply(
        connection,
        'CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, "odd ""name" TEXT);'
        'CREATE TABLE "od""d" (id REFERENCES parent (id)); CREATE VIEW v AS SELECT * FROM parent;'
        "CREATE INDEX i ON parent (id); CREATE VIRTUAL TABLE words USING fts5 (text);"
        'INSERT INTO parent VALUES (1, \'x\'); INSERT INTO "od""d" VALUES (1);',
    )

    apply(connection, "CREATE TABLE a (x);", replaces=True)

    rows = connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%'")
    assert rows.fetchall() == [("a",)]


def test_what_a_dump_holds_can_be_run(connection):
    with closing(sqlite3.connect(":memory:")) as other:
        other.executescript(
            "CREATE TABLE a (x); INSERT INTO a VALUES ('it''s; here');" + "CREATE TABLE b (y);"
        )
        dump = "PRAGMA foreign_keys=OFF;\n" + "\n".join(other.iterdump())

    apply(connection, dump)

    assert connection.execute("SELECT x FROM a").fetchall() == [("it's; here",)]
    assert tables_of(connection) == ["a", "b"]


def test_statement_that_ends_the_transaction_is_refused(connection):
    with pytest.raises(SchemaError, match="line 2: the statement ended the transaction: ROLLBACK"):
        apply(connection, "CREATE TABLE a (x);\nROLLBACK;\nCREATE TABLE b (x);")

    assert tables_of(connection) == []
