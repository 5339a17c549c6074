"""Put what development sees of errors round an application. For servers in debug mode only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from costrel.cli.routes import describe_routes
from costrel.debug.answers import ErrorAnswers
from costrel.debug.missing import MissingPages
from costrel.debug.terminal import DevelopmentFormatter
from costrel.logging import default_handler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["explain_errors"]


def explain_errors(app: WSGIApplication, *, host: str, page: bool) -> WSGIApplication:
    """Tell an application's errors in the terminal in short, and to clients.

    Args:
        app: The application; SECURITY: one in debug mode, on a server that
            nobody else reaches.
        host: The address it is served at, which clients may name besides the
            loopback ones.
        page: Whether Werkzeug's debugger is put round the result.

    Returns:
        What to serve instead of the application.
    """
    if not isinstance(default_handler.formatter, DevelopmentFormatter):
        default_handler.setFormatter(DevelopmentFormatter(default_handler.formatter))

    # An application that is broken has no rules to list.
    rules = getattr(app, "url_map", None)
    explainers = getattr(app, "error_explainers", ())
    if rules is not None:
        app = MissingPages(app, rules, routes=partial(describe_routes, app), trusted_hosts=[host])

    return ErrorAnswers(app, page=page, trusted_hosts=[host], explainers=explainers)
