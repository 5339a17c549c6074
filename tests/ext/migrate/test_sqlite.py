"""SQLite: batches lose no rows, foreign keys stay whole, connections stay as they were."""

from __future__ import annotations

import sqlite3
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from costrel.ext.migrate import MigrationError
from costrel.ext.migrate.sqlite import SqliteGuard

HOUSE = """\
op.create_table('house', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(9)))
op.create_table(
    'room',
    sa.Column('id', sa.Integer, primary_key=True),
    sa.Column(
        'house_id', sa.Integer, sa.ForeignKey('house.id', ondelete='CASCADE', name='fk'), nullable=False
    ),
)"""
FILL = "INSERT INTO house VALUES (1, 'a')", "INSERT INTO room VALUES (7, 1)"


@pytest.fixture
def houses(sqlite_shop):
    sqlite_shop.write("aa", HOUSE)
    sqlite_shop.run("upgrade")
    for statement in FILL:
        sqlite_shop.execute(statement)

    return sqlite_shop


def test_batch_takes_no_rows_with_it_that_refer_to_the_table(houses):
    houses.write(
        "bb",
        "with op.batch_alter_table('house') as batch:\n"
        "    batch.alter_column('name', type_=sa.String(80), nullable=False)",
        after="aa",
    )

    houses.run("upgrade")

    assert houses.execute("SELECT * FROM room") == [(7, 1)]
    assert houses.execute("SELECT * FROM house") == [(1, "a")]


def test_migration_that_leaves_orphans_is_refused_and_taken_back(houses):
    houses.write("bb", "op.execute('DELETE FROM house')", after="aa")

    output = houses.run("upgrade", code=1)

    assert "after the migration 'bb', 1 row of 'room' would refer to what is not in 'house'" in output
    assert houses.execute("SELECT count(*) FROM house") == [(1,)]
    assert "aa" in houses.run("current")


def test_orphans_that_were_there_before_do_not_matter(houses):
    with houses.app.app_context(), houses.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("INSERT INTO room VALUES (8, 99)")
        connection.commit()
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
    houses.write("bb", "op.add_column('house', sa.Column('age', sa.Integer))", after="aa")

    houses.run("upgrade")

    assert "bb" in houses.run("current")


@pytest.fixture
def engine(tmp_path):
    engine = sa.create_engine(
        f"sqlite:///{tmp_path}/x.db", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    yield engine
    engine.dispose()


@pytest.mark.parametrize("keys", [0, 1])
@pytest.mark.parametrize("fails", [True, False])
def test_connection_is_afterwards_as_it_was(engine, keys, fails):
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA foreign_keys={keys}")
        connection.commit()
        driver = connection.connection.dbapi_connection
        before = driver.isolation_level
        try:
            with SqliteGuard(connection, wait_seconds=1), connection.begin():
                connection.exec_driver_sql("CREATE TABLE a (id INTEGER)")
                assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 0
                if fails:
                    raise LookupError
        except LookupError:
            pass

        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == keys
        assert driver.isolation_level == before
        assert not driver.in_transaction
        assert sa.inspect(connection).has_table("a") is not fails


def test_transaction_that_a_handler_of_the_engine_began_is_replaced(engine):
    @sa.event.listens_for(engine, "begin")
    def begin(connection):
        connection.exec_driver_sql("BEGIN")

    with engine.connect() as connection:
        connection.connection.dbapi_connection.isolation_level = None
        with SqliteGuard(connection, wait_seconds=1), connection.begin() as transaction:
            connection.exec_driver_sql("CREATE TABLE a (id INTEGER)")
            transaction.rollback()

        assert not sa.inspect(connection).has_table("a")


def test_statements_wait_for_readers_as_long_as_before(engine):
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=1234")
        connection.commit()
        with SqliteGuard(connection, wait_seconds=1), connection.begin():
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 1234


def test_second_writer_waits_until_the_first_is_done(engine, tmp_path):
    first = sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)
    first.execute("BEGIN IMMEDIATE")
    first.execute("CREATE TABLE of_the_first (id INTEGER)")
    release = threading.Timer(0.3, first.execute, ["COMMIT"])
    release.start()

    with engine.connect() as connection, SqliteGuard(connection, wait_seconds=60), connection.begin():
        found = sa.inspect(connection).has_table("of_the_first")
    release.join()
    first.close()

    assert found


def test_waiting_ends_with_an_error_that_names_the_option(engine, tmp_path):
    first = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    first.execute("BEGIN IMMEDIATE")

    with (
        engine.connect() as connection,
        SqliteGuard(connection, wait_seconds=0.2),
        pytest.raises(MigrationError) as caught,
    ):
        connection.begin()
    first.close()

    assert "MIGRATE_LOCK_TIMEOUT" in caught.value.hint
