"""``LoginManager``: what an application says about its users, and how people are let in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from costrel import abort, current_app, flash, has_websocket_context, redirect, request, session
from costrel.checks import Finding
from costrel.ext.login import remember
from costrel.ext.login.addresses import MAX_NEXT_CHARS, expand_login_view, login_url, make_next_param
from costrel.ext.login.config import (
    ID_ATTRIBUTE,
    LOGIN_MESSAGE,
    LOGIN_MESSAGE_CATEGORY,
    PROTECTION,
    REFRESH_MESSAGE,
    REFRESH_MESSAGE_CATEGORY,
)
from costrel.ext.login.current import current_user, load_current_user
from costrel.ext.login.findings import findings, unknown_views
from costrel.ext.login.loaders import Loaders, current_application, warn_of_age
from costrel.ext.login.mixins import AnonymousUserMixin
from costrel.ext.login.options import LoginOptions, Protection, text_or_none
from costrel.ext.login.signals import user_needs_refresh, user_unauthorized

if TYPE_CHECKING:
    from typing import assert_type

    from typing_extensions import TypeVar as TypeVarWithDefault

    from costrel import Costrel

    U = TypeVarWithDefault("U", default=Any)
else:
    U = TypeVar("U")

__all__ = ["LoginManager"]

F = TypeVar("F", bound=Callable[..., Any])


class LoginManager(Loaders, Generic[U]):
    """What an application says about its users. One may serve many applications.

    Args:
        app: Set up on this application now; otherwise call ``init_app``.
        add_context_processor: Whether templates see ``current_user``.
        login_view: The view, or the URL, that people log in at; without one
            they get a 401.
        blueprint_login_views: Login views by the names of blueprints,
            instead of that one.
        login_message: What is flashed to those who are sent there; empty for
            nothing.
        login_message_category: The category of that message.
        refresh_view: The view, or the URL, that people whose login is not
            fresh are sent to; without one they get a 401.
        needs_refresh_message: What is flashed to them; empty for nothing.
        needs_refresh_message_category: The category of that message.
        localize_callback: Translates the two messages.
        session_protection: As the option, which goes before it.
        anonymous_user: Makes the user of those who are not logged in.
        id_attribute: The name of the method of users that returns their id.
        **given: Options, by the names of ``LoginOptions``.

    All but the first two and the options are attributes too, and may be set
    later.

    Raises:
        ConfigError: If a view is no text, or an option is unknown or unfit.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> manager: LoginManager[AnonymousUserMixin] = LoginManager(app, login_view="log_in")
        >>> app.login_manager is manager
        True
    """

    name: ClassVar[str] = "login"

    def __init__(
        self,
        app: Costrel | None = None,
        add_context_processor: bool = True,
        *,
        login_view: str | None = None,
        blueprint_login_views: Mapping[str | None, str | None] | None = None,
        login_message: Any = LOGIN_MESSAGE,
        login_message_category: str = LOGIN_MESSAGE_CATEGORY,
        refresh_view: str | None = None,
        needs_refresh_message: Any = REFRESH_MESSAGE,
        needs_refresh_message_category: str = REFRESH_MESSAGE_CATEGORY,
        localize_callback: Callable[[Any], str] | None = None,
        session_protection: Protection = PROTECTION,
        anonymous_user: Callable[[], Any] = AnonymousUserMixin,
        id_attribute: str = ID_ATTRIBUTE,
        **given: Any,
    ) -> None:
        self.login_view = text_or_none("login_view", login_view)
        """The view, or the URL, that people log in at; without one they get a 401."""

        self.blueprint_login_views = dict(blueprint_login_views or {})
        """Login views by the names of blueprints, instead of that one."""

        self.login_message = login_message
        """What is flashed to those who are sent there; empty for nothing."""

        self.login_message_category = login_message_category
        """The category of that message."""

        self.refresh_view = text_or_none("refresh_view", refresh_view)
        """The view, or the URL, that people whose login is not fresh are sent to; without one: 401."""

        self.needs_refresh_message = needs_refresh_message
        """What is flashed to them; empty for nothing."""

        self.needs_refresh_message_category = needs_refresh_message_category
        """The category of that message."""

        self.localize_callback = localize_callback
        """Translates the two messages."""

        self.unauthorized_callback: Callable[[], Any] | None = None
        self.needs_refresh_callback: Callable[[], Any] | None = None

        self.id_attribute = id_attribute
        """The name of the method of users that returns their id."""

        self._adds_template_global = add_context_processor
        super().__init__(anonymous_user=anonymous_user, session_protection=session_protection, **given)
        if app is not None:
            self.init_app(app, add_context_processor)

    def init_app(self, app: Costrel, add_context_processor: bool = True) -> None:
        """Set it up on an application, as ``app.login_manager``.

        Args:
            app: The application.
            add_context_processor: Whether templates see ``current_user``.

        Raises:
            ConfigError: If an option is unknown or unfit.
            SetupError: If the application has a login manager already.
        """
        self._adds_template_global = add_context_processor
        self._set_up(app)

    def setup(self, app: Costrel, options: LoginOptions) -> None:
        """Register what runs with each request: nothing, if loaders are sync and cookies not refreshed."""
        app.login_manager = self
        self._apps.add(app)
        options.follow(lambda: self.session_protection)
        if options.refresh_each_request:
            self._refreshing.add(app)
            app.after_request(self._update_remember_cookie)
        self._load_first_if_async()

    def template_globals(self) -> Mapping[str, Any]:
        """Return ``current_user``; a proxy, so that only templates that ask for the user load one."""
        return {"current_user": current_user} if self._adds_template_global else {}

    def check(self, app: Costrel) -> Iterable[Finding]:
        """Find a missing loader, and settings that let people in or do too little."""
        yield from findings(self, app, is_refreshing=app in self._refreshing)
        yield from unknown_views(
            app, [self.login_view, self.refresh_view, *self.blueprint_login_views.values()]
        )

    # The current user.

    @property
    def current_user(self) -> U:
        """The proxy ``current_user``, for type checkers of the class of users."""
        return cast(U, current_user)

    async def load_current_user(self) -> U:
        """Return the current user without blocking; as ``costrel.ext.login.load_current_user``."""
        return cast(U, await load_current_user())

    # Refusing.

    def unauthorized_handler(self, callback: F) -> F:
        """Register a function that answers for those who are not logged in; may be async."""
        self.unauthorized_callback = callback
        return callback

    def needs_refresh_handler(self, callback: F) -> F:
        """Register a function that answers for those whose login is not fresh; may be async."""
        self.needs_refresh_callback = callback
        return callback

    def unauthorized(self) -> Any:
        """Answer for somebody who has to log in: send them to the login page, or refuse with 401.

        Return it from a view or a ``before_request`` hook. A WebSocket is
        refused with 401.
        """
        user_unauthorized.send(current_application())
        if has_websocket_context():
            abort(401)
        if self.unauthorized_callback is not None:
            return self.unauthorized_callback()

        view = self.blueprint_login_views.get(request.blueprint, self.login_view)
        if not view:
            abort(401)

        return self._send_to(view, self.login_message, self.login_message_category)

    def needs_refresh(self) -> Any:
        """Answer for somebody who has to give the password again; a WebSocket is refused with 403."""
        user_needs_refresh.send(current_application())
        if has_websocket_context():
            abort(403)
        if self.needs_refresh_callback is not None:
            return self.needs_refresh_callback()
        if not self.refresh_view:
            abort(401)

        return self._send_to(
            self.refresh_view, self.needs_refresh_message, self.needs_refresh_message_category
        )

    def _send_to(self, view: str, message: Any, category: str) -> Any:
        if message:
            flash(message if self.localize_callback is None else self.localize_callback(message), category)
        here: str | None = request.url
        if len(request.url) > MAX_NEXT_CHARS:
            here = None
        if not self.options_of().use_session_for_next:
            return redirect(login_url(view, next_url=here))

        session["_id"] = self._session_identifier_generator()
        if here is not None:
            session["next"] = make_next_param(expand_login_view(view), here)

        return redirect(login_url(view))

    # The remember cookie.

    def _set_cookie(self, response: Any) -> None:
        remember.set_cookie(response, self.options_of())

    def _clear_cookie(self, response: Any) -> None:
        remember.clear_cookie(response, self.options_of())

    # What Flask-Login 0.6.3 still has, and deprecates.

    def setup_app(self, app: Costrel, add_context_processor: bool = True) -> None:
        """Do as ``init_app``. Deprecated."""
        warn_of_age("setup_app", "init_app")
        self.init_app(app, add_context_processor)

    @property
    def _login_disabled(self) -> bool:
        warn_of_age("_login_disabled", "LOGIN_DISABLED")
        return self.options_of().login_disabled

    @_login_disabled.setter
    def _login_disabled(self, value: bool) -> None:
        warn_of_age("_login_disabled", "LOGIN_DISABLED")
        current_app.config["LOGIN_DISABLED"] = value


if TYPE_CHECKING:  # a test of the types, made by whoever checks this file

    async def _types_are_known(manager: LoginManager[AnonymousUserMixin], plain: LoginManager) -> None:
        assert_type(manager.current_user, AnonymousUserMixin)
        assert_type(await manager.load_current_user(), AnonymousUserMixin)
        assert_type(plain.current_user, Any)
