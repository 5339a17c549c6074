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

    import_name: str
    root_path: str
    config: Any
    extensions: dict[str, Any]
    json: Any
    session_interface: Any
    request_class: Any
    response_class: Any
    url_map: Any
    view_functions: dict[str, Callable[..., Any]]
    blueprints: dict[str, Any]

    # Computed or configured where they live, so they are only read here.

    @property
    def name(self) -> str:
        """Its name, for messages and loggers."""
        ...

    @property
    def debug(self) -> bool:
        """Whether debug mode is on."""
        ...

    @property
    def testing(self) -> Any:
        """Whether it is under test."""
        ...

    @property
    def secret_key(self) -> Any:
        """What signs sessions."""
        ...

    @property
    def permanent_session_lifetime(self) -> Any:
        """How long a permanent session lasts."""
        ...

    @property
    def jinja_env(self) -> Any:
        """The Jinja environment."""
        ...

    @property
    def logger(self) -> Any:
        """The logger."""
        ...

    def make_response(self, rv: Any) -> Any:
        """Turn what a view returned into a response."""
        ...

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that can be called from synchronous code."""
        ...


class Context(Protocol):
    """What a low module may use of the current context (``costrel.ctx``)."""

    app: Any
    """The application; typed ``Any`` so that extensions' attributes pass."""

    @property
    def g(self) -> Any:
        """The namespace of this context."""
        ...

    @property
    def url_adapter(self) -> MapAdapter | None:
        """Werkzeug's adapter, or ``None`` where nothing says for which host."""
        ...

    @property
    def has_request(self) -> bool:
        """True also for a plain app context that was pushed inside of a request."""
        ...

    @property
    def request(self) -> Any:
        """The request; raises ``ContextError`` where there is none."""
        ...

    @property
    def session(self) -> MutableMapping[str, Any]:
        """The session, opened now if it was not; marks it as accessed."""
        ...

    @property
    def flashes(self) -> list[tuple[str, str]] | None:
        """Messages already taken out of the session by this request."""
        ...

    @flashes.setter
    def flashes(self, value: list[tuple[str, str]] | None) -> None: ...
