"""The list of walks, a walk's page, and the forms to write, edit and delete one."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from costrel import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from costrel.typing import ResponseReturnValue

from .. import uploads
from ..db import get_db
from ..forms import NewWalk, WalkForm
from ..identity import login_required, may_change, signed_in_user
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
    page = walks.page(get_db(), which, number=number, size=current_app.config["WALKS_PER_PAGE"])
    if page is None or ((tag or author) and not which.words and not page.total):
        abort(404)

    return render_template(
        "walks/index.html",
        page=page,
        which=which,
        tags=walks.tag_counts(get_db()),
        year=walks.totals(get_db(), since=(today() - timedelta(days=365)).isoformat()),
        news=news.since(get_db(), 0, most=3)[::-1],
        newest=news.newest(get_db()),
    )


@bp.get("/walks/<id:walk_id>")
def show(walk_id: int) -> str:
    """Show one walk with its comments."""
    walk = find_or_404(walk_id)
    # Before the comments are read: one that comes between is told of twice, not never.
    newest = news.newest(get_db())

    return render_template(
        "walks/show.html", walk=walk, comments=comments.under(get_db(), walk_id), newest=newest
    )


@bp.route("/walks/new", methods=["GET", "POST"])
@login_required
def create() -> ResponseReturnValue:
    """Write about a walk."""
    form = WalkForm(request.form) if request.method == "POST" else WalkForm({"walked_on": today()})
    if request.method == "POST" and (accepted := _accept(form, None)):
        walk, picture = accepted
        walk_id = walks.add(get_db(), walk, author_id=signed_in_user()["id"], picture=picture)
        flash("Your walk is on the map.", "success")
        return redirect(url_for("walks.show", walk_id=walk_id))

    return render_template("walks/edit.html", form=form, walk=None), 422 if form.errors else 200


@bp.route("/walks/<id:walk_id>/edit", methods=["GET", "POST"])
@login_required
def edit(walk_id: int) -> ResponseReturnValue:
    """Change a walk."""
    row = find_to_change(walk_id)
    form = WalkForm(request.form if request.method == "POST" else {**row, "tags": row["tags"].split()})
    if request.method == "POST" and (accepted := _accept(form, row)):
        walk, picture = accepted
        walks.replace(get_db(), walk_id, walk, picture=picture)
        if picture != row["picture"]:
            uploads.remove(row["picture"], folder=_folder())
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

    walks.delete(get_db(), walk_id)
    uploads.remove(row["picture"], folder=_folder())
    flash(f"“{row['title']}” is deleted.", "success")

    return redirect(url_for("walks.index"))


def find_or_404(walk_id: int) -> sqlite3.Row:
    """Return the walk, or answer 404."""
    walk = walks.find(get_db(), walk_id)
    if walk is None:
        abort(404, "There is no such walk, or no longer.")

    return walk


def find_to_change(walk_id: int) -> sqlite3.Row:
    """Return the walk if the visitor may change it, or answer 404 or 403."""
    walk = find_or_404(walk_id)
    if not may_change(signed_in_user(), walk):
        abort(403, "Only its author may change this walk.")

    return walk


def _accept(form: WalkForm, row: sqlite3.Row | None) -> tuple[NewWalk, str | None] | None:
    # The picture is stored last, so that a refused form leaves no file behind.
    walk = form.read(today=today())
    picture = None if row is None or "picture_remove" in request.form else row["picture"]
    upload = request.files.get("picture")
    if upload and walk:
        try:
            picture = uploads.store(
                upload.stream, folder=_folder(), max_bytes=current_app.config["PICTURE_MAX_BYTES"]
            )
        except uploads.PictureRefused as refusal:
            form.errors["picture"] = str(refusal)
    elif upload:
        # Browsers forget a chosen file when the form comes back.
        form.errors["picture"] = "Please choose the picture again."

    return None if form.errors or walk is None else (walk, picture)


def _folder() -> Path:
    return Path(current_app.config["PICTURES"])
