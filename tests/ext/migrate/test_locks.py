"""Two runs at the same time: the second waits for the first, and finds everything done."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import sqlalchemy as sa

from costrel.ext.migrate import MigrationError
from costrel.ext.migrate.locks import exclusive, lock_key, wait_until

DATABASES = ("sqlite", "postgresql", "mariadb")

# Says by a file that it waits for the other process.
APP = """\
import logging, sys
from pathlib import Path
from costrel import Costrel
from costrel.ext.migrate import Migrate, upgrade
from costrel.ext.sqlalchemy import SQLAlchemy

class Note(logging.Handler):
    def emit(self, record):
        if record.getMessage().startswith("Another process"):
            Path("waiting").touch()

logging.getLogger("costrel.migrate").addHandler(Note())
logging.getLogger("costrel.migrate").setLevel("INFO")
app = Costrel("shop")
app.config["SQLALCHEMY_DATABASE_URI"] = sys.argv[1]
Migrate(app, SQLAlchemy(app), directory=sys.argv[2])
with app.app_context():
    upgrade()
"""
# Goes on once the other process waits for this one.
SLOW = """\
import time
from pathlib import Path
with open("runs", "a") as runs:
    runs.write("x")
op.create_table('slow', sa.Column('id', sa.Integer))
end = time.monotonic() + 100
while not Path("waiting").exists():
    assert time.monotonic() < end, "the other process did not wait"
    time.sleep(0.05)"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATABASES)
def test_two_processes_migrate_once(make_shop, url_of, tmp_path, kind):
    url = url_of(kind)
    shop = make_shop(url)
    shop.run("init")
    shop.write("aa", SLOW)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", APP, url, str(shop.folder)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        for _ in range(2)
    ]

    ends = [process.communicate(timeout=110) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], ends
    assert (tmp_path / "runs").read_text() == "x"
    assert shop.tables() == ["alembic_version", "slow"]
    assert shop.execute("SELECT version_num FROM alembic_version") == [("aa",)]


@pytest.fixture(params=["postgresql", "mariadb"])
def engine(request, url_of):
    url = sa.make_url(url_of(request.param))
    driver = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}[url.drivername]
    engine = sa.create_engine(url.set(drivername=driver))
    yield engine
    engine.dispose()


def test_lock_is_held_until_the_end_also_through_commits(engine):
    with engine.connect() as first, engine.connect() as second:
        with exclusive(first, version_table=".v", wait_seconds=1):
            first.execute(sa.text("SELECT 1"))
            first.commit()
            with pytest.raises(MigrationError), exclusive(second, version_table=".v", wait_seconds=0):
                pass
            assert not second.in_transaction()
        with exclusive(second, version_table=".v", wait_seconds=0):
            assert not second.in_transaction()


def test_other_version_table_has_a_lock_of_its_own(engine):
    with (
        engine.connect() as first,
        engine.connect() as second,
        exclusive(first, version_table=".v", wait_seconds=1),
        exclusive(second, version_table=".w", wait_seconds=0),
    ):
        assert first is not second


def test_lock_is_given_back_after_an_error_in_a_transaction(engine):
    with engine.connect() as first, engine.connect() as second:
        with pytest.raises(sa.exc.DBAPIError), exclusive(first, version_table=".v", wait_seconds=1):
            first.execute(sa.text("SELECT nothing FROM nowhere"))
        with exclusive(second, version_table=".v", wait_seconds=0):
            assert not second.in_transaction()


def test_lock_has_a_name_that_the_database_takes():
    assert -(2**63) <= lock_key("postgresql", "shop", "v") < 2**63
    assert len(lock_key("mysql", "s" * 200, "v")) <= 64


def test_waiting_is_told_once_and_ends_with_success(caplog):
    answers = iter([False, False, True])
    caplog.set_level("INFO", "costrel.migrate")

    wait_until(lambda: next(answers), wait_seconds=60)

    assert [record.message for record in caplog.records] == [
        "Another process is changing the database; waiting for its end"
    ]
