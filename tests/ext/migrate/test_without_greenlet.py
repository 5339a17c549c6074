"""Synchronous migrations need no greenlet, which SQLAlchemy 2.1 brings for asyncio only."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys

sys.modules["greenlet"] = None  # as if it were not installed

import sqlalchemy as sa
from costrel import Costrel
from costrel.ext import migrate
from costrel.ext.sqlalchemy import SQLAlchemy
from costrel.ext.sqlalchemy.testing import rolled_back

app = Costrel("shop", instance_path=sys.argv[1])
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{sys.argv[1]}/shop.db"
db = SQLAlchemy(app)
db.Table("cup", sa.Column("id", sa.Integer, primary_key=True))
migrate.Migrate(app, db, directory=f"{sys.argv[1]}/migrations")
with app.app_context():
    migrate.init()
    migrate.migrate()
    migrate.upgrade()
    assert "cup" in sa.inspect(db.engine).get_table_names()
    db.drop_all()
assert "sqlalchemy.ext.asyncio" not in sys.modules
"""


def test_migrations_run_without_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr[-500:] if done.returncode else "") == (0, "")
