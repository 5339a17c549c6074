"""Folders whose env.py imports Flask, as those that Flask-Migrate made."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest

import costrel
from costrel.ext.migrate import find_pending
from costrel.ext.migrate.flask_names import flask_names_for

ENV = """\
from alembic import context
from flask import current_app

ours = current_app.extensions["migrate"]
with ours.db.engine.connect() as connection:
    context.configure(connection=connection, target_metadata=ours.db.metadatas[None], **ours.configure_args)
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.fixture
def flask(monkeypatch):
    """Stand for the real Flask, loaded before, by another extension say."""
    real = ModuleType("flask")
    monkeypatch.setitem(sys.modules, "flask", real)

    return real


@pytest.fixture
def no_flask(monkeypatch):
    """Take the real Flask away, as if it were not installed."""
    monkeypatch.setitem(sys.modules, "flask", None)


@pytest.fixture
def old_folder(sqlite_shop):
    (sqlite_shop.folder / "env.py").write_text(ENV)
    file = sqlite_shop.write(
        "aa", "op.create_table('a', sa.Column('id', sa.Integer))", downgrade="op.drop_table('a')"
    )
    file.write_text("from flask import current_app\n" + file.read_text())

    return sqlite_shop


@pytest.mark.usefixtures("no_flask")
def test_commands_work_without_flask(old_folder):
    old_folder.run("upgrade")

    assert old_folder.tables() == ["a", "alembic_version"]
    assert old_folder.run("current").strip() == "aa (head)"
    old_folder.run("downgrade")
    assert old_folder.tables() == ["alembic_version"]


@pytest.mark.usefixtures("no_flask")
def test_migration_that_fails_is_told_without_a_traceback(old_folder):
    old_folder.write("bb", "op.execute('SELECT x FROM nowhere')", after="aa")

    output = old_folder.run("upgrade", code=1)

    assert "the migration 'bb' (" in output
    assert "no such table: nowhere" in output
    assert "hint: Look where the database is now: costrel db current" in output


@pytest.mark.usefixtures("no_flask")
def test_pending_migrations_are_found_without_flask(old_folder):
    assert [one.revision for one in find_pending(old_folder.app)] == ["aa"]
    assert [finding.id for finding in old_folder.migrate.check(old_folder.app)] == ["migrate.W001"]


def test_flask_is_itself_again_afterwards(old_folder, flask):
    old_folder.run("upgrade")

    assert old_folder.tables() == ["a", "alembic_version"]
    assert sys.modules["flask"] is flask


def test_flask_is_itself_again_after_an_error(old_folder, flask):
    with pytest.raises(LookupError), flask_names_for(str(old_folder.folder)):
        assert sys.modules["flask"] is not flask
        raise LookupError

    assert sys.modules["flask"] is flask


@pytest.mark.parametrize(
    "env", ["# from flask import current_app\n", "from flask_sqlalchemy import Query\n", None]
)
def test_flask_is_itself_where_env_does_not_import_it(tmp_path, flask, env):
    if env is not None:
        (tmp_path / "env.py").write_text(env)

    with flask_names_for(str(tmp_path)):
        assert sys.modules["flask"] is flask


@pytest.mark.parametrize(
    "env", ["from flask import current_app\n", "try:\n    import flask\nfinally:\n    pass\n"]
)
def test_names_are_those_of_costrel_and_nothing_is_loaded_twice(tmp_path, env):
    (tmp_path / "env.py").write_text(env)

    with flask_names_for(str(tmp_path)):
        stand_in = importlib.import_module("flask")
        assert stand_in.current_app is costrel.current_app
        assert stand_in.Flask is costrel.Flask
        with pytest.raises(AttributeError):
            stand_in.no_such_name
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("flask.globals")
