"""The functions of this extension under the name of their module in Flask-Login."""

from __future__ import annotations

from typing import Any

from costrel.ext.login.addresses import expand_login_view, login_url, make_next_param, next_url
from costrel.ext.login.current import current_user, get_user, load_current_user
from costrel.ext.login.guards import fresh_login_required, login_required
from costrel.ext.login.loaders import session_identifier
from costrel.ext.login.logins import (
    confirm_login,
    login_fresh,
    login_remembered,
    login_user,
    logout_user,
    set_login_view,
)
from costrel.ext.login.remember import decode_cookie, encode_cookie, secret_key

__all__ = [
    "confirm_login",
    "current_user",
    "decode_cookie",
    "encode_cookie",
    "expand_login_view",
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
    "set_login_view",
]

# Private there, and used all the same.
_get_user = get_user
_secret_key = secret_key
_create_identifier = session_identifier


def _user_context_processor() -> dict[str, Any]:
    return {"current_user": get_user()}
