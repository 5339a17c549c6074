"""What ``costrel check`` says about logins."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from costrel.checks import Finding
from costrel.ext.login.addresses import is_url
from costrel.ext.login.loaders import Loaders

__all__ = ["findings", "unknown_views"]


def unknown_views(app: Any, views: Iterable[str | None]) -> Iterator[Finding]:
    """Find login views that the application does not have.

    Args:
        app: The application.
        views: Names of views, URLs, or ``None``.
    """
    if app.url_build_error_handlers:  # they may know more names
        return

    for view in sorted({view for view in views if view}):
        # ".login" is a view of whatever blueprint the request is for.
        if is_url(view) or view.startswith(".") or view in app.view_functions:
            continue
        near = difflib.get_close_matches(view, app.view_functions, n=1)
        yield Finding(
            "login.E005",
            f"there is no view {view!r} to log in at: who is sent there gets an error",
            f"Did you mean {near[0]!r}?"
            if near
            else "Give the name of a view, with its blueprint's, or a URL.",
        )


def findings(manager: Loaders, app: Any, *, is_refreshing: bool) -> Iterator[Finding]:
    """Find a missing loader, and settings that let people in or do too little.

    Args:
        manager: The login manager.
        app: The application.
        is_refreshing: Whether each request refreshes the remember cookie.
    """
    options = manager.options_of(app)
    if manager._user_callback is None and manager._request_callback is None:
        yield Finding(
            "login.E001",
            "there is no user_loader: each look at current_user fails",
            "Register a function that returns the user of an id, with @login_manager.user_loader.",
        )
    if options.login_disabled and not app.testing:
        yield Finding("login.E002", "LOGIN_DISABLED lets everybody in", "Remove it from the configuration.")
    if options.refresh_each_request and not is_refreshing:
        yield Finding(
            "login.W003",
            "REMEMBER_COOKIE_REFRESH_EACH_REQUEST was set after init_app: only requests that look at "
            "current_user refresh the cookie",
            "Set it before.",
        )
    if options.cookie_secure is False and not app.debug:
        yield Finding(
            "login.W004",
            "REMEMBER_COOKIE_SECURE is off: everybody on the way can read the cookie and be that user",
            "Leave it out; then the cookie is secure whenever the request is.",
        )
