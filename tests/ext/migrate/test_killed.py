"""A process that is killed within a migration: nothing half applied, no lock left, told where some stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

DATABASES = ("sqlite", "postgresql", "mariadb")
APP = """\
import sys
from costrel import Costrel
from costrel.ext.migrate import Migrate, upgrade
from costrel.ext.sqlalchemy import SQLAlchemy

app = Costrel("shop")
app.config["SQLALCHEMY_DATABASE_URI"] = sys.argv[1]
Migrate(app, SQLAlchemy(app), directory=sys.argv[2])
with app.app_context():
    upgrade()
"""
MAKES_TABLE = "op.create_table('second', sa.Column('id', sa.Integer))"
IS_KILLED = f"{MAKES_TABLE}\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture
def make_killed(make_shop, url_of):
    """Make shops whose second migration killed the process when it had made its table."""

    def make(kind):
        url = url_of(kind)
        shop = make_shop(url)
        shop.run("init")
        shop.write("aa", "op.create_table('first', sa.Column('id', sa.Integer))")
        shop.write("bb", IS_KILLED, after="aa")
        done = subprocess.run(
            [sys.executable, "-c", APP, url, str(shop.folder)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        return shop

    return make


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_kept_and_the_next_run_does_it_all(make_killed, kind):
    shop = make_killed(kind)
    shop.write("bb", MAKES_TABLE, after="aa")
    assert shop.run("current").strip() == ""

    shop.run("upgrade")

    assert shop.tables() == ["alembic_version", "first", "second"]


@pytest.mark.slow
def test_mariadb_goes_on_after_the_last_migration_that_was_done_and_tells_what_is_in_the_way(make_killed):
    shop = make_killed("mariadb")
    shop.write("bb", MAKES_TABLE, after="aa")
    assert shop.run("current").strip() == "aa"

    output = shop.run("upgrade", code=1)

    assert "Table 'second' already exists" in output
    assert "an earlier run that failed or was killed" in output
    shop.execute("DROP TABLE second")
    shop.run("upgrade")
    assert shop.run("current").strip() == "bb (head)"
