"""The tree of segments for one method, grown from Werkzeug's own, and the exact search in it.

Werkzeug's ``StateMachineMatcher`` holds a tree too; ours has only the rules
for one method, so most of what Werkzeug decides per request is decided here.
Knows no redirects: where Werkzeug would redirect, the search is ``Unsure``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from werkzeug.routing import Rule
from werkzeug.routing.matcher import State
from werkzeug.routing.rules import RulePart

from costrel.routing.leaves import Leaf, compile_pattern, fits_empty

__all__ = ["Edge", "Node", "Unsure", "grow", "search"]


class Unsure(Exception):
    """Only Werkzeug can tell."""


# These two are no dataclasses because such take 0.3 ms each to make, at every start.
class Node:
    """What may follow after some segments."""

    __slots__ = ("children", "edges", "leaf", "loose", "rule", "wild")

    def __init__(self, *, rule: Rule | None = None, leaf: Leaf | None = None) -> None:
        self.children: dict[str, Node] = {}
        self.wild: Node | None = None
        """Where the walk goes on when no child has the segment: the first edge's node."""

        self.leaf = leaf
        """Makes the answer from the segments, if the rule is simple."""

        self.rule = rule
        """The rule that ends here."""

        self.loose: Rule | None = None
        """The rule that ends here and also takes one more slash."""

        self.edges: tuple[Edge, ...] = ()


class Edge(NamedTuple):
    """A dynamic part and the node behind it."""

    pattern: re.Pattern[str] | None
    """None if the expression is broken, which Werkzeug shall tell."""

    groups: tuple[str, ...]
    final: bool
    suffixed: bool
    node: Node


Accept = Callable[[Rule], bool]
MakeLeaf = Callable[[Rule], "Leaf | None"]
Found = tuple[Rule, tuple[str, ...]]


def grow(state: State, accept: Accept, make_leaf: MakeLeaf, depth: int = 0) -> Node | None:
    """Make our node of a state of Werkzeug's, without the rules not accepted.

    Args:
        state: From a map that is up to date, so that its edges are sorted.
        accept: Whether a rule matters.
        make_leaf: Gives a rule its leaf, or None if it has to be searched.
        depth: How many segments led here.

    Returns:
        None if no rule is left.
    """
    rules = [rule for rule in state.rules if accept(rule)]
    node = Node(rule=rules[0] if rules else None)
    node.leaf = make_leaf(rules[0]) if rules else None
    node.loose = next((rule for rule in rules if not rule.strict_slashes), None)

    for text, following in list(state.static.items()):
        home = depth == 1 and text == ""
        child = grow(following, accept, _no_leaf if home else make_leaf, depth + 1)
        if child is None:
            continue
        if home and child.rule is not None:
            # Werkzeug drops leading slashes: behind "/" and "" no walk may end, but the search looks there.
            child.leaf = make_leaf(child.rule)
        node.children[text] = child
    _grow_edges(node, state, accept, make_leaf, depth)

    return node if node.rule or node.children or node.edges else None


def _no_leaf(rule: Rule) -> Leaf | None:
    return None


def _grow_edges(node: Node, state: State, accept: Accept, make_leaf: MakeLeaf, depth: int) -> None:
    edges: list[Edge] = []
    for part, following in list(state.dynamic):
        behind = grow(following, accept, make_leaf, depth + 1)
        if behind is None and compile_pattern(part.content) is not None:
            continue
        behind = behind or Node()  # a broken expression fails in Werkzeug even with nothing behind it
        edges.append(_edge(part, behind))
        if len(edges) > 1 or part.suffixed or (depth == 1 and fits_empty(part)):
            continue
        node.wild = behind
        if part.final:
            node.wild = Node(leaf=behind.leaf)
            node.wild.wild = node.wild  # a path takes all that follows

    node.edges = tuple(edges)


def _edge(part: RulePart, node: Node) -> Edge:
    pattern = compile_pattern(part.content)
    names = pattern.groupindex if pattern is not None else ()
    ours = [name for name in names if name.startswith("__werkzeug_")]
    ours.sort(key=lambda name: int(name[11:]))

    return Edge(pattern, tuple(ours), part.final, part.suffixed, node)


def search(node: Node, segments: list[str], values: tuple[str, ...] = ()) -> Found | None:
    """Find the rule for the segments in exactly Werkzeug's order.

    Raises:
        Unsure: Where Werkzeug would redirect or fail.
    """
    if not segments:
        return _ends_here(node, values)

    child = node.children.get(segments[0])
    found = search(child, segments[1:], values) if child is not None else None
    if found is not None:
        return found

    for edge in node.edges:
        found = _follow(edge, segments, values)
        if found is not None:
            return found

    if segments == [""] and node.loose is not None:
        return node.loose, values

    return None


def _ends_here(node: Node, values: tuple[str, ...]) -> Found | None:
    if node.rule is not None:
        return node.rule, values

    slash = node.children.get("")
    if slash is None or slash.rule is None:
        return None
    if slash.rule.strict_slashes:
        raise Unsure

    return slash.rule, values


def _follow(edge: Edge, segments: list[str], values: tuple[str, ...]) -> Found | None:
    if edge.pattern is None:
        raise Unsure

    match = edge.pattern.match("/".join(segments) if edge.final else segments[0])
    if match is None:
        return None

    rest = [] if edge.final else segments[1:]
    if edge.suffixed and match.groups()[-1] == "/":
        rest = [""]

    return search(edge.node, rest, (*values, *(match[name] for name in edge.groups)))
