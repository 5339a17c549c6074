"""The context of a request: routing and the session are looked at when first asked for."""

from __future__ import annotations

from typing import Any, cast

from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from costrel import typing as ft
from costrel._app_context import AppContext, teardown_step
from costrel.core.all_errors import AllErrors
from costrel.core.announce import announce
from costrel.core.drive import Steps
from costrel.signals import appcontext_pushed
from costrel.wrappers import Request

__all__ = ["RequestContext"]

_new_request: Any = Request.__new__


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
    _found: tuple[tuple[Any, dict[str, Any]] | None, HTTPException | None] | None = None
    """What routing gave, if who made this asked it, until it is asked for: a match, or the error."""

    _was_entered = False
    _is_kept = False
    """Whether a client or the debugger keeps this, to push it again as it was when the request ended."""

    _opens_session_at_push = True
    """Whether the push opens a session that Flask would open; under ASGI it is opened in a thread."""

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

        return self._make_request() if request is None else request

    @request.setter
    def request(self, value: Any) -> None:
        self._request = value

    @request.deleter
    def request(self) -> None:
        self._request = None
        self._deleted |= {"request"}

    def _make_request(self) -> Any:
        if self._deleted:
            self._refuse_deleted("request")
        app, match = self.app, self._match
        if match is not None and app.request_class is Request:
            # PERF: what the constructor does and a request with a rule needs, 0.2 µs less.
            request = self._request = _new_request(Request)
            environ = request.environ = self.environ
            environ["werkzeug.request"] = request
            request.url_rule, request.view_args = match
            request.json_module = app.json
            return request

        request = self._request = app.request_class(self.environ)
        if match is not None:
            request.url_rule, request.view_args = match
        elif self._routing_error is not None:
            request.routing_exception = self._routing_error
        request.json_module = app.json

        return request

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
        # PERF: 0.4 µs less than ``suppress``, at each use of the session.
        try:
            session.accessed = True
        except AttributeError:
            return session  # an interface may hand out any mapping

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
        found = self._found
        if found is None:
            self.app._route(self)
        else:
            self._found = None
            self.app._note_route(self, *found)

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
        if self._was_entered and not self._is_kept:
            self._g = None  # one for each time, as Flask has it
        self._was_entered = True
        if self._session_object is None and self._opens_session_at_push and not app._session_is_lazy():
            self._session  # noqa: B018  # opened now, because Flask would
        self.match_request()

    def _may_go_before(self, top: Any) -> bool:
        """Tell whether this may be popped under ``top``: an app context on a request without its own."""
        return self._shared is not None and top is not None and top._request_scope is self

    def _teardown(self, exc: BaseException | None) -> Steps[None]:
        errors = AllErrors(log=self.app._log_teardown_error)
        with errors:
            yield from teardown_step(self, "do_teardown_request", exc)
        with errors:
            self._close_request()
        if self._shared is None:
            with errors:
                yield from teardown_step(self, "do_teardown_appcontext", exc)
            yield from self._close(exc, errors)
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
