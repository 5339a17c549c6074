"""Sends requests to an application without a server, and keeps cookies between them.

``run_wsgi_app`` is all that knows the protocol; another one takes its place behind
the same ``open``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy
from functools import cache
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import Client, TestResponse, run_wsgi_app
from werkzeug.test import EnvironBuilder as WerkzeugEnvironBuilder
from werkzeug.wrappers import Request as BaseRequest
from werkzeug.wsgi import get_current_url

from costrel.sessions import SessionMixin
from costrel.testing.builder import EnvironBuilder

__all__ = ["FlaskClient"]

# The serving layer calls what stands here with each context, before it pops it.
_PRESERVE = "werkzeug.debug.preserve_context"


class FlaskClient(Client):
    """A client for tests, made by ``app.test_client()``.

    In a ``with`` block the context of the last request stays current, so that
    ``request``, ``session`` and ``g`` can be looked at. It is torn down once more,
    for what the block itself used, at the next request or at the end of the block.

    Example:
        >>> from costrel import Costrel, request
        >>> app = Costrel("shop")
        >>> with app.test_client() as client:
        ...     client.get("/cart?page=2").status_code, request.args["page"]
        (404, '2')
    """

    application: Any  # the application; its class stands above this module

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.preserve_context = False
        self._new_contexts: list[AbstractContextManager[Any]] = []
        self._context_stack = ExitStack()
        self.environ_base: dict[str, Any] = {
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_USER_AGENT": f"Werkzeug/{_get_werkzeug_version()}",
        }

    @contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[SessionMixin]:
        """Read or change the session that the next request will find.

        Args:
            *args: What ``app.test_request_context`` takes.
            **kwargs: Likewise.

        Raises:
            TypeError: If this client keeps no cookies.
            RuntimeError: If the application's session interface opens no session.

        Example:
            >>> from costrel import Costrel, session
            >>> app = Costrel("shop")
            >>> app.secret_key = "for this example"
            >>> @app.get("/")
            ... def index():
            ...     return session["user"]
            >>> client = app.test_client()
            >>> with client.session_transaction() as stored:
            ...     stored["user"] = "ada"
            >>> client.get("/").text
            'ada'
        """
        if self._cookies is None:
            raise TypeError('Cookies are disabled. Create a client with "use_cookies=True".')

        app = self.application
        ctx = app.test_request_context(*args, **kwargs)
        self._add_cookies_to_wsgi(ctx.request.environ)
        with ctx:
            session = app.session_interface.open_session(app, ctx.request)
        if session is None:
            raise RuntimeError("Session backend did not open a session.")

        yield session

        if app.session_interface.is_null_session(session):
            return
        response = app.response_class()
        with ctx:
            app.session_interface.save_session(app, session, response)
        self._update_cookies_from_response(
            ctx.request.host.partition(":")[0], ctx.request.path, response.headers.getlist("Set-Cookie")
        )

    def open(
        self, *args: Any, buffered: bool = False, follow_redirects: bool = False, **kwargs: Any
    ) -> TestResponse:
        """Send a request, and return the response.

        Args:
            *args: What ``EnvironBuilder`` takes behind the application; or one builder,
                environment or request of Werkzeug's.
            buffered: Read and close the body before returning.
            follow_redirects: Follow redirects; ``response.history`` lists them.
            **kwargs: As ``args``.

        Example:
            >>> from costrel import Costrel
            >>> Costrel("shop").test_client().open("/", method="PUT").status_code
            404
        """
        request = self._make_request(args, kwargs)
        # The previous request's context goes before this one's comes.
        self._context_stack.close()

        response = super().open(request, buffered=buffered, follow_redirects=follow_redirects)
        response.json_module = self.application.json

        if self._new_contexts:
            # One a request; of a chain of redirects the last one counts.
            self._context_stack.enter_context(self._new_contexts[-1])
            self._new_contexts.clear()

        return response

    def run_wsgi_app(
        self, environ: dict[str, Any], buffered: bool = False
    ) -> tuple[Iterable[bytes], str, Headers]:
        """Call the application, with the cookies that are kept.

        PERF: as Werkzeug's, without taking the URL apart where no cookie needs it: 20 µs of 70.
        """
        if self._cookies:
            self._add_cookies_to_wsgi(environ)
        elif self._cookies is not None:
            environ.pop("HTTP_COOKIE", None)

        answer = run_wsgi_app(self.application, environ, buffered=buffered)
        set_cookies = answer[2].getlist("Set-Cookie")
        if set_cookies:
            url = urlsplit(get_current_url(environ))
            self._update_cookies_from_response(url.hostname or "localhost", url.path, set_cookies)

        return answer

    def _make_request(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BaseRequest:
        """Turn what ``open`` was given into a request of which nothing is shared with the caller."""
        given = args[0] if args else None
        if isinstance(given, WerkzeugEnvironBuilder):
            builder = copy(given)
            builder.environ_base = self._copy_environ(builder.environ_base or {})
            return builder.get_request()
        if isinstance(given, dict):
            base = self._copy_environ({})
            return EnvironBuilder.from_environ(given, app=self.application, environ_base=base).get_request()
        if isinstance(given, BaseRequest):
            request = copy(given)
            request.environ = self._copy_environ(request.environ)
            return request

        return self._request_from_builder_args(args, kwargs)

    def _request_from_builder_args(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BaseRequest:
        """Make the request that a builder's arguments describe; Flask-SocketIO calls this."""
        kwargs["environ_base"] = self._copy_environ(kwargs.get("environ_base", {}))
        builder = EnvironBuilder(self.application, *args, **kwargs)
        try:
            return builder.get_request()
        finally:
            builder.close()

    def _copy_environ(self, other: Mapping[str, Any]) -> dict[str, Any]:
        """Return an environment on top of this client's own."""
        environ = {**self.environ_base, **other}
        if self.preserve_context:
            keep: Callable[[AbstractContextManager[Any]], None] = self._new_contexts.append
            environ[_PRESERVE] = keep

        return environ

    def __enter__(self) -> Self:
        if self.preserve_context:
            raise RuntimeError("Cannot nest client invocations")
        self.preserve_context = True

        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.preserve_context = False
        self._context_stack.close()


@cache
def _get_werkzeug_version() -> str:
    return version("werkzeug")
