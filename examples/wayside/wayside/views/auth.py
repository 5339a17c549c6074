"""Register, sign in, sign out."""

from __future__ import annotations

import sqlite3

from costrel import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from costrel.typing import ResponseReturnValue

from ..db import get_db
from ..forms import Form, password_problem, username_problem
from ..identity import check_login, current_user, hash_password, safe_next, sign_in, sign_out
from ..records import users

bp = Blueprint("auth", __name__)


@bp.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    """Make an account and sign in with it."""
    if not current_app.config["REGISTRATION_OPEN"]:
        abort(403, "New accounts are made by the keeper.")
    form = Form(request.form, fields=["username"])
    if request.method == "POST" and (user_id := _add_account(form, request.form.get("password", ""))):
        sign_in(user_id)
        flash(f"Welcome, {form.values['username']}.", "success")
        return redirect(_after_login())

    return render_template("auth/register.html", form=form), 422 if form.errors else 200


def _add_account(form: Form, password: str) -> int | None:
    username = form.values["username"] = form.values["username"].lower()
    problems = {"username": username_problem(username), "password": password_problem(password)}
    form.errors.update({name: text for name, text in problems.items() if text})
    if form.errors:
        return None

    try:
        return users.add(get_db(), username, password_hash=hash_password(password))
    except sqlite3.IntegrityError:
        form.errors["username"] = "This name is taken."
        return None


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Sign in."""
    if request.method == "GET" and current_user() is not None:
        return redirect(_after_login())

    form = Form(request.form, fields=["username"])
    if request.method == "POST":
        user = check_login(form.values["username"], request.form.get("password", ""))
        if user is not None:
            sign_in(user["id"])
            return redirect(_after_login())
        # One message for both, so that it does not tell which names exist.
        form.errors["password"] = "Name and password do not fit together."

    return render_template("auth/login.html", form=form), 422 if form.errors else 200


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out."""
    sign_out()
    flash("You are signed out. Safe travels.", "info")

    return redirect(url_for("walks.index"))


def _after_login() -> str:
    return safe_next(request.args.get("next")) or url_for("walks.index")
