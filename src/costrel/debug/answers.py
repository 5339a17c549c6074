"""Answer a failed request in development: short text or JSON, and the page only to browsers.

A WSGI layer between the application and Werkzeug's debugger, which turns
whatever this one lets pass into its page. It must never be used without debug
mode; ``run`` is what puts it there.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.sansio.utils import host_is_trusted

from costrel.core.werkzeug_names import STATUS_PHRASES
from costrel.debug.explained import Explainer, draw_page, explain
from costrel.debug.frames import find_place, relative
from costrel.debug.terminal import describe, summarise

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ErrorAnswers", "is_trusted", "wanted_format"]

_UNTRUSTED = "Internal Server Error\n\nWhat failed is told in the server's terminal.\n"


class ErrorAnswers:
    """Tell a view's error in the terminal, and to each client in its own language.

    Args:
        app: The application; its errors must reach this layer (debug mode does so).
        page: True if a debugger stands around this layer and draws the page.
        trusted_hosts: Hosts besides the loopback ones that may see what failed.
            SECURITY: whoever reaches the server under such a name reads source
            lines and error messages.
        explainers: Asked what is behind an error; the list may grow.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        page: bool,
        trusted_hosts: Sequence[str] = (),
        explainers: Sequence[Explainer] = (),
    ) -> None:
        self.app = app
        self.page = page
        self.trusted_hosts = trusted_hosts
        self.explainers = explainers

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        """Run the application; on an error answer, or hand on to the debugger."""
        # The debugger's page leaves out frames that have this name in them.
        __traceback_hide__ = True
        started: list[bool] = []

        def start(*args: Any) -> Callable[[bytes], object]:  # Any: start_response's own arguments
            started.append(True)
            return start_response(*args)

        body: Iterable[bytes] | None = None
        try:
            body = self.app(environ, start)
            yield from body
        except Exception as error:
            explanation = explain(error, self.explainers)
            environ["wsgi.errors"].write(describe(error) + "\n")
            environ["wsgi.errors"].flush()
            kind = wanted_format(environ.get("HTTP_ACCEPT", ""))
            trusted = is_trusted(environ, self.trusted_hosts)
            # The debugger would write the whole traceback into the terminal after its page.
            environ["wsgi.errors"] = io.StringIO()
            if kind == "html" and trusted and explanation is not None and not started:
                page = draw_page(explanation, error)
                yield from _send(page, "text/html", _status(error), start_response)
                return
            if kind == "html" and trusted and self.page:
                raise
            if started:
                # Too late for an answer: the server cuts the connection, and the client sees that it is cut.
                raise ConnectionAbortedError("the view failed after its answer had begun") from error

            yield from _answer(error if trusted else None, kind, start_response)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()


def is_trusted(environ: WSGIEnvironment, hosts: Sequence[str]) -> bool:
    """Tell whether a request names a loopback host or a listed one.

    SECURITY: a page of another site can send a browser here under a name of
    its own, and would read what is answered; it cannot under these names.
    """
    host = environ.get("HTTP_HOST", "")
    # Werkzeug's check compares names and IPv4 addresses; no entry of its list can be an IPv6 address.
    if host == "[::1]" or host.startswith("[::1]:"):
        return True

    return host_is_trusted(host, [".localhost", "127.0.0.1", *hosts])


def wanted_format(accept: str) -> str:
    """Say how a client wants to read of an error: ``html``, ``json`` or ``text``.

    Only who names HTML gets it: browsers do, and curl's ``*/*`` does not.

    Example:
        >>> wanted_format("text/html,application/xhtml+xml,*/*;q=0.8"), wanted_format("*/*")
        ('html', 'text')
        >>> wanted_format("application/json")
        'json'
    """
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if "text/html" in kinds or "application/xhtml+xml" in kinds:
        return "html"

    return "json" if any(kind == "application/json" or kind.endswith("+json") for kind in kinds) else "text"


def _answer(error: Exception | None, kind: str, start_response: StartResponse) -> list[bytes]:
    if error is None:
        body, mimetype = _UNTRUSTED, "text/plain"
    elif kind == "json":
        body, mimetype = _as_json(error), "application/json"
    else:
        body, mimetype = "\n".join(summarise(error)) + "\n", "text/plain"

    return _send(body, mimetype, _status(error), start_response)


def _send(body: str, mimetype: str, status: str, start_response: StartResponse) -> list[bytes]:
    data = body.encode("utf-8", "backslashreplace")
    headers = [
        ("Content-Type", f"{mimetype}; charset=utf-8"),
        ("Content-Length", str(len(data))),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response(status, headers)

    return [data]


def _status(error: Exception | None) -> str:
    """Keep the status of a client's error that was trapped on the way to its handler."""
    code = error.code if isinstance(error, HTTPException) and error.code else 500

    return f"{code} {STATUS_PHRASES.get(code, 'Unknown').upper()}"


def _as_json(error: Exception) -> str:
    place = find_place(error)
    lines = summarise(error)
    answer = {
        "error": lines[0],
        "at": f"{relative(place.filename)}:{place.line}" if place else None,
        "detail": lines[1:],
    }

    return json.dumps(answer, indent=2) + "\n"
