"""The Protocols through which low modules speak of high ones.

A module of a low level never imports the application or the context; it asks
for what it needs by one of these. Nothing here is checked at run time.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

from werkzeug.routing import MapAdapter

__all__ = ["Application", "Context"]


class Application(Protocol):
    """What a low module may use of an application.

    ``Any`` stands where the type belongs to a higher level; who wants the
    full type uses ``current_app``.
    """

    name: str
    import_name: str
    root_path: str
    debug: bool
    testing: bool
    config: Any
    extensions: dict[str, Any]
    json: Any
    jinja_env: Any
    session_interface: Any
    secret_key: Any
    permanent_session_lifetime: Any
    request_class: Any
    response_class: Any
    url_map: Any
    view_functions: dict[str, Callable[..., Any]]
    blueprints: dict[str, Any]
    logger: Any

    def make_response(self, rv: Any) -> Any: ...

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]: ...


class Context(Protocol):
    """What a low module may use of the current context (``costrel.ctx``)."""

    app: Any
    """The application; typed ``Any`` so that extensions' attributes pass."""

    g: Any
    """The namespace of this context."""

    url_adapter: MapAdapter | None
    has_request: bool
    """True also for a plain app context that was pushed inside of a request."""

    @property
    def request(self) -> Any:
        """The request; raises ``ContextError`` where there is none."""

    @property
    def session(self) -> MutableMapping[str, Any]:
        """The session, opened now if it was not; marks it as accessed."""

    flashes: list[tuple[str, str]] | None
    """Messages already taken out of the session by this request."""
