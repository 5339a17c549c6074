"""From a map to the functions that answer for it: whole paths, then a walk, then a search.

``match`` first asks a dict for the whole path, then walks a tree segment by
segment (a static segment wins over a variable, as in Werkzeug), and only if
the walk fails searches with backtracking. Knows no changes: a map that
changed is compiled anew by ``table.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from werkzeug.routing import Rule
from werkzeug.routing.matcher import State, StateMachineMatcher

from costrel.routing.leaves import Leaf, Match, compile_leaf
from costrel.routing.tree import Node, Unsure, grow, search

__all__ = ["Matcher", "Routes", "make_allowed", "make_lacks", "make_match", "start_of"]

Matcher = Callable[[str, str], "Match | None"]
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})


class Routes(Protocol):
    """What the table needs of a map; ``costrel.routing.Map`` has it."""

    version: int
    default_subdomain: str
    host_matching: bool
    redirect_defaults: bool
    _matcher: StateMachineMatcher
    _rules_by_endpoint: dict[Any, list[Rule]]

    def update(self) -> None:
        """Bring rules and edges in order."""


def start_of(map: Routes) -> State | None:
    """Find the state behind the default subdomain, if no host can matter."""
    root = map._matcher._root
    subdomain = map.default_subdomain or ""
    if map.host_matching or type(map._matcher) is not StateMachineMatcher or root.dynamic:
        return None
    if not root.static:
        return State()

    return root.static.get(subdomain) if len(root.static) == 1 else None


def make_match(map: Routes, start: State) -> Matcher:
    """Make the function that answers for one state of the map.

    A tree per method, grown when the method is first asked for. A closure,
    because cells are read faster than attributes.
    """
    methods = _known_methods(start)
    static: dict[str, dict[str, Rule]] = {}
    trees: dict[str, Node] = {}
    make_leaf = _leaf_maker(map)

    def match(method: str, path: str) -> Match | None:
        try:
            rule = static[method].get(path)
        except KeyError:
            if method not in methods:
                return None
            trees[method] = tree = _grow(start, method, make_leaf)
            static[method] = dict(_static_paths(tree))
            return match(method, path)
        if rule is not None:
            return rule, {}

        node: Node | None = trees[method]
        segments = path.split("/")
        for segment in segments:
            node = node.children.get(segment) or node.wild  # type: ignore[union-attr]  # None ends the loop
            if node is None:
                break
        else:
            leaf = node.leaf  # type: ignore[union-attr]  # as above
            if leaf is not None:
                try:
                    found = leaf(segments)
                except Exception:  # a converter's own error is shown by Werkzeug, in its place
                    return None
                if found is not None:
                    return found

        return _search(map, trees[method], method, path, segments)

    return match


def _search(map: Routes, tree: Node, method: str, path: str, segments: list[str]) -> Match | None:
    if path[:1] != "/" or path[1:2] == "/":  # Werkzeug drops leading slashes
        return None

    try:
        found = search(tree, segments)
        if found is None:
            return None
        rule, values = found
        pairs = zip(rule._converters.items(), values, strict=False)
        args = {name: converter.to_python(value) for (name, converter), value in pairs}
        args.update(rule.defaults or {})
        redirects = _may_redirect(map, rule) and any(
            other.suitable_for(args, method) for other in _default_rules(map, rule)
        )
    except Exception:  # Unsure, a value refused, a converter's own error: Werkzeug's to tell
        return None

    if redirects or rule.redirect_to is not None or (rule.alias and map.redirect_defaults):
        return None

    return rule, args


def make_lacks(start: State) -> Callable[[str], bool]:
    """Make the function that knows paths where Werkzeug answers 404, whatever the method."""
    grown: list[Node] = []

    def lacks(path: str) -> bool:
        if path[:1] != "/" or "//" in path:
            return False
        if not grown:
            grown.append(grow(start, lambda rule: True, _no_leaf) or Node())
        try:
            return search(grown[0], path.split("/")) is None
        except Unsure:
            return False

    return lacks


def make_allowed(start: State) -> Callable[[str, str], list[str] | None]:
    """Make the function that knows paths where Werkzeug answers 405, and the methods that they take."""
    methods = _known_methods(start)
    takes_any = any(rule.methods is None for rule in _rules(start))
    trees: dict[str, Node] = {}

    def allowed(method: str, path: str) -> list[str] | None:
        if (
            path[:1] != "/"
            or "//" in path
            or method != method.upper()
            or (takes_any and method not in methods)
        ):
            return None
        if not trees:
            sockets = grow(start, lambda rule: bool(rule.websocket), _no_leaf) or Node()
            trees.update({name: _grow(start, name, _no_leaf) for name in methods}, websocket=sockets)
        segments = path.split("/")
        try:
            found = {name: search(tree, segments) for name, tree in trees.items()}
        except Unsure:
            return None

        rules = {name: one[0] for name, one in found.items() if one is not None}
        # Otherwise Werkzeug refuses the URL's values, redirects, or tells a WebSocket from a page.
        if not rules or method in rules or "websocket" in rules:
            return None
        # A slash that is missing at the end may be forgiven only where the method is right.
        if not all(rule.strict_slashes for rule in rules.values()):
            return None

        return sorted(rules)

    return allowed


def _no_leaf(rule: Rule) -> None:
    """Make no leaf: what only searches needs none."""


def _grow(start: State, method: str, make_leaf: Callable[[Rule], Leaf | None]) -> Node:
    def accept(rule: Rule) -> bool:
        return not rule.websocket and (rule.methods is None or method in rule.methods)

    return grow(start, accept, make_leaf) or Node()


def _known_methods(start: State) -> frozenset[str]:
    """Collect the methods a tree may be grown for, so that no client can grow others."""
    methods: set[str] = set()
    for rule in _rules(start):
        methods.update(_METHODS if rule.methods is None else rule.methods)

    return frozenset(method for method in methods if method == method.upper())


def _rules(start: State) -> Iterator[Rule]:
    states = [start]
    while states:
        state = states.pop()
        yield from state.rules
        states.extend(state.static.values())
        states.extend(following for _, following in state.dynamic)


def _leaf_maker(map: Routes) -> Callable[[Rule], Leaf | None]:
    made: dict[int, Leaf | None] = {}

    def make(rule: Rule) -> Leaf | None:
        if id(rule) not in made:
            made[id(rule)] = compile_leaf(rule) if not _may_redirect(map, rule) else None
        return made[id(rule)]

    return make


def _may_redirect(map: Routes, rule: Rule) -> bool:
    if rule.redirect_to is not None:
        return True

    return map.redirect_defaults and (rule.alias or any(_default_rules(map, rule)))


def _default_rules(map: Routes, rule: Rule) -> Iterator[Rule]:
    """Yield the rules that Werkzeug prefers to this one if the values are their defaults."""
    for other in map._rules_by_endpoint[rule.endpoint]:
        if other is rule:
            return
        if other.defaults and other.provides_defaults_for(rule):
            yield other


def _static_paths(tree: Node) -> Iterator[tuple[str, Rule]]:
    """Yield the paths without variables whose answer is certain and has no arguments."""
    waiting = [(text, node) for text, node in tree.children.items()]
    while waiting:
        path, node = waiting.pop()
        waiting.extend((f"{path}/{text}", child) for text, child in node.children.items())
        if node.leaf is not None and node.rule is not None and not node.rule.defaults:
            yield path, node.rule
