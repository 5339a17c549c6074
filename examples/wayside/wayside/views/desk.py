"""The keeper's desk, and walks as CSV."""

from __future__ import annotations

from collections.abc import Iterator

from costrel import Blueprint, Response, render_template, stream_with_context
from costrel.typing import ResponseReturnValue

from ..db import get_db
from ..exporting import csv_lines
from ..identity import keeper_required, login_required, signed_in_user
from ..records import comments, users, walks

bp = Blueprint("desk", __name__)

COLUMNS = ["id", "walked_on", "title", "place", "author", "distance_km", "ascent_m", "tags", "comment_count"]


@bp.get("/desk")
@keeper_required
def show() -> ResponseReturnValue:
    """Show who is here and what was said last."""
    return render_template(
        "desk/show.html", people=users.everyone(get_db()), comments=comments.latest(get_db(), most=8)
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
    return _csv("my-walks.csv", author=signed_in_user()["username"])


def _csv(filename: str, *, author: str = "") -> Response:
    def lines() -> Iterator[str]:
        # Runs while the answer is sent, so memory holds one line at a time.
        rows = walks.every(get_db(), author=author)
        yield from csv_lines(COLUMNS, ([row[name] for name in COLUMNS] for row in rows))

    return Response(
        stream_with_context(lines()),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "private"},
    )
