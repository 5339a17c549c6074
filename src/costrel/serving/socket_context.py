"""The context of a WebSocket: that of a request, with the connection and its own teardown."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import HTTPException

from costrel._app_context import teardown_step
from costrel._missing import MISSING
from costrel._request_context import RequestContext
from costrel.core import ws_lifecycle
from costrel.core.all_errors import AllErrors
from costrel.core.announce import announce
from costrel.core.drive import Steps
from costrel.signals import appcontext_pushed

__all__ = ["WebSocketContext"]


class WebSocketContext(RequestContext):
    """The context of one connection; ``request`` is that of its handshake."""

    websocket: Any = None
    """The connection, as the handler sees it."""

    def _enter(self, outer: Any) -> None:
        # Routing and the session wait for the event loop's ways of doing them.
        self._over = None
        if appcontext_pushed.receivers:
            announce(appcontext_pushed, self.app)

    def match_request(self) -> None:
        """Find the rule for the connection, or the error that says why there is none."""
        adapter = self.url_adapter
        if adapter is None:
            return

        try:
            self.app._note_route(self, adapter.match(return_rule=True, websocket=True), None)
        except HTTPException as error:
            self.app._note_route(self, None, error)
        self._url_adapter = MISSING  # it is big, and seldom asked for again

    def _teardown(self, exc: BaseException | None) -> Steps[None]:
        errors = AllErrors(log=self.app._log_teardown_error)
        with errors:
            yield from ws_lifecycle.tear_down(self, exc)
        with errors:
            self._close_request()
        with errors:
            yield from teardown_step(self, "do_teardown_appcontext", exc)
        yield from self._close(exc, errors)
        errors.raise_first()
