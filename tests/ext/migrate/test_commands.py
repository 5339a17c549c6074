"""The commands as they are typed, on each database."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Mapped, mapped_column

from costrel import Costrel
from costrel.ext.migrate import Migrate


def with_guest(db, length=50):
    class Guest(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(sa.String(length))


def with_longer_guest(db):
    with_guest(db, length=80)


def with_guest_and_room(db):
    with_guest(db)

    class Room(db.Model):
        __bind_key__ = "rooms-2"
        id: Mapped[int] = mapped_column(primary_key=True)


def test_tables_are_made_changed_and_taken_back(make_shop, url):
    shop = make_shop(url, models=with_guest)

    assert "Next: costrel db migrate -m 'First tables'" in shop.run("init")
    assert "add table guest" in shop.run("check", code=1)
    assert "Detected added table 'guest'" in shop.run("migrate", "-m", "Guests")
    assert "Target database is not up to date" in shop.run("migrate", code=1)
    assert "Running upgrade  -> " in shop.run("upgrade")
    assert shop.tables() == ["alembic_version", "guest"]
    assert "No new upgrade operations detected" in shop.run("check")
    assert "(head)" in shop.run("current")
    shop.run("downgrade")
    assert shop.tables() == ["alembic_version"]


def test_changed_type_of_a_column_is_seen_and_changed(make_shop, url):
    first = make_shop(url, models=with_guest)
    first.run("init")
    first.run("migrate", "-m", "Guests")
    first.run("upgrade")
    longer = make_shop(url, models=with_longer_guest)

    output = longer.run("migrate", "-m", "Longer names")
    longer.run("upgrade")

    assert "Detected type change from VARCHAR(length=50) to String(length=80)" in output
    with longer.app.app_context():
        (column,) = [c for c in sa.inspect(longer.db.engine).get_columns("guest") if c["name"] == "name"]
    assert column["type"].length == 80


def test_types_are_left_alone_if_told_so(make_shop, url_of):
    url = url_of("sqlite")
    first = make_shop(url, models=with_guest)
    first.run("init")
    first.run("migrate", "-m", "Guests")
    first.run("upgrade")

    output = make_shop(url, models=with_longer_guest, compare_type=False).run("migrate")

    assert "No changes in schema detected: no migration is written" in output


def test_nothing_to_migrate_is_told_and_writes_no_file(sqlite_shop):
    output = sqlite_shop.run("migrate", "-m", "Nothing")

    assert "No changes in schema detected: no migration is written" in output
    assert list((sqlite_shop.folder / "versions").glob("*.py")) == []


def test_migration_without_a_message_is_written_with_a_word_about_it(make_shop, url_of):
    shop = make_shop(url_of("sqlite"), models=with_guest)
    shop.run("init")

    output = shop.run("migrate")

    assert "The migration has no message" in output
    assert len(list((shop.folder / "versions").glob("*.py"))) == 1


def test_generated_folder_delegates_to_the_extension(sqlite_shop):
    source = (sqlite_shop.folder / "env.py").read_text()

    assert len(source.splitlines()) < 10
    compile(source, "env.py", "exec")


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


# Several databases.


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


# Heads.


@pytest.fixture
def two_heads(sqlite_shop):
    sqlite_shop.write("aa", "pass", message="the first one")
    sqlite_shop.write("bb", "op.create_table('b', sa.Column('id', sa.Integer))", after="aa", message="of Ada")
    sqlite_shop.write("cc", "op.create_table('c', sa.Column('id', sa.Integer))", after="aa", message="of Bob")

    return sqlite_shop


@pytest.mark.parametrize("command", ["upgrade", "migrate", "revision", "stamp"])
def test_several_heads_are_refused_with_the_line_to_type(two_heads, command):
    output = two_heads.run(command, code=1)

    assert "there are 2 heads" in output
    assert "bb of Ada" in output
    assert "costrel db merge heads" in output
    assert f"stay apart, type: costrel db {command} " in output
    assert two_heads.tables() == []


def test_merged_heads_are_migrated(two_heads):
    two_heads.run("merge", "heads", "-m", "Both")

    two_heads.run("upgrade")

    assert two_heads.tables() == ["alembic_version", "b", "c"]
    assert two_heads.run("heads").count("(head)") == 1


def test_merge_alone_means_all_heads(two_heads):
    two_heads.run("merge", "-m", "Both")

    assert two_heads.run("heads").count("(head)") == 1


def test_heads_that_are_named_are_migrated_without_a_merge(two_heads):
    two_heads.run("upgrade", "bb")
    assert two_heads.tables() == ["alembic_version", "b"]

    two_heads.run("upgrade", "heads")
    assert two_heads.tables() == ["alembic_version", "b", "c"]
    assert "(branchpoint)" in two_heads.run("branches")


# What is shown.


@pytest.fixture
def two_steps(sqlite_shop):
    sqlite_shop.write("aa", "op.create_table('a', sa.Column('id', sa.Integer))", message="Add a")
    sqlite_shop.write("bb", "op.create_table('b', sa.Column('id', sa.Integer))", after="aa", message="Add b")

    return sqlite_shop


def test_history_show_heads_and_current_tell_of_migrations(two_steps):
    two_steps.run("upgrade", "aa")

    assert "aa -> bb (head), Add b" in two_steps.run("history")
    assert "(current)" in two_steps.run("history", "-i")
    assert "Add a" in two_steps.run("show", "aa")
    assert two_steps.run("heads").strip() == "bb (head)"
    assert two_steps.run("current").strip() == "aa"
    assert two_steps.run("branches").strip() == ""


def test_upgrade_and_downgrade_go_by_steps(two_steps):
    two_steps.run("upgrade", "+1")
    assert two_steps.run("current").strip() == "aa"
    two_steps.run("upgrade")
    two_steps.run("downgrade", "-2")
    assert two_steps.run("current").strip() == ""


def test_stamp_notes_a_revision_and_runs_nothing(two_steps):
    two_steps.run("stamp", "bb")

    assert two_steps.run("current").strip() == "bb (head)"
    assert two_steps.tables() == ["alembic_version"]


def test_revision_writes_an_empty_migration_with_the_given_id(sqlite_shop):
    sqlite_shop.run("revision", "-m", "By hand", "--rev-id", "abc")

    assert "pass" in (sqlite_shop.folder / "versions" / "abc_by_hand.py").read_text()


def test_edit_opens_the_editor_with_the_file(two_steps, monkeypatch, tmp_path):
    script = tmp_path / "editor.sh"
    script.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/edited\n')
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(script))

    two_steps.run("edit", "aa")

    assert (tmp_path / "edited").read_text().strip().endswith("versions/aa.py")


def test_templates_are_listed_and_flask_migrates_names_known(sqlite_shop, tmp_path):
    assert re.findall(r"^([\w-]+) - ", sqlite_shop.run("list-templates"), re.MULTILINE) == [
        "costrel",
        "costrel-multidb",
    ]

    sqlite_shop.run("init", "-d", str(tmp_path / "other"), "-t", "aioflask")
    assert (tmp_path / "other" / "env.py").is_file()


def test_folder_is_made_from_a_template_of_ones_own(make_shop, url_of, tmp_path):
    template = tmp_path / "mine"
    template.mkdir()
    (template / "README").write_text("Mine\n")
    (template / "alembic.ini.mako").write_text("[alembic]\n# mine\npath_separator = os\n")
    (template / "env.py").write_text("# mine\n")
    (template / "script.py.mako").write_text("# mine\n")
    shop = make_shop(url_of("sqlite"))

    shop.run("init", "-t", str(template))

    assert (shop.folder / "env.py").read_text() == "# mine\n"


# Where, under which name, with what.


def test_group_has_the_name_that_it_is_given(make_shop, url_of):
    shop = make_shop(url_of("sqlite"), command="database")
    shop.run("init")

    assert "Type: costrel database upgrade" not in shop.run("current")
    shop.write("aa", "raise ValueError('broken')")
    assert "costrel database upgrade" in shop.run("upgrade", code=1)
    assert shop.app.test_cli_runner().invoke(args=["db", "init"]).exit_code == 2


@pytest.mark.parametrize("arguments", [["-d", "{}", "init"], ["init", "-d", "{}"]])
def test_folder_is_named_before_or_behind_the_command(make_shop, url_of, tmp_path, arguments):
    shop = make_shop(url_of("sqlite"))

    shop.run(*(argument.format(tmp_path / "named") for argument in arguments))

    assert (tmp_path / "named" / "env.py").is_file()
    assert not shop.folder.exists()


def test_folder_of_the_configuration_goes_before_the_argument(make_shop, url_of, tmp_path):
    shop = make_shop(url_of("sqlite"), config={"MIGRATE_DIRECTORY": tmp_path / "configured"})

    shop.run("init")

    assert (tmp_path / "configured" / "env.py").is_file()


def test_folder_may_have_a_percent_sign(make_shop, url_of, tmp_path):
    shop = make_shop(url_of("sqlite"), folder=tmp_path / "100%s")
    shop.run("init")
    shop.write("aa", "pass")

    shop.run("upgrade")

    assert "aa" in shop.run("current")


def test_missing_folder_is_told_with_the_line_to_type(make_shop, url_of):
    output = make_shop(url_of("sqlite")).run("upgrade", code=1)

    assert "Path doesn't exist" in output
    assert "costrel db init" in output


def test_unknown_revision_in_the_database_is_told_with_what_to_do(two_steps):
    two_steps.run("upgrade")
    (two_steps.folder / "versions" / "bb.py").unlink()

    output = two_steps.run("upgrade", code=1)

    assert "Can't locate revision identified by 'bb'" in output
    assert "of another branch" in output


@pytest.mark.parametrize("command", ["upgrade", "downgrade", "stamp", "show", "edit"])
def test_unknown_revision_on_the_command_line_is_told_with_the_list_of_known_ones(two_steps, command):
    output = two_steps.run(command, "nonsense", code=1)

    assert "nonsense" in output
    assert "hint: The migrations are listed by: costrel db history" in output


def test_own_env_gets_what_the_command_line_says(sqlite_shop):
    (sqlite_shop.folder / "env.py").write_text(
        "from alembic import context\nprint(sorted(context.get_x_argument(as_dictionary=True).items()),"
        " context.get_tag_argument())\n"
    )

    output = sqlite_shop.run("-x", "a=1", "upgrade", "-x", "b=2", "--tag", "red")

    assert "[('a', '1'), ('b', '2')] red" in output


def test_configuration_goes_through_what_configure_registered(sqlite_shop):
    @sqlite_shop.migrate.configure
    def name_files(config):
        config.set_main_option("file_template", "of_%%(rev)s")
        return config

    sqlite_shop.run("revision", "-m", "Named", "--rev-id", "abc")

    assert (sqlite_shop.folder / "versions" / "of_abc.py").is_file()


def test_arguments_of_env_go_before_those_of_migrate(sqlite_shop):
    env = sqlite_shop.folder / "env.py"
    env.write_text(env.read_text().replace("run_migrations()", "run_migrations(version_table='versions')"))
    sqlite_shop.write("aa", "pass")

    sqlite_shop.run("upgrade")

    assert sqlite_shop.tables() == ["versions"]


def test_argument_of_env_that_nearly_is_alembics_is_refused(sqlite_shop):
    env = sqlite_shop.folder / "env.py"
    env.write_text(env.read_text().replace("run_migrations()", "run_migrations(version_tabel='versions')"))

    output = sqlite_shop.run("upgrade", code=1)

    assert "Did you mean version_table?" in output


def test_logging_of_the_application_stays_as_it_was(two_steps):
    import logging

    handlers = [list(logging.getLogger(name).handlers) for name in ("", "alembic", "costrel.migrate")]
    level = logging.getLogger("alembic").level

    two_steps.run("upgrade")

    assert [list(logging.getLogger(n).handlers) for n in ("", "alembic", "costrel.migrate")] == handlers
    assert logging.getLogger("alembic").level == level
    assert not two_steps.app.logger.disabled


def test_database_out_of_reach_is_told_without_its_password(make_shop, tmp_path):
    shop = make_shop("postgresql://ada:secret@127.0.0.1:1/shop")
    shop.run("init")

    output = shop.run("upgrade", code=1)

    assert "the database 'default' at postgresql" in output
    assert "cannot be reached" in output
    assert "secret" not in output


def test_folder_of_another_tool_with_a_longer_env_runs(two_steps):
    # What Flask-Migrate's folders rest on: the engine, the metadata and the arguments in app.extensions.
    (two_steps.folder / "env.py").write_text(
        "from alembic import context\n"
        "from costrel import current_app\n"
        "ours = current_app.extensions['migrate']\n"
        "with ours.db.engines[None].connect() as connection:\n"
        "    context.configure(\n"
        "        connection=connection, target_metadata=ours.db.metadatas[None], **ours.configure_args\n"
        "    )\n"
        "    with context.begin_transaction():\n"
        "        context.run_migrations()\n"
    )

    two_steps.run("upgrade")

    assert two_steps.tables() == ["a", "alembic_version", "b"]


@pytest.mark.slow
@pytest.mark.parametrize("program", ["costrel", "flask"])
def test_commands_run_from_a_shell_also_under_flasks_name(tmp_path, program):
    (tmp_path / "app.py").write_text(
        f"from {'flask import Flask' if program == 'flask' else 'costrel import Costrel as Flask'}\n"
        "from costrel.ext.migrate import Migrate\n"
        "from costrel.ext.sqlalchemy import SQLAlchemy\n"
        "app = Flask(__name__)\n"
        f"app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{tmp_path}/shop.db'\n"
        "db = SQLAlchemy(app)\n"
        "migrate = Migrate(app, db)\n"
    )
    source = str(Path(__file__).parents[3] / "src")
    alias = "import costrel.as_flask; " if program == "flask" else ""
    code = f"import sys; {alias}sys.argv[0] = {program!r}; from costrel.cli import main; main()"

    done = subprocess.run(
        [sys.executable, "-c", code, "db", "init"],
        cwd=tmp_path,
        env={"PYTHONPATH": source, "FLASK_DB_DIRECTORY": "named", "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert f"Made named. Next: {program} db migrate" in done.stdout
    assert (tmp_path / "named" / "env.py").is_file()
