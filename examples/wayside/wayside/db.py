"""The database: one SQLite file, brought up to date at the first use. Knows no table but by the models."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import select, text

from costrel import Costrel, current_app
from costrel.ext.migrate import Migrate, downgrade, upgrade

from .identity import sessions
from .models import User, db
from .records import transfer

migrate = Migrate()

STARTED = 3
"""``PRAGMA user_version`` of a file that was used; 1 or 2 if it was made before there were migrations."""


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
    upgrade()
    session = db.session()
    # Two workers may start at once: the second waits here, then finds all done.
    session.connection().exec_driver_sql("BEGIN IMMEDIATE")
    if not session.scalar(text("PRAGMA user_version")):
        if current_app.config["SAMPLE_DATA"]:
            transfer.load_sample(
                session,
                source=Path(current_app.root_path, "sample"),
                pictures=Path(current_app.config["PICTURES"]),
            )
        session.execute(text(f"PRAGMA user_version = {STARTED}"))
    session.commit()


def erase() -> None:
    """Empty the database; the next use fills it again. A server that uses the file goes on."""
    make_ready()
    # Another account will have the same number.
    for user_id in db.session.scalars(select(User.id)).all():
        sessions.delete_user(user_id)
    db.session.remove()
    downgrade(revision="base")
    db.session.execute(text("PRAGMA user_version = 0"))
    db.session.commit()
    current_app.extensions["wayside_ready"].clear()
