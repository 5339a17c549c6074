"""Users who log in and stay logged in, with the API of Flask-Login 0.6.

``LoginManager`` knows how to load a user, ``login_user`` and ``logout_user``
say who it is, ``current_user`` is that user, and ``login_required`` lets no
others in. Beyond Flask-Login: async loaders and views, WebSockets, types,
and redirects that stay on the site (``next_url``).

Example:
    >>> from costrel import Costrel
    >>> app = Costrel("shop")
    >>> app.secret_key = "for this example"
    >>> login_manager = LoginManager(app)
    >>> class User(UserMixin):
    ...     def __init__(self, id):
    ...         self.id = id
    >>> @login_manager.user_loader
    ... def load_user(user_id):
    ...     return User(user_id)
    >>> @app.post("/login")
    ... def login():
    ...     login_user(User("ada"))  # after looking at the password
    ...     return "welcome"
    >>> @app.get("/account")
    ... @login_required
    ... def account():
    ...     return f"the account of {current_user.id}"
    >>> client = app.test_client()
    >>> client.get("/account").status_code, client.post("/login").text, client.get("/account").text
    (401, 'welcome', 'the account of ada')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from costrel.ext.login.addresses import login_url, make_next_param, next_url
from costrel.ext.login.config import (
    AUTH_HEADER_NAME,
    COOKIE_DURATION,
    COOKIE_HTTPONLY,
    COOKIE_NAME,
    COOKIE_SECURE,
    ID_ATTRIBUTE,
    LOGIN_MESSAGE,
    LOGIN_MESSAGE_CATEGORY,
    REFRESH_MESSAGE,
    REFRESH_MESSAGE_CATEGORY,
)
from costrel.ext.login.current import current_user, load_current_user
from costrel.ext.login.extension import LoginManager
from costrel.ext.login.guards import fresh_login_required, login_required
from costrel.ext.login.logins import (
    confirm_login,
    login_fresh,
    login_remembered,
    login_user,
    logout_user,
    set_login_view,
)
from costrel.ext.login.mixins import AnonymousUserMixin, UserMixin
from costrel.ext.login.options import LoginOptions
from costrel.ext.login.remember import decode_cookie, encode_cookie
from costrel.ext.login.signals import (
    session_protected,
    user_accessed,
    user_loaded_from_cookie,
    user_loaded_from_request,
    user_logged_in,
    user_logged_out,
    user_login_confirmed,
    user_needs_refresh,
    user_unauthorized,
)

if TYPE_CHECKING:
    from costrel.ext.login.test_client import FlaskLoginClient

__all__ = [
    "AUTH_HEADER_NAME",
    "COOKIE_DURATION",
    "COOKIE_HTTPONLY",
    "COOKIE_NAME",
    "COOKIE_SECURE",
    "ID_ATTRIBUTE",
    "LOGIN_MESSAGE",
    "LOGIN_MESSAGE_CATEGORY",
    "REFRESH_MESSAGE",
    "REFRESH_MESSAGE_CATEGORY",
    "AnonymousUserMixin",
    "FlaskLoginClient",
    "LoginManager",
    "LoginOptions",
    "UserMixin",
    "confirm_login",
    "current_user",
    "decode_cookie",
    "encode_cookie",
    "fresh_login_required",
    "load_current_user",
    "login_fresh",
    "login_remembered",
    "login_required",
    "login_url",
    "login_user",
    "logout_user",
    "make_next_param",
    "next_url",
    "session_protected",
    "set_login_view",
    "user_accessed",
    "user_loaded_from_cookie",
    "user_loaded_from_request",
    "user_logged_in",
    "user_logged_out",
    "user_login_confirmed",
    "user_needs_refresh",
    "user_unauthorized",
]


def __getattr__(name: str) -> Any:
    if name == "FlaskLoginClient":
        from costrel.ext.login.test_client import FlaskLoginClient  # for cost: only tests need it

        return FlaskLoginClient
    if name in {"login_manager", "test_client", "utils"}:  # modules that Flask-Login loads with the package
        return import_module(f"{__name__}.{name}")
    if name == "user_loaded_from_header":
        import warnings  # for cost, as above

        from costrel.ext.login.signals import _user_loaded_from_header

        warnings.warn(
            "'user_loaded_from_header' is deprecated; use 'user_loaded_from_request'",
            DeprecationWarning,
            stacklevel=2,
        )
        return _user_loaded_from_header

    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
