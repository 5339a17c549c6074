import sqlite3
from contextlib import closing

import pytest

from costrel.ext.sqlite.wal import switch_to_wal


def mode_of(connection):
    return connection.execute("PRAGMA journal_mode").fetchone()[0]


def test_file_is_switched_and_stays_so(tmp_path):
    path = tmp_path / "a.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        switch_to_wal(connection.execute)

        assert mode_of(connection) == "wal"
    with closing(sqlite3.connect(path)) as connection:
        assert mode_of(connection) == "wal"


def test_another_connection_in_the_way_is_no_error(tmp_path):
    path = tmp_path / "a.sqlite3"
    with closing(sqlite3.connect(path)) as other, closing(sqlite3.connect(path, timeout=0)) as connection:
        other.execute("BEGIN EXCLUSIVE")
        switch_to_wal(connection.execute)
        other.execute("COMMIT")

        assert connection.execute("SELECT 1").fetchone() == (1,)
        switch_to_wal(connection.execute)
        assert mode_of(connection) == "wal"


def test_what_else_fails_is_an_error():
    def execute(statement):
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(sqlite3.OperationalError, match="disk"):
        switch_to_wal(execute)
