"""Hear trusted proxies before a request is looked at, on every protocol. Loaded if there are any."""

from __future__ import annotations

from typing import Any

from costrel.core.proxied import rewrite_environ, rewrite_scope
from costrel.core.proxies import DEFAULT_HEADERS, read_trust
from costrel.errors import ConfigError

__all__ = ["hear"]


def hear(app: Any, said: Any) -> Any:
    """Return an environment or a scope that says what the client asked the outermost proxy for.

    The setting is read at the first request.

    Args:
        app: The application.
        said: A WSGI environment, which is changed, or an ASGI scope, of which a copy is.
    """
    trust = app._trust
    if trust is None:
        try:
            config = app.config
            trust = read_trust(
                config["TRUSTED_PROXIES"], config.get("TRUSTED_PROXY_HEADERS", DEFAULT_HEADERS)
            )
        except ConfigError:
            # The application refuses to serve with it, and says so.
            return said
        if trust is None:
            return said
        app._trust = trust
    if "wsgi.url_scheme" not in said:
        return rewrite_scope(trust, said)

    rewrite_environ(trust, said)

    return said
