"""All that ``costrel check`` looks for, over one application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costrel.core.async_parts import find_async_parts
from costrel.core.checks.finding import Check, Finding, collect
from costrel.core.checks.routes import find_in_routes
from costrel.core.checks.settings import find_in_settings, find_unreadable
from costrel.core.startup import refuse_unfit_settings
from costrel.errors import ConfigError

__all__ = ["check_application"]


def check_application(app: Any, *, production: bool = True) -> tuple[list[Finding], list[Finding]]:
    """Check an application: its settings, its rules, and what its extensions look for.

    Args:
        app: The application; ``Any``, because its class stands above this package.
        production: Whether to look for what matters in production only.

    Returns:
        The findings, the gravest first, and those of ``SILENCED_CHECKS``.
    """
    checks: list[Check] = [_unreadable, _routes]
    if production:
        checks += [_settings, _asynchronous]
    checks += getattr(app, "check_funcs", ())

    return collect(checks, app, frozenset(app.config.get("SILENCED_CHECKS") or ()))


def _unreadable(app: Any) -> Iterator[Finding]:
    try:
        refuse_unfit_settings(app.config)
    except ConfigError as error:
        yield find_unreadable(error)


def _routes(app: Any) -> Iterator[Finding]:
    yield from find_in_routes(app.url_map.iter_rules(), app.view_functions)


def _settings(app: Any) -> Iterator[Finding]:
    yield from find_in_settings(app.config)


def _asynchronous(app: Any) -> Iterator[Finding]:
    parts = list(find_async_parts(app))
    if parts:
        more = f" and {len(parts) - 1} more" if len(parts) > 1 else ""
        yield Finding(
            "serving.I001",
            f"{parts[0]}{more}: under a WSGI server, all of a process share one event loop thread, and"
            " WebSockets are not served",
            "Serve app.asgi by an ASGI server; 'costrel serve' does so by itself.",
        )
