"""The typed proxies of applications: ``current_app``, ``g``, ``request``, ``session``, ``websocket``.

They stand at the top of the house, so that their types can be the real ones;
nothing inside the package uses them.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, cast

from costrel import _proxies

if TYPE_CHECKING:
    from costrel._app_context import _AppCtxGlobals
    from costrel.app import Costrel
    from costrel.ctx import AppContext, RequestContext
    from costrel.sessions import SessionMixin
    from costrel.sockets import WebSocket
    from costrel.wrappers import Request

__all__ = ["app_ctx", "current_app", "g", "request", "request_ctx", "session", "websocket"]

_cv_app = cast("ContextVar[AppContext]", _proxies.cv_app)
_cv_request = cast("ContextVar[RequestContext]", _proxies.cv_request)

app_ctx = cast("AppContext", _proxies.app_ctx)
current_app = cast("Costrel", _proxies.current_app)
g = cast("_AppCtxGlobals", _proxies.g)
request_ctx = cast("RequestContext", _proxies.request_ctx)
request = cast("Request", _proxies.request)
session = cast("SessionMixin", _proxies.session)
websocket = cast("WebSocket", _proxies.websocket)
