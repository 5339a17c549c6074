"""Register, sign in, sign out."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from costrel import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from costrel.ext.login import current_user
from costrel.helpers import safe_next_url
from costrel.typing import ResponseReturnValue

from ..forms import JoinForm, LoginForm
from ..identity import check_login, hash_password, sign_in, sign_out
from ..models import User, db
from ..records import users

bp = Blueprint("auth", __name__)


@bp.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    """Make an account and sign in with it."""
    if not current_app.config["REGISTRATION_OPEN"]:
        abort(403, "New accounts are made by the keeper.")
    form = JoinForm()
    if form.validate_on_submit() and (user := _add_account(form)):
        sign_in(user)
        flash(f"Welcome, {user.username}.", "success")
        return redirect(_after_login())

    return render_template("auth/register.html", form=form), 422 if form.errors else 200


def _add_account(form: JoinForm) -> User | None:
    password_hash = hash_password(form.password.data or "")
    try:
        return users.add(db.session(), form.username.data or "", password_hash=password_hash)
    except IntegrityError:
        form.username.errors = ["This name is taken."]
        return None


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Sign in."""
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(_after_login())

    form = LoginForm()
    if form.validate_on_submit():
        user = check_login(form.username.data or "", form.password.data or "")
        if user is not None:
            sign_in(user)
            return redirect(_after_login())
        # One message for both, so that it does not tell which names exist.
        form.password.errors = ["Name and password do not fit together."]

    return render_template("auth/login.html", form=form), 422 if form.errors else 200


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out."""
    sign_out()
    flash("You are signed out. Safe travels.", "info")

    return redirect(url_for("walks.index"))


def _after_login() -> str:
    return safe_next_url(request.args.get("next"), default=url_for("walks.index"))
