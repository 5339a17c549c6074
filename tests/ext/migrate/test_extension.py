"""The extension's setup: as Flask-Migrate's users write it, and without Alembic until a command needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from costrel import Costrel
from costrel.errors import ConfigError, SetupError
from costrel.ext.migrate import Migrate
from costrel.ext.sqlalchemy import SQLAlchemy
from costrel.extension import SecondSetupError


@pytest.fixture
def app():
    app = Costrel("shop")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"

    return app


@pytest.fixture
def db(app):
    return SQLAlchemy(app)


def test_application_has_the_names_of_flask_migrate(app, db):
    migrate = Migrate(app, db, "there", render_as_batch=False, include_schemas=True)

    state = app.extensions["migrate"]
    assert (state.migrate, state.db, state.directory, state.metadata) == (migrate, db, "there", db.metadata)
    assert state.configure_args == {"compare_type": True, "render_as_batch": False, "include_schemas": True}


def test_arguments_of_init_app_go_before_those_of_the_constructor(app, db):
    migrate = Migrate(directory="first", compare_type=False)

    migrate.init_app(app, db, directory="second", compare_type=True, version_table="v")

    assert app.extensions["migrate"].directory == "second"
    assert app.extensions["migrate"].configure_args["compare_type"] is True
    assert app.extensions["migrate"].configure_args["version_table"] == "v"


def test_database_need_not_be_named_where_there_is_one(app, db):
    Migrate(app)

    assert app.extensions["migrate"].db is db


def test_nothing_is_set_up_without_any_database(app):
    migrate = Migrate(app)
    assert "migrate" not in app.extensions

    with pytest.raises(SetupError) as caught:
        migrate.init_app(app)
    assert "Migrate(app, db)" in caught.value.hint
    assert "migrate" not in app.extensions


@pytest.mark.parametrize("name", ["compare_server_defaults", "render_asbatch"])
def test_argument_that_nearly_is_alembics_is_refused(app, db, name):
    with pytest.raises(ConfigError) as caught:
        Migrate(app, db, **{name: True})

    assert name in caught.value.problem
    assert "Did you mean" in caught.value.hint


def test_argument_of_a_dialect_passes(app, db):
    Migrate(app, db, mssql_batch_separator="GO")

    assert app.extensions["migrate"].configure_args["mssql_batch_separator"] == "GO"


def test_same_object_may_be_set_up_again_and_another_one_not(app, db):
    migrate = Migrate(app, db)

    migrate.init_app(app, db, version_table="v")

    assert app.extensions["migrate"].configure_args["version_table"] == "v"
    with pytest.raises(SecondSetupError):
        Migrate(app, db)


def test_one_object_serves_applications_with_options_of_their_own(db):
    migrate = Migrate(version_table="v")
    apps = []
    for number in range(2):
        app = Costrel(f"shop{number}")
        app.config["MIGRATE_DIRECTORY"] = f"of_{number}"
        migrate.init_app(app, db)
        apps.append(app)

    assert [app.extensions["migrate"].directory for app in apps] == ["of_0", "of_1"]


def test_options_may_be_given_to_the_constructor(app, db):
    migrate = Migrate(app, db, lock_timeout=5)

    assert migrate.options_of(app).lock_timeout == 5
    assert "lock_timeout" not in app.extensions["migrate"].configure_args


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("MIGRATE_LOCK_TIMEOUT", -1, "must be seconds"),
        ("MIGRATE_DIRECTORY", 7, "must be a path"),
        ("MIGRATE_DIRECTROY", "x", "MIGRATE_DIRECTORY"),
    ],
)
def test_unfit_options_are_refused_at_the_setup(app, db, key, value, expected):
    app.config[key] = value

    with pytest.raises(ValueError, match=expected):
        Migrate(app, db)


def test_commands_outside_of_an_application_with_migrations_are_refused(app):
    from costrel.ext.migrate import upgrade

    with app.app_context(), pytest.raises(SetupError) as caught:
        upgrade()

    assert "migrate.init_app(app, db)" in caught.value.hint


def test_configuration_for_alembics_own_functions(app, db):
    migrate = Migrate(app, db, directory="there")
    with app.app_context():
        config = migrate.get_config(x_arg="a=1", opts=["autogenerate"])

    assert config.get_main_option("script_location") == "there"
    assert config.cmd_opts.x == ["a=1"]
    assert config.cmd_opts.autogenerate is True


def test_no_hook_runs_in_requests(app, db):
    before = (
        dict(app.before_request_funcs),
        dict(app.after_request_funcs),
        list(app.teardown_appcontext_funcs),
    )

    Migrate(app, db)

    now = (dict(app.before_request_funcs), dict(app.after_request_funcs), list(app.teardown_appcontext_funcs))
    assert now == before


@pytest.mark.slow
def test_alembic_is_imported_by_commands_only():
    code = (
        "import sys; from costrel import Costrel; from costrel.ext.sqlalchemy import SQLAlchemy;"
        "from costrel.ext.migrate import Migrate, upgrade; app = Costrel('shop');"
        "app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite://'; Migrate(app, SQLAlchemy(app));"
        "print('alembic' in sys.modules, app.cli.list_commands(None), 'alembic' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
    )

    assert done.stdout == "False ['db'] False\n", done.stderr


def test_names_that_need_alembic_are_there_all_the_same():
    from costrel.ext import migrate

    assert [isinstance(part, int) for part in migrate.alembic_version] == [True] * 3
    assert migrate.Config().get_template_directory().endswith("templates")
    with pytest.raises(AttributeError):
        migrate.no_such_name
