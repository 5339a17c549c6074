"""Notes in SQLite."""

from __future__ import annotations

from typing import Any

from costrel import Costrel, abort, request
from costrel.ext.sqlite import SQLite

db = SQLite()


def create_app(**config: object) -> Costrel:
    """Make the application; tests give it other settings."""
    app = Costrel(__name__)
    app.config.from_mapping(config)
    db.init_app(app)
    app.add_url_rule("/notes", view_func=add, methods=["POST"])
    app.add_url_rule("/notes/<int:note_id>", view_func=show)
    app.add_url_rule("/notes/<int:note_id>/move", view_func=move, methods=["POST"])
    app.add_url_rule("/search", view_func=search)
    return app


def add() -> tuple[dict[str, Any], int]:
    """Keep a note."""
    with db.transaction():
        added = db.execute(
            "INSERT INTO note (folder, text) VALUES (?, ?)",
            (request.form["folder"], request.form["text"]),
        )
    return {"id": added.lastrowid}, 201


def show(note_id: int) -> dict[str, Any]:
    """Return a note."""
    row = db.execute("SELECT * FROM note WHERE id = ?", (note_id,)).fetchone()
    if row is None:
        abort(404)
    return dict(row)


def move(note_id: int) -> dict[str, Any]:
    """Put a note into another folder, and count that; both or neither."""
    with db.transaction():
        moved = db.execute(
            "UPDATE note SET folder = :folder WHERE id = :id",
            {"folder": request.form["folder"], "id": note_id},
        )
        db.execute("UPDATE counter SET moves = moves + ?", (moved.rowcount,))
    return {"moved": moved.rowcount}


async def search() -> dict[str, Any]:
    """Find notes; the event loop goes on meanwhile."""
    rows = await db.aexecute(
        "SELECT id, text FROM note WHERE instr(text, ?) ORDER BY id LIMIT 50", (request.args["q"],)
    )
    return {"found": [dict(row) for row in rows]}
