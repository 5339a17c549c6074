"""Where folders are, what the command line and env.py say, and what commands leave alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


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


def test_logging_of_the_application_stays_as_it_was(two_steps, monkeypatch):
    import logging

    # Loggers are the process's; another test may have switched off the one of this name.
    monkeypatch.setattr(two_steps.app.logger, "disabled", False)
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
