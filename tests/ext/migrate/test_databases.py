"""Several databases, and asynchronous engines."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Mapped, mapped_column

from costrel import Costrel
from costrel.ext.migrate import Migrate


def with_guest(db):
    class Guest(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(sa.String(50))


def with_guest_and_room(db):
    with_guest(db)

    class Room(db.Model):
        __bind_key__ = "rooms-2"
        id: Mapped[int] = mapped_column(primary_key=True)


@pytest.mark.parametrize("multidb", [False, True])
def test_generated_migration_is_valid_python_with_a_plain_body(make_shop, url_of, multidb):
    shop = make_shop(url_of("sqlite"), binds={"rooms-2": url_of("sqlite")}, models=with_guest_and_room)
    shop.run("init", *(["--multidb"] if multidb else []))
    shop.run("migrate", "-m", "Guests")

    (file,) = (shop.folder / "versions").glob("*.py")
    source = file.read_text()

    compile(source, str(file), "exec")
    assert source.startswith('"""Guests\n')
    assert ("def upgrade_rooms_2():" in source) is multidb


def test_each_database_gets_its_own_tables(make_shop, url_of):
    shop = make_shop(url_of("postgresql"), binds={"rooms-2": url_of("mariadb")}, models=with_guest_and_room)
    shop.run("init", "--multidb")
    shop.run("migrate", "-m", "First")
    shop.run("upgrade")

    assert shop.tables() == ["alembic_version", "guest"]
    assert shop.tables("rooms-2") == ["alembic_version", "room"]
    assert "No new upgrade operations" in shop.run("check")
    shop.run("downgrade")
    assert shop.tables() == shop.tables("rooms-2") == ["alembic_version"]


def test_nothing_to_migrate_in_several_databases_writes_no_file(make_shop, url_of):
    shop = make_shop(url_of("sqlite"), binds={"rooms-2": url_of("sqlite")})
    shop.run("init", "--multidb")

    output = shop.run("migrate")

    assert output.count("No changes in schema detected") == 1
    assert list((shop.folder / "versions").glob("*.py")) == []


def test_change_in_the_last_database_only_is_written(make_shop, url_of):
    def with_room(db):
        class Room(db.Model):
            __bind_key__ = "rooms-2"
            id: Mapped[int] = mapped_column(primary_key=True)

    shop = make_shop(url_of("sqlite"), binds={"rooms-2": url_of("sqlite")}, models=with_room)
    shop.run("init", "--multidb")
    shop.run("migrate", "-m", "Rooms")
    shop.run("upgrade")

    assert shop.tables() == ["alembic_version"]
    assert shop.tables("rooms-2") == ["alembic_version", "room"]


def test_database_that_came_later_passes_over_old_migrations(make_shop, url_of):
    default, rooms = url_of("sqlite"), url_of("sqlite")
    first = make_shop(default, models=with_guest)
    first.run("init", "--multidb")
    first.run("migrate", "-m", "Guests")

    both = make_shop(default, binds={"rooms-2": rooms}, models=with_guest_and_room)
    both.run("upgrade")

    assert both.tables() == ["alembic_version", "guest"]
    assert both.tables("rooms-2") == ["alembic_version"]


def test_folder_for_one_database_is_told_about_where_there_are_several(make_shop, url_of):
    shop = make_shop(url_of("sqlite"), binds={"rooms-2": url_of("sqlite")})

    output = shop.run("init")

    assert "not: rooms-2" in output
    assert "costrel db init --multidb" in output


def test_sql_is_written_for_each_database(make_shop, url_of):
    shop = make_shop(url_of("sqlite"), binds={"rooms-2": url_of("sqlite")}, models=with_guest_and_room)
    shop.run("init", "--multidb")
    shop.run("migrate", "-m", "First")

    output = shop.run("upgrade", "--sql")

    assert "CREATE TABLE guest" in output.partition("-- Database: rooms-2")[0]
    assert "CREATE TABLE room" in output.partition("-- Database: rooms-2")[2]
    assert shop.tables() == ["alembic_version"]  # of `migrate`, which compares


# Asynchronous engines.

ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "mariadb": "mysql+asyncmy"}


@pytest.mark.parametrize("kind", ASYNC_DRIVERS)
def test_application_without_a_synchronous_driver_is_migrated(make_shop, url_of, kind):
    url = url_of(kind)
    shop = make_shop(url, models=with_guest)
    with shop.app.app_context():
        engine = shop.db.engines.pop(None)
    engine.dispose()

    shop.run("init")
    shop.run("migrate", "-m", "Guests")
    shop.run("upgrade")

    assert "(head)" in shop.run("current")
    assert "CREATE TABLE guest" in shop.run("upgrade", "--sql")
    assert make_shop(url).tables() == ["alembic_version", "guest"]


@pytest.mark.parametrize("kind", ASYNC_DRIVERS)
async def test_other_object_with_an_async_engine_is_migrated_also_where_a_loop_runs(tmp_path, url_of, kind):
    metadata = sa.MetaData()
    sa.Table("guest", metadata, sa.Column("id", sa.Integer, primary_key=True))
    url = sa.make_url(url_of(kind)).set(drivername=ASYNC_DRIVERS[kind])
    engine = create_async_engine(url)

    class Data:
        def __init__(self):
            self.metadata = metadata

        def get_engine(self, bind=None):
            return engine

    app = Costrel("shop")
    Migrate(app, Data(), directory=tmp_path / "migrations")
    runner = app.test_cli_runner()
    for arguments in (["init"], ["migrate", "-m", "Guests"], ["upgrade"]):
        result = runner.invoke(args=["db", *arguments])
        assert result.exit_code == 0, (result.output, result.exception)

    async with engine.connect() as connection:
        names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
    await engine.dispose()

    assert sorted(names) == ["alembic_version", "guest"]
