"""Applications with migrations: on each database, in a folder of their own."""

from __future__ import annotations

import itertools
from textwrap import indent

import pytest
import sqlalchemy as sa

from costrel import Costrel
from costrel.ext.migrate import Migrate
from costrel.ext.sqlalchemy import SQLAlchemy

DATABASES = ("sqlite", "postgresql", "mariadb")
CAN_ROLL_BACK = ("sqlite", "postgresql")


@pytest.fixture
def url_of(request, tmp_path):
    """Return the URL of a new database: ``url_of("postgresql")``."""
    numbers = itertools.count()

    def url(kind):
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/test{next(numbers)}.db"
        if kind == "postgresql":
            return request.getfixturevalue("postgres_url")
        return request.getfixturevalue("mariadb_url")

    return url


@pytest.fixture(params=DATABASES)
def url(request, url_of):
    """The URL of a new database, of each kind."""
    return url_of(request.param)


class Shop:
    """An application with a folder of migrations, and what tests ask of them."""

    def __init__(self, url, folder, *, binds=None, models=None, config=None, **options):
        self.folder = folder
        self.app = Costrel("shop")
        self.app.config.update(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_BINDS=binds or {}, **(config or {}))
        self.db = SQLAlchemy(self.app)
        if models is not None:
            models(self.db)
        self.migrate = Migrate(self.app, self.db, directory=folder, **options)

    def run(self, *arguments, code=0):
        """Run a command of the group and return what it wrote."""
        debug = self.app.debug
        result = self.app.test_cli_runner().invoke(args=[self.migrate.command, *arguments])
        self.app.debug = debug  # which a command sets as the environment says
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    def write(self, revision, upgrade, *, after=None, downgrade="pass", message="", binds=False):
        """Write a migration by hand; ``after`` is a revision, several of them, or None."""
        argument = "engine_name" if binds else ""
        file = self.folder / "versions" / f"{revision}.py"
        file.write_text(
            f'"""{message or revision}"""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
            f"revision = {revision!r}\ndown_revision = {after!r}\nbranch_labels = depends_on = None\n\n\n"
            f"def upgrade({argument}):\n{indent(upgrade, '    ')}\n\n\n"
            f"def downgrade({argument}):\n{indent(downgrade, '    ')}\n"
        )
        return file

    def tables(self, key=None):
        with self.app.app_context():
            return sorted(sa.inspect(self.db.engines[key]).get_table_names())

    def columns(self, table):
        with self.app.app_context():
            return [column["name"] for column in sa.inspect(self.db.engine).get_columns(table)]

    def execute(self, statement):
        with self.app.app_context(), self.db.engine.begin() as connection:
            result = connection.execute(sa.text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []

    def dispose(self):
        with self.app.app_context():
            for engine in self.db.engines.values():
                engine.dispose()


@pytest.fixture
def make_shop(tmp_path):
    """Make shops: ``make_shop(url)``; those of one test share a folder."""
    made = []

    def make(url, *, folder=None, **options):
        shop = Shop(url, folder or tmp_path / "migrations", **options)
        made.append(shop)
        return shop

    yield make
    for shop in made:
        shop.dispose()


@pytest.fixture
def shop(make_shop, url):
    """A shop on each database, with an empty folder of migrations."""
    shop = make_shop(url)
    shop.run("init")

    return shop


@pytest.fixture
def sqlite_shop(make_shop, url_of):
    """A shop on SQLite, with an empty folder of migrations."""
    shop = make_shop(url_of("sqlite"))
    shop.run("init")

    return shop


@pytest.fixture
def two_steps(sqlite_shop):
    """A shop with two migrations, which are not run."""
    sqlite_shop.write("aa", "op.create_table('a', sa.Column('id', sa.Integer))", message="Add a")
    sqlite_shop.write("bb", "op.create_table('b', sa.Column('id', sa.Integer))", after="aa", message="Add b")

    return sqlite_shop


def table(name, *more):
    """Write what makes a table, for ``Shop.write``."""
    columns = ", ".join(["sa.Column('id', sa.Integer, primary_key=True)", *more])

    return f"op.create_table({name!r}, {columns})"
