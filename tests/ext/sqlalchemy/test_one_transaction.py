"""One transaction for all who use an engine: theirs are savepoints in it, and none is left at the end."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, event, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from costrel.errors import SetupError
from costrel.ext.sqlalchemy.one_transaction import OneTransaction

metadata = MetaData()
guests = Table(
    "guest",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(40), unique=True),
)


@pytest.fixture(params=["sqlite", "sqlite-begin", "postgresql", "mariadb"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url").replace("postgresql:", "postgresql+psycopg:")
    if request.param == "mariadb":
        return request.getfixturevalue("mariadb_url").replace("mysql:", "mysql+pymysql:")

    return f"sqlite:///{tmp_path}/hotel.db"


@pytest.fixture
def engine(database_url, request):
    engine = create_engine(database_url)
    if "sqlite-begin" in request.node.name:  # SQLAlchemy's own recipe for savepoints with sqlite3
        event.listen(
            engine, "connect", lambda connection, _record: setattr(connection, "isolation_level", None)
        )
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(guests).values(name="Grace"))
    yield engine
    engine.dispose()


@pytest.fixture
def shared(engine):
    """The engine in one transaction; after the test the database must be as it was."""
    one = OneTransaction(engine)
    one.begin()
    try:
        yield engine
    finally:
        one.end()
    assert names(engine) == ["Grace"]


def names(engine):
    with engine.connect() as connection:
        return sorted(connection.scalars(select(guests.c.name)))


def add(engine, name):
    with engine.begin() as connection:
        connection.execute(insert(guests).values(name=name))


def test_what_is_committed_is_seen_by_others_and_gone_at_the_end(shared):
    add(shared, "Ada")

    assert names(shared) == ["Ada", "Grace"]


def test_what_is_rolled_back_is_gone_at_once(shared):
    add(shared, "Ada")

    with shared.connect() as connection:
        connection.execute(insert(guests).values(name="Alan"))
        connection.rollback()
        connection.execute(insert(guests).values(name="Edsger"))

    assert names(shared) == ["Ada", "Grace"]


def test_an_error_spoils_only_its_own_transaction(shared):
    with pytest.raises(IntegrityError):
        add(shared, "Grace")
    with pytest.raises(Exception, match="nowhere"), shared.connect() as connection:
        connection.execute(text("SELECT * FROM nowhere"))

    add(shared, "Ada")
    assert names(shared) == ["Ada", "Grace"]


def test_a_session_goes_on_after_an_error_and_its_own_savepoints(shared):
    with Session(shared) as session:
        session.execute(insert(guests).values(name="Ada"))
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(insert(guests).values(name="Ada"))
        with session.begin_nested():
            session.execute(insert(guests).values(name="Alan"))
        session.commit()

    assert names(shared) == ["Ada", "Alan", "Grace"]


def test_many_rows_at_once_are_rolled_back(shared):
    with shared.connect() as connection:
        connection.execute(insert(guests), [{"name": name} for name in ("Ada", "Alan", "Edsger")])
        connection.rollback()

    assert names(shared) == ["Grace"]


def test_who_only_read_takes_nothing_away_from_those_who_committed_since(shared):
    with shared.connect() as reader:
        reader.execute(select(guests)).all()
        add(shared, "Ada")
        reader.rollback()

    assert names(shared) == ["Ada", "Grace"]


def test_commits_may_cross(shared):
    with shared.connect() as first, shared.connect() as second:
        first.execute(insert(guests).values(name="Ada"))
        second.execute(insert(guests).values(name="Alan"))
        first.commit()
        second.commit()

    add(shared, "Edsger")
    assert names(shared) == ["Ada", "Alan", "Edsger", "Grace"]


def test_rollback_under_a_reader_leaves_it_working(shared):
    with shared.connect() as writer, shared.connect() as reader:
        writer.execute(insert(guests).values(name="Ada"))
        reader.execute(select(guests)).all()
        writer.rollback()

        assert reader.scalars(select(guests.c.name)).all() == ["Grace"]


def test_rollback_under_a_writer_is_told_to_that(shared):
    with shared.connect() as first, shared.connect() as second:
        first.execute(insert(guests).values(name="Ada"))
        second.execute(insert(guests).values(name="Alan"))
        first.rollback()

        with pytest.raises(SetupError, match="wrote at the same time"):
            second.commit()


def test_threads_share_the_transaction(shared):
    threads = [threading.Thread(target=add, args=(shared, f"guest {number}")) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(names(shared)) == 6


def test_autocommit_and_isolation_levels_change_nothing(shared):
    with shared.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(insert(guests).values(name="Ada"))
        connection.commit()

    assert names(shared.execution_options(isolation_level="SERIALIZABLE")) == ["Ada", "Grace"]


def test_a_disposed_engine_still_has_the_transaction(shared):
    add(shared, "Ada")

    shared.dispose()

    assert names(shared) == ["Ada", "Grace"]


def test_what_is_left_open_does_not_reach_into_the_time_after(engine):
    one = OneTransaction(engine)
    one.begin()
    left = engine.connect()
    left.execute(insert(guests).values(name="Ada"))

    one.end()
    add(engine, "Alan")
    left.invalidate()
    left.close()

    assert names(engine) == ["Alan", "Grace"]


def test_tables_made_in_it_are_rolled_back_or_refused(shared):
    made = Table("room", MetaData(), Column("id", Integer, primary_key=True))

    if shared.dialect.name == "mysql":
        with pytest.raises(SetupError, match="CREATE would commit") as caught:
            made.create(shared)
        assert "before rolled_back" in caught.value.hint
        return

    made.create(shared)
    with shared.connect() as connection:
        assert connection.execute(select(made)).all() == []


def test_temporary_tables_are_not_refused(shared):
    with shared.connect() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE seen (id INTEGER)"))
        connection.commit()

        assert connection.execute(text("SELECT * FROM seen")).all() == []


def test_nothing_is_opened_where_nothing_is_asked():
    engine = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")

    one = OneTransaction(engine)
    one.begin()
    one.end()

    assert engine.pool.status() == create_engine(engine.url).pool.status()


def test_what_was_made_in_the_block_is_gone_with_an_engine_in_memory():
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    one = OneTransaction(engine)
    one.begin()
    add(engine, "Ada")

    one.end()

    assert names(engine) == []
    engine.dispose()


def test_the_dialect_is_as_it_was_afterwards(engine):
    before = dict(vars(engine.dialect))
    one = OneTransaction(engine)
    one.begin()

    one.end()

    assert vars(engine.dialect).keys() == before.keys()
