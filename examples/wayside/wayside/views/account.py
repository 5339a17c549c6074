"""A person's own page: password, tokens for the API, and their walks to take along."""

from __future__ import annotations

from werkzeug.security import check_password_hash

from costrel import Blueprint, abort, flash, redirect, render_template, url_for
from costrel.ext.login import current_user, login_required
from costrel.typing import ResponseReturnValue

from ..forms import PasswordForm, TokenForm
from ..identity import hash_password, sessions, sign_in
from ..models import db
from ..records import users

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("/")
@login_required
def show() -> ResponseReturnValue:
    """Show the account."""
    return _page()


@bp.post("/password")
@login_required
def change_password() -> ResponseReturnValue:
    """Change the password; the old one is asked for. All other browsers are signed out."""
    user, form = users.by_id(db.session(), current_user.id), PasswordForm()
    assert user is not None  # signed in
    fits = form.validate()
    if not check_password_hash(user.password_hash, form.old.data or ""):
        form.old.errors = ["This is not your present password."]
        fits = False
    if not fits:
        return _page(passwords=form), 422

    users.set_password(db.session(), user, hash_password(form.new.data or ""))
    sessions.delete_user(user.get_id())
    sign_in(user)
    flash("Your password is changed.", "success")

    return redirect(url_for("account.show"))


@bp.post("/tokens")
@login_required
def create_token() -> ResponseReturnValue:
    """Make a token and show it, this once."""
    form = TokenForm()
    if not form.validate():
        return _page(labels=form), 422

    token = users.add_token(db.session(), current_user.id, label=form.label.data or "")

    # Shown in this answer only; a redirect would have to carry it in the cookie.
    return _page(labels=TokenForm(formdata=None), token=token), 201, {"Cache-Control": "no-store"}


@bp.post("/tokens/<id:token_id>/revoke")
@login_required
def revoke_token(token_id: int) -> ResponseReturnValue:
    """Delete one's own token."""
    if not users.revoke_token(db.session(), current_user.id, token_id):
        abort(404)
    flash("The token no longer works.", "success")

    return redirect(url_for("account.show"))


def _page(
    *, passwords: PasswordForm | None = None, labels: TokenForm | None = None, token: str | None = None
) -> str:
    return render_template(
        "account/show.html",
        passwords=passwords or PasswordForm(formdata=None),
        labels=labels or TokenForm(formdata=None),
        tokens=users.tokens(db.session(), current_user.id),
        token=token,
    )
