"""What the tests of logins share: two users, a manager that loads them, and views to log in by."""

from __future__ import annotations

from datetime import timedelta

import pytest

from costrel import request
from costrel.ext.login import (
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    login_fresh,
    login_user,
    logout_user,
)


class User(UserMixin):
    def __init__(self, user_id, name, *, active=True):
        self.id = user_id
        self.name = name
        self.active = active

    @property
    def is_active(self):
        return self.active


@pytest.fixture
def users():
    """Who has an account, by id; tests may change it."""
    return {"1": User("1", "Ada"), "2": User("2", "Bob"), "3": User("3", "Eve", active=False)}


@pytest.fixture
def manager(app, users):
    """A login manager with a loader that is not async."""
    manager = LoginManager(app)
    manager.user_loader(users.get)
    add_views(app, users)

    return manager


@pytest.fixture
def async_manager(app, users):
    """A login manager with an async loader."""
    manager = LoginManager(app)

    @manager.user_loader
    async def load_user(user_id):
        return users.get(user_id)

    add_views(app, users)

    return manager


def add_views(app, users):
    @app.post("/login/<user_id>")
    def login(user_id):
        seconds = request.args.get("seconds", type=int)
        duration = None if seconds is None else timedelta(seconds=seconds)
        return str(login_user(users[user_id], remember="remember" in request.args, duration=duration))

    @app.post("/logout")
    def logout():
        logout_user()
        return "bye"

    @app.post("/confirm")
    def confirm():
        confirm_login()
        return "confirmed"

    @app.get("/me")
    def me():
        return current_user.name if current_user.is_authenticated else "nobody"

    @app.get("/ame")
    async def ame():
        return current_user.name if current_user.is_authenticated else "nobody"

    @app.get("/fresh")
    def fresh():
        return f"{current_user.is_authenticated} {login_fresh()}"

    @app.get("/public")
    def public():
        return "for all"


@pytest.fixture
def set_cookies():
    """Return the Set-Cookie headers of a response that are about a cookie."""

    def find(response, name="remember_token"):
        return [value for value in response.headers.getlist("Set-Cookie") if value.startswith(f"{name}=")]

    return find
