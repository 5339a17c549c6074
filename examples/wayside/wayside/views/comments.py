"""Comments: write one, delete one."""

from __future__ import annotations

from costrel import Blueprint, abort, flash, redirect, render_template, request, url_for
from costrel.typing import ResponseReturnValue

from ..db import get_db
from ..forms import Form
from ..identity import login_required, may_change, signed_in_user
from ..records import comments
from .walks import find_or_404

bp = Blueprint("comments", __name__)


@bp.post("/walks/<id:walk_id>/comments")
@login_required
def create(walk_id: int) -> ResponseReturnValue:
    """Add a comment, or show the walk again with what was typed."""
    walk = find_or_404(walk_id)
    form = Form(request.form, fields=["body"])
    body = form.text("body", max_length=2_000, what="a few words")
    if form.errors:
        under = comments.under(get_db(), walk_id)
        return render_template("walks/show.html", walk=walk, comments=under, form=form), 422

    comment_id = comments.add(get_db(), walk_id, author_id=signed_in_user()["id"], body=body)

    return redirect(url_for("walks.show", walk_id=walk_id, _anchor=f"comment-{comment_id}"))


@bp.post("/comments/<id:comment_id>/delete")
@login_required
def delete(comment_id: int) -> ResponseReturnValue:
    """Delete a comment: its author or a keeper may."""
    comment = comments.find(get_db(), comment_id)
    if comment is None:
        abort(404)
    if not may_change(signed_in_user(), comment):
        abort(403, "Only its author may delete this comment.")

    comments.delete(get_db(), comment_id)
    flash("The comment is deleted.", "success")

    return redirect(url_for("walks.show", walk_id=comment["walk_id"], _anchor="comments"))
