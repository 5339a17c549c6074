"""The keeper's desk, and walks as CSV."""

from __future__ import annotations

from collections.abc import Iterator

from costrel import Blueprint, Response, render_template, stream_with_context
from costrel.ext.login import current_user, login_required
from costrel.typing import ResponseReturnValue

from ..exporting import csv_lines
from ..identity import keeper_required
from ..models import Walk, db
from ..records import comments, users, walks

bp = Blueprint("desk", __name__)

COLUMNS = ["id", "walked_on", "title", "place", "author", "distance_km", "ascent_m", "tags", "comment_count"]


@bp.get("/desk")
@keeper_required
def show() -> ResponseReturnValue:
    """Show who is here and what was said last."""
    return render_template(
        "desk/show.html", people=users.everyone(db.session()), comments=comments.latest(db.session(), most=8)
    )


@bp.get("/desk/walks.csv")
@keeper_required
def export_all() -> ResponseReturnValue:
    """Send all walks as CSV."""
    return _csv("wayside.csv")


@bp.get("/account/walks.csv")
@login_required
def export_own() -> ResponseReturnValue:
    """Send one's own walks as CSV."""
    return _csv("my-walks.csv", author=current_user.username)


def _cells(walk: Walk) -> list[object]:
    special = {"author": walk.author.username, "tags": " ".join(tag.name for tag in walk.tags)}

    return [special.get(name) if name in special else getattr(walk, name) for name in COLUMNS]


def _csv(filename: str, *, author: str = "") -> Response:
    def lines() -> Iterator[str]:
        # Runs while the answer is sent, so memory holds one line at a time.
        rows = walks.every(db.session(), author=author)
        yield from csv_lines(COLUMNS, map(_cells, rows))

    return Response(
        stream_with_context(lines()),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "private"},
    )
