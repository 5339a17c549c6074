"""Accounts with passwords: log in, stay logged in, change the password, log out."""

from __future__ import annotations

import secrets

from werkzeug.security import check_password_hash, generate_password_hash

from costrel import Blueprint, Costrel, flash, redirect, render_template, request
from costrel.ext.login import (
    LoginManager,
    UserMixin,
    fresh_login_required,
    login_required,
    login_user,
    logout_user,
    next_url,
)


class User(UserMixin):
    def __init__(self, name: str, password: str) -> None:
        self.name = name
        self.set_password(password)

    def set_password(self, password: str) -> None:
        self.password_hash = generate_password_hash(password)
        self.end_logins()

    def end_logins(self) -> None:
        self.login_id = secrets.token_urlsafe()  # no cookie there was names this user any more

    def get_id(self) -> str:
        return self.login_id


users = {"ada": User("ada", "correct horse")}  # in a database, where login_id has an index

# Looked at for names that nobody has, so that the answer takes as long.
DUMMY_HASH = generate_password_hash(secrets.token_urlsafe())

login_manager = LoginManager[User](login_view="login", refresh_view="login")
current_user = login_manager.current_user  # a User, for type checkers too


@login_manager.user_loader
def load_user(login_id: str) -> User | None:
    return next((user for user in users.values() if user.login_id == login_id), None)


def find_user(name: str, password: str) -> User | None:
    user = users.get(name)
    is_right = check_password_hash(DUMMY_HASH if user is None else user.password_hash, password)
    return user if is_right else None


account = Blueprint("account", __name__, url_prefix="/account")


@account.before_request
@login_required
def only_for_users():
    """Guard all views of the blueprint."""


@account.get("/")
def overview():
    return f"the account of {current_user.name}"


@account.post("/password")
@fresh_login_required
def change_password():
    current_user.set_password(request.form["new"])
    login_user(current_user)
    return "changed; you are logged out everywhere else"


@account.post("/logout-everywhere")
def log_out_everywhere():
    current_user.end_logins()
    logout_user()
    return redirect("/login")


def create_app(config=None):
    app = Costrel(__name__)
    app.config.from_prefixed_env("SHOP")  # SHOP_SECRET_KEY
    app.config.update(config or {})
    login_manager.init_app(app)
    app.register_blueprint(account)

    @app.route("/login", methods=["GET", "POST"])
    def login():
        if request.method == "POST":
            user = find_user(request.form["name"], request.form["password"])
            if user is not None and login_user(user, remember="stay" in request.form):
                return redirect(next_url("/account/"))
            flash("Name or password is wrong.")
        return render_template("login.html", next=next_url(""))

    @app.post("/logout")
    def logout():
        logout_user()
        return redirect("/login")

    return app
