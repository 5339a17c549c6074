"""Logging in and out: what it does to the session, the cookie and the context."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from costrel import current_app, request, session
from costrel.ext.login.current import current_manager, get_user
from costrel.ext.login.extension import LoginManager
from costrel.ext.login.loading import renew_session_id
from costrel.ext.login.remember import forget, remembered, revoke, sent_already
from costrel.ext.login.signals import user_logged_in, user_logged_out, user_login_confirmed

__all__ = [
    "confirm_login",
    "login_fresh",
    "login_remembered",
    "login_user",
    "logout_user",
    "set_login_view",
]


def login_user(
    user: Any,
    remember: bool = False,
    duration: timedelta | None = None,
    force: bool = False,
    fresh: bool = True,
) -> bool:
    """Make somebody the user of this session. Whether it is really them, you have checked.

    The session gets a new id, if it lies on the server, and forms get a new
    CSRF token; what else is in the session stays.

    Args:
        user: The user.
        remember: Whether a cookie keeps them logged in when the session ends.
        duration: How long; by default ``REMEMBER_COOKIE_DURATION``.
        force: Log them in even if their account is not active.
        fresh: Whether they gave their password now; see ``fresh_login_required``.

    Returns:
        Whether they are logged in: not if their account is not active.

    Raises:
        TypeError: If the duration is no ``timedelta``.
        SetupError: If the application has no login manager.
    """
    if not force and not user.is_active:
        return False
    if duration is not None and not isinstance(duration, timedelta):
        raise TypeError(f"duration must be a datetime.timedelta, instead got: {duration}")

    manager = _manager()
    user_id = getattr(user, manager.id_attribute)()
    before = remembered(manager.options_of())
    others = [token for token in (before, sent_already()) if token and token.user_id != str(user_id)]
    _renew()
    session["_user_id"] = user_id
    session["_fresh"] = fresh
    session["_id"] = manager._session_identifier_generator()
    if remember:
        session["_remember"] = "set"
        session.pop("_remember_seconds", None)
        if duration is not None:
            session["_remember_seconds"] = duration.total_seconds()
    elif others:
        # SECURITY: the cookie of who used this browser before would log them in when this session ends.
        session["_remember"] = "clear"
    if before is not None and session.get("_remember") is not None:
        revoke(before)
    manager._update_cookie_later()

    manager._update_request_context_with_user(user)
    user_logged_in.send(_app(), user=user)
    return True


def logout_user() -> bool:
    """Make this a session of nobody, and have the browser forget the remember cookie.

    Returns:
        True.
    """
    manager = _manager()
    user = get_user()
    token = remembered(manager.options_of())
    if token is not None:
        revoke(token)
    for key in ("_user_id", "_fresh", "_id", "_remember", "_remember_seconds"):
        session.pop(key, None)
    if manager.options_of().cookie_name in request.cookies or sent_already() is not None:
        forget()
        manager._update_cookie_later()
    _renew()

    user_logged_out.send(_app(), user=user)
    manager._update_request_context_with_user()
    return True


def confirm_login() -> None:
    """Make the login fresh again, after the user gave the password again."""
    renew_session_id()
    session["_fresh"] = True
    session["_id"] = _manager()._session_identifier_generator()
    user_login_confirmed.send(_app())


def login_fresh() -> bool:
    """Tell whether the user gave the password in this session, not only a remember cookie."""
    return bool(session.get("_fresh", False))


def login_remembered() -> bool:
    """Tell whether the request has a remember cookie that is genuine."""
    return remembered(_manager().options_of()) is not None


def set_login_view(login_view: str, blueprint: Any = None) -> None:
    """Set the view that people log in at.

    Args:
        login_view: The view's name, or a URL.
        blueprint: The blueprint it is for; by default it is for all that have no own.
    """
    manager = _manager()
    if blueprint is None:
        if manager.blueprint_login_views:
            manager.blueprint_login_views[None] = login_view
        else:
            manager.login_view = login_view
        return

    manager.blueprint_login_views[blueprint.name] = login_view
    if manager.login_view is not None:
        # NOTE: Flask-Login moves the general one to where views without a blueprint find it.
        manager.blueprint_login_views.setdefault(None, manager.login_view)
    manager.login_view = None


def _renew() -> None:
    """Give the session a new id and its forms a new token: those that were known before are worth nothing."""
    renew_session_id()
    csrf = current_app.extensions.get("csrf")
    renew_token = getattr(csrf, "renew_token", None)
    if renew_token is not None:
        renew_token()


def _manager() -> LoginManager:
    return cast(LoginManager, current_manager())


def _app() -> Any:
    return current_app._get_current_object()  # type: ignore[attr-defined]  # of the proxy
