"""Sends requests to an application without a server, and keeps cookies between them.

``run_wsgi_app`` is all that knows the protocol.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from copy import copy
from functools import cache
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import Client, run_wsgi_app
from werkzeug.test import EnvironBuilder as WerkzeugEnvironBuilder
from werkzeug.wrappers import Request as BaseRequest
from werkzeug.wsgi import get_current_url

from costrel.core.lifespan import AFTER_SENT, TEST_MARK
from costrel.core.marks import PRESERVE
from costrel.core.werkzeug_names import STATUS_PHRASES
from costrel.errors import ConfigError
from costrel.serving.offload import finish
from costrel.sessions import SessionMixin
from costrel.testing.builder import EnvironBuilder
from costrel.testing.responses import TestResponse, response_class_of
from costrel.testing.scopes import http_scope, read_headers

if TYPE_CHECKING:
    from costrel.testing.websocket import TestWebSocket

__all__ = ["FlaskClient"]

PROTOCOLS = ("wsgi", "asgi")

under_way: ContextVar[list[Any] | None] = ContextVar("costrel.testing.under_way", default=None)
"""Where the requests of a client are noted whose caller may give up waiting."""


class FlaskClient(Client):
    """A client for tests, made by ``app.test_client()``.

    In a ``with`` block the context of the last request stays current, so that
    ``request``, ``session`` and ``g`` can be looked at. It is torn down once more,
    for what the block itself used, at the next request or at the end of the block.

    Args:
        application: The application.
        response_wrapper: The class of its responses.
        *args: What Werkzeug's client takes besides.
        protocol: ``"wsgi"`` or ``"asgi"``. Default: what the environment
            variable ``COSTREL_TEST_PROTOCOL`` says, else ``"wsgi"``.
        **kwargs: What Werkzeug's client takes.

    Raises:
        ConfigError: If the protocol is another one.

    Example:
        >>> from costrel import Costrel, request
        >>> app = Costrel("shop")
        >>> with app.test_client() as client:
        ...     client.get("/cart?page=2").status_code, request.args["page"]
        (404, '2')
    """

    application: Any  # the application; its class stands above this module

    response_wrapper: type[TestResponse]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        protocol: str | None = kwargs.pop("protocol", None)
        if len(args) > 1:
            args = (args[0], response_class_of(args[1]), *args[2:])
        else:
            kwargs["response_wrapper"] = response_class_of(kwargs.get("response_wrapper"))
        super().__init__(*args, **kwargs)
        self.protocol = protocol or os.environ.get("COSTREL_TEST_PROTOCOL") or "wsgi"
        if self.protocol not in PROTOCOLS:
            raise ConfigError(
                f"a test client speaks 'wsgi' or 'asgi', got {self.protocol!r}",
                hint='Write app.test_client(protocol="asgi").',
            )
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

        response = cast(
            TestResponse, super().open(request, buffered=buffered, follow_redirects=follow_redirects)
        )
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

        run = run_wsgi_app if self.protocol == "wsgi" else run_asgi_app
        after: list[Callable[[], None]] = []
        environ[AFTER_SENT] = after
        answer = run(self.application, environ, buffered=buffered)
        self._keep_cookies(environ, answer[2])
        for begin in after:
            begin()

        return answer

    def _keep_cookies(self, environ: dict[str, Any], headers: Headers) -> None:
        set_cookies = headers.getlist("Set-Cookie")
        if set_cookies:
            url = urlsplit(get_current_url(environ))
            self._update_cookies_from_response(url.hostname or "localhost", url.path, set_cookies)

    def websocket(
        self,
        path: str = "/",
        *,
        subprotocols: Iterable[str] = (),
        patience_seconds: float = 10,
        **kwargs: Any,
    ) -> TestWebSocket:
        """Return a WebSocket to the application, which is opened by ``with``.

        It goes over ASGI's messages whatever this client's protocol is.

        Args:
            path: The path, or a whole URL.
            subprotocols: What to offer, the favourite first.
            patience_seconds: How long the application may take for what is
                waited for; then it is a ``TimeoutError``.
            **kwargs: What ``EnvironBuilder`` takes: ``headers``, ``query_string``, ``base_url``.

        Example:
            >>> from costrel import Costrel
            >>> app = Costrel("shop")
            >>> @app.websocket("/add")
            ... async def add(ws):
            ...     await ws.send_json(sum(await ws.receive_json()))
            >>> with app.test_client().websocket("/add") as ws:
            ...     ws.send_json([2, 3])
            ...     ws.receive_json()
            5
        """
        from costrel.testing.websocket import TestWebSocket  # for cost: asyncio, which WSGI does without

        return TestWebSocket(
            **self._connect(path, subprotocols=subprotocols, patience_seconds=patience_seconds, **kwargs)
        )

    def _connect(
        self, path: str, *, subprotocols: Iterable[str], patience_seconds: float, **kwargs: Any
    ) -> dict[str, Any]:
        """Make what a WebSocket of a test needs, with the cookies that are kept."""
        from costrel.testing.connection import Connection, Refusal  # for cost, as above
        from costrel.testing.scopes import websocket_scope

        request = self._make_request((path,), kwargs)
        environ = request.environ
        if self._cookies is not None:
            self._add_cookies_to_wsgi(environ)

        def respond(refusal: Refusal) -> TestResponse:
            response = self.response_wrapper(
                [refusal.body], status_line(refusal.status), read_headers(refusal.headers), request=request
            )
            response.json_module = self.application.json
            return response

        return {
            "connection": Connection(
                getattr(self.application, "asgi", self.application),
                websocket_scope(environ, subprotocols),
                patience_seconds,
            ),
            "answered": lambda headers: self._keep_cookies(environ, headers),
            "respond": respond,
            "dumps": self.application.json.dumps,
            "loads": self.application.json.loads,
        }

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
        environ = {TEST_MARK: True, **self.environ_base, **other}
        if self.preserve_context:
            keep: Callable[[AbstractContextManager[Any]], None] = self._new_contexts.append
            environ[PRESERVE] = keep

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


def run_asgi_app(
    application: Any, environ: dict[str, Any], buffered: bool = False
) -> tuple[Iterable[bytes], str, Headers]:
    """Send the request of an environment over ASGI; return the body, the status and the headers.

    The application runs on the process's kept event loop, or, called in a
    worker thread of an event loop, on that one.
    """
    from costrel.testing.exchange import Body, Exchange  # for cost: asyncio, which WSGI does without

    length: str = environ.get("CONTENT_LENGTH") or "0"
    is_endless = environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH")
    sent = environ["wsgi.input"]
    start = sent.tell() if hasattr(sent, "seekable") and sent.seekable() else None
    exchange = Exchange(
        getattr(application, "asgi", application),
        http_scope(environ),
        sent,
        None if is_endless else int(length) if length.isdecimal() else 0,
    )
    begun = under_way.get()
    if begun is not None:
        begun.append(exchange)
    finish(exchange.begin())
    assert exchange.status is not None
    if start is not None and exchange.is_whole:
        sent.seek(start)  # a redirect may ask for the same body once more
    body: Iterable[bytes] = exchange.pieces if exchange.is_whole else Body(exchange)
    if buffered:
        body = list(body)

    return body, status_line(exchange.status), read_headers(exchange.headers)


def status_line(status: int) -> str:
    """Return a status with its name, which ASGI does not carry."""
    return f"{status} {STATUS_PHRASES.get(status, 'Unknown').upper()}"


@cache
def _get_werkzeug_version() -> str:
    return version("werkzeug")
