"""``routes``: which URL leads to which line of the application."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import click

from costrel.cli.discovery import App
from costrel.cli.script_info import ScriptInfo, load_for_command, pass_script_info

if TYPE_CHECKING:
    from werkzeug.routing import Rule

__all__ = ["Route", "describe_routes", "routes_command"]

_IMPLIED = frozenset(("HEAD", "OPTIONS"))


@dataclass(frozen=True, slots=True)
class Route:
    """One rule as the table shows it; what it does not have is an empty string."""

    endpoint: str
    methods: tuple[str, ...]
    """Its HTTP methods; ``WS`` for a WebSocket, which has none of them."""
    rule: str
    domain: str
    """The host, or the subdomain when hosts are not matched."""
    view: str
    """Where the view is written, ``file:line``."""
    kind: str
    """``sync`` or ``async``; with ``websocket`` before it for such a rule."""


@click.command("routes", short_help="Show the routes of the application.")
@click.option(
    "--sort",
    "-s",
    type=click.Choice(("endpoint", "methods", "domain", "rule", "match")),
    default="endpoint",
    help="Sort by a column, or 'match': the order in which rules are tried.",
)
@click.option("--filter", "-f", "text", help="Only routes with this text in endpoint, method, rule or file.")
@click.option("--all-methods", is_flag=True, help="Show HEAD and OPTIONS too.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
@pass_script_info
def routes_command(info: ScriptInfo, sort: str, text: str | None, all_methods: bool, as_json: bool) -> None:
    """Show all routes: endpoint, methods, rule, and where the view is written."""
    app = load_for_command(info)
    routes = describe_routes(app, all_methods=all_methods)
    if text:
        routes = [route for route in routes if _contains(route, text.lower())]
    if sort != "match":
        routes.sort(key=attrgetter(sort))

    if as_json:
        import json  # for cost: only this option needs it

        click.echo(json.dumps([asdict(route) for route in routes], indent=2))
    elif not routes:
        click.echo(f"No routes match {text!r}." if text else "No routes were registered.")
    else:
        _write_table(routes, "Host" if app.url_map.host_matching else "Subdomain")


def describe_routes(app: App, *, all_methods: bool = False) -> list[Route]:
    """List the routes of an application in the order in which they are tried.

    Args:
        app: The application.
        all_methods: Whether HEAD and OPTIONS are named; they come with most routes.
    """
    by_host = app.url_map.host_matching

    return [_describe(rule, app.view_functions, by_host, all_methods) for rule in app.url_map.iter_rules()]


def _describe(
    rule: Rule,
    views: dict[str, Callable[..., Any]],  # Any: a view takes and returns what it likes
    by_host: bool,
    all_methods: bool,
) -> Route:
    methods = (rule.methods or set()) - (set() if all_methods else _IMPLIED)
    view = views.get(rule.endpoint)
    kind = "async" if _is_async(view) else "sync"

    return Route(
        endpoint=rule.endpoint,
        methods=("WS",) if rule.websocket else tuple(sorted(methods)),
        rule=rule.rule,
        domain=(rule.host if by_host else rule.subdomain) or "",
        view=_written_at(view),
        kind=f"websocket {kind}" if rule.websocket else kind,
    )


def _write_table(routes: list[Route], domain_title: str) -> None:
    columns: list[tuple[str, list[str]]] = [
        ("Endpoint", [route.endpoint for route in routes]),
        ("Methods", [", ".join(route.methods) for route in routes]),
        (domain_title, [route.domain for route in routes]),
        ("Rule", [route.rule for route in routes]),
        ("View", [route.view for route in routes]),
        ("Kind", [route.kind for route in routes]),
    ]
    used = [(title, cells) for title, cells in columns if title != domain_title or any(cells)]
    widths = [max(len(title), *map(len, cells)) for title, cells in used]
    click.echo(_row((title for title, _ in used), widths))
    click.echo(_row(("-" * width for width in widths), widths))
    for cells in zip(*(cells for _, cells in used), strict=True):
        click.echo(_row(cells, widths))


def _row(cells: Iterable[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _contains(route: Route, text: str) -> bool:
    cells = (route.endpoint, *route.methods, route.rule, route.domain, route.view)

    return any(text in cell.lower() for cell in cells)


def _is_async(view: Callable[..., Any] | None) -> bool:
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        names = ["dispatch_request", "handle", *map(str.lower, getattr(view_class, "methods", None) or ())]
        return any(inspect.iscoroutinefunction(getattr(view_class, name, None)) for name in names)

    return inspect.iscoroutinefunction(inspect.unwrap(view)) if view is not None else False


def _written_at(view: Callable[..., Any] | None) -> str:
    """Find the file and line of a view, below its decorators; those of a class for a class."""
    if view is None:
        return ""
    target: Any = getattr(view, "view_class", None) or inspect.unwrap(view)  # Any: whatever was registered
    while hasattr(target, "func"):  # functools.partial
        target = target.func
    if (getattr(target, "__module__", None) or "").partition(".")[0] == "costrel":
        return "(costrel)"
    try:
        file = inspect.getsourcefile(target) or ""
        is_class = inspect.isclass(target)
        line = inspect.getsourcelines(target)[1] if is_class else target.__code__.co_firstlineno
    except (TypeError, OSError, AttributeError):
        # A callable object or a builtin; its type is the next best name.
        return type(target).__qualname__

    return f"{os.path.relpath(file) if _is_below(file) else file}:{line}"


def _is_below(file: str) -> bool:
    return os.path.abspath(file).startswith(os.getcwd() + os.sep)
