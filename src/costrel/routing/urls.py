"""Fast URL building for endpoints with one plain rule. Knows no request and no host.

What it builds is what Werkzeug's ``MapAdapter.build`` gives inside of a request
to the default subdomain, without the script's root. None means: ask Werkzeug.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

from werkzeug.routing import BaseConverter, IntegerConverter, Rule

__all__ = ["UrlBuilder"]

Plan = Callable[[dict[str, Any], "str | None"], "str | None"]
ToUrl = Callable[[Any], str]

_SEGMENT_SAFE = "!$&'()*+,/:;=@"
_QUERY_SAFE = "!$'()*,/:;?@"
_nothing_to_quote = re.compile(r"[A-Za-z0-9_.\-~!$&'()*+,/:;=@]*\Z").match


class Buildable(Protocol):
    """What the builder needs of a map."""

    default_subdomain: str
    host_matching: bool
    sort_parameters: bool
    _rules_by_endpoint: dict[Any, list[Rule]]


class UrlBuilder:
    """Builds paths for a map; made to forget when the map changes.

    Example:
        >>> from costrel.routing import Map, Rule
        >>> builder = Map([Rule("/tags/<name>", endpoint="tag")]).urls
        >>> builder.build("tag", {"name": "a b", "page": [1, 2]})
        '/tags/a%20b?page=1&page=2'
        >>> builder.build("tag", {}) is None
        True
    """

    __slots__ = ("_map", "_plans")

    def __init__(self, map: Buildable) -> None:
        self._map = map
        self._plans: dict[Any, Plan] = {}

    def forget(self) -> None:
        """Drop all plans."""
        self._plans = {}

    def build(self, endpoint: Any, values: dict[str, Any], method: str | None = None) -> str | None:
        """Build the path and query of an endpoint.

        The caller has to be bound to the map's default subdomain, and puts
        the script's root (without its last slash) in front.

        Args:
            endpoint: As the rule names it.
            values: The variables; others become the query, None is dropped.
            method: Only a rule for this method, as ``url_for(_method=…)``.

        Returns:
            None if the endpoint has several rules, or one with defaults, of
            another host or for websockets, if a value is missing or refused,
            or if the endpoint does not exist.
        """
        if type(values) is not dict:
            return None

        plans = self._plans
        plan = plans.get(endpoint)
        if plan is None:
            plan = _plan_for(self._map, endpoint)
            if endpoint in self._map._rules_by_endpoint:  # others could be without number
                plans[endpoint] = plan

        return plan(values, method)


def _no_plan(values: dict[str, Any], method: str | None) -> str | None:
    return None


def _plan_for(map: Buildable, endpoint: Any) -> Plan:
    rules = map._rules_by_endpoint.get(endpoint, [])
    if len(rules) != 1 or not _is_plain(map, rules[0]):
        return _no_plan

    head, slots = _pieces(rules[0])
    return _plan(rules[0], head, slots, sort=map.sort_parameters)


def _is_plain(map: Buildable, rule: Rule) -> bool:
    domain = rule._parts[0]
    here = domain.static and domain.content == (map.default_subdomain or "") == quote(domain.content)
    ours = (type(rule).build, type(rule).suitable_for, type(rule)._encode_query_vars)
    werkzeugs = (Rule.build, Rule.suitable_for, Rule._encode_query_vars)

    return here and ours == werkzeugs and not (map.host_matching or rule.websocket or rule.defaults)


def _pieces(rule: Rule) -> tuple[str, list[tuple[str, ToUrl, str]]]:
    """Split a rule in the text before the first variable and each variable with the text after it."""
    texts = [""]
    names: list[str] = []
    trace = rule._trace
    for dynamic, data in trace[trace.index((False, "|")) + 1 :]:
        if dynamic:
            names.append(data)
            texts.append("")
        else:
            texts[-1] += quote(data, safe=_SEGMENT_SAFE)

    writers = [_to_url(rule._converters[name]) for name in names]
    return texts[0], list(zip(names, writers, texts[1:], strict=True))


def _plan(rule: Rule, head: str, slots: list[tuple[str, ToUrl, str]], *, sort: bool) -> Plan:
    methods = rule.methods
    count = len(slots)
    may_double = head[1:2] == "/" or (head == "/" and count > 0)

    def plan(values: dict[str, Any], method: str | None) -> str | None:
        if method is not None and methods is not None and method not in methods:
            return None

        path = head
        try:
            for name, to_url, text in slots:
                value = values.get(name)
                if value is None:
                    return None
                path += to_url(value) + text
            if may_double:
                path = "/" + path.lstrip("/")
            if len(values) == count:
                return path
            query = _query(rule, {name: values[name] for name in values if name not in rule.arguments}, sort)
        except Exception:  # a converter's refusal or error is shown by Werkzeug
            return None

        return f"{path}?{query}" if query else path

    return plan


def _query(rule: Rule, extra: dict[str, Any], sort: bool) -> str:
    if not sort:
        pairs = []
        for key, value in extra.items():
            if value is None:
                continue
            if type(value) is int:
                value = str(value)
            if type(value) is not str or not (key.isidentifier() and key.isascii()):
                break
            plain = value.isalnum() and value.isascii()
            pairs.append(f"{key}={value if plain else quote_plus(value, safe=_QUERY_SAFE)}")
        else:
            return "&".join(pairs)

    return rule._encode_query_vars({key: value for key, value in extra.items() if value is not None})


def _to_url(converter: BaseConverter) -> ToUrl:
    if getattr(converter.to_url, "__func__", None) is BaseConverter.to_url:
        return _quote_segment
    if type(converter) is IntegerConverter and not converter.fixed_digits:
        return _write_int

    return converter.to_url


def _quote_segment(value: Any) -> str:
    text = value if type(value) is str else str(value)
    if (text.isalnum() and text.isascii()) or _nothing_to_quote(text):
        return text

    return quote(text, safe=_SEGMENT_SAFE)


def _write_int(value: Any) -> str:
    return str(value if type(value) is int else int(value))
