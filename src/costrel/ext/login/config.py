"""The defaults under the names that Flask-Login gives them. Knows no application."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

__all__ = [
    "AUTH_HEADER_NAME",
    "COOKIE_DURATION",
    "COOKIE_HTTPONLY",
    "COOKIE_NAME",
    "COOKIE_SAMESITE",
    "COOKIE_SECURE",
    "EXEMPT_METHODS",
    "ID_ATTRIBUTE",
    "LOGIN_MESSAGE",
    "LOGIN_MESSAGE_CATEGORY",
    "PROTECTION",
    "REFRESH_MESSAGE",
    "REFRESH_MESSAGE_CATEGORY",
    "SESSION_KEYS",
    "USE_SESSION_FOR_NEXT",
]

COOKIE_NAME = "remember_token"
"""The name of the cookie that remembers a user."""

COOKIE_DURATION = timedelta(days=365)
"""How long a browser keeps that cookie."""

COOKIE_SECURE: bool | None = None
"""Whether it goes over HTTPS only; ``None``: if the request came over it."""

COOKIE_HTTPONLY = True
"""Whether scripts are kept from it."""

COOKIE_SAMESITE: str | None = "Lax"
"""Whether other sites' requests bring it along."""

LOGIN_MESSAGE = "Please log in to access this page."
"""What is flashed to visitors who are sent to the login page."""

LOGIN_MESSAGE_CATEGORY = "message"
"""The category of that message."""

REFRESH_MESSAGE = "Please reauthenticate to access this page."
"""What is flashed to users who have to give their password again."""

REFRESH_MESSAGE_CATEGORY = "message"
"""The category of that message."""

ID_ATTRIBUTE = "get_id"
"""The method of users that returns their id."""

AUTH_HEADER_NAME = "Authorization"
"""The header whose value ``header_loader`` is called with."""

PROTECTION: Final = "basic"
"""What becomes of a session that comes from another browser or address."""

SESSION_KEYS = {"_user_id", "_remember", "_remember_seconds", "_id", "_fresh", "next"}
"""What this extension keeps in the session."""

EXEMPT_METHODS = {"OPTIONS"}
"""Methods that need no login: a preflight of CORS brings no cookies."""

USE_SESSION_FOR_NEXT = False
"""Whether the page that was asked for is kept in the session, not in the URL of the login page."""
