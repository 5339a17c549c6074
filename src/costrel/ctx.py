"""The context: the application, and in a request everything that belongs to it.

There is one context variable (``costrel._current``) and one object per
request or command. Routing and the session are looked at when first asked
for. Knows the application only through what it is asked to do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import Token
from functools import update_wrapper
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from costrel import typing as ft
from costrel._current import current, outside_request_context, require_request
from costrel._missing import MISSING, Missing
from costrel.core.all_errors import AllErrors
from costrel.core.announce import announce
from costrel.core.app_methods import styled_args
from costrel.core.stack import take_out
from costrel.signals import appcontext_popped, appcontext_pushed

__all__ = [
    "AppContext",
    "RequestContext",
    "after_this_request",
    "copy_current_request_context",
    "has_app_context",
    "has_request_context",
]

F = TypeVar("F", bound=Callable[..., Any])


class _AppCtxGlobals:
    """The namespace ``g``: attributes that live as long as their context."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or the default."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: Any = MISSING) -> Any:
        """Take an attribute out.

        Raises:
            KeyError: If it is not there and no default was given.
        """
        if default is MISSING:
            return self.__dict__.pop(name)

        return self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return an attribute, setting it to the default first if it is not there."""
        return self.__dict__.setdefault(name, default)

    def __contains__(self, item: str) -> bool:
        return item in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        ctx = current.get(None)
        return object.__repr__(self) if ctx is None else f"<flask.g of '{ctx.app.name}'>"


class AppContext:
    """The context of an application: what commands, jobs and tests push.

    A context may be pushed again while it is pushed; its teardown runs when
    the last push is undone. Attributes may be set on it freely.

    Args:
        app: The application.
    """

    _tokens: list[Token[Any]] | None = None
    _uncovers: Any = MISSING
    _g: Any = None
    _url_adapter: MapAdapter | Missing | None = MISSING
    _shared: AppContext | None = None
    _request_scope: Any = None
    _request: Any = None
    _holds = 0
    _over: tuple[BaseException | None] | None = None

    def __init__(self, app: Any) -> None:
        self.app = app

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {id(self):#x} of {self.app.name}>"

    @property
    def g(self) -> Any:
        """The namespace of this context, made when first asked for."""
        namespace = self._g
        if namespace is None:
            shared = self._shared
            namespace = self.app.app_ctx_globals_class() if shared is None else shared.g
            self._g = namespace

        return namespace

    @g.setter
    def g(self, value: Any) -> None:
        self._g = value

    @property
    def url_adapter(self) -> MapAdapter | None:
        """Werkzeug's URL adapter, or ``None`` where nothing says which host to build for."""
        adapter = self._url_adapter
        if adapter is MISSING:
            adapter = self._url_adapter = self._make_url_adapter()

        return adapter

    @url_adapter.setter
    def url_adapter(self, value: MapAdapter | None) -> None:
        self._url_adapter = value

    def _make_url_adapter(self) -> MapAdapter | None:
        return cast("MapAdapter | None", self.app.create_url_adapter(None))

    @property
    def has_request(self) -> bool:
        """Whether this is, or was pushed inside of, a request."""
        return self._request_scope is not None

    @property
    def _enclosing_request(self) -> RequestContext:
        scope = self._request_scope
        if scope is None:
            raise outside_request_context("request")

        return cast(RequestContext, scope)

    # What a plain app context answers about the request it was pushed inside of.

    @property
    def request(self) -> Any:
        """The request around this context.

        Raises:
            ContextError: If there is none.
        """
        return self._enclosing_request.request

    @property
    def session(self) -> Any:
        """The session of the request around this context.

        Raises:
            ContextError: If there is none.
        """
        return self._enclosing_request.session

    @property
    def flashes(self) -> list[tuple[str, str]] | None:
        """The messages that the request around this context has taken out already."""
        return self._enclosing_request.flashes

    @flashes.setter
    def flashes(self, value: list[tuple[str, str]] | None) -> None:
        self._enclosing_request.flashes = value

    @property
    def app_scope(self) -> AppContext:
        """The context that ``app_ctx`` names: this one, or the one whose ``g`` it shares."""
        return self if self._shared is None else self._shared

    def push(self) -> None:
        """Make this the current context."""
        if self._tokens is None:
            outer = current.get(None)
            self._tokens = [current.set(self)]
            self._enter(outer)
        else:
            self._tokens.append(current.set(self))

    def _enter(self, outer: Any) -> None:
        """Do what belongs to the first push; ``outer`` is the context before."""
        if outer is not None:
            self._request_scope = outer._request_scope
        self._over = None
        if appcontext_pushed.receivers:
            announce(appcontext_pushed, self.app)

    def pop(self, exc: BaseException | Missing | None = MISSING) -> None:
        """Undo one push; undoing the last one runs the teardown.

        Args:
            exc: The error to hand to teardown functions. Default: the one
                being handled.

        Raises:
            AssertionError: If another context was pushed since and not popped.
        """
        tokens = self._tokens
        now: Any = current.get(None)
        if tokens is None or (now is not self and not self._may_go_before(now)):
            raise AssertionError(f"Popped wrong app context. ({now!r} instead of {self!r})")
        if len(tokens) > 1:
            token = tokens.pop()
            if now is self:
                current.reset(token)
            return
        if exc is MISSING:
            exc = sys.exc_info()[1]

        self._finish(exc)

    def _may_go_before(self, top: Any) -> bool:
        """Tell whether this may be popped under ``top``: it is a request that shares this context."""
        return top is not None and top._shared is self

    def _finish(self, exc: BaseException | None) -> None:
        """Undo the last push, and tear down unless a stream still holds the context."""
        if self._holds:
            self._over = (exc,)
            self._detach()
            return

        try:
            self._tear_down(exc)
        finally:
            self._detach()
            if self._shared is None and appcontext_popped.receivers:
                announce(appcontext_popped, self.app)

    def _detach(self) -> None:
        tokens = self._tokens
        if tokens and (now := cast(Any, current.get(None))) is not self and self._may_go_before(now):
            take_out(self, now)
            return

        self._tokens = None
        if tokens:
            current.reset(tokens[0])
            if self._uncovers is not MISSING:
                current.set(self._uncovers)
                self._uncovers = MISSING

    def _tear_down(self, exc: BaseException | None) -> None:
        _run_teardown(self, "do_teardown_appcontext", exc)

    def hold(self) -> None:
        """Postpone the teardown until ``release`` was called as often as this."""
        self._holds += 1

    def release(self, exc: BaseException | None = None) -> None:
        """Undo one ``hold``; the last one tears down if the context is over.

        Args:
            exc: The error that ended what held the context, if one did.
        """
        self._holds -= 1
        if self._holds or self._over is None:
            return

        (ended_with,) = self._over
        self._over = None
        self._tokens = [current.set(cast(Any, self))]
        self._finish(ended_with if exc is None else exc)

    def __enter__(self) -> Self:
        try:
            self.push()
        except BaseException:
            self._detach()
            raise

        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.pop(exc_value)


class RequestContext(AppContext):
    """The context of one request.

    Args:
        app: The application.
        environ: The WSGI environment.
        request: The request, if it exists already.
        session: The session, if it is open already.
    """

    _session_object: Any = None
    _match: tuple[Any, dict[str, Any]] | None = None
    _routing_error: HTTPException | None = None
    _after_functions: list[ft.AfterRequestCallable[Any]] | None = None
    _flashes: list[tuple[str, str]] | None = None
    _deleted: frozenset[str] = frozenset()

    def __init__(self, app: Any, environ: Any, request: Any = None, session: Any = None) -> None:
        self.app = app
        self.environ = environ
        if request is not None:
            self._request = request
        if session is not None:
            self._session_object = session

    def __repr__(self) -> str:
        request = self.request
        return f"<{type(self).__name__} {request.url!r} [{request.method}] of {self.app.name}>"

    @property
    def has_request(self) -> bool:
        """Always true."""
        return True

    @property
    def _request_scope(self) -> RequestContext:  # an attribute would be a reference cycle
        return self

    @property
    def request(self) -> Any:
        """The request, made when first asked for."""
        request = self._request
        if request is None:
            if self._deleted:
                self._refuse_deleted("request")
            request = self._request = self.app.request_class(self.environ)
            if self._match is not None:
                request.url_rule, request.view_args = self._match
            elif self._routing_error is not None:
                request.routing_exception = self._routing_error
            request.json_module = self.app.json

        return request

    @request.setter
    def request(self, value: Any) -> None:
        self._request = value

    @request.deleter
    def request(self) -> None:
        self._request = None
        self._deleted |= {"request"}

    def _refuse_deleted(self, name: str) -> None:
        """Make no other one of what was deleted: mocks delete theirs, look, and put the old one back."""
        if name in self._deleted:
            raise AttributeError(name)

    @property
    def flashes(self) -> list[tuple[str, str]] | None:
        """The messages taken out of the session by this request already."""
        return self._flashes

    @flashes.setter
    def flashes(self, value: list[tuple[str, str]] | None) -> None:
        self._flashes = value

    @property
    def _session(self) -> Any:
        """The session, opened now if it was not; not marked as accessed."""
        session = self._session_object
        if session is None:
            if self._deleted:
                self._refuse_deleted("session")
            interface = self.app.session_interface
            session = interface.open_session(self.app, self.request)
            if session is None:
                session = interface.make_null_session(self.app)
            self._session_object = session

        return session

    @_session.setter
    def _session(self, value: Any) -> None:  # Flask-SocketIO sets it
        self._session_object = value

    @property
    def session(self) -> Any:
        """The session, opened now if it was not, and marked as accessed."""
        session = self._session_object
        if session is None:
            session = self._session
        with suppress(AttributeError):  # an interface may hand out any mapping
            session.accessed = True

        return session

    @session.setter
    def session(self, value: Any) -> None:
        self._session_object = value

    @session.deleter
    def session(self) -> None:
        self._session_object = None
        self._deleted |= {"session"}

    @property
    def _after_request_functions(self) -> list[ft.AfterRequestCallable[Any]]:
        functions = self._after_functions
        if functions is None:
            functions = self._after_functions = []

        return functions

    @_after_request_functions.setter
    def _after_request_functions(self, value: list[ft.AfterRequestCallable[Any]]) -> None:
        self._after_functions = value

    def _make_url_adapter(self) -> MapAdapter | None:
        try:
            return cast("MapAdapter | None", self.app.create_url_adapter(self.request))
        except HTTPException as error:
            self.request.routing_exception = error
            self._routing_error = error
            return None

    def match_request(self) -> None:
        """Find the rule for the request, or the error that says why there is none."""
        self.app._route(self)

    def copy(self) -> RequestContext:
        """Return a context of the same request and session, to push elsewhere.

        SECURITY: the session is shared, so what a copy changes after the
        response was made is lost; copies are for reading.
        """
        return type(self)(self.app, environ=self.environ, request=self.request, session=self._session)

    def _enter(self, outer: Any) -> None:
        app = self.app
        if outer is not None and app._flask_defaults and outer.app is app:
            # NOTE: Flask 3.1 keeps the outer context's ``g`` and teardown for a
            # request inside of it; its users' tests count on that.
            self._shared = outer.app_scope
        elif appcontext_pushed.receivers:
            announce(appcontext_pushed, app)
        self._over = None
        if self._session_object is None and not app._session_is_lazy():
            self._session  # noqa: B018  # opened now, because Flask would
        self.match_request()

    def _may_go_before(self, top: Any) -> bool:
        """Tell whether this may be popped under ``top``: an app context on a request without its own."""
        return self._shared is not None and top is not None and top._request_scope is self

    def _tear_down(self, exc: BaseException | None) -> None:
        errors = AllErrors(log=self.app._log_teardown_error)
        with errors:
            _run_teardown(self, "do_teardown_request", exc)
        with errors:
            self._close_request()
        if self._shared is None:
            with errors:
                _run_teardown(self, "do_teardown_appcontext", exc)
        errors.raise_first()

    def _close_request(self) -> None:
        """Close uploaded files, and free the request from its reference cycle with the environment."""
        request = self._request
        if request is None:
            return

        self.environ["werkzeug.request"] = None
        close = getattr(request, "close", None)
        if close is not None:
            close()


def _run_teardown(ctx: AppContext, name: str, exc: BaseException | None) -> None:
    """Call the application's method, in the style it was written for."""
    method = getattr(ctx.app, name)
    method(*styled_args(method, name, ctx, (exc,)))


def after_this_request(f: ft.AfterRequestCallable[Any]) -> ft.AfterRequestCallable[Any]:
    """Call the function with the response of this request only.

    Raises:
        ContextError: If there is no request.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> @app.route("/")
        ... def index():
        ...     @after_this_request
        ...     def mark(response):
        ...         response.headers["X-Seen"] = "1"
        ...         return response
        ...     return "hello"
    """
    ctx = require_request("after_this_request()")
    cast(Any, ctx)._request_scope._after_request_functions.append(f)
    return f


def copy_current_request_context(f: F) -> F:
    """Make a function that runs, in a thread say, with this request's context.

    The session is for reading there. Each call gets a context of its own.

    Raises:
        ContextError: If there is no request.
    """
    ctx = cast(Any, require_request("copy_current_request_context()"))._request_scope.copy()

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with ctx.copy():
            return ctx.app.ensure_sync(f)(*args, **kwargs)

    return cast(F, update_wrapper(wrapper, f))


def has_request_context() -> bool:
    """Tell whether there is a request to ask about."""
    ctx = current.get(None)
    return ctx is not None and ctx.has_request


def has_app_context() -> bool:
    """Tell whether there is an application context."""
    return current.get(None) is not None
