"""Who is asking: the session, passwords, and the decorators that guard views."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from werkzeug.security import check_password_hash, generate_password_hash

from costrel import abort, current_app, flash, g, redirect, request, session, url_for
from costrel.typing import ResponseReturnValue

from .db import get_db
from .records import users

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)


def current_user() -> sqlite3.Row | None:
    """Return the signed-in account, looked up once per request when first asked."""
    if "user" not in g:
        user_id = session.get("user_id")
        g.user = users.by_id(get_db(), user_id) if user_id is not None else None

    user: sqlite3.Row | None = g.user
    return user


def signed_in_user() -> sqlite3.Row:
    """Return the account in a view that ``login_required`` guards."""
    user = current_user()
    if user is None:
        abort(401)

    return user


def sign_in(user_id: int) -> None:
    """Start a fresh session, so that nothing from before can be used."""
    session.clear()
    session["user_id"] = user_id
    session.permanent = True
    g.pop("user", None)


def sign_out() -> None:
    """Forget everything about this visitor."""
    session.clear()
    g.pop("user", None)


def hash_password(password: str) -> str:
    """Hash a password with the configured method."""
    return generate_password_hash(password, method=current_app.config["PASSWORD_METHOD"])


def check_login(username: str, password: str) -> sqlite3.Row | None:
    """Return the account if name and password fit."""
    user = users.by_name(get_db(), username)
    # SECURITY: an unknown name takes as long as a wrong password, so that the
    # time does not tell which names exist.
    stored = user["password_hash"] if user is not None and user["password_hash"] else _any_hash()
    fits = check_password_hash(stored, password)

    return user if fits and user is not None and user["password_hash"] else None


def _any_hash() -> str:
    if "wayside_any_hash" not in current_app.extensions:
        current_app.extensions["wayside_any_hash"] = hash_password("nobody has this password")

    stored: str = current_app.extensions["wayside_any_hash"]
    return stored


def login_required(view: Callable[P, R]) -> Callable[P, R | ResponseReturnValue]:
    """Send visitors to the login page, and back afterwards."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | ResponseReturnValue:
        if current_user() is None:
            flash("Please sign in first.", "info")
            after = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("auth.login", next=after))

        return view(*args, **kwargs)

    return guarded


def keeper_required(view: Callable[P, R]) -> Callable[P, R | ResponseReturnValue]:
    """Let only keepers pass; everyone else who is signed in gets a 403."""

    @login_required
    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not signed_in_user()["is_keeper"]:
            abort(403, "Only a keeper may open the desk.")

        return view(*args, **kwargs)

    return guarded


def may_change(user: sqlite3.Row | None, thing: sqlite3.Row) -> bool:
    """Tell whether the account may edit or delete a walk or comment."""
    return user is not None and bool(user["is_keeper"] or user["id"] == thing["author_id"])


def safe_next(address: str | None) -> str | None:
    """Return the address if it stays on this site.

    SECURITY: without this check a link to our login page could send people on
    to a page that imitates it. Browsers read a backslash as a slash.

    Example:
        >>> safe_next("/walks/3")
        '/walks/3'
        >>> safe_next("//evil.example"), safe_next("https://evil.example/")
        (None, None)
    """
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return None
    if any(ord(character) < 32 for character in address) or urlsplit(address).netloc:
        return None

    return address
