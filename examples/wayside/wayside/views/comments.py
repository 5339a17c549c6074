"""Comments: write one, delete one."""

from __future__ import annotations

from costrel import Blueprint, abort, flash, redirect, render_template, url_for
from costrel.ext.login import current_user, login_required
from costrel.typing import ResponseReturnValue

from ..forms import CommentForm
from ..identity import may_change
from ..models import db
from ..records import comments
from .walks import find_or_404

bp = Blueprint("comments", __name__)


@bp.post("/walks/<id:walk_id>/comments")
@login_required
def create(walk_id: int) -> ResponseReturnValue:
    """Add a comment, or show the walk again with what was typed."""
    walk, form = find_or_404(walk_id), CommentForm()
    if not form.validate():
        under = comments.under(db.session(), walk_id)
        return render_template("walks/show.html", walk=walk, comments=under, form=form), 422

    comment_id = comments.add(db.session(), walk_id, author_id=current_user.id, body=form.body.data or "")

    return redirect(url_for("walks.show", walk_id=walk_id, _anchor=f"comment-{comment_id}"))


@bp.post("/comments/<id:comment_id>/delete")
@login_required
def delete(comment_id: int) -> ResponseReturnValue:
    """Delete a comment: its author or a keeper may."""
    comment = comments.find(db.session(), comment_id)
    if comment is None:
        abort(404)
    if not may_change(current_user, comment):
        abort(403, "Only its author may delete this comment.")

    walk_id = comment.walk_id
    comments.delete(db.session(), comment)
    flash("The comment is deleted.", "success")

    return redirect(url_for("walks.show", walk_id=walk_id, _anchor="comments"))
