"""The list of walks, a walk's page, and the forms to write, edit and delete one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from costrel import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from costrel.ext.login import current_user, login_required
from costrel.typing import ResponseReturnValue

from .. import uploads
from ..forms import CommentForm, NewWalk, WalkForm
from ..identity import may_change
from ..models import Walk, db
from ..records import comments, news, walks

bp = Blueprint("walks", __name__)


def today() -> date:
    """Return the day it is in UTC."""
    return datetime.now(UTC).date()


@bp.get("/")
@bp.get("/tags/<tag>", endpoint="tagged")
@bp.get("/walkers/<author>", endpoint="walker")
def index(tag: str = "", author: str = "") -> str:
    """List walks: all, those with a tag, or those of one person; ``?q=`` searches."""
    which = walks.Filter(words=request.args.get("q", "")[:100].strip(), tag=tag, author=author)
    number = request.args.get("page", 1, type=int)
    page = walks.page(db.session(), which, number=number, size=current_app.config["WALKS_PER_PAGE"])
    if page is None or ((tag or author) and not which.words and not page.total):
        abort(404)

    return render_template(
        "walks/index.html",
        page=page,
        which=which,
        tags=walks.tag_counts(db.session()),
        year=walks.totals(db.session(), since=(today() - timedelta(days=365)).isoformat()),
        news=news.since(db.session(), 0, most=3)[::-1],
        newest=news.newest(db.session()),
    )


@bp.get("/walks/<id:walk_id>")
def show(walk_id: int) -> str:
    """Show one walk with its comments."""
    walk = find_or_404(walk_id)
    # Before the comments are read: one that comes between is told of twice, not never.
    newest = news.newest(db.session())

    return render_template(
        "walks/show.html",
        walk=walk,
        comments=comments.under(db.session(), walk_id),
        newest=newest,
        form=CommentForm(formdata=None),
    )


@bp.route("/walks/new", methods=["GET", "POST"])
@login_required
def create() -> ResponseReturnValue:
    """Write about a walk."""
    form = WalkForm(data={"walked_on": today()})
    if form.is_submitted() and (accepted := _accept(form, None)):
        walk, picture = accepted
        walk_id = walks.add(db.session(), walk, author_id=current_user.id, picture=picture)
        flash("Your walk is on the map.", "success")
        return redirect(url_for("walks.show", walk_id=walk_id))

    return render_template("walks/edit.html", form=form, walk=None), 422 if form.errors else 200


@bp.route("/walks/<id:walk_id>/edit", methods=["GET", "POST"])
@login_required
def edit(walk_id: int) -> ResponseReturnValue:
    """Change a walk."""
    row = find_to_change(walk_id)
    form = WalkForm(data=_typed(row))
    if form.is_submitted() and (accepted := _accept(form, row)):
        walk, picture = accepted
        before = row.picture
        walks.replace(db.session(), row, walk, picture=picture)
        if picture != before:
            uploads.remove(before, folder=_folder())
        flash("Your changes are saved.", "success")
        return redirect(url_for("walks.show", walk_id=walk_id))

    return render_template("walks/edit.html", form=form, walk=row), 422 if form.errors else 200


@bp.route("/walks/<id:walk_id>/delete", methods=["GET", "POST"])
@login_required
def delete(walk_id: int) -> ResponseReturnValue:
    """Ask, then delete a walk with its comments and picture."""
    row = find_to_change(walk_id)
    if request.method == "GET":
        return render_template("walks/delete.html", walk=row)

    title, picture = row.title, row.picture
    walks.delete(db.session(), row)
    uploads.remove(picture, folder=_folder())
    flash(f"“{title}” is deleted.", "success")

    return redirect(url_for("walks.index"))


def find_or_404(walk_id: int) -> Walk:
    """Return the walk, or answer 404."""
    walk = walks.find(db.session(), walk_id)
    if walk is None:
        abort(404, "There is no such walk, or no longer.")

    return walk


def find_to_change(walk_id: int) -> Walk:
    """Return the walk if the visitor may change it, or answer 404 or 403."""
    walk = find_or_404(walk_id)
    if not may_change(current_user, walk):
        abort(403, "Only its author may change this walk.")

    return walk


def _typed(walk: Walk) -> dict[str, object]:
    names = ("title", "place", "walked_on", "distance_km", "ascent_m", "body", "picture_alt")

    return {**{name: getattr(walk, name) for name in names}, "tags": [tag.name for tag in walk.tags]}


def _accept(form: WalkForm, row: Walk | None) -> tuple[NewWalk, str | None] | None:
    # The picture is stored last, so that a refused form leaves no file behind.
    walk = form.read(today=today())
    picture = None if row is None or "picture_remove" in request.form else row.picture
    upload = request.files.get("picture")
    if upload and walk:
        try:
            picture = uploads.store(
                upload.stream, folder=_folder(), max_bytes=current_app.config["PICTURE_MAX_BYTES"]
            )
        except uploads.PictureRefused as refusal:
            form.picture.errors = [str(refusal)]
    elif upload:
        # Browsers forget a chosen file when the form comes back.
        form.picture.errors = ["Please choose the picture again."]

    return None if form.errors or walk is None else (walk, picture)


def _folder() -> Path:
    return Path(current_app.config["PICTURES"])
