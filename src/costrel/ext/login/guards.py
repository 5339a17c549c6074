"""Decorators that let only users in: views, hooks and WebSocket handlers, async or not."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from costrel import abort, current_app, request
from costrel.ctx import current_context
from costrel.ext.login.config import EXEMPT_METHODS
from costrel.ext.login.current import current_manager, get_user, load_current_user
from costrel.ext.login.extension import LoginManager
from costrel.ext.login.loading import is_async
from costrel.ext.login.logins import login_fresh

__all__ = ["fresh_login_required", "login_required"]

F = TypeVar("F", bound=Callable[..., Any])


def login_required(func: F) -> F:
    """Let only users who are logged in at a view; others get what ``LoginManager.unauthorized`` says.

    It stands below ``@app.route``. On a ``before_request`` hook it guards all
    views of the blueprint or application, and a WebSocket handler is refused
    before it begins. ``OPTIONS`` needs no login.

    Args:
        func: The view, hook or handler; what comes back is async if it is.

    Example:
        >>> from costrel import Costrel
        >>> from costrel.ext.login import LoginManager
        >>> app = Costrel("shop")
        >>> app.secret_key = "for this example"
        >>> manager = LoginManager(app)
        >>> @manager.user_loader
        ... def load_user(user_id):
        ...     return None
        >>> @app.get("/account")
        ... @login_required
        ... def account():
        ...     return "yours"
        >>> app.test_client().get("/account").status_code
        401
    """
    return _guarded(func, fresh=False)


def fresh_login_required(func: F) -> F:
    """Let only users in who gave their password in this session, not by a remember cookie alone.

    For what a thief of the cookie must not do, as changing the password. Who
    is logged in otherwise gets what ``LoginManager.needs_refresh`` says.

    Args:
        func: As for ``login_required``.
    """
    return _guarded(func, fresh=True)


def _guarded(func: F, *, fresh: bool) -> F:
    @wraps(func)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        if not _is_exempt():
            refuse = _refusal(await load_current_user(), fresh=fresh)
            if refuse is not None:
                answer = refuse()
                return _answered(await answer if inspect.isawaitable(answer) else answer)

        return await func(*args, **kwargs)

    @wraps(func)
    def called(*args: Any, **kwargs: Any) -> Any:
        if not _is_exempt():
            refuse = _refusal(get_user(), fresh=fresh)
            if refuse is not None:
                answer = refuse()
                return _awaited(answer) if inspect.isawaitable(answer) else _answered(answer)

        return func(*args, **kwargs)

    return cast(F, awaited if is_async(func) else called)


def _is_exempt() -> bool:
    # PERF: as in ``get_user``.
    ctx = current_context()
    asked: Any = request if ctx is None else ctx.request
    if asked.method in EXEMPT_METHODS:
        return True

    app: Any = current_app if ctx is None else ctx.app

    return bool(app.config.get("LOGIN_DISABLED"))


def _refusal(user: Any, *, fresh: bool) -> Callable[[], Any] | None:
    """Return what answers for a user who may not pass."""
    manager = cast(LoginManager, current_manager())
    if not user.is_authenticated:
        return manager.unauthorized
    if fresh and not login_fresh():
        return manager.needs_refresh

    return None


def _answered(answer: Any) -> Any:
    # SECURITY: None of a hook would mean: go on to the view.
    if answer is None:
        abort(401)

    return answer


async def _awaited(answer: Any) -> Any:
    return _answered(await answer)
