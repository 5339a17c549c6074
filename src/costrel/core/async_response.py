"""Werkzeug's response for a body that comes from an async stream, where the server is a WSGI server.

An asynchronous server iterates over ``response.response`` itself. Knows the
context only as what holds the stream's context and can run a coroutine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from werkzeug.wrappers import Response as WerkzeugResponse

from costrel._current import current, require_context

__all__ = ["AsyncBodyResponse", "with_context"]


class AsyncBodyResponse(WerkzeugResponse):
    """A response whose body may be an async iterable; all else is Werkzeug's."""

    def iter_encoded(self) -> Iterator[bytes]:
        """Iterate over the body in bytes; the pieces of an async one are waited for."""
        if not isinstance(self.response, list) and hasattr(self.response, "__aiter__"):
            self.response = _either_way(self.response)

        return super().iter_encoded()

    def get_app_iter(self, environ: dict[str, Any]) -> Iterable[bytes]:
        """Return the body as a WSGI server takes it; see Werkzeug's method."""
        if isinstance(self.response, list) or not hasattr(self.response, "__aiter__"):
            return super().get_app_iter(environ)

        body = _either_way(self.response)
        self.response = body
        status = self.status_code
        has_body = environ["REQUEST_METHOD"] != "HEAD" and status >= 200 and status not in (204, 304)
        if self.direct_passthrough or not has_body:
            return super().get_app_iter(environ)

        from costrel.core.async_body import AppIter  # for cost: only async bodies need it

        return AppIter(body, self.close)


# Any: Werkzeug's types know no async body.
def with_context(body: Any) -> Any:
    """Return an async body that holds the current context until it ends, if there is one."""
    # Any: which request a context belongs to is no part of the Protocol.
    ctx: Any = current.get(None)
    if ctx is None or hasattr(body, "ctx"):
        return body

    from costrel.core.streams import AsyncContextStream  # for cost, as above

    return AsyncContextStream(ctx._request_scope or ctx, body)


def _either_way(body: Any) -> Any:
    """Return an async body with which a WSGI server can do."""
    if hasattr(body, "__iter__"):
        return body

    from costrel.core.async_body import AsyncBody  # for cost, as above

    app: Any = require_context("a response with an async body").app

    return AsyncBody(with_context(body), app._finish)
