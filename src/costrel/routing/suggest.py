"""What the developer may have meant by a URL or an endpoint that is not there.

For pages and messages in development. Asks the map; changes nothing, and knows
no request.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import BuildError, Map, MapAdapter, RequestRedirect, Rule

__all__ = [
    "ExplainedBuildError",
    "NearMiss",
    "endpoints_taking",
    "explain_build_error",
    "near_misses",
    "nearest",
]


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Something that is there, close to what was asked for."""

    text: str
    """A sentence without a full stop: ``/folder/ exists``."""

    rule: str
    """The path or the rule it speaks of."""

    methods: tuple[str, ...] = ()


class ExplainedBuildError(BuildError):
    """Werkzeug's error for a URL that cannot be built, saying more of what to write instead.

    Example:
        >>> urls = Map([Rule("/u/<int:id>", endpoint="user")]).bind("localhost")
        >>> try:
        ...     urls.build("usr.detail", {"id": 7})
        ... except BuildError as error:
        ...     str(ExplainedBuildError.of(error)).rpartition("? ")[2]
        'These take id: user.'
    """

    @classmethod
    def of(cls, error: BuildError) -> ExplainedBuildError:
        """Make one of the error that Werkzeug raised."""
        return cls(error.endpoint, error.values, error.method, error.adapter)

    def __str__(self) -> str:
        # Werkzeug names one endpoint that is spelled alike; what it does not say is added.
        text = super().__str__()
        if self.adapter is None:
            return text

        map = self.adapter.map
        if any(rule.endpoint == self.endpoint for rule in map.iter_rules()):
            more = explain_build_error(map, self.endpoint, self.values, self.method)
        else:
            more = _who_takes(map, self.values)

        return f"{text} {more}".rstrip()


def nearest(name: str, names: Iterable[str], *, count: int = 3) -> list[str]:
    """Name what is spelled most like a name, the best first.

    Example:
        >>> nearest("user_details", ["user_detail", "user_list", "index"])
        ['user_detail', 'user_list']
    """
    known = sorted(set(names) - {name})
    same_end = [other for other in known if other.rpartition(".")[2] == name.rpartition(".")[2]]
    similar = difflib.get_close_matches(name, known, n=count)

    return list(dict.fromkeys([*same_end, *similar]))[:count]


def endpoints_taking(map: Map, values: Mapping[str, Any]) -> list[str]:
    """Name the endpoints whose variables are exactly these values.

    Example:
        >>> from werkzeug.routing import Rule
        >>> urls = Map([Rule("/u/<int:id>", endpoint="user"), Rule("/", endpoint="index")])
        >>> endpoints_taking(urls, {"id": 7})
        ['user']
    """
    given = {name for name, value in values.items() if value is not None}
    if not given:
        return []

    return sorted({str(rule.endpoint) for rule in map.iter_rules() if _needs(rule) == given})


def explain_build_error(map: Map, endpoint: Any, values: Mapping[str, Any], method: str | None = None) -> str:
    """Say what to write instead, for a URL that cannot be built.

    Args:
        map: Where the endpoint was looked for.
        endpoint: As it was asked for.
        values: As they were given.
        method: If one was asked for.

    Returns:
        Sentences; empty if there is nothing to say.

    Example:
        >>> from werkzeug.routing import Rule
        >>> urls = Map([Rule("/u/<int:id>", endpoint="user")])
        >>> explain_build_error(urls, "user", {"user_id": 7})
        "Endpoint 'user' is '/u/<int:id>': give it id (you gave user_id)."
    """
    rules = [rule for rule in map.iter_rules() if rule.endpoint == endpoint]
    if not rules:
        return _explain_unknown(map, str(endpoint), values)

    methods = sorted({name for rule in rules for name in rule.methods or ()})
    if method is not None and methods and method not in methods:
        return f"Endpoint {endpoint!r} has no rule for {method}, only for {', '.join(methods)}."

    given = {name for name, value in values.items() if value is not None}
    rule = min(rules, key=lambda rule: len(_needs(rule) - given))
    missing = sorted(_needs(rule) - given)
    if not missing:
        return ""

    extra = sorted(given - rule.arguments)
    gave = f" (you gave {', '.join(extra)})" if extra else ""
    return f"Endpoint {endpoint!r} is {rule.rule!r}: give it {', '.join(missing)}{gave}."


def near_misses(map: Map, path: str, method: str = "GET", *, count: int = 5) -> list[NearMiss]:
    """List what is there close to a path that was answered with 404 or 405, the surest first.

    Args:
        map: The map of the application; of several subdomains only the default one is looked at.
        path: The decoded path of the request.
        method: The method of the request.
        count: How many at most.

    Example:
        >>> from werkzeug.routing import Rule
        >>> urls = Map([Rule("/folder/", endpoint="folder", methods=["GET"])], strict_slashes=False)
        >>> [miss.text for miss in near_misses(urls, "/foldr/")]
        ["'/folder/' is spelled like it"]
    """
    adapter = map.bind("localhost", subdomain=None if map.host_matching else map.default_subdomain)
    found = [*_other_methods(adapter, path, method), *_other_paths(adapter, path, method)]
    found += [NearMiss(f"{rule!r} is spelled like it", rule) for rule in _similar_rules(map, path)]

    first = {miss.rule: miss for miss in reversed(found)}
    return [miss for miss in found if first[miss.rule] is miss][:count]


def _explain_unknown(map: Map, endpoint: str, values: Mapping[str, Any]) -> str:
    close = nearest(endpoint, (str(rule.endpoint) for rule in map.iter_rules()))
    question = f"Did you mean {' or '.join(repr(name) for name in close)}? " if close else ""

    return f"{question}{_who_takes(map, values, but=close)}".rstrip()


def _who_takes(map: Map, values: Mapping[str, Any], but: Iterable[str] = ()) -> str:
    taking = [name for name in endpoints_taking(map, values) if name not in but]

    return f"These take {', '.join(sorted(values))}: {', '.join(taking[:5])}." if taking else ""


def _needs(rule: Rule) -> set[str]:
    return rule.arguments - set(rule.defaults or ())


def _methods_at(adapter: MapAdapter, path: str) -> tuple[str, ...]:
    """Name the methods a path answers to, without the automatic ones if there are others."""
    methods = sorted(adapter.allowed_methods(path))
    return tuple(name for name in methods if name not in {"HEAD", "OPTIONS"}) or tuple(methods)


def _exists(adapter: MapAdapter, path: str, method: str) -> bool:
    try:
        adapter.match(path, method)
    except (MethodNotAllowed, RequestRedirect):
        return True
    except HTTPException:
        return False

    return True


def _other_methods(adapter: MapAdapter, path: str, method: str) -> list[NearMiss]:
    methods = _methods_at(adapter, path)
    if not methods or method in methods:
        return []

    verb = "exists" if len(methods) == 1 else "exist"
    return [NearMiss(f"{', '.join(methods)} {verb} here", path, methods)]


def _other_paths(adapter: MapAdapter, path: str, method: str) -> list[NearMiss]:
    """Try the path with another slash at its end, in lower case, and without what was typed around it."""
    slash = path.rstrip("/") if path.endswith("/") else f"{path}/"
    tidy = path.strip(" .,;:)'\"")
    tries = dict.fromkeys([slash, path.lower(), f"{path.lower().rstrip('/')}/", tidy])

    return [
        NearMiss(f"{other} exists", other, _methods_at(adapter, other))
        for other in tries
        if other and other != path and _exists(adapter, other, method)
    ]


def _similar_rules(map: Map, path: str) -> list[str]:
    """Name the rules spelled like a path; a variable counts as spelled right."""
    segments = path.split("/")
    by_spelling: dict[str, str] = {}
    for rule in map.iter_rules():
        if not rule.build_only:
            parts = rule.rule.split("/")
            filled = [
                given if "<" in part else part
                for part, given in zip(parts, segments + [""] * len(parts), strict=False)
            ]
            by_spelling.setdefault("/".join(filled), rule.rule)

    return [by_spelling[text] for text in difflib.get_close_matches(path, by_spelling, n=3, cutoff=0.75)]
