"""A person's own page: password, tokens for the API, and their walks to take along."""

from __future__ import annotations

from werkzeug.security import check_password_hash

from costrel import Blueprint, abort, flash, redirect, render_template, request, url_for
from costrel.typing import ResponseReturnValue

from ..db import get_db
from ..forms import Form, password_problem
from ..identity import hash_password, login_required, sign_in, signed_in_user
from ..records import users

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("/")
@login_required
def show() -> ResponseReturnValue:
    """Show the account."""
    return _page(Form(fields=["label"]))


@bp.post("/password")
@login_required
def change_password() -> ResponseReturnValue:
    """Change the password; the old one is asked for."""
    user, form, new = signed_in_user(), Form(fields=["label"]), request.form.get("new", "")
    if not check_password_hash(user["password_hash"], request.form.get("old", "")):
        form.errors["old"] = "This is not your present password."
    if problem := password_problem(new):
        form.errors["new"] = problem
    if form.errors:
        return _page(form), 422

    users.set_password(get_db(), user["id"], hash_password(new))
    sign_in(user["id"])
    flash("Your password is changed.", "success")

    return redirect(url_for("account.show"))


@bp.post("/tokens")
@login_required
def create_token() -> ResponseReturnValue:
    """Make a token and show it, this once."""
    form = Form(request.form, fields=["label"])
    label = form.text("label", max_length=60, what="what the token is for")
    if form.errors:
        return _page(form), 422

    token = users.add_token(get_db(), signed_in_user()["id"], label=label)

    # Shown in this answer only; a redirect would have to carry it in the cookie.
    return _page(Form(fields=["label"]), token=token), 201, {"Cache-Control": "no-store"}


@bp.post("/tokens/<id:token_id>/revoke")
@login_required
def revoke_token(token_id: int) -> ResponseReturnValue:
    """Delete one's own token."""
    if not users.revoke_token(get_db(), signed_in_user()["id"], token_id):
        abort(404)
    flash("The token no longer works.", "success")

    return redirect(url_for("account.show"))


def _page(form: Form, *, token: str | None = None) -> str:
    tokens = users.tokens(get_db(), signed_in_user()["id"])

    return render_template("account/show.html", form=form, tokens=tokens, token=token)
