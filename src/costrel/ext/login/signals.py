"""What is announced about logins. The sender is the application. Knows no request."""

from __future__ import annotations

from blinker import Namespace

__all__ = [
    "session_protected",
    "user_accessed",
    "user_loaded_from_cookie",
    "user_loaded_from_request",
    "user_logged_in",
    "user_logged_out",
    "user_login_confirmed",
    "user_needs_refresh",
    "user_unauthorized",
]

_signals = Namespace()

user_logged_in = _signals.signal("logged-in")
"""A user logged in; with ``user``."""

user_logged_out = _signals.signal("logged-out")
"""A user logged out; with ``user``, who it was."""

user_loaded_from_cookie = _signals.signal("loaded-from-cookie")
"""The remember cookie said who it is; with ``user``."""

user_loaded_from_request = _signals.signal("loaded-from-request")
"""The request loader said who it is; with ``user``."""

# Flask-Login deprecates it; the package's ``user_loaded_from_header`` warns.
_user_loaded_from_header = _signals.signal("loaded-from-header")

user_login_confirmed = _signals.signal("login-confirmed")
"""A user gave the password again."""

user_unauthorized = _signals.signal("unauthorized")
"""Somebody who is not logged in was refused."""

user_needs_refresh = _signals.signal("needs-refresh")
"""Somebody whose login is not fresh was refused."""

user_accessed = _signals.signal("accessed")
"""A request asked who its user is, for the first time."""

session_protected = _signals.signal("session-protected")
"""A session came from another browser or address, and was made less or void."""
