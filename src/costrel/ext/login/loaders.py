"""The loaders of a login manager: which there are, and when they run."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar
from weakref import WeakSet

from costrel import current_app, g, request, session
from costrel.ctx import current_context
from costrel.ext.login import loading, remember
from costrel.ext.login.config import PROTECTION
from costrel.ext.login.mixins import AnonymousUserMixin
from costrel.ext.login.options import LoginOptions, Protection
from costrel.extension import Extension

__all__ = ["Loaders", "current_application", "session_identifier", "warn_of_age"]

F = TypeVar("F", bound=Callable[..., Any])

_COOKIE_NAME = LoginOptions.cookie_name.key


def session_identifier() -> str:
    """Return what tells the browser of the current request from most others: a hash of address and name.

    The address is the one that costrel believes (``TRUSTED_PROXIES``); a
    header that anybody can send is not asked.
    """
    # PERF: the request itself; each look through its proxy is 0.2 µs.
    ctx = current_context()
    asked: Any = request if ctx is None else ctx.request
    known = f"{asked.remote_addr}|{asked.headers.get('User-Agent')}"

    return hashlib.sha512(known.encode("utf-8", "surrogateescape")).hexdigest()


class Loaders(Extension[LoginOptions]):
    """The part of ``LoginManager`` that finds out who the user is."""

    options_class: ClassVar[type[Any]] = LoginOptions

    def __init__(
        self,
        *,
        anonymous_user: Callable[[], Any] = AnonymousUserMixin,
        session_protection: Protection = PROTECTION,
        **given: Any,
    ) -> None:
        self.anonymous_user = anonymous_user
        """Makes the user of those who are not logged in."""

        self.session_protection = session_protection
        """``"basic"``, ``"strong"`` or ``None``; ``SESSION_PROTECTION`` goes before it."""

        self._user_callback: Callable[[str], Any] | None = None
        self._request_callback: Callable[[Any], Any] | None = None
        self._header_callback: Callable[[str], Any] | None = None
        self._session_identifier_generator: Callable[[], str] = session_identifier
        self._asks_requests = False
        self._apps: WeakSet[Any] = WeakSet()
        self._loading_first: WeakSet[Any] = WeakSet()
        self._refreshing: WeakSet[Any] = WeakSet()
        super().__init__(**given)

    def _load_user(self) -> None:
        """Find the user of this request, and keep it in ``g``."""
        options = self.options_of()
        self._keep(loading.run(loading.find_user(self, options)), options)

    async def aload_user(self) -> None:
        """Do as ``_load_user``, without blocking."""
        options = self.options_of()
        self._keep(await loading.arun(loading.find_user(self, options)), options)

    def _keep(self, user: Any, options: LoginOptions) -> None:
        self._update_request_context_with_user(user)
        ctx = current_context()
        own: Any = session if ctx is None else ctx.session
        if own.get("_remember") is not None or options.refresh_each_request:
            self._update_cookie_later()

    def _update_request_context_with_user(self, user: Any = None) -> None:
        """Make somebody the user of this request; nobody in particular without an argument."""
        g._login_user = self.anonymous_user() if user is None else user

    def _update_cookie_later(self) -> None:
        if current_application() not in self._refreshing:
            remember.update_with_this_response(self._update_remember_cookie)

    def _update_remember_cookie(self, response: Any) -> Any:
        return remember.update_cookie(response, self.options_of())

    def user_loader(self, callback: F) -> F:
        """Register the function that returns the user of an id.

        Args:
            callback: Gets an id, as ``get_id`` of the user returned it, and
                returns the user, or ``None`` if there is none any more. If it
                is async, it runs before the view, whenever a request says who
                it is from.

        Example:
            >>> users = {"7": "Ada"}
            >>> @Loaders().user_loader
            ... def load_user(user_id):
            ...     return users.get(user_id)
        """
        self._user_callback = callback
        self._load_first_if_async()
        return callback

    @property
    def user_callback(self) -> Callable[[str], Any] | None:
        """The function registered by ``user_loader``."""
        return self._user_callback

    def request_loader(self, callback: F) -> F:
        """Register a function that finds a user by the request, where session and cookie name none.

        Args:
            callback: Gets the request and returns a user or ``None``; may be async.
        """
        self._request_callback, self._asks_requests = callback, True
        self._load_first_if_async()
        return callback

    @property
    def request_callback(self) -> Callable[[Any], Any] | None:
        """The function registered by ``request_loader``."""
        return self._request_callback

    def header_loader(self, callback: F) -> F:
        """Register a function that gets the header ``Authorization``. Deprecated: use ``request_loader``."""
        warn_of_age("header_loader", "request_loader")
        self._header_callback, self._asks_requests = callback, True
        self._load_first_if_async()
        return callback

    def _load_first_if_async(self) -> None:
        """Have async loaders run before views: nothing in ``current_user`` could wait for them."""
        callbacks = (self._user_callback, self._request_callback, self._header_callback)
        if not any(map(loading.is_async, callbacks)):
            return

        for app in self._apps - self._loading_first:
            self._loading_first.add(app)
            # The first of all hooks, so that the others have a user.
            load_first = self._make_load_first(app)
            app.before_request(load_first, sync_to_thread=False)
            app.before_websocket(load_first, sync_to_thread=False)
            for hooks in (app.before_request_funcs[None], app.before_websocket_funcs[None]):
                hooks.insert(0, hooks.pop())

    def _make_load_first(self, app: Any) -> Callable[[], Any]:
        """Make the hook that returns a coroutine which loads the user, where there may be one to load."""
        config = app.config

        # PERF: 0.3 to 0.5 µs under WSGI for a request that says nothing of its sender, half of it for there
        # being a hook at all; opening a session is ten times that.
        def load_first() -> Any:
            ctx: Any = current_context()
            if self._asks_requests:  # whatever may be in them
                return None if "_login_user" in ctx.g else self._load_ahead()

            cookies, interface = ctx.environ.get("HTTP_COOKIE"), app.session_interface
            if getattr(interface, "opens_late", False) and (
                not cookies
                or (
                    interface.get_cookie_name(app) not in cookies
                    and config.get(_COOKIE_NAME, "") not in cookies
                )
            ):
                return None
            # Here and not in the coroutine: under WSGI a session's store may be waited for here.
            is_named = self.options_of(app).cookie_name in (cookies or "") or _names_somebody(ctx)
            return self._load_ahead() if is_named and "_login_user" not in ctx.g else None

        return load_first

    async def _load_ahead(self) -> None:
        """Load the user of a request that may not need one: an error waits for who looks."""
        try:
            await self.aload_user()
        except Exception as error:
            g._login_error = error


def _names_somebody(ctx: Any) -> bool:
    """Tell whether a request's session says who it is from."""
    try:
        return ctx.session.get("_user_id") is not None
    except Exception:  # the session cannot be read: who looks at the user learns it, others need not
        return False


def current_application() -> Any:
    """Return the current application itself, as signals send it."""
    return current_app._get_current_object()  # type: ignore[attr-defined]  # of the proxy


def warn_of_age(name: str, instead: str) -> None:
    """Warn the caller's caller that a name is deprecated."""
    warnings.warn(f"{name!r} is deprecated; use {instead!r}", DeprecationWarning, stacklevel=3)
