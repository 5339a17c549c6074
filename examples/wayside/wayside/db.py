"""The database: one SQLite file, brought up to date at the first use. Knows no table but by the models."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from costrel import Costrel, current_app
from costrel.ext.migrate import Migrate, stamp, upgrade

from .models import db
from .records import transfer

migrate = Migrate()

REVISIONS = {1: "0001", 2: "0002"}
"""The revision that a file had when it was numbered by ``PRAGMA user_version``, before there were any."""


def init_app(app: Costrel) -> None:
    """Say where the file is, and bring it up to date before the first request."""
    path = Path(app.config["DATABASE"])
    path.parent.mkdir(parents=True, exist_ok=True)
    app.config.setdefault("SQLALCHEMY_DATABASE_URI", f"sqlite:///{path}")
    db.init_app(app)
    migrate.init_app(app, db, directory=str(Path(app.root_path, "migrations")))
    app.extensions["wayside_ready"] = threading.Event()
    app.extensions["wayside_lock"] = threading.Lock()
    # It looks at a flag, but for the first time; so it may run on the event loop.
    app.before_request(sync_to_thread=False)(make_ready)
    app.before_websocket(make_ready)


def make_ready() -> None:
    """Create the file or bring it up to date, once."""
    ready: threading.Event = current_app.extensions["wayside_ready"]
    if ready.is_set():
        return
    with current_app.extensions["wayside_lock"]:
        if not ready.is_set():
            bring_up_to_date()
            ready.set()


def bring_up_to_date() -> None:
    """Run the migrations that the file lacks; a new one gets the sample walks."""
    numbered = user_version(Path(current_app.config["DATABASE"]))
    if numbered in REVISIONS and not has_revision(Path(current_app.config["DATABASE"])):
        stamp(revision=REVISIONS[numbered])
    upgrade()
    if numbered == 0 and current_app.config["SAMPLE_DATA"]:
        transfer.load_sample_once(
            db.session(),
            source=Path(current_app.root_path, "sample"),
            pictures=Path(current_app.config["PICTURES"]),
        )


def user_version(path: Path) -> int:
    """Return the number that a file of before the migrations has; 0 for any other."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def has_revision(path: Path) -> bool:
    """Tell whether migrations have been run on a file."""
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()

    return found is not None


def erase() -> None:
    """Delete the database; the next use creates it again."""
    db.session.remove()
    db.engine.dispose()
    path = Path(current_app.config["DATABASE"])
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        name.unlink(missing_ok=True)
    current_app.extensions["wayside_ready"].clear()
