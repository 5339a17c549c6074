"""What is wrong among the rules of an application: views that no request reaches. Calls no view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from costrel.core.checks.finding import Finding
from costrel.core.views import where_defined

__all__ = ["find_in_routes"]

_IMPLIED = frozenset(("HEAD", "OPTIONS"))
Views = Mapping[str, Callable[..., Any]]  # Any: a view takes and returns what it likes


def find_in_routes(rules: Iterable[Any], views: Views) -> Iterator[Finding]:
    """Find rules without views, views without rules, and rules that others stand in front of.

    Args:
        rules: Werkzeug's rules, in the order in which they are tried.
        views: The views by their endpoint.

    Example:
        >>> from werkzeug.routing import Map, Rule
        >>> url_map = Map([Rule("/<one>", endpoint="first"), Rule("/<other>", endpoint="second")])
        >>> views = {"first": len, "second": len}
        >>> [finding.id for finding in find_in_routes(url_map.iter_rules(), views)]
        ['routes.W001']
    """
    known = list(rules)
    usable = [rule for rule in known if not rule.build_only]
    yield from _shadowed(usable, views)
    for rule in usable:
        if rule.endpoint not in views and rule.redirect_to is None and not rule.websocket:
            yield Finding(
                "routes.E001",
                f"the rule {rule.rule!r} leads to the endpoint {rule.endpoint!r}, which has no view",
                f"Register one: @app.endpoint({rule.endpoint!r}).",
            )

    reached = {rule.endpoint for rule in known}
    for endpoint in views:
        if endpoint not in reached:
            yield Finding(
                "routes.W002",
                f"no rule leads to the endpoint {endpoint!r}: {where_defined(views[endpoint])}",
                f'Add one: app.add_url_rule("/…", endpoint={endpoint!r}).',
            )


def _shadowed(rules: list[Any], views: Views) -> Iterator[Finding]:
    first_of: dict[tuple[Any, ...], list[Any]] = {}
    for rule in rules:
        if rule.alias or rule.redirect_to is not None:
            continue
        shape = _shape(rule)
        for first in first_of.setdefault(shape, []):
            if first.endpoint == rule.endpoint:
                continue
            both = _both(first.methods, rule.methods)
            if both is not None:
                named = f" for {', '.join(sorted(both))}" if both else ""
                yield Finding(
                    "routes.W001",
                    f"the rule {rule.rule!r} of {_told(rule, views)} is never reached{named}:"
                    f" {first.rule!r} of {_told(first, views)} comes first",
                    "Give one of them another path, or other methods.",
                )
                break
        first_of[shape].append(rule)


def _shape(rule: Any) -> tuple[Any, ...]:
    """Return what two rules share that match the same requests: variables count, their names do not."""
    parts: list[Any] = []
    # NOTE: the trace is Werkzeug's own reading of a rule; what has none is taken for unlike any other.
    for dynamic, data in getattr(rule, "_trace", None) or [(False, id(rule))]:
        converter = rule._converters.get(data) if dynamic else None
        parts.append((type(converter), _settings_of(converter)) if dynamic else data)

    return rule.websocket, rule.host, rule.subdomain, rule.is_leaf, tuple(parts)


def _settings_of(converter: Any) -> tuple[Any, ...]:
    """Return what tells two converters of one class apart."""
    own = getattr(converter, "__dict__", {})

    return tuple(sorted((name, repr(value)) for name, value in own.items() if name != "map"))


def _both(
    first: frozenset[str] | set[str] | None, second: frozenset[str] | set[str] | None
) -> set[str] | None:
    """Return the methods that both take; none at all for all methods, ``None`` if there is none."""
    if first is None or second is None:
        return set(first or second or ()) - _IMPLIED

    return (set(first) & set(second)) - _IMPLIED or None


def _told(rule: Any, views: Views) -> str:
    view = views.get(rule.endpoint)

    return f"{rule.endpoint!r}" if view is None else f"{rule.endpoint!r}, {where_defined(view)},"
