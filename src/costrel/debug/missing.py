"""Say in development what there is, where a URL leads to nothing.

A WSGI layer that replaces the bare 404 and 405 pages of routing. It leaves alone
what a view or an error handler of the application answered, and must never be
used without debug mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map
from werkzeug.wsgi import ClosingIterator

from costrel.debug.answers import is_trusted, wanted_format
from costrel.routing.suggest import near_misses

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["MissingPages", "RouteLine"]

_BARE = {"404": NotFound, "405": MethodNotAllowed}
_MOST_ROUTES = 300
_STYLE = """\
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, td { font-family: ui-monospace, monospace; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0 }
tr { border-bottom: 1px solid #8884 }
small { opacity: .7 }"""


class RouteLine(Protocol):
    """What the page shows of a route."""

    @property
    def rule(self) -> str:
        """The rule as it was registered."""
        ...

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods it answers."""
        ...

    @property
    def view(self) -> str:
        """Where its view is written."""
        ...


class MissingPages:
    """List what is near, and all routes, where the application has only "Not Found".

    Args:
        app: The application.
        map: Its rules.
        routes: Lists its routes for the page.
        trusted_hosts: Hosts besides the loopback ones that may see them.
    """

    def __init__(
        self,
        app: WSGIApplication,
        map: Map,
        *,
        routes: Callable[[], Sequence[RouteLine]],
        trusted_hosts: Sequence[str] = (),
    ) -> None:
        self.app = app
        self.map = map
        self.routes = routes
        self.trusted_hosts = trusted_hosts

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Run the application, and replace its answer if that is a bare error of routing."""
        kind = wanted_format(environ.get("HTTP_ACCEPT", ""))
        if kind == "json" or not is_trusted(environ, self.trusted_hosts):
            return self.app(environ, start_response)

        held: list[tuple[Any, ...]] = []
        returned: list[bool] = []

        def hold(*answer: Any) -> Any:  # Any: start_response's arguments and its write()
            # An application that is a generator starts when its answer is read: too late to replace it.
            if returned or len(answer) > 2 or not _may_be_bare(*answer):
                return start_response(*answer)
            held.append(answer)
            return lambda data: start_response(*held.pop())(data)

        body = self.app(environ, hold)
        returned.append(True)
        if not held:
            return body

        status, headers = held[0]
        data = b"".join(body)
        close = getattr(body, "close", None)
        if data == _bare_page(status[:3]) and not self._has_route(environ):
            data = self._explain(environ, status, kind).encode("utf-8", "backslashreplace")
            mimetype = "text/html" if kind == "html" else "text/plain"
            kept = [pair for pair in headers if pair[0].lower() not in ("content-type", "content-length")]
            headers = [
                *kept,
                ("Content-Type", f"{mimetype}; charset=utf-8"),
                ("Content-Length", str(len(data))),
            ]
        start_response(status, headers)

        return ClosingIterator([data], close)

    def _has_route(self, environ: WSGIEnvironment) -> bool:
        """Tell whether a view answered: its 404 is about something else than the URL."""
        try:
            return self.map.bind_to_environ(environ).test()
        except HTTPException:
            return True

    def _explain(self, environ: WSGIEnvironment, status: str, kind: str) -> str:
        method, path = environ["REQUEST_METHOD"], _path(environ)
        near = [miss.text for miss in near_misses(self.map, path, method)]
        if kind == "html":
            return _page(f"{method} {path}", status, near, self.routes())

        lines = [f"{status}: {method} {path}", *(f"  {text}" for text in near)]

        return "\n".join(lines) + "\n  'costrel routes' lists what there is\n"


def _page(asked: str, status: str, near: list[str], routes: Sequence[RouteLine]) -> str:
    hints = Markup("").join(Markup("<li>{}</li>").format(text) for text in near)
    rows = Markup("").join(
        Markup("<tr><td>{}</td><td>{}</td><td><small>{}</small></td></tr>").format(
            ", ".join(route.methods), route.rule, route.view
        )
        for route in routes[:_MOST_ROUTES]
    )
    more = f"and {len(routes) - _MOST_ROUTES} more" if len(routes) > _MOST_ROUTES else ""

    return Markup(
        "<!doctype html>\n<html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        "<title>{status}</title><style>{style}</style>"
        "<h1>{status}</h1><p><code>{asked}</code> leads to no view.</p><ul>{hints}</ul>"
        "<table><tr><th>Methods<th>Rule<th>View</tr>{rows}</table><p>{more}</p>"
        "<p><small>This list is shown in debug mode only.</small></p></html>\n"
    ).format(status=status, style=Markup(_STYLE), asked=asked, hints=hints, rows=rows, more=escape(more))


def _may_be_bare(status: str, headers: list[tuple[str, str]]) -> bool:
    """Tell by its length whether an answer may be a bare page; others are not read."""
    if status[:3] not in _BARE:
        return False
    length = str(len(_bare_page(status[:3])))

    return any(name.lower() == "content-length" and value == length for name, value in headers)


def _bare_page(code: str) -> bytes:
    error: HTTPException = _BARE[code]()

    return error.get_body().encode()


def _path(environ: WSGIEnvironment) -> str:
    # PEP 3333: the bytes of the path, each as one character.
    return str(environ.get("PATH_INFO", "/")).encode("latin-1").decode(errors="replace")
